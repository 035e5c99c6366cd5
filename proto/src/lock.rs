//! A lock without poisoning: a panic in one task must not take a socket down.
//!
//! Where there is one thread, as in a web page, the lock of the standard library does as well and is smaller; that is the one
//! without the feature `parking`.

#[cfg(feature = "parking")]
pub use parking_lot::{Mutex, MutexGuard};

#[cfg(not(feature = "parking"))]
pub use plain::{Mutex, MutexGuard};

#[cfg(not(feature = "parking"))]
mod plain {
    use std::sync::PoisonError;

    pub use std::sync::MutexGuard;

    /// The lock of the standard library, without poisoning.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// A lock around this.
        pub const fn new(value: T) -> Self {
            Self(std::sync::Mutex::new(value))
        }

        /// Waits for it.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
