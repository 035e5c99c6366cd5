//! One connection: its session, and what is known of its streams beside it.
//!
//! Whoever changes the session also flushes it, under the same lock, and takes its events. Callers, handlers and the
//! task of the socket are woken when the lock is gone; no code of the application's runs under it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bowline_proto::mux::{Code, End, Head, OpenErrorKind};
use bowline_proto::pipe::PipeId;
use bowline_proto::time::Instant;
use bowline_proto::{ConnectionId, DisconnectReason, Message, Part, PeerInfo};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::entry::{Ending, Ticket};
use super::error::{Fault, Outcome, Unreachable};
use super::hub::Hub;
use super::state::{After, State};
use super::stream::Stream;

/// One connection to one peer. The next one to the same endpoint is another.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) hub: Arc<Hub>,
    pub(super) id: ConnectionId,
    pub(super) pipe: PipeId,
    pub(super) peer: Arc<PeerInfo>,
    state: Mutex<State>,
    /// A stream of ours has closed: for calls that found as many as may be.
    pub(super) vacancy: Notify,
    /// How many calls wait for that.
    pub(super) waiting: AtomicUsize,
    /// How many calls of ours it has.
    pub(super) calls: AtomicUsize,
}

/// Why a stream can't be opened here and now; the payload comes back.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// When another one is closed.
    Full(Part),
    /// Not on this connection.
    Elsewhere(Part),
    Never(Fault),
}

impl Connection {
    pub(super) fn new(hub: Arc<Hub>, pipe: PipeId, id: ConnectionId, peer: Arc<PeerInfo>) -> Arc<Self> {
        let [waiting, calls] = [0, 0].map(AtomicUsize::new);
        let state = Mutex::new(State::new(&hub));
        Arc::new(Self { hub, id, pipe, peer, state, vacancy: Notify::new(), waiting, calls })
    }

    /// Does something with the session, passes on what comes of it, and flushes it.
    pub(super) fn with<T>(self: &Arc<Self>, act: impl FnOnce(&mut State, &mut After) -> T) -> T {
        let mut after = After::default();
        let result = self.with_after(&mut after, act);
        after.wake();
        result
    }

    /// As [`with`](Self::with) where the caller holds a lock; it calls [`After::wake`] when it holds none.
    pub(super) fn with_after<T>(
        self: &Arc<Self>,
        after: &mut After,
        act: impl FnOnce(&mut State, &mut After) -> T,
    ) -> T {
        let mut state = self.state.lock();
        let result = act(&mut state, after);
        state.settle(self, after);
        result
    }

    /// Looks at what is known, and changes nothing of the session.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock())
    }

    /// Opens a stream.
    pub(super) fn open(
        self: &Arc<Self>,
        head: &Head,
        payload: Part,
        end: End,
        deadline: Option<Instant>,
    ) -> Result<Stream, NotOpened> {
        let ticket = self.with(|state, after| {
            if state.going_away || state.lost.is_some() {
                return Err(NotOpened::Elsewhere(payload));
            }
            let id = state.session.open(head, payload, end).map_err(|error| match error.kind {
                OpenErrorKind::Full => NotOpened::Full(*error.payload),
                OpenErrorKind::TooLarge | OpenErrorKind::OneWay => NotOpened::Never(Fault::TooLarge),
                OpenErrorKind::MetadataTooLarge => NotOpened::Never(Fault::MetadataTooLarge),
                _ => NotOpened::Elsewhere(*error.payload),
            })?;
            let ticket = state.insert(id);
            if let Some(at) = deadline {
                state.arm(self, ticket, at, after);
            }
            self.calls.fetch_add(1, Ordering::Relaxed);
            Ok(ticket)
        })?;
        Ok(Stream::new(Arc::clone(self), ticket, true))
    }

    /// Takes frames in; the streams whose first message is complete are added to `opened`.
    pub(super) fn handle(
        self: &Arc<Self>,
        frames: impl Iterator<Item = Message>,
        after: &mut After,
        opened: &mut Vec<Opened>,
    ) {
        let violation = self.with_after(after, |state, after| {
            let violation = state.take_frames(frames, self, after);
            state.take_opened(self, opened);
            violation
        });
        if let Some(reason) = violation {
            self.hub.core.end_apart((self.pipe, self.id), reason, &mut after.wakes);
        }
    }

    /// There is room again.
    pub(super) fn relieved(self: &Arc<Self>, after: &mut After) {
        self.with_after(after, |state, _| state.is_full = false);
    }

    /// The connection is gone.
    pub(super) fn lose(self: &Arc<Self>, reason: &DisconnectReason, after: &mut After) {
        self.with_after(after, |state, after| state.lose(reason, self, after));
    }

    /// The deadline of a stream has passed, if it is still there.
    pub(super) fn expire(self: &Arc<Self>, ticket: Ticket) {
        self.with(|state, after| {
            let Some(entry) = state.entry(ticket) else { return };
            entry.deadline = None;
            if entry.end.is_none() {
                state.end(ticket, Ending::Fault(Fault::Deadline(Outcome::MaybeExecuted)), after);
                state.reset(ticket, Code::DEADLINE, "the deadline has passed");
            }
        });
    }

    pub(super) fn go_away(self: &Arc<Self>, code: Code, reason: &str) {
        self.with(|state, _| state.session.go_away(code, reason));
    }

    /// Whether no stream is open and nothing waits to be sent.
    pub(super) fn is_idle(&self) -> bool {
        self.look(|state| state.lost.is_some() || (state.session.is_idle() && state.held.is_none()))
    }

    /// Whether nothing waits to be sent that may be.
    pub(super) fn is_flushed(&self) -> bool {
        self.look(|state| state.lost.is_some() || (state.session.unsent() == 0 && state.held.is_none()))
    }

    /// Why it takes no call, if it does not.
    pub(super) fn refuses(&self) -> Option<Unreachable> {
        self.look(|state| match &state.lost {
            Some(reason) => Some(Unreachable::PeerGone(reason.clone())),
            None => state.going_away.then_some(Unreachable::GoingAway),
        })
    }
}

/// A stream that the peer has opened, to be served.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) head: Head,
    pub(super) args: Part,
}
