//! What is left to do when the lock of a connection is gone: no task is woken and no code of others runs under it.

use std::sync::Arc;
use std::task::Waker;

use bowline_proto::pipe::Wakes;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::sync::Ordering;
use super::timers::Due;
use crate::rt::AbortHandle;

/// What is left to do when no lock is held any more. Mostly that is nothing, or to wake one task.
#[derive(Debug, Default)]
#[must_use = "tasks wait to be woken"]
pub(super) struct After {
    wakes: Wakes,
    deeds: Vec<Deed>,
    /// The deadline of a call that is over. Others are in `deeds`: one needs no allocation.
    disarmed: Option<Due>,
    /// How many streams have closed, for which a call may wait.
    pub(super) vacant: usize,
    /// The connection takes no more calls.
    pub(super) retires: bool,
}

/// What is seldom left to do.
#[derive(Debug)]
pub(super) enum Deed {
    Abort(AbortHandle),
    Cancel(CancellationToken),
    Disarm(Due),
}

impl After {
    #[inline]
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        self.wakes.extend(waker);
    }

    pub(super) fn then(&mut self, deed: Option<Deed>) {
        self.deeds.extend(deed);
    }

    /// A call is over whose deadline need not be waited for.
    pub(super) fn disarm(&mut self, due: Option<Due>) {
        self.deeds.extend(due.and_then(|due| self.disarmed.replace(due)).map(Deed::Disarm));
    }

    /// Whether anything is left to do.
    #[inline]
    pub(super) fn is_something(&self) -> bool {
        !(self.wakes.is_empty()
            && self.deeds.is_empty()
            && self.disarmed.is_none()
            && self.vacant == 0
            && !self.retires)
    }

    /// Does it all.
    #[inline]
    pub(super) fn perform(self, connection: &Arc<Connection>) {
        if !self.wakes.is_empty() {
            self.wakes.wake();
        }
        if !self.deeds.is_empty() {
            self.deeds.into_iter().for_each(|deed| deed.perform(connection));
        }
        if let Some(due) = self.disarmed {
            connection.hub.timers.remove(due);
        }
        if self.vacant > 0 {
            // Who waits has said so before it looked for a place.
            for _ in 0..self.vacant.min(connection.waiting.load(Ordering::Acquire)) {
                connection.vacancy.notify_one();
            }
        }
        if self.retires {
            connection.hub.retire(connection);
            connection.vacancy.notify_waiters();
        }
    }
}

impl Deed {
    fn perform(self, connection: &Connection) {
        match self {
            Self::Abort(task) => task.abort(),
            Self::Cancel(token) => token.cancel(),
            Self::Disarm(due) => connection.hub.timers.remove(due),
        }
    }
}
