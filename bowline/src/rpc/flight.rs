//! A call on its way, before any type is known.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker, ready};

use bowline_proto::Part;
use bowline_proto::mux::{Code, End, Head};
use bowline_proto::time::Instant;
use futures_core::Stream as Items;
use serde::Serialize;

use super::client::Client;
use super::codec::{Codec, EncodeError};
use super::connection::{Connection, NotOpened};
use super::error::{Fault, Outcome};
use super::stream::{Next, Stream, Unsendable};
use crate::rt;

/// How many items are sent before the other tasks of the thread have their turn.
const ITEMS: usize = 64;

/// A call on its way.
pub(super) struct Flight {
    stage: Stage,
    outgoing: Option<Outgoing>,
}

enum Stage {
    /// Nobody has asked for it yet.
    Given(Result<Request, EncodeError>),
    /// There is no connection for it, or no room on it.
    Waiting(Pin<Box<dyn Future<Output = Result<Stream, Fault>> + Send>>),
    Open(Stream),
    Over,
}

/// What is to be called.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) client: Client,
    pub(super) head: Head,
    pub(super) args: Part,
    pub(super) end: End,
}

/// Why a call is over before its answer.
#[derive(Debug)]
pub(super) enum Failure {
    Fault(Fault),
    Encode(EncodeError),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Given(_) => "Given",
            Stage::Waiting(_) => "Waiting",
            Stage::Open(_) => "Open",
            Stage::Over => "Over",
        })
    }
}

impl Flight {
    pub(super) const fn new(request: Result<Request, EncodeError>, outgoing: Option<Outgoing>) -> Self {
        Self { stage: Stage::Given(request), outgoing }
    }

    /// What is to be said along with the call; nothing any more once it was polled.
    pub(super) fn head(&mut self) -> Option<&mut Head> {
        match &mut self.stage {
            Stage::Given(Ok(request)) => Some(&mut request.head),
            _ => None,
        }
    }

    /// Opens the stream, as soon as there is a connection that takes it.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<&Stream, Failure>> {
        if let Stage::Given(_) = self.stage {
            let Stage::Given(given) = std::mem::replace(&mut self.stage, Stage::Over) else { return Poll::Pending };
            self.stage = begin(given.map_err(Failure::Encode)?, cx.waker())?;
        }
        if let Stage::Waiting(waiting) = &mut self.stage {
            let opened = ready!(waiting.as_mut().poll(cx));
            self.stage = Stage::Over;
            self.stage = Stage::Open(opened?);
        }
        match &self.stage {
            Stage::Open(stream) => Poll::Ready(Ok(stream)),
            _ => Poll::Pending,
        }
    }

    /// What comes next; sends meanwhile what there is to send.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next, Failure>> {
        ready!(self.poll_stream(cx))?.poll_next(cx).map(Ok)
    }

    /// How the call ended, once it has; `first` gets the first message of the answer. Sends meanwhile what there is to
    /// send.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>, first: &mut Option<Part>) -> Poll<Result<Next, Failure>> {
        ready!(self.poll_stream(cx))?.poll_end(cx, first).map(Ok)
    }

    /// The stream, when it was opened before.
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<&mut Stream, Failure>> {
        let was_open = matches!(self.stage, Stage::Open(_));
        ready!(self.poll_open(cx))?;
        if let (Some(outgoing), Stage::Open(stream)) = (&mut self.outgoing, &self.stage)
            && let Poll::Ready(sent) = outgoing.poll_send(cx, stream)
        {
            self.outgoing = None;
            if let Err(failure) = sent {
                self.stage = Stage::Over;
                return Poll::Ready(Err(failure));
            }
        }
        match &mut self.stage {
            Stage::Open(stream) if was_open => Poll::Ready(Ok(stream)),
            // Whatever comes by one that was opened just now wakes us.
            _ => Poll::Pending,
        }
    }

    /// The call is over: whatever it held is given back.
    pub(super) fn end(&mut self) {
        (self.stage, self.outgoing) = (Stage::Over, None);
    }

    /// Takes the stream out of it.
    pub(super) fn take_stream(&mut self) -> Option<Stream> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Open(stream) => Some(stream),
            _ => None,
        }
    }
}

/// Opens the stream at once, or waits for what it lacks.
fn begin(request: Request, waker: &Waker) -> Result<Stage, Fault> {
    let at = request.head.deadline.map(|left| rt::now() + left);
    let Request { client, head, args, end } = request;
    let connection = client.pick().map_err(Fault::Unreachable)?;
    let (args, full) = match connection {
        None => (args, None),
        Some(connection) => match connection.open(&head, args, end, at.filter(|_| !head.one_way), waker) {
            Ok(stream) => return Ok(Stage::Open(stream)),
            Err(NotOpened::Never(fault)) => return Err(fault),
            Err(NotOpened::Elsewhere(args)) => (args, None),
            Err(NotOpened::Full(args)) => (args, Some(connection)),
        },
    };
    let request = Request { client, head, args, end };
    Ok(Stage::Waiting(Box::pin(async move {
        let Some(at) = at else { return open(request, full, None).await };
        let opening = open(request, full, Some(at));
        tokio::time::timeout_at(rt::deadline(at), opening).await.unwrap_or(Err(Fault::Deadline(Outcome::NotSent)))
    })))
}

/// Opens the stream as soon as there is a connection that has room for it.
async fn open(mut request: Request, mut full: Option<Arc<Connection>>, at: Option<Instant>) -> Result<Stream, Fault> {
    loop {
        let connection = match full.take() {
            Some(connection) => connection,
            None => request.client.picked().await.map_err(Fault::Unreachable)?,
        };
        let vacancy = Vacancy::of(&connection);
        let vacant = connection.vacancy.notified();
        tokio::pin!(vacant);
        // Before it is tried: a place that is free from here on is heard of.
        vacant.as_mut().enable();
        if let Some(at) = at {
            request.head.deadline = Some(at.since_origin().saturating_sub(rt::now().since_origin()));
        }
        let args = std::mem::take(&mut request.args);
        let reader = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        match connection.open(&request.head, args, request.end, at.filter(|_| !request.head.one_way), &reader) {
            Ok(stream) => return Ok(stream),
            Err(NotOpened::Never(fault)) => return Err(fault),
            Err(NotOpened::Elsewhere(args)) => request.args = args,
            Err(NotOpened::Full(args)) => {
                request.args = args;
                vacant.await;
            }
        }
        drop(vacancy);
    }
}

/// A call that waits until a stream of the connection closes.
struct Vacancy<'a>(&'a Connection);

impl<'a> Vacancy<'a> {
    fn of(connection: &'a Connection) -> Self {
        connection.waiting.fetch_add(1, Ordering::AcqRel);
        Self(connection)
    }
}

impl Drop for Vacancy<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What a call sends besides its arguments.
pub(super) struct Outgoing {
    items: Box<dyn Encoded>,
    held: Option<Part>,
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
        Self { items: Box::new(Encoding { items: Box::pin(items), codec }), held: None }
    }

    /// Sends all that there is; ready when nothing more is to be sent.
    fn poll_send(&mut self, cx: &mut Context<'_>, stream: &Stream) -> Poll<Result<(), Failure>> {
        for _ in 0..ITEMS {
            match ready!(stream.poll_send(cx, &mut self.held, End::Open)) {
                Ok(()) => {}
                // What the other side has to say about it is to be received.
                Err(Unsendable::Over) => return Poll::Ready(Ok(())),
                Err(Unsendable::TooLarge) => {
                    stream.reset(Code::CANCELLED, "an item is too large");
                    return Poll::Ready(Err(Fault::TooLarge.into()));
                }
            }
            match ready!(self.items.poll_next(cx)) {
                Some(Ok(part)) => self.held = Some(part),
                Some(Err(error)) => {
                    stream.reset(Code::CANCELLED, "an item could not be encoded");
                    return Poll::Ready(Err(Failure::Encode(error)));
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

/// Waits until `look` finds something, or fails.
pub(super) async fn found<T, E>(
    changed: &tokio::sync::Notify,
    mut look: impl FnMut() -> Result<Option<T>, E>,
) -> Result<T, E> {
    loop {
        let change = changed.notified();
        tokio::pin!(change);
        // Before it is looked: what changes from here on is heard.
        change.as_mut().enable();
        if let Some(found) = look()? {
            return Ok(found);
        }
        change.await;
    }
}
