//! One call on the side that executes it.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll, ready};

use bowline_proto::Part;
use bowline_proto::mux::{Code, End};
use bowline_proto::time::Instant;
use futures_core::Stream as Items;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::{Codec, DecodeError};
use super::context::Context;
use super::entry::Asked;
use super::error::Malformed;
use super::schema::Method;
use super::stream::{Next, Stream, Unsendable};
use crate::rt;

/// One call on the side that executes it: what `#[bowline::service]` hands to a method and takes back from it.
///
/// If it is dropped without an answer the caller hears [`Code::INTERNAL`].
// Few words, since it is moved from hand to hand: the rest is in the box.
pub struct Exchange {
    stream: Stream,
    asked: Box<Asked>,
    method: &'static Method,
    deadline: Option<Instant>,
    codec: Codec,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("context", &self.context()).field("codec", &self.codec).finish_non_exhaustive()
    }
}

impl Exchange {
    pub(super) const fn new(
        stream: Stream,
        asked: Box<Asked>,
        method: &'static Method,
        deadline: Option<Instant>,
        codec: Codec,
    ) -> Self {
        Self { stream, asked, method, deadline, codec }
    }

    /// From here on the caller hears of nobody's answer by what is returned; or by whoever supervised it before.
    #[cfg(feature = "tower")]
    pub(super) fn supervise(&mut self) -> Stream {
        self.stream.supervise()
    }

    /// What is known of the call besides its arguments.
    pub fn context(&self) -> Context {
        let Stream { connection, ticket, .. } = &self.stream;
        let metadata = self.asked.head.metadata.clone();
        Context::new(Arc::clone(connection), *ticket, self.method, self.deadline, metadata, self.codec)
    }

    /// The arguments, once: those of a second call are empty.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if they are none of these types, or the feature of their codec is off. The caller has been told so then,
    /// and nothing is left to do.
    pub fn args<A: DeserializeOwned>(&mut self) -> Result<A, Malformed> {
        self.codec.decode(&std::mem::take(&mut self.asked.args)).map_err(|error| {
            // A service that takes its arguments encoded needs no codec, so it is found out here.
            let is_missing = matches!(error, DecodeError::Missing(_));
            let code = if is_missing { Code::UNSUPPORTED_CODEC } else { Code::MALFORMED };
            self.stream.reset(code, &error.to_string());
            Malformed(error)
        })
    }

    /// The items that the caller sends besides the arguments. Only one stream of them gets any.
    pub fn incoming<T: DeserializeOwned + Send + 'static>(&mut self) -> Incoming<T> {
        Incoming { stream: self.stream.share(), codec: self.codec, is_over: false, items: PhantomData }
    }

    /// Answers the call: at once, or when there is room for it, which the future waits for.
    #[expect(clippy::needless_pass_by_value, reason = "whoever answers is done with what is answered")]
    pub fn reply<T: Serialize, E: Serialize>(self, result: Result<T, E>) -> impl Future<Output = ()> + Send {
        // Not an async function: that would carry the whole of this through its future, to wait for nothing mostly.
        let mut waiting = answer(self, &result);
        poll_fn(move |cx| {
            if let Some((stream, held)) = &mut waiting {
                if ready!(stream.poll_send(cx, held, End::Finish)) == Err(Unsendable::TooLarge) {
                    stream.reset(Code::TOO_LARGE, "the answer is too large");
                }
                // What is queued goes out without us.
                if let Some((stream, _)) = waiting.take() {
                    stream.let_go();
                }
            }
            Poll::Ready(())
        })
    }

    /// Answers the call with items, for as long as there are some and somebody takes them, or with an error instead of any.
    pub async fn reply_items<S, E>(self, result: Result<S, E>)
    where
        S: Items<Item: Serialize> + Send,
        E: Serialize,
    {
        // Whatever ends this early, a panic of the items or the end of the task, drops it, and the caller is told.
        let stream = self.stream;
        match result {
            Err(error) => fail(&stream, self.codec, &error),
            Ok(items) => {
                let mut items = pin!(items);
                while let Some(item) = poll_fn(|cx| items.as_mut().poll_next(cx)).await {
                    match self.codec.encode(&item) {
                        Ok(part) => {
                            // Nobody takes them any more. Items that are always there would go on for ever, since whoever
                            // ends this task has to wait until it waits.
                            if send(&stream, part).await.is_err() {
                                break;
                            }
                        }
                        Err(error) => {
                            stream.reset(Code::INTERNAL, &error.to_string());
                            break;
                        }
                    }
                }
                stream.finish();
            }
        }
        // What is queued goes out without us.
        stream.let_go();
    }

    /// Does not answer the call: its caller hears this code and reason as a [`Status`](super::Status).
    pub fn refuse(self, code: Code, reason: &str) {
        self.stream.reset(code, reason);
        self.stream.let_go();
    }

    /// The call is done, and its caller wants no answer.
    pub fn done(self) {
        self.stream.finish();
        self.stream.let_go();
    }
}

/// Answers a call; what there is no room for now comes back.
fn answer<T: Serialize, E: Serialize>(exchange: Exchange, result: &Result<T, E>) -> Option<(Stream, Option<Part>)> {
    let Exchange { stream, asked, codec, .. } = exchange;
    match result {
        Ok(value) => match codec.encode(value) {
            Ok(part) => return stream.answer(part, asked).err(),
            Err(error) => stream.reset(Code::INTERNAL, &error.to_string()),
        },
        Err(error) => fail(&stream, codec, error),
    }
    stream.let_go();
    None
}

async fn send(stream: &Stream, part: Part) -> Result<(), Unsendable> {
    let mut held = Some(part);
    let sent = poll_fn(|cx| stream.poll_send(cx, &mut held, End::Open)).await;
    if sent == Err(Unsendable::TooLarge) {
        stream.reset(Code::TOO_LARGE, "the answer is too large");
    }
    sent
}

fn fail<E: Serialize>(stream: &Stream, codec: Codec, error: &E) {
    match codec.encode(error) {
        Ok(part) => {
            if stream.fail(part) == Err(Unsendable::TooLarge) {
                stream.reset(Code::TOO_LARGE, "the error is too large");
            }
        }
        Err(error) => stream.reset(Code::INTERNAL, &error.to_string()),
    }
}

/// The items that a caller sends besides the arguments. It ends when the caller has sent the last one.
///
/// If the call is cancelled, or an item can't be decoded, it does not end: the handler does.
pub struct Incoming<T> {
    stream: Stream,
    codec: Codec,
    is_over: bool,
    items: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Incoming<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("codec", &self.codec).field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> Incoming<T> {
    /// The next item; `None` after the last one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no item.
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T: DeserializeOwned> Items for Incoming<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        ready!(rt::poll_cooperate(cx));
        match ready!(this.stream.poll_next(cx)) {
            Next::Item(part) => match this.codec.decode(&part) {
                Ok(item) => return Poll::Ready(Some(item)),
                Err(error) => this.stream.cancel(Code::MALFORMED, &error.to_string()),
            },
            Next::End => {
                this.is_over = true;
                return Poll::Ready(None);
            }
            // Only who answers can fail a call.
            Next::Failed(_) | Next::Fault(_) => {}
        }
        Poll::Pending
    }
}
