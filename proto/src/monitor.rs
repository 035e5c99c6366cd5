//! What a socket tells of its life.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::Endpoint;
use crate::error::{DisconnectReason, HandshakeStage};
use crate::peer::PeerInfo;
use crate::time::Instant;

/// One connection of a socket: one link to one peer. Never used twice in the life of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something that happened to a socket or to one of its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorEvent {
    /// When it happened.
    pub time: Instant,
    /// The endpoint that it happened at, as it was bound or connected to.
    pub endpoint: Option<Endpoint>,
    /// The connection that it happened to.
    pub connection: Option<ConnectionId>,
    /// What happened.
    pub kind: MonitorKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MonitorKind {
    /// A bound endpoint accepts connections.
    Listening,
    /// An endpoint could not be bound.
    BindFailed(io::ErrorKind),
    /// A peer's connection was accepted; the handshake begins.
    Accepted {
        /// The peer's address.
        address: String,
    },
    /// A connection could not be accepted.
    AcceptFailed(io::ErrorKind),
    /// An attempt to connect begins.
    Connecting {
        /// 1 for the first since the endpoint last had a stable connection.
        attempt: u32,
    },
    /// An attempt failed, or a connection was lost; the next attempt is after a delay.
    ConnectRetried {
        /// How long the next attempt waits.
        delay: Duration,
        /// What made the attempt fail, where it was the transport. `NotFound` is a host name that does not resolve, or
        /// an ipc path that is not there.
        cause: Option<io::ErrorKind>,
    },
    /// The transport connected; the handshake begins.
    Connected {
        /// The peer's address.
        address: String,
    },
    /// The handshake is done: this is the peer.
    HandshakeSucceeded(PeerInfo),
    /// The socket has taken the peer, and messages flow. A peer that it does not take, as a PAIR that has one already,
    /// is disconnected instead.
    Ready,
    /// The connection went before it was ready.
    HandshakeFailed {
        /// How far it came.
        stage: HandshakeStage,
        /// Why.
        reason: DisconnectReason,
    },
    /// A connection that was ready is lost.
    Disconnected(DisconnectReason),
    /// No more attempts will be made at this endpoint.
    ConnectStopped(DisconnectReason),
    /// A bound endpoint does not accept connections any longer.
    Closed,
    /// The socket is closed; the last event.
    Stopped,
    /// This many events were lost, because the monitor was not read fast enough.
    Lagged(u64),
}

impl MonitorKind {
    /// The event's name in snake case, for logs and programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::BindFailed(_) => "bind_failed",
            Self::Accepted { .. } => "accepted",
            Self::AcceptFailed(_) => "accept_failed",
            Self::Connecting { .. } => "connecting",
            Self::ConnectRetried { .. } => "connect_retried",
            Self::Connected { .. } => "connected",
            Self::HandshakeSucceeded(_) => "handshake_succeeded",
            Self::Ready => "ready",
            Self::HandshakeFailed { .. } => "handshake_failed",
            Self::Disconnected(_) => "disconnected",
            Self::ConnectStopped(_) => "connect_stopped",
            Self::Closed => "closed",
            Self::Stopped => "stopped",
            Self::Lagged(_) => "lagged",
        }
    }
}
