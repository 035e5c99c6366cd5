//! The items that a call sends besides its arguments.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowline_proto::Part;
use bowline_proto::mux::{Code, End};
use futures_core::Stream as Items;
use serde::Serialize;

use super::codec::{Codec, EncodeError};
use super::error::Fault;
use super::flight::Failure;
use super::stream::{Stream, Unsendable};

/// How many items are sent before the other tasks of the thread have their turn.
const ITEMS: usize = 64;

/// What a call sends besides its arguments.
pub(super) struct Outgoing {
    items: Box<dyn Encoded>,
    held: Option<Part>,
    /// One of them was taken, or there is none: they can't be sent once more.
    has_begun: bool,
}

/// Items, encoded as they come.
trait Encoded: Send {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, EncodeError>>>;
}

struct Encoding<I> {
    items: Pin<Box<I>>,
    codec: Codec,
}

impl<I: Items<Item: Serialize> + Send> Encoded for Encoding<I> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, EncodeError>>> {
        self.items.as_mut().poll_next(cx).map(|item| item.map(|item| self.codec.encode(&item)))
    }
}

impl Outgoing {
    pub(super) fn new<I: Items<Item: Serialize> + Send + 'static>(items: I, codec: Codec) -> Self {
        Self { items: Box::new(Encoding { items: Box::pin(items), codec }), held: None, has_begun: false }
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Sends all that there is; ready when nothing more is to be sent.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>, stream: &Stream) -> Poll<Result<(), Failure>> {
        for _ in 0..ITEMS {
            match ready!(stream.poll_send(cx, &mut self.held, End::Open)) {
                Ok(()) => {}
                // What the other side has to say about it is to be received.
                Err(Unsendable::Over) => return Poll::Ready(Ok(())),
                Err(Unsendable::TooLarge) => {
                    stream.reset(Code::CANCELLED, "an item is too large");
                    return Poll::Ready(Err(Failure::Fault(Fault::TooLarge.into())));
                }
            }
            let item = ready!(self.items.poll_next(cx));
            self.has_begun = true;
            match item {
                Some(Ok(part)) => self.held = Some(part),
                Some(Err(error)) => {
                    stream.reset(Code::CANCELLED, "an item could not be encoded");
                    return Poll::Ready(Err(Failure::Encode(error.into())));
                }
                None => {
                    stream.finish();
                    return Poll::Ready(Ok(()));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
