//! A hold on one stream, for calls and handlers alike.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bowline_proto::Part;
use bowline_proto::mux::{Code, End, SendErrorKind};

use super::connection::Connection;
use super::entry::{Ending, Ticket};
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
}

impl Stream {
    pub(super) const fn new(connection: Arc<Connection>, ticket: Ticket, is_call: bool) -> Self {
        Self { connection, ticket, is_call }
    }

    /// Another hold on it.
    pub(super) fn share(&self) -> Self {
        self.connection.look(|state| {
            if let Some(entry) = state.entry(self.ticket) {
                entry.holders += 1;
            }
        });
        Self { connection: Arc::clone(&self.connection), ticket: self.ticket, is_call: false }
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
                Some(Ending::Clean) => Poll::Ready(Next::End),
                Some(Ending::Failed(error)) => Poll::Ready(Next::Failed(error)),
                Some(Ending::Fault(fault)) => Poll::Ready(Next::Fault(fault)),
            }
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

    /// Whether it was ended from outside.
    pub(super) fn is_cancelled(&self) -> bool {
        self.connection
            .look(|state| state.entry(self.ticket).is_none_or(|entry| matches!(entry.end, Some(Ending::Fault(_)))))
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
        self.connection.with(|state, after| state.release(&self.connection, self.ticket, after));
    }
}
