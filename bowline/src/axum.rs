//! Sockets at a route of [axum](https://docs.rs/axum): one port serves a page and the sockets that it connects to.
//!
//! ```
//! use axum::Router;
//! use bowline::{Options, Origins, Pub};
//!
//! # async fn serve() -> std::io::Result<()> {
//! let publisher = Pub::with_options(Options::new().origins(Origins::only(["https://example.org"])));
//! let app: Router = Router::new().route_service("/zeromq", bowline::axum::upgrade(&publisher));
//! axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, app).await
//! # }
//! ```
//!
//! It is a service of `tower`, and asks only that the server is hyper's: so it serves in whatever else is made of these.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use bowline_proto::Endpoint;
use bowline_proto::endpoint::{Host, WebAddress};
use http::{HeaderValue, Request, Response, StatusCode, header, request};
use tower_service::Service;

use crate::driver::accept;
use crate::driver::core::Core;
use crate::rpc::Server;
use crate::rt;
use crate::socket::{AnySocket, Dealer, Handle, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
use crate::transport::{Consent, Mount, refusal_text};

/// Connections of WebSocket for `socket`, which is any socket or a [`Server`].
///
/// It takes what `bind("ws://…")` takes, by the same options: [`Options::origins`](crate::Options#structfield.origins) says which
/// pages may connect, the mechanism which subprotocols there are. The path is the router's to choose. Who is refused gets a
/// status of HTTP with a sentence that says why; who is taken is told by the monitor as
/// [`Accepted`](crate::MonitorKind::Accepted), without an address, which only the server knows.
///
/// A socket that is closed answers with 503, and those that are connected stay as long as the socket, not the server.
pub fn upgrade(socket: &impl Served) -> Upgrade {
    let core = Arc::clone(socket.served().core());
    let mount = Arc::new(Mount::new(&core.options, core.socket_type));
    Upgrade { core, mount, begin: socket.beginning() }
}

/// The service that [`upgrade`] makes.
#[derive(Clone)]
pub struct Upgrade {
    core: Arc<Core>,
    mount: Arc<Mount>,
    begin: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").field("socket_type", &self.core.socket_type).finish_non_exhaustive()
    }
}

/// What can stand at a route: every socket, and a [`Server`].
pub trait Served: sealed::Sealed {}

mod sealed {
    use std::sync::Arc;

    pub trait Sealed {
        #[expect(private_interfaces, reason = "nobody else implements or calls it")]
        fn served(&self) -> &crate::socket::Handle;

        /// What is to be done before the first connection.
        fn beginning(&self) -> Arc<dyn Fn() + Send + Sync> {
            Arc::new(|| ())
        }
    }
}

impl sealed::Sealed for Server {
    #[expect(private_interfaces, reason = "nobody else implements or calls it")]
    fn served(&self) -> &Handle {
        self.handle()
    }

    fn beginning(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::new(self.beginning())
    }
}

impl Served for Server {}

macro_rules! served {
    ($($name:ident)*) => {
        $(
            impl sealed::Sealed for $name {
                #[expect(private_interfaces, reason = "nobody else implements or calls it")]
                fn served(&self) -> &Handle {
                    self.handle()
                }
            }

            impl Served for $name {}
        )*
    };
}

served! { AnySocket Dealer Pair Pub Pull Push Rep Req Router Sub XPub XSub }

impl<B> Service<Request<B>> for Upgrade {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.answer(request)))
    }
}

impl Upgrade {
    /// Answers a request, for handlers that look at it first: what the service does. The connection that comes of it is taken on
    /// by a task of the socket.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn answer<B>(&self, request: Request<B>) -> Response<String> {
        let (mut parts, _) = request.into_parts();
        self.judge(&mut parts)
    }

    fn judge(&self, request: &mut request::Parts) -> Response<String> {
        if self.core.closing.is_cancelled() {
            return told(StatusCode::SERVICE_UNAVAILABLE, "the socket is closed\n".to_owned());
        }
        let consent = match self.mount.judge(request) {
            Ok(consent) => consent,
            Err(refusal) => {
                let status = StatusCode::from_u16(refusal.0).unwrap_or(StatusCode::BAD_REQUEST);
                let mut response = told(status, refusal_text(refusal));
                // RFC 6455, Supporting Multiple Versions of WebSocket Protocol
                response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
                return response;
            }
        };
        let Some(upgrade) = request.extensions.remove::<hyper::upgrade::OnUpgrade>() else {
            return told(StatusCode::INTERNAL_SERVER_ERROR, "the server can't upgrade this connection\n".to_owned());
        };
        let mut response = told(StatusCode::SWITCHING_PROTOCOLS, String::new());
        for (name, value) in &consent.lines {
            let Ok(value) = HeaderValue::from_str(value) else { continue };
            response.headers_mut().insert(*name, value);
        }
        self.take(upgrade, consent, endpoint(request));
        response
    }

    /// Waits for the connection, which is ours when the answer is out, and takes it on.
    fn take(&self, upgrade: hyper::upgrade::OnUpgrade, consent: Consent, endpoint: Endpoint) {
        let Self { core, mount, begin } = self.clone();
        self.core.spawn(async move {
            let upgraded = tokio::select! {
                biased;
                () = core.closing.cancelled() => return,
                upgraded = upgrade => upgraded,
            };
            begin();
            // Otherwise the client has gone before it heard the answer.
            if let (Ok(upgraded), Ok(random)) = (upgraded, rt::random()) {
                accept::serve(&core, &endpoint, ((mount.stream(upgraded, &consent), String::new()), random));
            }
        });
    }
}

/// Where the client thinks that it is.
fn endpoint(request: &request::Parts) -> Endpoint {
    let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let path = request.uri.path();
    host.and_then(|host| format!("ws://{host}{path}").parse().ok())
        .unwrap_or_else(|| Endpoint::Ws(WebAddress { host: Host::Any, port: 0, path: path.to_owned() }.into()))
}

fn told(status: StatusCode, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
