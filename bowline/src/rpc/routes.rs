//! Where calls can go: the connections that take them, and which is next.

use std::sync::Arc;

use bowline_proto::DisconnectReason;
use bowline_proto::engine::backoff::Backoff;

use super::connection::Connection;
use super::error::Unreachable;
use super::hub::Hub;
use super::retries::Budget;
use super::sync::Notify;
use crate::rt;

/// Where the calls of a client go.
#[derive(Debug)]
pub(super) enum Route {
    /// To whoever its socket is connected to.
    Socket { hub: Arc<Hub>, budget: Arc<Budget> },
    /// To one peer, for as long as its connection lasts.
    Peer(Arc<Connection>),
}

impl Route {
    pub(super) fn hub(&self) -> &Arc<Hub> {
        match self {
            Self::Socket { hub, .. } => hub,
            Self::Peer(connection) => &connection.hub,
        }
    }

    /// A connection for a call, if there is one now.
    pub(super) fn pick(&self) -> Result<Option<Arc<Connection>>, Unreachable> {
        match self {
            Self::Socket { hub, .. } => hub.pick(),
            Self::Peer(connection) => match connection.refuses() {
                None => Ok(Some(Arc::clone(connection))),
                Some(why) => Err(why),
            },
        }
    }

    /// A connection that takes calls, if there is one now. No turn passes by this.
    pub(super) fn any(&self) -> Result<Option<Arc<Connection>>, Unreachable> {
        match self {
            Self::Socket { hub, .. } => hub.any(),
            Self::Peer(_) => self.pick(),
        }
    }

    /// A connection for a call, as soon as there is one.
    pub(super) async fn picked(&self) -> Result<Arc<Connection>, Unreachable> {
        // One that takes no more calls is there until whoever has ended it takes it out, and that is a change.
        found(&self.hub().changed, || Ok(self.pick()?.filter(|picked| picked.refuses().is_none()))).await
    }

    /// Another connection than `one`, for a call that `refusals` of them have refused in a row.
    pub(super) fn pick_behind(&self, one: &Arc<Connection>, refusals: usize) -> Option<Arc<Connection>> {
        self.hub().pick_behind(one, refusals)
    }

    /// What there is for calls that are made again. A peer that is called back has one connection, and nothing follows it.
    pub(super) fn retries(&self) -> Option<&Budget> {
        match self {
            Self::Socket { budget, .. } => Some(budget).filter(|budget| budget.is_some()).map(Arc::as_ref),
            Self::Peer(_) => None,
        }
    }

    /// How long a call waits that everybody has refused: as the endpoint would that could not be connected to.
    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.hub().core.options.reconnect, rt::seed())
    }
}

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
        let picked = picked.cloned();
        self.is_hopeful().map(|()| picked)
    }

    /// Whether there is a connection, or may be one.
    pub(super) fn is_hopeful(&self) -> Result<(), Unreachable> {
        match &self.given_up {
            Some(reason) if self.dialed == 0 && self.ready.is_empty() => Err(Unreachable::GivenUp(reason.clone())),
            _ => Ok(()),
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

/// Waits until `look` finds something, or fails.
pub(super) async fn found<T, E>(changed: &Notify, mut look: impl FnMut() -> Result<Option<T>, E>) -> Result<T, E> {
    loop {
        let change = changed.notified();
        tokio::pin!(change);
        // Before it is looked: what changes from here on is heard.
        change.as_mut().enable();
        if let Some(found) = look()? {
            return Ok(found);
        }
        change.await;
    }
}
