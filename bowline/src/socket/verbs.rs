//! The futures of `send` and `recv`.
//!
//! They are written out, not `async`: an `async fn` moves its message once a layer, and these moves took more time than
//! all the rest of a small message's way. Here it is made on the stack and sent by reference, and received by a call
//! that is not inlined, whose result the compiler cannot take to pieces and put together again.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowline_proto::pipe::{Wait, Waiting};
use bowline_proto::{Message, RecvError, SendError, SendErrorKind};

use crate::driver::core::Core;
use crate::rt;

/// Sends a message; made by `send`.
///
/// # Cancel safety
///
/// One that is dropped before it is done has sent nothing; the message is dropped with it.
#[derive(Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct Sending<'a, M> {
    core: &'a Arc<Core>,
    /// Until the first poll.
    given: Option<M>,
    /// While there is no room for it.
    waiting: Option<(Message, Wait)>,
}

// The message is moved out before it is used, whatever it is.
impl<M> Unpin for Sending<'_, M> {}

impl<'a, M: Into<Message>> Sending<'a, M> {
    #[inline]
    pub(super) const fn new(core: &'a Arc<Core>, message: M) -> Self {
        Self { core, given: Some(message), waiting: None }
    }

    #[cold]
    fn wait(&mut self, message: Message, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        self.waiting = Some((message, self.core.wait(Waiting::Send)));
        self.poll_room(cx)
    }

    fn poll_room(&mut self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        let Some((message, wait)) = &mut self.waiting else { return Poll::Pending };
        let sent = ready!(self.core.poll_send(cx, wait, message));
        let message = std::mem::take(message);
        Poll::Ready(sent.map_err(|kind| SendError::new(message, kind)))
    }
}

impl<M: Into<Message>> Future for Sending<'_, M> {
    type Output = Result<(), SendError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.given.is_none() {
            return this.poll_room(cx);
        }
        ready!(rt::poll_cooperate(cx));
        let Some(given) = this.given.take() else { return Poll::Pending };
        let mut message = given.into();
        match this.core.try_send(&mut message) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(SendErrorKind::WouldBlock) => this.wait(message, cx),
            Err(kind) => Poll::Ready(Err(SendError::new(message, kind))),
        }
    }
}

/// Receives a message; made by `recv`.
///
/// # Cancel safety
///
/// Dropping it loses no message.
#[derive(Debug)]
#[must_use = "nothing is received until it is awaited"]
pub struct Receiving<'a> {
    core: &'a Arc<Core>,
    wait: Option<Wait>,
}

impl<'a> Receiving<'a> {
    #[inline]
    pub(super) const fn new(core: &'a Arc<Core>) -> Self {
        Self { core, wait: None }
    }

    #[inline(never)]
    fn poll_into(&mut self, cx: &mut Context<'_>, into: &mut Message) -> Poll<Result<(), RecvError>> {
        if self.wait.is_none() {
            ready!(rt::poll_cooperate(cx));
            match self.core.try_recv(into) {
                Err(RecvError::WouldBlock) => {}
                done => return Poll::Ready(done),
            }
        }
        let wait = self.wait.get_or_insert_with(|| self.core.wait(Waiting::Recv));
        self.core.poll_recv(cx, wait, into)
    }
}

impl Future for Receiving<'_> {
    type Output = Result<Message, RecvError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut message = Message::new();
        self.get_mut().poll_into(cx, &mut message).map_ok(|()| message)
    }
}
