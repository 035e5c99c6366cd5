//! One connection: its session, and what is known of its streams beside it.
//!
//! Whoever changes the session takes its events under the same lock. Callers, handlers and the task that serves the
//! connection are woken when the lock is gone; no code of the application's runs under it.
//!
//! Cost of a call on the side that makes it: two locks, one to open the stream and wait, one to take the result. On the
//! other side: one to answer, and a share of one lock for all that a read brought.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowline_proto::message::Queue;
use bowline_proto::mux::{Code, End, Head, OpenErrorKind};
use bowline_proto::time::Instant;
use bowline_proto::{ConnectionId, DisconnectReason, Part, PeerInfo};

use super::entry::{Asked, Ending, Ticket};
use super::error::{Fault, Outcome, Unreachable};
use super::hub::Hub;
use super::serve::{self, Place};
use super::state::State;
use super::stream::Stream;
use super::sync::{AtomicUsize, Mutex, Notify, Ordering};
use crate::driver::attendant::Attended;

/// How many messages are taken at a time, at the least: a quarter of what has come, and all of it where more has come
/// behind it. What is answered is written in between, so that the other side works on it meanwhile. With 64 calls on their
/// way this makes three times as many of them as one turn for all; with 1,000 there is always something to work on, and
/// turns of a quarter cost a fifth more for their system calls.
const TURN: usize = 16;

/// One connection to one peer. The next one to the same endpoint is another.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) hub: Arc<Hub>,
    pub(super) id: ConnectionId,
    pub(super) peer: Arc<PeerInfo>,
    state: Mutex<State>,
    /// A stream of ours has closed: for calls that found as many as may be.
    pub(super) vacancy: Notify,
    /// How many calls wait for that.
    pub(super) waiting: AtomicUsize,
    /// How many calls of ours it has.
    calls: AtomicUsize,
}

/// Why a stream can't be opened here and now; the payload comes back.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// When another one is closed.
    Full(Part),
    /// Not on this connection.
    Elsewhere(Part),
    Never(Box<Fault>),
}

impl Connection {
    pub(super) fn new(hub: Arc<Hub>, id: ConnectionId, peer: Arc<PeerInfo>) -> Arc<Self> {
        let [waiting, calls] = [0, 0].map(AtomicUsize::new);
        let state = Mutex::new(State::new(&hub));
        Arc::new(Self { hub, id, peer, state, vacancy: Notify::new(), waiting, calls })
    }

    /// Does something with the session, and passes on what comes of it.
    #[inline]
    pub(super) fn with<T>(self: &Arc<Self>, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let result = act(&mut state);
        let (after, has_settled) = state.settle();
        drop(state);
        if let Some(after) = after {
            after.perform(self);
        }
        if has_settled {
            self.hub.settled();
        }
        result
    }

    /// Looks at what is known, and changes nothing of the session.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock())
    }

    /// Opens a stream; `reader` is woken when something comes by it.
    pub(super) fn open(
        self: Arc<Self>,
        head: &Head,
        payload: Part,
        end: End,
        deadline: Option<Instant>,
        reader: &Waker,
    ) -> Result<Stream, (Arc<Self>, NotOpened)> {
        let ticket = self.with(|state| {
            if state.streams().going_away || state.lost().is_some() {
                return Err(NotOpened::Elsewhere(payload));
            }
            let id = state.session.open(head, payload, end).map_err(|error| match error.kind {
                OpenErrorKind::Full => NotOpened::Full(*error.payload),
                OpenErrorKind::TooLarge | OpenErrorKind::OneWay => NotOpened::Never(Fault::TooLarge.into()),
                OpenErrorKind::MetadataTooLarge => NotOpened::Never(Fault::MetadataTooLarge.into()),
                // The connection goes on, and would say the same again.
                OpenErrorKind::TooManyMethods => {
                    NotOpened::Never(Fault::Unreachable(Unreachable::TooManyMethods).into())
                }
                _ => NotOpened::Elsewhere(*error.payload),
            })?;
            let ticket = state.streams().insert(id, Some(reader.clone()));
            if let Some(at) = deadline {
                state.arm(&self, ticket, at);
            }
            self.count(self.calls() + 1);
            Ok(ticket)
        });
        match ticket {
            Ok(ticket) => Ok(Stream::of_ours(self, ticket)),
            Err(why) => Err((self, why)),
        }
    }

    /// How many calls of ours it has.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Changes that number; only under the lock, which whoever compares connections does not take.
    pub(super) fn count(&self, calls: usize) {
        self.calls.store(calls, Ordering::Relaxed);
    }

    /// The socket is closed: all streams end, whatever is still sent of them.
    pub(super) fn end(self: &Arc<Self>) {
        self.with(State::end_all);
    }

    /// The deadline of a stream has passed, if it is still there.
    pub(super) fn expire(self: &Arc<Self>, ticket: Ticket) {
        self.with(|state| {
            let Some(entry) = state.entry(ticket) else { return };
            entry.deadline = None;
            if entry.end.is_none() {
                state.streams().end(ticket, Ending::fault(Fault::Deadline(Outcome::MaybeExecuted)));
                state.reset(ticket, Code::DEADLINE, "the deadline has passed");
            }
        });
    }

    pub(super) fn go_away(self: &Arc<Self>, code: Code, reason: &str) {
        self.with(|state| state.session.go_away(code, reason));
    }

    /// Whether no stream is open and nothing waits to be sent.
    pub(super) fn is_idle(&self) -> bool {
        self.look(|state| state.lost().is_some() || state.session.is_idle())
    }

    /// Whether nothing waits to be sent that may be.
    pub(super) fn is_flushed(&self) -> bool {
        self.look(|state| state.lost().is_some() || state.session.unsent() == 0)
    }

    /// Why it takes no call, if it does not.
    pub(super) fn refuses(&self) -> Option<Unreachable> {
        self.look(|state| match state.lost() {
            Some(reason) => Some(Unreachable::PeerGone(reason.clone())),
            None => state.streams().going_away.then_some(Unreachable::GoingAway),
        })
    }
}

impl Attended for Arc<Connection> {
    fn pass_directly(&self) {
        self.look(|state| state.session.set_direct());
    }

    fn take(&self, messages: &mut Queue, more: bool) -> Result<(), DisconnectReason> {
        let turn = if more { messages.len() } else { (messages.len() / 4).max(TURN) };
        let (violation, mut opened) = self.with(|state| {
            // Who hands over asks next what is to be sent.
            state.sender = None;
            state.look_at_clock();
            let violation = state.take_frames(messages, turn);
            (violation, state.take_opened(self))
        });
        // Nobody would wait for what a closed socket begins; it may still linger for what it has to send.
        let is_closed = !opened.is_empty() && self.hub.core.is_closing();
        let mut place = Place::new(&self.hub);
        for opened in opened.drain(..) {
            if is_closed {
                opened.stream.reset(Code::REFUSED, "closed");
            } else {
                serve::begin(self, opened, &mut place);
            }
        }
        if opened.capacity() > 0 {
            self.look(|state| state.to_serve = opened);
        }
        violation.map_or(Ok(()), Err)
    }

    fn poll_give(&self, cx: &Context<'_>, give: &mut dyn FnMut(&[u8], &Part) -> bool) -> Poll<()> {
        self.with(|state| {
            state.look_at_clock();
            let Some(mut goes_on) = state.session.transmit(&mut *give) else {
                State::remember(&mut state.sender, cx.waker());
                return Poll::Pending;
            };
            while goes_on && let Some(more) = state.session.transmit(&mut *give) {
                goes_on = more;
            }
            state.streams().settled = true;
            Poll::Ready(())
        })
    }

    fn lost(&self, reason: &DisconnectReason) {
        self.with(|state| state.lose(reason));
        self.hub.forget(self);
    }
}

/// A stream that the peer has opened, to be served.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) asked: Box<Asked>,
}
