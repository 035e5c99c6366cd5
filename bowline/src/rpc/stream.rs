//! A hold on one stream, for calls and handlers alike.

use std::sync::Arc;
use std::task::{Context, Poll};

use bowline_proto::Part;
use bowline_proto::mux::{Code, End, SendErrorKind};

use super::connection::Connection;
use super::entry::{Ending, Ticket};
use super::error::{Fault, Status};
use super::state::State;
use super::sync::Ordering;

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    Item(Part),
    /// Nothing more, and all has come.
    End,
    /// Nothing more but this typed error.
    Failed(Part),
    /// Nothing more, and not all has come.
    Fault(Fault),
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
    /// It is a call of ours.
    is_call: bool,
    /// It was let go of already.
    is_released: bool,
}

impl Stream {
    pub(super) const fn new(connection: Arc<Connection>, ticket: Ticket, is_call: bool) -> Self {
        Self { connection, ticket, is_call, is_released: false }
    }

    /// Another hold on it.
    pub(super) fn share(&self) -> Self {
        self.connection.look(|state| {
            if let Some(entry) = state.entry(self.ticket) {
                entry.holders += 1;
            }
        });
        Self::new(Arc::clone(&self.connection), self.ticket, false)
    }

    /// The next message.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Next> {
        self.connection.with(|state, _| {
            let Some(entry) = state.entry(self.ticket) else { return Poll::Ready(Next::End) };
            if let Some((part, consumed)) = entry.take_out() {
                if let (Some(id), true) = (entry.stream, consumed > 0) {
                    state.session.consumed(id, consumed);
                }
                return Poll::Ready(Next::Item(part));
            }
            match entry.end.clone() {
                None => {
                    State::remember(&mut entry.reader, cx.waker());
                    Poll::Pending
                }
                Some(end) => Poll::Ready(end.into()),
            }
        })
    }

    /// How the stream ended, once it has. The first message goes to `first`, others are passed over; the stream is let go
    /// of.
    pub(super) fn poll_end(&mut self, cx: &Context<'_>, first: &mut Option<Part>) -> Poll<Next> {
        let (connection, ticket, is_released) = (&self.connection, self.ticket, &mut self.is_released);
        connection.with(|state, after| {
            let Some(entry) = state.entry(ticket) else { return Poll::Ready(Next::End) };
            let mut consumed = 0;
            while let Some((part, more)) = entry.take_out() {
                consumed += more;
                first.get_or_insert(part);
            }
            let Some(end) = entry.end.take() else {
                State::remember(&mut entry.reader, cx.waker());
                if let (Some(id), true) = (entry.stream, consumed > 0) {
                    state.session.consumed(id, consumed);
                }
                return Poll::Pending;
            };
            state.release(connection, ticket, after);
            *is_released = true;
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
        self.connection.with(|state, _| {
            let Some(entry) = state.entry(self.ticket) else { return Poll::Ready(Err(Unsendable::Over)) };
            let Some(id) = entry.stream else { return Poll::Ready(Err(Unsendable::Over)) };
            let Err(error) = state.session.send(id, part, end) else { return Poll::Ready(Ok(())) };
            match error.kind {
                SendErrorKind::Blocked => {
                    *held = Some(*error.payload);
                    if let Some(entry) = state.entry(self.ticket) {
                        State::remember(&mut entry.writer, cx.waker());
                    }
                    Poll::Pending
                }
                SendErrorKind::TooLarge => Poll::Ready(Err(Unsendable::TooLarge)),
                _ => Poll::Ready(Err(Unsendable::Over)),
            }
        })
    }

    /// Sends the answer and lets go of the stream, which is given back with the answer if there is no room for it now.
    ///
    /// What is queued goes out without us.
    pub(super) fn answer(mut self, part: Part) -> Result<(), (Self, Option<Part>)> {
        let (connection, ticket) = (&self.connection, self.ticket);
        let held = connection.with(|state, after| {
            // One that is over takes no answer any more.
            if let Some(id) = state.entry(ticket).and_then(|entry| entry.stream)
                && let Err(error) = state.session.send(id, part, End::Finish)
                && matches!(error.kind, SendErrorKind::Blocked | SendErrorKind::TooLarge)
            {
                return Some(*error.payload);
            }
            state.let_go(ticket);
            state.release(connection, ticket, after);
            None
        });
        self.is_released = held.is_none();
        if self.is_released { Ok(()) } else { Err((self, held)) }
    }

    /// Ends our direction.
    pub(super) fn finish(&self) {
        self.connection.with(|state, _| {
            if let Some(id) = state.entry(self.ticket).and_then(|entry| entry.stream) {
                state.session.finish(id);
            }
        });
    }

    /// Ends the peer's stream with a typed error.
    pub(super) fn fail(&self, error: Part) -> Result<(), Unsendable> {
        self.connection.with(|state, _| {
            let id = state.entry(self.ticket).and_then(|entry| entry.stream).ok_or(Unsendable::Over)?;
            state.session.fail(id, error).map_err(|error| match error.kind {
                SendErrorKind::TooLarge => Unsendable::TooLarge,
                _ => Unsendable::Over,
            })
        })
    }

    /// Lets go of it without an end: what is queued still goes out.
    pub(super) fn let_go(self) {
        self.connection.look(|state| state.let_go(self.ticket));
    }

    /// Ends both directions, and the handler.
    pub(super) fn cancel(&self, code: Code, reason: &str) {
        self.connection.with(|state, after| {
            state.reset(self.ticket, code, reason);
            state.end(self.ticket, Ending::Fault(Fault::Status(Status::new(code, reason))), after);
        });
    }

    /// Ends both directions.
    pub(super) fn reset(&self, code: Code, reason: &str) {
        self.connection.with(|state, _| state.reset(self.ticket, code, reason));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.is_call {
            self.connection.calls.fetch_sub(1, Ordering::Relaxed);
        }
        if !self.is_released {
            self.connection.with(|state, after| state.release(&self.connection, self.ticket, after));
        }
    }
}

impl Next {
    /// The fault apart from all else.
    pub(super) fn or_fault(self) -> Result<Self, Fault> {
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
            Ending::Failed(error) => Self::Failed(error),
            Ending::Fault(fault) => Self::Fault(fault),
        }
    }
}
