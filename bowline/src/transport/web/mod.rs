//! The transport of a web page, in place of all others: WebSocket, as a client.

mod carriers;
mod heard;
#[path = "../reason.rs"]
mod reason;
mod stream;
mod translation;

use std::io;

use std::time::Duration;

use bowline_proto::{Endpoint, Options, SocketType};

pub use carriers::carry;
pub(crate) use reason::{Lacking, reason, reason_after};
pub(crate) use stream::Stream;

/// A connection, and the peer's address as it is shown.
pub(crate) type Connected = (Stream, String);

/// Whether `endpoint` can be bound: nobody can connect to a web page.
pub(crate) const fn check_bind(endpoint: &Endpoint, _options: &Options) -> Result<(), Lacking> {
    match endpoint {
        Endpoint::Inproc(_) => Ok(()),
        _ => Err(Lacking::Transport),
    }
}

/// Whether `endpoint` can be connected to.
pub(crate) const fn check_connect(endpoint: &Endpoint, _options: &Options) -> Result<(), Lacking> {
    match endpoint {
        Endpoint::Ws(_) | Endpoint::Wss(_) | Endpoint::Inproc(_) => Ok(()),
        _ => Err(Lacking::Transport),
    }
}

/// How long an attempt to connect may take. What the page carries by itself it connects when it likes.
pub(crate) fn connect_timeout(endpoint: &Endpoint, options: &Options) -> Option<Duration> {
    options.connect_timeout.filter(|_| !carriers::carries(&endpoint.to_string()))
}

/// Connects to `endpoint`. Dropping the future gives the attempt up.
pub(crate) async fn connect(endpoint: &Endpoint, options: &Options, ours: SocketType) -> io::Result<Connected> {
    match endpoint {
        Endpoint::Ws(address) | Endpoint::Wss(address) => {
            let stream = Stream::connect(&endpoint.to_string(), options.mechanism.name(), ours).await?;
            Ok((stream, format!("{}:{}", address.host, address.port)))
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Nobody comes here, since endpoints that can't be bound are refused before.
#[expect(clippy::unused_async, reason = "other transports wait")]
pub(crate) async fn listen(
    _endpoint: &Endpoint,
    _options: &Options,
    _ours: SocketType,
) -> io::Result<(Listener, Endpoint)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What accepts connections: nothing does.
#[derive(Debug)]
pub(crate) enum Listener {}

impl Listener {
    #[expect(clippy::unused_async, reason = "other transports wait")]
    pub(crate) async fn accept(&self) -> io::Result<Connected> {
        match *self {}
    }
}
