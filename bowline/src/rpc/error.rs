//! What can become of a call.

use std::fmt;

use bowline_proto::DisconnectReason;
use bowline_proto::mux::Code;

use super::codec::{DecodeError, EncodeError};
use crate::socket::ConnectError;

/// Why a call has no result.
///
/// [`outcome`](Self::outcome) says whether the service may have executed it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The method was executed and returned its own error.
    #[error("{0}")]
    Failed(E),
    /// The other side did not answer it, and says why. [`Code::REFUSED`] says that it is busy or ends, and that others
    /// may be tried; that is done [by itself](super::Retries), so this one is the last of several.
    #[error("{0}")]
    Status(Status),
    /// The call's deadline has passed, on whichever side.
    #[error("the deadline has passed ({outcome})")]
    Deadline {
        /// Whether it may have been executed.
        outcome: Outcome,
    },
    /// The connection that had the call is gone, and the call could not be [made again](super::Retries).
    #[error("the connection is lost ({outcome}): {reason}")]
    ConnectionLost {
        /// Whether it may have been executed.
        outcome: Outcome,
        /// Why it is gone.
        reason: DisconnectReason,
    },
    /// There is no connection, and none will come: the client is closed or draining, or every endpoint was given up.
    #[error("not connected: {0}")]
    Unreachable(Unreachable),
    /// The arguments, or an item, are longer than a message may be.
    #[error("the message is too large")]
    TooLarge,
    /// The metadata are longer than they may be.
    #[error("the metadata are too large")]
    MetadataTooLarge,
    /// The arguments, or an item, could not be encoded.
    #[error("could not encode: {0}")]
    Encode(#[source] EncodeError),
    /// What came could not be decoded: the two sides have different types.
    #[error("could not decode: {0}")]
    Decode(#[source] DecodeError),
}

impl<E> CallError<E> {
    /// Whether the service may have executed the call.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Deadline { outcome } | Self::ConnectionLost { outcome, .. } => *outcome,
            Self::Status(status) => status.outcome(),
            Self::Unreachable(_) | Self::MetadataTooLarge => Outcome::NotSent,
            Self::Failed(_) | Self::Decode(_) | Self::TooLarge | Self::Encode(_) => Outcome::MaybeExecuted,
        }
    }
}

/// Whether a call that has failed may have been executed; the less is known, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Not a byte of it left this side.
    NotSent,
    /// The other side says that it has not executed it.
    NotExecuted,
    /// It was sent; whether it was executed is not known.
    MaybeExecuted,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent => "not sent",
            Self::NotExecuted => "not executed",
            Self::MaybeExecuted => "maybe executed",
        })
    }
}

/// Why the other side did not answer a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Why.
    pub code: Code,
    /// Why, for people; at most 1 KiB, maybe empty.
    pub reason: String,
}

impl Status {
    /// A status with this reason, of which the first 1 KiB is told.
    pub fn new(code: Code, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// Whether the call may have been executed.
    pub fn outcome(&self) -> Outcome {
        match self.code {
            Code::REFUSED
            | Code::UNKNOWN_METHOD
            | Code::SHAPE_MISMATCH
            | Code::UNSUPPORTED_CODEC
            | Code::UNAUTHENTICATED
            | Code::PERMISSION_DENIED => Outcome::NotExecuted,
            _ => Outcome::MaybeExecuted,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() { self.code.fmt(f) } else { write!(f, "{}: {}", self.code, self.reason) }
    }
}

impl std::error::Error for Status {}

/// Why there is no connection for a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreachable {
    /// The client is closed, or draining.
    #[error("the client is closed")]
    Closed,
    /// No more attempts are made at any endpoint, the last of them for this reason.
    #[error("every endpoint was given up: {0}")]
    GivenUp(DisconnectReason),
    /// The peer that is to be called back has gone.
    #[error("the peer is gone: {0}")]
    PeerGone(DisconnectReason),
    /// The peer that is to be called back takes no more calls.
    #[error("the peer takes no more calls")]
    GoingAway,
    /// The connection has seen 1,024 methods, and this would be another.
    #[error("too many methods on one connection")]
    TooManyMethods,
}

/// What ends a stream from outside, before any type is known.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Status(Status),
    Deadline(Outcome),
    Lost(Outcome, DisconnectReason),
    Unreachable(Unreachable),
    TooLarge,
    MetadataTooLarge,
}

impl Fault {
    /// Whether the service may have executed the call, as [`CallError::outcome`] will say.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Deadline(outcome) | Self::Lost(outcome, _) => *outcome,
            Self::Status(status) => status.outcome(),
            Self::Unreachable(_) | Self::MetadataTooLarge => Outcome::NotSent,
            Self::TooLarge => Outcome::MaybeExecuted,
        }
    }
}

impl<E> From<Fault> for CallError<E> {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Status(Status { code: Code::DEADLINE, .. }) => Self::Deadline { outcome: Outcome::MaybeExecuted },
            Fault::Status(status) => Self::Status(status),
            Fault::Deadline(outcome) => Self::Deadline { outcome },
            Fault::Lost(outcome, reason) => Self::ConnectionLost { outcome, reason },
            Fault::Unreachable(why) => Self::Unreachable(why),
            Fault::TooLarge => Self::TooLarge,
            Fault::MetadataTooLarge => Self::MetadataTooLarge,
        }
    }
}

/// Two methods that would have the same id on one server, or on one client that is called back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{first} and {second} have the same id on the wire")]
pub struct Clash {
    /// One of them.
    pub first: String,
    /// The other one.
    pub second: String,
}

/// Why a client could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// An endpoint that can't be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Two methods of its services are one on the wire.
    #[error(transparent)]
    Clash(#[from] Clash),
}

/// Arguments that could not be decoded. The call has been answered with that already.
#[derive(Debug, thiserror::Error)]
#[error("the arguments could not be decoded: {0}")]
pub struct Malformed(#[from] pub DecodeError);
