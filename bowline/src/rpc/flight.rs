//! A call on its way, before any type is known.
//!
//! One that was not executed, or may be executed twice, is made again when it fails, as long as nothing of its answer was
//! handed on and nothing of its items was taken.

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bowline_proto::Part;
use bowline_proto::engine::backoff::Backoff;
use bowline_proto::mux::{Code, End, Head};
use bowline_proto::time::Instant;

use super::codec::EncodeError;
use super::connection::{Connection, NotOpened};
use super::error::{Fault, Outcome};
use super::outgoing::Outgoing;
use super::routes::Route;
use super::stream::{Next, Stream};
use super::sync::Ordering;
use crate::rt;

/// A call on its way.
pub(super) struct Flight {
    /// What is called, for as long as that may still be needed.
    request: Option<Request>,
    stage: Stage,
    // Boxed, as all is that a call of one message each way does not need: it is moved to where it is awaited.
    outgoing: Option<Box<Outgoing>>,
    /// What became of it so far, once it is made again.
    past: Option<Box<Past>>,
}

enum Stage {
    /// Nobody has asked for it yet.
    Given,
    /// Nobody has asked for it yet, and it can't be sent.
    Unencodable(Box<EncodeError>),
    /// There is no connection for it, or no room on it, or it is too soon to ask again.
    Waiting(Opening),
    Open(Stream),
    Over,
}

type Opening = Pin<Box<dyn Future<Output = Result<(Stream, Request), Box<Fault>>> + Send>>;

/// What is to be called.
#[derive(Debug)]
pub(super) struct Request {
    /// Not the client: a call that is pending must not keep it open.
    pub(super) route: Arc<Route>,
    pub(super) head: Head,
    pub(super) args: Part,
    pub(super) end: End,
    /// When it has to be over, from the first poll on.
    pub(super) at: Option<Instant>,
    pub(super) is_idempotent: bool,
    /// It may have to be made again, so it is kept until there is an answer.
    pub(super) is_kept: bool,
}

/// What became of a call that is made again.
struct Past {
    /// The fault that leaves the most open of what was executed; of equal ones, the latest.
    fault: Fault,
    /// How many connections have refused it since it waited last.
    refusals: usize,
    backoff: Backoff,
}

/// Why a call is over before its answer.
#[derive(Debug)]
pub(super) enum Failure {
    Fault(Box<Fault>),
    Encode(Box<EncodeError>),
}

impl From<Box<Fault>> for Failure {
    fn from(fault: Box<Fault>) -> Self {
        Self::Fault(fault)
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Given | Stage::Unencodable(_) => "Given",
            Stage::Waiting(_) => "Waiting",
            Stage::Open(_) => "Open",
            Stage::Over => "Over",
        })
    }
}

impl Flight {
    pub(super) fn new(request: Result<Request, Box<EncodeError>>, outgoing: Option<Outgoing>) -> Self {
        let (request, stage) = match request {
            Ok(request) => (Some(request), Stage::Given),
            Err(error) => (None, Stage::Unencodable(error)),
        };
        Self { request, stage, outgoing: outgoing.map(Box::new), past: None }
    }

    /// What is to be said along with the call; nothing any more once it was polled.
    pub(super) fn head(&mut self) -> Option<&mut Head> {
        match (&self.stage, &mut self.request) {
            (Stage::Given, Some(request)) => Some(&mut request.head),
            _ => None,
        }
    }

    /// Opens the stream, as soon as there is a connection that takes it.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<&Stream, Failure>> {
        if let Stage::Given | Stage::Unencodable(_) = self.stage {
            let given = std::mem::replace(&mut self.stage, Stage::Over);
            if let Stage::Unencodable(error) = given {
                return Poll::Ready(Err(Failure::Encode(error)));
            }
            self.stage = self.begin(cx.waker())?;
        }
        if let Stage::Waiting(waiting) = &mut self.stage {
            let opened = ready!(waiting.as_mut().poll(cx));
            self.stage = Stage::Over;
            let (stream, request) = opened.map_err(|fault| Box::new(self.honest(*fault)))?;
            self.request = request.is_kept.then_some(request);
            self.stage = Stage::Open(stream);
        }
        match &self.stage {
            Stage::Open(stream) => Poll::Ready(Ok(stream)),
            _ => Poll::Pending,
        }
    }

    /// What comes next; sends meanwhile what there is to send.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Next, Failure>> {
        self.poll_answer(cx, |stream, cx| stream.poll_next(cx).map(Next::or_fault))
    }

    /// How the call ended, once it has; `first` gets the first message of the answer. Sends meanwhile what there is to
    /// send.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>, first: &mut Option<Part>) -> Poll<Result<Next, Failure>> {
        self.poll_answer(cx, |stream, cx| {
            let end = ready!(stream.poll_end(cx, first));
            Poll::Ready(if first.is_some() { Ok(end) } else { end.or_fault() })
        })
    }

    /// What `poll` makes of the stream; after a fault that may be the one of another attempt.
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Stream, &Context<'_>) -> Poll<Result<Next, Box<Fault>>>,
    ) -> Poll<Result<Next, Failure>> {
        loop {
            let was_open = matches!(self.stage, Stage::Open(_));
            ready!(self.poll_open(cx))?;
            self.poll_outgoing(cx)?;
            let stream = match &mut self.stage {
                Stage::Open(stream) if was_open => stream,
                // Whatever comes by one that was opened just now wakes us.
                _ => return Poll::Pending,
            };
            let fault = match ready!(poll(stream, cx)) {
                Err(fault) => fault,
                Ok(next) => {
                    // Whoever has a part of the answer must not get it twice.
                    self.request = None;
                    return Poll::Ready(Ok(next));
                }
            };
            if let Err(fault) = self.again(fault) {
                return Poll::Ready(Ok(Next::Fault(fault)));
            }
        }
    }

    /// Sends what there is to send.
    fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let (Some(outgoing), Stage::Open(stream)) = (&mut self.outgoing, &self.stage) else { return Ok(()) };
        let sent = outgoing.poll_send(cx, stream);
        if outgoing.has_begun() {
            self.request = None;
        }
        let Poll::Ready(sent) = sent else { return Ok(()) };
        self.outgoing = None;
        sent.inspect_err(|_| self.stage = Stage::Over)
    }

    /// The call is over: whatever it held is given back.
    pub(super) fn end(&mut self) {
        (self.request, self.stage, self.outgoing, self.past) = (None, Stage::Over, None, None);
    }

    /// Takes the stream out of it.
    pub(super) fn take_stream(&mut self) -> Option<Stream> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Open(stream) => Some(stream),
            _ => None,
        }
    }

    /// Opens the stream at once, or waits for what it lacks.
    fn begin(&mut self, waker: &Waker) -> Result<Stage, Box<Fault>> {
        let Some(request) = &mut self.request else { return Ok(Stage::Over) };
        request.at = request.head.deadline.map(|left| rt::now() + left);
        if request.is_kept
            && let Some(budget) = request.route.retries()
        {
            budget.call();
        }
        let full = match request.route.pick().map_err(Fault::Unreachable)? {
            None => None,
            Some(connection) => match request.open(connection, waker) {
                Ok(stream) => {
                    self.request.take_if(|request| !request.is_kept);
                    return Ok(Stage::Open(stream));
                }
                Err(Unopened::Never(fault)) => return Err(fault),
                Err(Unopened::Elsewhere) => None,
                Err(Unopened::Full(connection)) => Some(connection),
            },
        };
        Ok(self.request.take().map_or(Stage::Over, |request| Stage::Waiting(opening(request, full, Duration::ZERO))))
    }

    /// Makes the call again after a fault, or says what it ends with.
    fn again(&mut self, fault: Box<Fault>) -> Result<(), Box<Fault>> {
        let request = self.request.take_if(|request| request.may_follow(&fault));
        let fault = Box::new(self.honest(*fault));
        let (Some(request), Stage::Open(stream)) = (request, &self.stage) else { return Err(fault) };
        let route = &request.route;
        if route.hub().is_over() {
            return Err(fault);
        }
        let past = self.past.get_or_insert_with(|| Box::new(Past::new((*fault).clone(), route.backoff())));
        past.fault.clone_from(&fault);
        let next = if stream.connection.refuses().is_none() {
            // It is busy: others may be not, and it may be not after a while.
            past.refusals += 1;
            match route.pick_behind(&stream.connection, past.refusals) {
                None => past.wait().map(|delay| (None, delay)),
                other => Some((other, Duration::ZERO)),
            }
        } else {
            Some((None, Duration::ZERO))
        };
        let Some((connection, delay)) = next else { return Err(fault) };
        if !route.retries().is_some_and(|budget| budget.take(rt::now())) {
            return Err(fault);
        }
        self.stage = Stage::Waiting(opening(request, connection, delay));
        Ok(())
    }

    /// The fault that a call ends with whose last attempt has ended with this one: what is unknown of an earlier attempt
    /// stays unknown.
    fn honest(&self, fault: Fault) -> Fault {
        let Some(past) = &self.past else { return fault };
        match fault {
            Fault::Deadline(outcome) => Fault::Deadline(outcome.max(past.fault.outcome())),
            Fault::Unreachable(_) => past.fault.clone(),
            _ if fault.outcome() < past.fault.outcome() => past.fault.clone(),
            _ => fault,
        }
    }
}

impl Past {
    const fn new(fault: Fault, backoff: Backoff) -> Self {
        Self { fault, refusals: 0, backoff }
    }

    /// How long to wait when all have refused; `None` if that is not to be done.
    fn wait(&mut self) -> Option<Duration> {
        self.refusals = 0;
        self.backoff.next_delay()
    }
}

/// Why a stream can't be opened here and now; the arguments are in their request again.
enum Unopened {
    Full(Arc<Connection>),
    Elsewhere,
    Never(Box<Fault>),
}

impl Request {
    /// Opens the stream on this connection; `reader` is woken when something comes by it.
    fn open(&mut self, connection: Arc<Connection>, reader: &Waker) -> Result<Stream, Unopened> {
        let args = if self.is_kept { self.args.clone() } else { std::mem::take(&mut self.args) };
        let deadline = self.at.filter(|_| !self.head.one_way);
        let (args, unopened) = match connection.open(&self.head, args, self.end, deadline, reader) {
            Ok(stream) => return Ok(stream),
            Err((_, NotOpened::Never(fault))) => return Err(Unopened::Never(fault)),
            Err((connection, NotOpened::Full(args))) => (args, Unopened::Full(connection)),
            Err((_, NotOpened::Elsewhere(args))) => (args, Unopened::Elsewhere),
        };
        self.args = args;
        Err(unopened)
    }

    /// Whether it may be made again after this fault.
    fn may_follow(&self, fault: &Fault) -> bool {
        match fault {
            Fault::Lost(outcome, _) => self.is_idempotent || *outcome != Outcome::MaybeExecuted,
            // What else is said instead of an answer would be said again.
            Fault::Status(status) => status.code == Code::REFUSED,
            _ => false,
        }
    }
}

/// Opens the stream after a while, within the deadline.
fn opening(request: Request, full: Option<Arc<Connection>>, delay: Duration) -> Opening {
    Box::pin(async move {
        let at = request.at;
        let opening = async {
            if !delay.is_zero() {
                rt::sleep(delay).await;
            }
            open(request, full).await
        };
        let Some(at) = at else { return opening.await };
        rt::timeout_at(at, opening).await.unwrap_or(Err(Fault::Deadline(Outcome::NotSent).into()))
    })
}

/// Opens the stream as soon as there is a connection that has room for it; on `next` if it has.
async fn open(mut request: Request, mut next: Option<Arc<Connection>>) -> Result<(Stream, Request), Box<Fault>> {
    loop {
        let connection = match next.take() {
            Some(connection) => connection,
            None => request.route.picked().await.map_err(Fault::Unreachable)?,
        };
        let vacancy = Vacancy::of(&connection);
        let vacant = connection.vacancy.notified();
        tokio::pin!(vacant);
        // Before it is tried: a place that is free from here on is heard of.
        vacant.as_mut().enable();
        if let Some(at) = request.at {
            request.head.deadline = Some(at.since_origin().saturating_sub(rt::now().since_origin()));
        }
        let reader = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        match request.open(Arc::clone(&connection), &reader) {
            Ok(stream) => return Ok((stream, request)),
            Err(Unopened::Never(fault)) => return Err(fault),
            Err(Unopened::Elsewhere) => {}
            Err(Unopened::Full(_)) => vacant.await,
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
