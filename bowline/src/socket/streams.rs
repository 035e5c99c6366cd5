//! Sockets as a `Stream` and as a `Sink`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowline_proto::pipe::{Wait, Waiting};
use bowline_proto::{Message, RecvError, SendError, SendErrorKind};
use futures_core::Stream;
use futures_sink::Sink;

use super::handle::Handle;
use crate::rt::BusyPoll;

/// The messages that a socket receives, as a [`Stream`]. It ends when the socket is closed.
///
/// # Cancel safety
///
/// A message is either handed out or still in the socket.
#[derive(Debug)]
pub struct Messages {
    socket: Handle,
    looking: BusyPoll,
    wait: Wait,
}

impl Messages {
    pub(super) fn new(socket: Handle) -> Self {
        let wait = socket.core().wait(Waiting::Recv);
        Self { socket, looking: BusyPoll::default(), wait }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, RecvError>> {
        let core = self.socket.core();
        let mut message = Message::new();
        if !core.options.busy_poll.is_zero() {
            match core.try_recv(&mut message) {
                Err(RecvError::WouldBlock) => ready!(core.poll_busy(cx, &mut self.looking)),
                done => return Poll::Ready(done.map(|()| message)),
            }
        }
        core.poll_recv(cx, &mut self.wait, &mut message).map_ok(|()| message)
    }
}

impl Stream for Messages {
    type Item = Result<Message, RecvError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let received = ready!(this.poll_message(cx));
        this.looking = BusyPoll::default();
        match received {
            Err(RecvError::Closed) => Poll::Ready(None),
            received => Poll::Ready(Some(received)),
        }
    }
}

/// A socket as a [`Sink`] of messages.
///
/// It holds one message at the most, while no pipe has room for it; `flush` waits until a pipe has taken it. Closing
/// the sink flushes it and leaves the socket open.
///
/// # Cancel safety
///
/// Dropping the sink drops the message that it holds; flush it first.
#[derive(Debug)]
pub struct Outgoing {
    socket: Handle,
    wait: Wait,
    held: Option<Message>,
}

impl Outgoing {
    pub(super) fn new(socket: Handle) -> Self {
        let wait = socket.core().wait(Waiting::Send);
        Self { socket, wait, held: None }
    }
}

impl Sink<Message> for Outgoing {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_flush(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        let this = self.get_mut();
        match this.socket.try_send(message) {
            Err(SendError { message, kind: SendErrorKind::WouldBlock }) => {
                this.held = Some(*message);
                Ok(())
            }
            done => done,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let this = self.get_mut();
        let Some(message) = &mut this.held else { return Poll::Ready(Ok(())) };
        let sent = ready!(this.socket.core().poll_send(cx, &mut this.wait, message));
        let message = this.held.take().unwrap_or_default();
        Poll::Ready(sent.map_err(|kind| SendError::new(message, kind)))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_flush(cx)
    }
}
