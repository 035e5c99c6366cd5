//! Layers of [tower](https://docs.rs/tower) around what a server offers: who may call, how many at a time, for how long.
//!
//! A layer sees each call before its handler does, as a [`Request`]: who calls what, with which metadata. It may let it
//! pass, late or never. What it answers instead is an error: a [`Status`] is told to the caller as it is, and any other
//! error as [`Code::INTERNAL`] with its text; `map_err` says what else it is to be.
//!
//! ```
//! # use std::time::Duration;
//! # use bowline::rpc::middleware::Request;
//! # use bowline::rpc::{Code, Server, Service, Status};
//! use tower::{BoxError, ServiceBuilder};
//!
//! # fn build(service: impl Service) -> Result<Server, bowline::rpc::Clash> {
//! let layers = ServiceBuilder::new()
//!     // Whoever is turned away so may try another server; clients of bowline do.
//!     .map_err(|error: BoxError| match error.downcast::<Status>() {
//!         Ok(status) => *status,
//!         Err(other) if other.is::<tower::timeout::error::Elapsed>() => Status::new(Code::DEADLINE, "it took too long"),
//!         Err(_) => Status::new(Code::REFUSED, "busy"),
//!     })
//!     .load_shed()
//!     .concurrency_limit(100)
//!     .timeout(Duration::from_secs(10))
//!     .map_request(|request: Request| {
//!         let context = request.context();
//!         println!("{:?} calls {}", context.peer().identity, context.method().name);
//!         request
//!     })
//!     .filter(|request: Request| match request.context().metadata().get("token") {
//!         Some(token) if &token[..] == b"secret" => Ok(request),
//!         _ => Err(BoxError::from(Status::new(Code::UNAUTHENTICATED, "who are you?"))),
//!     });
//! let server = Server::builder().service(service).layer(layers).build()?;
//! # Ok(server)
//! # }
//! ```
//!
//! The calls of a client are typed futures, which no `Service<Request>` could return; so there are no layers around them.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use bowline_proto::mux::Code;
use tower_layer::Layer;

use super::context::Context;
use super::error::Status;
use super::exchange::Exchange;
use super::registry::{Service, Wrap};
use super::schema::Schema;

type BoxError = Box<dyn Error + Send + Sync>;

/// A call that a layer sees before its handler does.
///
/// If it is dropped its caller hears of the error that the layer returns, or else that nobody has answered.
pub struct Request {
    exchange: Exchange,
    service: Arc<dyn Service>,
    method: usize,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("context", &self.context()).finish_non_exhaustive()
    }
}

impl Request {
    /// What is known of the call besides its arguments: method, peer, metadata, how long its caller waits.
    pub fn context(&self) -> Context {
        self.exchange.context()
    }
}

/// What all layers are around: hands a call to its handler.
///
/// It is always ready, and never fails: the handler answers by itself, and `()` says that it is done.
#[derive(Clone, Copy, Debug)]
pub struct Dispatch(());

impl tower_service::Service<Request> for Dispatch {
    type Response = ();
    type Error = Infallible;
    type Future = Handling;

    fn poll_ready(&mut self, _cx: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Handling {
        Handling(request.service.call(request.method, request.exchange))
    }
}

/// A handler at work.
#[must_use = "a handler that is not polled does nothing"]
pub struct Handling(Pin<Box<dyn Future<Output = ()> + Send>>);

impl fmt::Debug for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handling").finish_non_exhaustive()
    }
}

impl Future for Handling {
    type Output = Result<(), Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

/// Makes the layer, and says how to put it around a service. All share the one: what it limits, it limits for all.
pub(super) fn wrap<L>(layer: &L) -> Wrap
where
    L: Layer<Dispatch>,
    L::Service: tower_service::Service<Request, Response = (), Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let layered = layer.layer(Dispatch(()));
    Box::new(move |service| Arc::new(Layered { service, layered: layered.clone() }))
}

/// A service with a layer around it.
struct Layered<S> {
    service: Arc<dyn Service>,
    layered: S,
}

impl<S> Service for Layered<S>
where
    S: tower_service::Service<Request, Response = (), Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn schema(&self) -> &'static Schema {
        self.service.schema()
    }

    fn call(&self, method: usize, mut exchange: Exchange) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut layered = self.layered.clone();
        let unanswered = exchange.supervise();
        let request = Request { exchange, service: Arc::clone(&self.service), method };
        Box::pin(async move {
            let ready: Result<(), BoxError> = poll_fn(|cx| layered.poll_ready(cx)).await.map_err(Into::into);
            let handled = match ready {
                Ok(()) => layered.call(request).await.map_err(Into::into),
                Err(error) => Err(error),
            };
            if let Err(error) = handled {
                match error.downcast_ref::<Status>() {
                    Some(status) => unanswered.reset(status.code, &status.reason),
                    None => unanswered.reset(Code::INTERNAL, &error.to_string()),
                }
            }
        })
    }
}
