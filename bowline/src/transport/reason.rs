//! Why a transport does not do what it is asked for, and why a connection went: the same wherever it runs.

use std::io;

use bowline_proto::DisconnectReason;
use bowline_proto::error::{TlsFault, WsFault};

/// What is missing for an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "what is missing depends on the features and on the target")]
pub(crate) enum Lacking {
    /// A feature of the crate.
    Feature(&'static str),
    /// `Options::tls_server`.
    Server,
    /// `Options::tls_client`.
    Client,
    /// A host that can stand in a certificate.
    ServerName,
    /// A transport that reaches it from here.
    Transport,
}

/// Why a connection went whose stream has failed with this.
pub(crate) fn reason(error: &io::Error) -> DisconnectReason {
    let Some(fault) = error.get_ref() else { return DisconnectReason::Io(error.kind()) };
    if let Some(fault) = fault.downcast_ref::<TlsFault>() {
        DisconnectReason::Tls(*fault)
    } else if let Some(fault) = fault.downcast_ref::<WsFault>() {
        DisconnectReason::Ws(*fault)
    } else {
        DisconnectReason::Io(error.kind())
    }
}

/// As [`reason`], of a stream that could not be written to before: what TLS or WebSocket says of it says more
/// than that.
pub(crate) fn reason_after(error: &io::Error, broken: Option<DisconnectReason>) -> DisconnectReason {
    match (reason(error), broken) {
        (DisconnectReason::Io(_), Some(broken)) => broken,
        (reason, _) => reason,
    }
}
