//! The deadlines of all calls of a socket: one timer, and each is taken out when its call is over.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowline_proto::map::Sorted;
use bowline_proto::time::Instant;

use super::connection::Connection;
use super::entry::Ticket;
use super::hub::Hub;
use super::sync::Mutex;
use crate::rt::{self, Sleep};

/// Which deadline it is: those of one instant are told apart by a number.
pub(super) type Due = (Instant, u64);

/// Deadlines, the next one first.
#[derive(Debug, Default)]
pub(super) struct Timers(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    all: Sorted<Due, (Arc<Connection>, Ticket)>,
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
        while inner.all.first_key_value().is_some_and(|((at, _), _)| *at <= now) {
            passed.extend(inner.all.pop_first().map(|(_, late)| late));
        }
        inner.sleeper = Some(sleeper.clone());
        inner.all.first_key_value().map(|((at, _), _)| *at)
    }
}

/// The task that ends what is late. It ends when the socket is closed, and with it all calls that are pending.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut expiry = Expiry::default();
    tokio::select! {
        biased;
        () = hub.core.closing.cancelled() => {}
        () = poll_fn(|cx| expiry.poll(&hub.timers, cx)) => {}
    }
    hub.end();
}

#[derive(Debug, Default)]
struct Expiry {
    late: Vec<(Arc<Connection>, Ticket)>,
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Expiry {
    fn poll(&mut self, timers: &Timers, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let next = timers.take_passed(rt::now(), cx.waker(), &mut self.late);
            for (connection, ticket) in self.late.drain(..) {
                connection.expire(ticket);
            }
            let Some(next) = next else {
                self.sleep = None;
                return Poll::Pending;
            };
            let (at, sleep) = self.sleep.get_or_insert_with(|| (next, Box::pin(rt::sleep_until(next))));
            if *at != next {
                *at = next;
                rt::reset(sleep.as_mut(), next);
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
    }
}
