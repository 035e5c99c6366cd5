//! The deadlines of all calls of a socket: one timer, and each is taken out when its call is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use bowline_proto::time::Instant;
use parking_lot::Mutex;

use super::connection::Connection;
use super::entry::Ticket;

/// Which deadline it is: those of one instant are told apart by a number.
pub(super) type Due = (Instant, u64);

/// Deadlines, the next one first.
#[derive(Debug, Default)]
pub(super) struct Timers(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    all: BTreeMap<Due, (Arc<Connection>, Ticket)>,
    serial: u64,
    /// The task that sleeps until the first of them.
    sleeper: Option<Waker>,
}

impl Timers {
    /// Adds a deadline; whoever is returned has to sleep shorter than it meant to.
    pub(super) fn add(&self, at: Instant, connection: &Arc<Connection>, ticket: Ticket) -> (Due, Option<Waker>) {
        let mut inner = self.0.lock();
        inner.serial += 1;
        let due = (at, inner.serial);
        let is_first = inner.all.first_key_value().is_none_or(|(first, _)| due < *first);
        inner.all.insert(due, (Arc::clone(connection), ticket));
        (due, if is_first { inner.sleeper.take() } else { None })
    }

    /// The call of the deadline is over.
    pub(super) fn remove(&self, due: Due) {
        self.0.lock().all.remove(&due);
    }

    /// Takes out those that have passed, and says when the next one is due.
    pub(super) fn take_passed(
        &self,
        now: Instant,
        sleeper: &Waker,
        passed: &mut Vec<(Arc<Connection>, Ticket)>,
    ) -> Option<Instant> {
        let mut inner = self.0.lock();
        while let Some(first) = inner.all.first_entry().filter(|first| first.key().0 <= now) {
            passed.push(first.remove());
        }
        inner.sleeper = Some(sleeper.clone());
        inner.all.first_key_value().map(|((at, _), _)| *at)
    }
}
