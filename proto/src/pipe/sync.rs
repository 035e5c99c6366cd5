//! The locks and flags of pipes: real ones in every program, loom's under its model checker, which tries every order in
//! which tasks can meet at them.

#[cfg(not(all(test, bowline_loom)))]
pub(super) use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(not(all(test, bowline_loom)))]
pub(super) use crate::lock::Mutex;
#[cfg(all(test, bowline_loom))]
pub(super) use loom::sync::atomic::{AtomicBool, Ordering};

#[cfg(all(test, bowline_loom))]
pub(super) use self::model::Mutex;

#[cfg(all(test, bowline_loom))]
mod model {
    /// loom's mutex in the shape of ours: without poisoning.
    #[derive(Debug, Default)]
    pub(in super::super) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(in super::super) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(in super::super) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("loom's mutex is never poisoned")
        }
    }
}
