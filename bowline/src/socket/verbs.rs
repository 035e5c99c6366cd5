//! The futures of `send` and `recv`, of one message and of many.
//!
//! They are written out, not `async`: an `async fn` moves its message once a layer, and these moves took more time than
//! all the rest of a small message's way. Here it is made on the stack and sent by reference, and received by a call
//! that is not inlined, whose result the compiler cannot take to pieces and put together again.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowline_proto::pipe::{Wait, Waiting};
use bowline_proto::{Message, RecvError, SendError, SendErrorKind};

use crate::driver::core::Core;
use crate::rt::{self, BusyPoll};

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
    /// While there is no room for it. Boxed: one that never waits, as most, is shorter for it, and drops no message.
    waiting: Option<Box<(Message, Wait)>>,
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
        self.waiting = Some(Box::new((message, self.core.wait(Waiting::Send))));
        self.poll_room(cx)
    }

    fn poll_room(&mut self, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        let Some((message, wait)) = self.waiting.as_deref_mut() else { return Poll::Pending };
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
    looking: BusyPoll,
    wait: Option<Wait>,
}

impl<'a> Receiving<'a> {
    #[inline]
    pub(super) fn new(core: &'a Arc<Core>) -> Self {
        Self { core, looking: BusyPoll::default(), wait: None }
    }

    #[inline(never)]
    fn poll_into(&mut self, cx: &mut Context<'_>, into: &mut Message) -> Poll<Result<(), RecvError>> {
        if self.wait.is_none() {
            ready!(rt::poll_cooperate(cx));
            match self.core.try_recv(into) {
                Err(RecvError::WouldBlock) => {}
                done => return Poll::Ready(done),
            }
            ready!(self.core.poll_busy(cx, &mut self.looking));
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

/// Sends messages; made by `send_many`.
///
/// # Cancel safety
///
/// When it is dropped, what is still in the queue was not sent, and the rest was.
#[derive(Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct SendingMany<'a> {
    core: &'a Arc<Core>,
    messages: &'a mut VecDeque<Message>,
    wait: Option<Wait>,
}

impl<'a> SendingMany<'a> {
    pub(super) const fn new(core: &'a Arc<Core>, messages: &'a mut VecDeque<Message>) -> Self {
        Self { core, messages, wait: None }
    }
}

impl Future for SendingMany<'_> {
    type Output = Result<(), SendErrorKind>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { core, messages, wait } = self.get_mut();
        while !messages.is_empty() {
            ready!(rt::poll_budget(cx));
            let sent = match core.try_send_many(messages) {
                Err(SendErrorKind::WouldBlock) => {
                    ready!(core.poll_send_many(cx, wait.get_or_insert_with(|| core.wait(Waiting::Send)), messages))?
                }
                done => done?,
            };
            rt::spend(sent);
        }
        Poll::Ready(Ok(()))
    }
}

/// Receives messages; made by `recv_many`.
///
/// # Cancel safety
///
/// Dropping it loses no message.
#[derive(Debug)]
#[must_use = "nothing is received until it is awaited"]
pub struct ReceivingMany<'a> {
    core: &'a Arc<Core>,
    messages: &'a mut Vec<Message>,
    most: usize,
    looking: BusyPoll,
    wait: Option<Wait>,
}

impl<'a> ReceivingMany<'a> {
    pub(super) fn new(core: &'a Arc<Core>, messages: &'a mut Vec<Message>, most: usize) -> Self {
        Self { core, messages, most, looking: BusyPoll::default(), wait: None }
    }

    fn poll_messages(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, RecvError>> {
        if self.wait.is_none() {
            ready!(rt::poll_budget(cx));
            match self.core.try_recv_many(self.messages, self.most) {
                Err(RecvError::WouldBlock) => {}
                done => return Poll::Ready(done),
            }
            ready!(self.core.poll_busy(cx, &mut self.looking));
        }
        let wait = self.wait.get_or_insert_with(|| self.core.wait(Waiting::Recv));
        self.core.poll_recv_many(cx, wait, self.messages, self.most)
    }
}

impl Future for ReceivingMany<'_> {
    type Output = Result<usize, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.most == 0 {
            return Poll::Ready(Ok(0));
        }
        let received = ready!(this.poll_messages(cx));
        if let Ok(received) = received {
            rt::spend(received);
        }
        Poll::Ready(received)
    }
}
