//! The lock around what the tasks of a socket share.
//!
//! It is taken for every message, nearly always by the thread that had it last, and no longer than some calls take. To take it is
//! one atomic instruction, to give it back a plain store. A lock that wakes its waiters needs a second such instruction for
//! that: 11 ns on a server core, as the first one, and the two were half of the time of a small message on each side.
//!
//! The price is that whoever finds it taken is not woken, and looks again: at once for some microseconds, then behind the other
//! threads of its core, then after sleeping. So a holder that the system has put aside keeps no core busy, and gets one back
//! whatever the priorities are.
//!
//! It knows no poisoning: a panic in one task must not take a socket down.

use std::thread;
use std::time::Duration;

use crossbeam_utils::Backoff;
use spin::mutex::{SpinMutex, SpinMutexGuard};

/// How long who waits sleeps: a little more than it takes to put a thread to sleep and to wake it.
const NAP: Duration = Duration::from_micros(50);

/// A value that one thread has at a time.
#[derive(Debug, Default)]
pub struct Mutex<T>(SpinMutex<T>);

/// The value of a [`Mutex`], until it is dropped.
pub type MutexGuard<'a, T> = SpinMutexGuard<'a, T>;

impl<T> Mutex<T> {
    /// A lock around this.
    pub const fn new(value: T) -> Self {
        Self(SpinMutex::new(value))
    }

    /// Waits for it, with the thread.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        match self.0.try_lock() {
            Some(guard) => guard,
            None => self.wait(),
        }
    }

    #[cold]
    #[expect(clippy::disallowed_methods, reason = "a lock waits with the thread, however it does it")]
    fn wait(&self) -> MutexGuard<'_, T> {
        let backoff = Backoff::new();
        loop {
            if backoff.is_completed() {
                thread::sleep(NAP);
            } else {
                backoff.snooze();
            }
            // To look takes the cache line from nobody.
            if !self.0.is_locked()
                && let Some(guard) = self.0.try_lock()
            {
                return guard;
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a lock is for threads")]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_threads_do_at_the_same_time_is_done_one_after_the_other() {
        let count = Arc::new(Mutex::new(0));
        let threads = [(); 4].map(|()| {
            let count = Arc::clone(&count);
            thread::spawn(move || (0..10_000).for_each(|_| *count.lock() += 1))
        });
        for thread in threads {
            thread.join().expect("it counts");
        }
        assert_eq!(*count.lock(), 40_000);
    }

    #[test]
    fn whoever_waits_for_long_has_it_in_the_end() {
        let lock = Arc::new(Mutex::new("taken"));
        let held = lock.lock();
        let (begins, begun) = mpsc::channel();
        let waits = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || {
                begins.send(()).expect("somebody hears it");
                *lock.lock()
            })
        };
        begun.recv().expect("it begins");
        // So long that it sleeps: as many turns of this core as it takes to look, and some.
        (0..1000).for_each(|_| thread::yield_now());
        let mut held = held;
        *held = "given back";
        drop(held);
        assert_eq!(waits.join().expect("it had it"), "given back");
    }

    #[test]
    fn a_panic_gives_it_back() {
        let lock = Arc::new(Mutex::new(1));
        let panics = Arc::clone(&lock);
        let panicked = thread::spawn(move || {
            let _held = panics.lock();
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        assert_eq!(*lock.lock(), 1);
    }
}
