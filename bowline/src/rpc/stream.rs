//! A hold on one stream, for calls and handlers alike.

use std::sync::Arc;
use std::task::{Context, Poll};

use bowline_proto::Part;
use bowline_proto::mux::{Code, End, SendErrorKind};

use super::connection::Connection;
use super::entry::{Asked, Ending, Ticket};
use super::error::{Fault, Status};
use super::state::State;

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Item(Part),
    /// Nothing more, and all has come.
    End,
    /// Nothing more but this typed error.
    Failed(Part),
    /// Nothing more, and not all has come.
    Fault(Box<Fault>),
}

/// Why nothing more is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsendable {
    /// The other side wants no more; what it has to say is to be received.
    Over,
    TooLarge,
}

/// A hold on one stream. The last one that goes cancels it, unless it is over.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) connection: Arc<Connection>,
    pub(super) ticket: Ticket,
    hold: Hold,
}

/// What holds a stream. In a word, so that a hold is moved in words: what is moved in pieces that overlap stalls the
/// processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Hold {
    /// A call of ours.
    Call,
    /// A call of the peer's: its caller hears if nobody answers.
    Answer,
    /// Another hold on one of them.
    Share,
    /// It was let go of already.
    Released,
}

impl Hold {
    /// Lets go of a stream of this connection, under its lock.
    fn release(&mut self, connection: &Connection) {
        if std::mem::replace(self, Self::Released) == Self::Call {
            connection.count(connection.calls() - 1);
        }
    }
}

impl Stream {
    /// A call of ours.
    pub(super) const fn of_ours(connection: Arc<Connection>, ticket: Ticket) -> Self {
        Self { connection, ticket, hold: Hold::Call }
    }

    /// A call of the peer's. If it is dropped without an answer the caller hears [`Code::INTERNAL`].
    pub(super) const fn of_peer(connection: Arc<Connection>, ticket: Ticket) -> Self {
        Self { connection, ticket, hold: Hold::Answer }
    }

    /// What the holder of a call had to say if nobody answers, this one has to.
    #[cfg(feature = "tower")]
    pub(super) fn supervise(&mut self) -> Self {
        let mut other = self.share();
        other.hold = std::mem::replace(&mut self.hold, Hold::Share);
        other
    }

    /// Another hold on it.
    pub(super) fn share(&self) -> Self {
        self.connection.look(|state| {
            if let Some(entry) = state.entry(self.ticket) {
                entry.holders += 1;
            }
        });
        Self { connection: Arc::clone(&self.connection), ticket: self.ticket, hold: Hold::Share }
    }

    /// The next message.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Next> {
        self.connection.with(|state| {
            let Some(entry) = state.entry(self.ticket) else { return Poll::Ready(Next::End) };
            if let Some((part, consumed)) = entry.take_out() {
                state.consumed(self.ticket, consumed);
                return Poll::Ready(Next::Item(part));
            }
            match entry.end.clone() {
                None => {
                    State::remember(&mut entry.reader, cx.waker());
                    let consumed = entry.report_partial();
                    state.consumed(self.ticket, consumed);
                    Poll::Pending
                }
                Some(end) => Poll::Ready(end.into()),
            }
        })
    }

    /// How the stream ended, once it has. The first message goes to `first`, others are passed over; the stream is let go
    /// of.
    pub(super) fn poll_end(&mut self, cx: &Context<'_>, first: &mut Option<Part>) -> Poll<Next> {
        let Self { connection, ticket, hold } = self;
        let ticket = *ticket;
        connection.with(|state| {
            let Some(entry) = state.entry(ticket) else {
                hold.release(connection);
                return Poll::Ready(Next::End);
            };
            let mut consumed = 0;
            while let Some((part, more)) = entry.take_out() {
                consumed += more;
                first.get_or_insert(part);
            }
            let Some(end) = entry.end.take() else {
                State::remember(&mut entry.reader, cx.waker());
                consumed += entry.report_partial();
                state.consumed(ticket, consumed);
                return Poll::Pending;
            };
            state.release(ticket);
            hold.release(connection);
            Poll::Ready(end.into())
        })
    }

    /// Sends what `held` holds, once there is room for it.
    pub(super) fn poll_send(
        &self,
        cx: &Context<'_>,
        held: &mut Option<Part>,
        end: End,
    ) -> Poll<Result<(), Unsendable>> {
        let Some(part) = held.take() else { return Poll::Ready(Ok(())) };
        self.connection.with(|state| {
            let Some(entry) = state.entry(self.ticket) else { return Poll::Ready(Err(Unsendable::Over)) };
            let Some(id) = entry.stream else { return Poll::Ready(Err(Unsendable::Over)) };
            let Err(error) = state.session.send(id, part, end) else { return Poll::Ready(Ok(())) };
            match error.kind {
                SendErrorKind::Blocked => {
                    *held = Some(*error.payload);
                    if let Some(entry) = state.entry(self.ticket) {
                        State::remember(&mut entry.make_rare().writer, cx.waker());
                    }
                    Poll::Pending
                }
                SendErrorKind::TooLarge => Poll::Ready(Err(Unsendable::TooLarge)),
                _ => Poll::Ready(Err(Unsendable::Over)),
            }
        })
    }

    /// Sends the answer to what was asked and lets go of the stream, which is given back with the answer if there is no room
    /// for it now.
    ///
    /// What is queued goes out without us.
    pub(super) fn answer(mut self, part: Part, asked: Box<Asked>) -> Result<(), (Self, Option<Part>)> {
        let Self { connection, ticket, hold } = &mut self;
        let ticket = *ticket;
        let held = connection.with(|state| {
            // One that is over takes no answer any more.
            if let Some(id) = state.entry(ticket).and_then(|entry| entry.stream)
                && let Err(error) = state.session.send(id, part, End::Finish)
                && matches!(error.kind, SendErrorKind::Blocked | SendErrorKind::TooLarge)
            {
                return Some(*error.payload);
            }
            state.streams().let_go(ticket);
            state.release(ticket);
            state.streams().keep(asked);
            hold.release(connection);
            None
        });
        if held.is_none() {
            return Ok(());
        }
        // It is answered, if its caller waits for that.
        self.hold = Hold::Share;
        Err((self, held))
    }

    /// Ends our direction.
    pub(super) fn finish(&self) {
        self.connection.with(|state| {
            if let Some(id) = state.entry(self.ticket).and_then(|entry| entry.stream) {
                state.session.finish(id);
            }
        });
    }

    /// Ends the peer's stream with a typed error.
    pub(super) fn fail(&self, error: Part) -> Result<(), Unsendable> {
        self.connection.with(|state| {
            let id = state.entry(self.ticket).and_then(|entry| entry.stream).ok_or(Unsendable::Over)?;
            state.session.fail(id, error).map_err(|error| match error.kind {
                SendErrorKind::TooLarge => Unsendable::TooLarge,
                _ => Unsendable::Over,
            })
        })
    }

    /// Lets go of it without an end: what is queued still goes out.
    pub(super) fn let_go(self) {
        self.connection.look(|state| state.streams().let_go(self.ticket));
    }

    /// Ends both directions, and the handler.
    pub(super) fn cancel(&self, code: Code, reason: &str) {
        self.connection.with(|state| {
            state.reset(self.ticket, code, reason);
            state.streams().end(self.ticket, Ending::fault(Fault::Status(Status::new(code, reason))));
        });
    }

    /// Ends both directions.
    pub(super) fn reset(&self, code: Code, reason: &str) {
        self.connection.with(|state| state.reset(self.ticket, code, reason));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Self { connection, ticket, hold } = self;
        if *hold != Hold::Released {
            connection.with(|state| {
                if *hold == Hold::Answer {
                    // Where a panic does not unwind, one that is over would be taken for this one.
                    let panics = cfg!(panic = "unwind") && std::thread::panicking();
                    let why = if panics { "the handler panicked" } else { "the handler gave no answer" };
                    state.reset(*ticket, Code::INTERNAL, why);
                }
                state.release(*ticket);
                hold.release(connection);
            });
        }
    }
}

impl Next {
    /// The fault apart from all else.
    pub(super) fn or_fault(self) -> Result<Self, Box<Fault>> {
        match self {
            Self::Fault(fault) => Err(fault),
            next => Ok(next),
        }
    }
}

impl From<Ending> for Next {
    fn from(end: Ending) -> Self {
        match end {
            Ending::Clean => Self::End,
            Ending::Failed(error) => Self::Failed(*error),
            Ending::Fault(fault) => Self::Fault(fault),
        }
    }
}
