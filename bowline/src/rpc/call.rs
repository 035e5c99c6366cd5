//! What a client gets for a call: a result, items, or the knowledge that it is on its way.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowline_proto::Part;
use bowline_proto::mux::{Code, Head};
use futures_core::Stream as ItemStream;
use serde::de::DeserializeOwned;

use super::codec::Codec;
use super::error::{CallError, Fault, Status};
use super::flight::{Failure, Flight};
use super::never::Never;
use super::stream::Next;
use crate::rt;

/// What can be said along with a call, before it is polled.
macro_rules! heads {
    ($($generics:tt)*) => {
        impl $($generics)* {
            /// How long the result is waited for, from the first poll on: for a connection, for room, and for the answer.
            /// Both sides keep to it, and what the handler calls in turn can.
            pub fn deadline(self, deadline: Duration) -> Self {
                self.with(|head| head.deadline = Some(deadline))
            }

            /// Which calls go first where not all can: 0 is the most urgent class, 7 the least, 3 what is not said.
            pub fn urgency(self, urgency: u8) -> Self {
                self.with(|head| head.urgency = urgency.min(Head::URGENCY_LEAST))
            }

            /// Sends a key and a value along. All together may have 16 KiB and 64 entries.
            pub fn metadata(self, key: impl Into<Part>, value: impl Into<Part>) -> Self {
                self.with(|head| head.metadata.push(key, value))
            }

            fn with(mut self, set: impl FnOnce(&mut Head)) -> Self {
                self.flight.head().map(set);
                self
            }
        }
    };
}

/// A call that has one result: a future. Nothing is sent before it is polled, and dropping it cancels the call.
///
/// Where it was not executed, or is idempotent, it is [made again](super::Retries) by itself; where it takes items as well,
/// until the first of them is taken.
#[must_use = "nothing is sent until it is awaited"]
pub struct Call<T, E> {
    flight: Flight,
    codec: Codec,
    value: Option<Part>,
    types: PhantomData<fn() -> (T, E)>,
}

heads!(<T, E> Call<T, E>);

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.flight).finish()
    }
}

impl<T, E> Call<T, E> {
    pub(super) const fn new(flight: Flight, codec: Codec) -> Self {
        Self { flight, codec, value: None, types: PhantomData }
    }
}

impl<T: DeserializeOwned, E: DeserializeOwned> Future for Call<T, E> {
    type Output = Result<T, CallError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // One that is answered with more has another kind of method on the other side; its first item counts.
        let end = ready!(this.flight.poll_end(cx, &mut this.value));
        this.flight.end();
        Poll::Ready(match (end, this.value.take()) {
            (Ok(Next::End), Some(value)) => this.codec.decode(&value).map_err(CallError::Decode),
            (Ok(Next::End), None) => Err(Fault::Status(Status::new(Code::MALFORMED, "an empty answer")).into()),
            (Ok(end), _) => Err(ended(this.codec, end)),
            (Err(failure), _) => Err(failed(failure)),
        })
    }
}

/// A call that has many results: a stream. Nothing is sent before it is polled, and dropping it cancels the call.
///
/// Where the call takes items as well, they are sent while this is polled.
///
/// Where it was not executed, or is idempotent, it is [made again](super::Retries) by itself, until the first item is
/// delivered, or the first one that it takes is taken.
#[must_use = "nothing is sent until it is polled"]
pub struct Items<T, E> {
    flight: Flight,
    codec: Codec,
    is_over: bool,
    types: PhantomData<fn() -> (T, E)>,
}

heads!(<T, E> Items<T, E>);

impl<T, E> fmt::Debug for Items<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Items").field(&self.flight).finish()
    }
}

impl<T, E> Items<T, E> {
    pub(super) const fn new(flight: Flight, codec: Codec) -> Self {
        Self { flight, codec, is_over: false, types: PhantomData }
    }
}

impl<T: DeserializeOwned, E: DeserializeOwned> Items<T, E> {
    /// The next item; `None` after the last one, and after an error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no item.
    pub async fn next(&mut self) -> Option<Result<T, CallError<E>>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// All items, unless there is an error.
    ///
    /// # Errors
    ///
    /// The first one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call.
    pub async fn collect(mut self) -> Result<Vec<T>, CallError<E>> {
        let mut all = Vec::new();
        while let Some(item) = self.next().await {
            all.push(item?);
        }
        Ok(all)
    }
}

impl<T: DeserializeOwned, E: DeserializeOwned> ItemStream for Items<T, E> {
    type Item = Result<T, CallError<E>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        ready!(rt::poll_cooperate(cx));
        let item = match ready!(this.flight.poll_next(cx)) {
            Ok(Next::Item(part)) => Some(this.codec.decode(&part).map_err(CallError::Decode)),
            Ok(Next::End) => None,
            Ok(end) => Some(Err(ended(this.codec, end))),
            Err(failure) => Some(Err(failed(failure))),
        };
        if !matches!(item, Some(Ok(_))) {
            this.is_over = true;
            this.flight.end();
        }
        Poll::Ready(item)
    }
}

/// A call that wants no answer: a future that is done when the call is queued for a connection. Whether it was executed
/// is never known.
#[must_use = "nothing is sent until it is awaited"]
pub struct OneWay {
    flight: Flight,
}

heads!(OneWay);

impl fmt::Debug for OneWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OneWay").field(&self.flight).finish()
    }
}

impl OneWay {
    pub(super) const fn new(flight: Flight) -> Self {
        Self { flight }
    }
}

impl Future for OneWay {
    type Output = Result<(), CallError<Never>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let flight = &mut self.get_mut().flight;
        ready!(flight.poll_open(cx)).map_err(failed)?;
        if let Some(stream) = flight.take_stream() {
            stream.let_go();
        }
        Poll::Ready(Ok(()))
    }
}

fn failed<E>(failure: Failure) -> CallError<E> {
    match failure {
        Failure::Fault(fault) => (*fault).into(),
        Failure::Encode(error) => CallError::Encode(*error),
    }
}

/// The error that a call ended with.
fn ended<E: DeserializeOwned>(codec: Codec, end: Next) -> CallError<E> {
    match end {
        Next::Failed(part) => codec.decode(&part).map_or_else(CallError::Decode, CallError::Failed),
        Next::Fault(fault) => (*fault).into(),
        Next::Item(_) | Next::End => Fault::Status(Status::new(Code::MALFORMED, "an answer that goes on")).into(),
    }
}
