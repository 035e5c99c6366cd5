//! Pipes: how much may wait between a socket and a connection.
//!
//! A pipe has two halves, an [`Outbox`] and an [`Inbox`]. They and the [`Mailbox`] are the only objects that two tasks
//! share. Data goes by pipe; what goes by mailbox are edges: *there is something to read again*, *there is room again*.
//!
//! Locks are leaves: no method here takes a second lock while it holds one, and none wakes a task under a lock. Tasks
//! to be woken are collected in [`Wakes`] and woken by the caller when all its locks are gone.

mod inbox;
pub mod lifecycle;
#[cfg(all(test, bowline_loom))]
mod loom;
mod mailbox;
mod outbox;
mod reader;
mod sync;
#[cfg(test)]
pub(crate) mod tests;
mod writer;

use std::task::Waker;

pub use inbox::{Full, Inbox};
pub use mailbox::{Mailbox, Signal, Wait, Waiting};
pub use outbox::{Outbox, Take};
pub use reader::Reader;
pub use writer::Writer;

/// A pipe of one socket. The serial number tells a pipe from an earlier one at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipeId {
    /// Its place.
    pub index: u32,
    /// Which of the pipes that were at this place it is.
    pub serial: u32,
}

/// Tasks to be woken, once no lock is held any more.
#[derive(Debug, Default)]
#[must_use = "these tasks wait to be woken"]
pub struct Wakes {
    // Mostly there is one at the most, and a list of one would have to be allocated.
    first: Option<Waker>,
    more: Vec<Waker>,
}

impl Wakes {
    /// None.
    pub const fn new() -> Self {
        Self { first: None, more: Vec::new() }
    }

    /// Adds a task.
    pub fn push(&mut self, waker: Waker) {
        match self.first {
            None => self.first = Some(waker),
            Some(_) => self.more.push(waker),
        }
    }

    /// Adds the task, if there is one.
    #[inline]
    pub fn extend(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.push(waker);
        }
    }

    /// Adds the tasks of `other`.
    pub fn append(&mut self, mut other: Self) {
        self.extend(other.first.take());
        self.more.append(&mut other.more);
    }

    /// Takes what is collected.
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Whether there is nobody to wake.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Wakes them all. The caller holds no lock.
    pub fn wake(self) {
        for waker in self.first.into_iter().chain(self.more) {
            waker.wake();
        }
    }
}
