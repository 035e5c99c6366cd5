//! What can go wrong at an endpoint. Each error names it.

use std::io;

use bowline_proto::EndpointError;
use bowline_proto::endpoint::EndpointCause;

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
    /// The socket is closed.
    #[error("the socket is closed")]
    Closed,
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
    /// `connect` was called outside of a tokio runtime.
    #[error("there is no tokio runtime here")]
    NoRuntime,
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
