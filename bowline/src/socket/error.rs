//! What can go wrong at an endpoint. Each error names it.

use std::io;

use bowline_proto::EndpointError;
use bowline_proto::endpoint::EndpointCause;

use crate::transport::Lacking;

/// An endpoint that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("{endpoint}: {cause}")]
pub struct BindError {
    /// The endpoint as it was given.
    pub endpoint: String,
    /// Why.
    pub cause: BindCause,
}

/// Why an endpoint could not be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindCause {
    /// It is no endpoint.
    #[error(transparent)]
    Invalid(EndpointCause),
    /// The system refused: the address is in use, not ours, or not allowed.
    #[error("{}", plain(.0))]
    Io(io::Error),
    /// The scheme needs a feature of this crate that it was built without.
    #[error("the scheme needs the feature `{0}` of the crate bowline, which is off")]
    FeatureOff(&'static str),
    /// There is no certificate to show: [`Options::tls_server`](crate::Options#structfield.tls_server) is not set.
    #[error("TLS needs a certificate: `Options::tls_server` is not set")]
    NoTlsServer,
    /// This is a web page, to which nobody can connect but sockets of its own, by `inproc://`.
    #[error("nobody can connect to a web page, but for its own sockets by inproc://")]
    NoListener,
    /// The socket is closed.
    #[error("the socket is closed")]
    Closed,
}

impl From<Lacking> for BindCause {
    fn from(lacking: Lacking) -> Self {
        match lacking {
            Lacking::Feature(name) => Self::FeatureOff(name),
            Lacking::Server | Lacking::Client | Lacking::ServerName => Self::NoTlsServer,
            Lacking::Transport => Self::NoListener,
        }
    }
}

impl From<EndpointError> for BindError {
    fn from(error: EndpointError) -> Self {
        Self { endpoint: error.endpoint, cause: BindCause::Invalid(error.cause) }
    }
}

/// An endpoint that cannot be connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{endpoint}: {cause}")]
pub struct ConnectError {
    /// The endpoint as it was given.
    pub endpoint: String,
    /// Why.
    pub cause: ConnectCause,
}

/// Why an endpoint cannot be connected to. That no peer is there is no reason: it may come.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectCause {
    /// It is no endpoint, or one that can only be bound.
    #[error(transparent)]
    Invalid(EndpointCause),
    /// The socket is closed.
    #[error("the socket is closed")]
    Closed,
    /// The scheme needs a feature of this crate that it was built without.
    #[error("the scheme needs the feature `{0}` of the crate bowline, which is off")]
    FeatureOff(&'static str),
    /// It is not said whom to trust: [`Options::tls_client`](crate::Options#structfield.tls_client) is not set.
    #[error("TLS needs to know whom to trust: `Options::tls_client` is not set")]
    NoTlsClient,
    /// No certificate can be for this host, or for the server's name that was set instead.
    #[error("no certificate can be for this host: say which name its certificate has")]
    NoServerName,
    /// This is a web page, which reaches others by WebSocket only.
    #[error("a web page can connect to ws://, wss:// and inproc:// only")]
    NoTransport,
    /// `connect` was called outside of a tokio runtime.
    #[error("there is no tokio runtime here")]
    NoRuntime,
}

impl From<Lacking> for ConnectCause {
    fn from(lacking: Lacking) -> Self {
        match lacking {
            Lacking::Feature(name) => Self::FeatureOff(name),
            Lacking::ServerName => Self::NoServerName,
            Lacking::Transport => Self::NoTransport,
            Lacking::Server | Lacking::Client => Self::NoTlsClient,
        }
    }
}

impl From<EndpointError> for ConnectError {
    fn from(error: EndpointError) -> Self {
        Self { endpoint: error.endpoint, cause: ConnectCause::Invalid(error.cause) }
    }
}

/// An endpoint that the socket is neither bound nor connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}: the socket is not bound or connected to it")]
pub struct UnknownEndpoint(pub String);

/// An I/O error in words, without the number that the system has for it.
fn plain(error: &io::Error) -> String {
    if error.raw_os_error().is_some() { error.kind().to_string() } else { error.to_string() }
}
