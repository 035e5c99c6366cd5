//! The mailbox of a socket: edges come in, and the tasks that wait for them are woken.

use std::sync::Arc;
use std::task::Waker;

use slab::Slab;

use super::sync::{AtomicBool, Mutex, Ordering};
use super::{PipeId, Wakes};

/// An edge: what was not so before is so now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The pipe has something to read, after it was found empty.
    Readable(PipeId),
    /// The pipe has room, after it was found full.
    Writable(PipeId),
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Something to receive.
    Recv,
    /// Room to send.
    Send,
    /// A peer that comes or goes, or a change of its subscriptions.
    Peers,
}

/// Where pipes post their edges.
///
/// A pipe posts an edge only after its socket found it empty or full, so at most two wait for each pipe.
#[derive(Debug, Default)]
pub struct Mailbox {
    /// Whether there are signals: what a socket looks at before each message, without the lock.
    posted: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    signals: Vec<Signal>,
    waiting: [WaitList; 3],
}

/// The tasks that wait for one thing. They are always woken together.
#[derive(Debug, Default)]
struct WaitList {
    /// How often they were woken: a place is good until the next time.
    woken: u64,
    tasks: Slab<Waker>,
}

impl WaitList {
    fn wake(&mut self) -> Wakes {
        self.woken += 1;
        let mut wakes = Wakes::new();
        self.tasks.drain().for_each(|task| wakes.push(task));
        wakes
    }
}

impl Mailbox {
    /// Posts `signal` and returns the tasks that wait for it.
    pub fn post(&self, signal: Signal) -> Wakes {
        let mut inner = self.inner.lock();
        inner.signals.push(signal);
        self.posted.store(true, Ordering::Release);
        let list = match signal {
            Signal::Readable(_) => Waiting::Recv,
            Signal::Writable(_) => Waiting::Send,
        };
        inner.waiting[list as usize].wake()
    }

    /// The tasks that wait for `waiting`, to be woken.
    pub fn waiters(&self, waiting: Waiting) -> Wakes {
        self.inner.lock().waiting[waiting as usize].wake()
    }

    /// Whether signals wait.
    #[inline]
    pub fn has_signals(&self) -> bool {
        self.posted.load(Ordering::Acquire)
    }

    /// Moves the signals into `signals`.
    pub fn collect(&self, signals: &mut Vec<Signal>) {
        let mut inner = self.inner.lock();
        signals.append(&mut inner.signals);
        self.posted.store(false, Ordering::Release);
    }

    /// A place for one task to wait at; it is left when the value is dropped.
    pub fn wait(self: &Arc<Self>, waiting: Waiting) -> Wait {
        Wait { mailbox: Arc::clone(self), waiting, place: None }
    }
}

/// A place for one task to wait at.
#[derive(Debug)]
pub struct Wait {
    mailbox: Arc<Mailbox>,
    waiting: Waiting,
    /// Where the task stands in the list, and the list's count of wakes when it went there.
    place: Option<(usize, u64)>,
}

impl Wait {
    /// Lets the task behind `waker` wait, unless signals have come: then the caller looks at them first.
    #[must_use]
    pub fn register(&mut self, waker: &Waker) -> bool {
        let mut inner = self.mailbox.inner.lock();
        if !inner.signals.is_empty() {
            return false;
        }
        let list = &mut inner.waiting[self.waiting as usize];
        match self.place {
            Some((place, woken)) if woken == list.woken => list.tasks[place].clone_from(waker),
            _ => self.place = Some((list.tasks.insert(waker.clone()), list.woken)),
        }
        true
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some((place, woken)) = self.place {
            let list = &mut self.mailbox.inner.lock().waiting[self.waiting as usize];
            if woken == list.woken {
                list.tasks.remove(place);
            }
        }
    }
}
