//! One call on the side that executes it.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::task::{self, Poll, ready};

use bowline_proto::Part;
use bowline_proto::mux::{Code, End};
use futures_core::Stream as Items;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::Codec;
use super::context::Context;
use super::error::Malformed;
use super::stream::{Next, Stream, Unsendable};
use crate::rt;

/// One call on the side that executes it: what `#[bowline::service]` hands to a method and takes back from it.
///
/// If it is dropped without an answer the caller hears [`Code::INTERNAL`].
pub struct Exchange {
    stream: Option<Stream>,
    context: Context,
    codec: Codec,
    args: Option<Part>,
    /// Somebody else tells the caller if nobody answers.
    is_supervised: bool,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("context", &self.context).field("codec", &self.codec).finish_non_exhaustive()
    }
}

impl Exchange {
    pub(super) const fn new(stream: Stream, context: Context, codec: Codec, args: Part) -> Self {
        Self { stream: Some(stream), context, codec, args: Some(args), is_supervised: false }
    }

    /// From here on the caller hears of nobody's answer by what is returned; or by whoever supervised it before.
    #[cfg(feature = "tower")]
    pub(super) fn supervise(&mut self) -> Unanswered {
        let is_supervised = std::mem::replace(&mut self.is_supervised, true);
        Unanswered { stream: self.stream.as_ref().map(Stream::share), is_supervised }
    }

    /// What is known of the call besides its arguments.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The arguments, once: those of a second call are empty.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if they are none of these types. The caller has been told so then, and nothing is left to do.
    pub fn args<A: DeserializeOwned>(&mut self) -> Result<A, Malformed> {
        self.codec.decode(&self.args.take().unwrap_or_default()).map_err(|error| {
            if let Some(stream) = self.stream.take() {
                stream.reset(Code::MALFORMED, &error.to_string());
            }
            Malformed(error)
        })
    }

    /// The items that the caller sends besides the arguments. Only one stream of them gets any.
    pub fn incoming<T: DeserializeOwned + Send + 'static>(&mut self) -> Incoming<T> {
        let stream = self.stream.as_ref().map(Stream::share);
        Incoming { stream, codec: self.codec, is_over: false, items: PhantomData }
    }

    /// Answers the call: at once, or when there is room for it, which the future waits for.
    #[expect(clippy::needless_pass_by_value, reason = "whoever answers is done with what is answered")]
    pub fn reply<T: Serialize, E: Serialize>(mut self, result: Result<T, E>) -> impl Future<Output = ()> + Send {
        // Not an async function: that would carry the whole of this through its future, to wait for nothing mostly.
        let mut waiting = self.stream.take().and_then(|stream| answer(stream, self.codec, &result));
        drop(self);
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

    /// Answers the call with items, for as long as there are some, or with an error instead of any.
    pub async fn reply_items<S, E>(mut self, result: Result<S, E>)
    where
        S: Items<Item: Serialize> + Send,
        E: Serialize,
    {
        // Whatever ends this early, a panic of the items or the end of the task, drops it, and the caller is told.
        let Some(stream) = &self.stream else { return };
        match result {
            Err(error) => fail(stream, self.codec, &error),
            Ok(items) => {
                let mut items = pin!(items);
                while let Some(item) = poll_fn(|cx| items.as_mut().poll_next(cx)).await {
                    match self.codec.encode(&item) {
                        Ok(part) => send(stream, part).await,
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
        if let Some(stream) = self.stream.take() {
            stream.let_go();
        }
    }

    /// Does not answer the call: its caller hears this code and reason as a [`Status`](super::Status).
    pub fn refuse(mut self, code: Code, reason: &str) {
        if let Some(stream) = self.stream.take() {
            stream.reset(code, reason);
        }
    }

    /// The call is done, and its caller wants no answer.
    pub fn done(mut self) {
        if let Some(stream) = self.stream.take() {
            stream.finish();
            stream.let_go();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        drop(Unanswered { stream: self.stream.take(), is_supervised: self.is_supervised });
    }
}

/// A stream whose caller hears if nobody answers, unless somebody else tells.
pub(super) struct Unanswered {
    stream: Option<Stream>,
    is_supervised: bool,
}

#[cfg(feature = "tower")]
impl Unanswered {
    /// Nobody will answer, for this reason; nothing, if somebody has.
    pub(super) fn refuse(mut self, code: Code, reason: &str) {
        if let Some(stream) = self.stream.take() {
            stream.reset(code, reason);
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let (Some(stream), false) = (self.stream.take(), self.is_supervised) {
            let why = if std::thread::panicking() { "the handler panicked" } else { "the handler gave no answer" };
            stream.reset(Code::INTERNAL, why);
        }
    }
}

/// Answers a call; what there is no room for now comes back.
fn answer<T: Serialize, E: Serialize>(
    stream: Stream,
    codec: Codec,
    result: &Result<T, E>,
) -> Option<(Stream, Option<Part>)> {
    match result {
        Ok(value) => match codec.encode(value) {
            Ok(part) => return stream.answer(part).err(),
            Err(error) => stream.reset(Code::INTERNAL, &error.to_string()),
        },
        Err(error) => fail(&stream, codec, error),
    }
    stream.let_go();
    None
}

async fn send(stream: &Stream, part: Part) {
    let mut held = Some(part);
    if poll_fn(|cx| stream.poll_send(cx, &mut held, End::Open)).await == Err(Unsendable::TooLarge) {
        stream.reset(Code::TOO_LARGE, "the answer is too large");
    }
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
    stream: Option<Stream>,
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
        let Some(stream) = &this.stream else { return Poll::Ready(None) };
        match ready!(stream.poll_next(cx)) {
            Next::Item(part) => match this.codec.decode(&part) {
                Ok(item) => return Poll::Ready(Some(item)),
                Err(error) => stream.cancel(Code::MALFORMED, &error.to_string()),
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
