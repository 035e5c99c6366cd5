//! Where calls can go: the connections that take them, and which is next.

use std::sync::Arc;

use bowline_proto::DisconnectReason;

use super::connection::Connection;
use super::error::Unreachable;

/// Which of its connections a client calls by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Balance {
    /// Each in its turn. The default: it needs no knowledge, and is fair where calls cost the same.
    #[default]
    RoundRobin,
    /// The one that has the fewest calls pending: for calls that differ in what they cost, and for servers that do.
    LeastPending,
}

/// The connections that take calls.
#[derive(Debug)]
pub(super) struct Routes {
    balance: Balance,
    ready: Vec<Arc<Connection>>,
    next: usize,
    /// How many endpoints are connected to, or may be.
    dialed: usize,
    /// Why the last of them was given up.
    given_up: Option<DisconnectReason>,
}

impl Routes {
    pub(super) const fn new(balance: Balance) -> Self {
        Self { balance, ready: Vec::new(), next: 0, dialed: 0, given_up: None }
    }

    /// A connection for a call, if there is one.
    pub(super) fn pick(&mut self) -> Result<Option<Arc<Connection>>, Unreachable> {
        let picked = match self.balance {
            _ if self.ready.len() <= 1 => self.ready.first(),
            Balance::RoundRobin => {
                self.next = (self.next + 1) % self.ready.len();
                self.ready.get(self.next)
            }
            Balance::LeastPending => self.ready.iter().min_by_key(|one| one.calls()),
        };
        match (picked, &self.given_up) {
            (None, Some(reason)) if self.dialed == 0 => Err(Unreachable::GivenUp(reason.clone())),
            (picked, _) => Ok(picked.cloned()),
        }
    }

    /// Another connection than `one`, the one behind it, for a call that `refusals` of them have refused in a row.
    pub(super) fn pick_behind(&self, one: &Arc<Connection>, refusals: usize) -> Option<Arc<Connection>> {
        let at = self.ready.iter().position(|known| Arc::ptr_eq(known, one))?;
        if refusals >= self.ready.len() { None } else { self.ready.get((at + 1) % self.ready.len()).cloned() }
    }

    pub(super) fn add(&mut self, connection: &Arc<Connection>) {
        self.ready.push(Arc::clone(connection));
    }

    pub(super) fn remove(&mut self, connection: &Arc<Connection>) {
        self.ready.retain(|known| !Arc::ptr_eq(known, connection));
    }

    pub(super) fn dials(&mut self) {
        self.dialed += 1;
    }

    pub(super) fn dials_less(&mut self) {
        self.dialed = self.dialed.saturating_sub(1);
    }

    pub(super) fn gave_up(&mut self, reason: &DisconnectReason) {
        self.dials_less();
        self.given_up = Some(reason.clone());
    }
}
