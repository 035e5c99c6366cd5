//! What a socket tells of its life.

mod snapshot;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use snapshot::{Connection, DialStage, Dialed, Snapshot, Stage};

use crate::Endpoint;
use crate::error::{DisconnectReason, HandshakeStage, TlsSettingsError};
use crate::limits::AcceptLimit;
use crate::peer::PeerInfo;
use crate::time::Instant;

/// One connection of a socket: one attempt at one link to one peer. Never used twice in the life of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a socket has somebody to talk to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportState {
    /// No peer is ready, but some endpoint is being connected to, or will be again.
    Connecting,
    /// At least one peer is ready.
    Connected,
    /// No peer is ready, and we are not the ones to get one: nothing was connected to yet, the endpoints were given up,
    /// the socket is only bound, or it is closed.
    #[default]
    Disconnected,
}

impl TransportState {
    /// Its name in snake case, for logs and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
        }
    }
}

impl fmt::Display for TransportState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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
    /// The number of the attempt at a dialed endpoint: 1 for the first since it last had a stable connection.
    pub attempt: Option<u32>,
    /// The peer of the connection, from [`HandshakeSucceeded`](MonitorKind::HandshakeSucceeded) on.
    pub peer: Option<Arc<PeerInfo>>,
    /// What happened.
    pub kind: MonitorKind,
}

impl MonitorEvent {
    /// An event that is not about an endpoint or a connection, until these are filled in.
    pub const fn new(time: Instant, kind: MonitorKind) -> Self {
        Self { time, endpoint: None, connection: None, attempt: None, peer: None, kind }
    }
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
    /// A peer's connection was closed as soon as it was accepted: there are too many already.
    AcceptRefused {
        /// The peer's address.
        address: String,
        /// The limit that it is over.
        limit: AcceptLimit,
    },
    /// An attempt to connect begins.
    Connecting,
    /// Nobody is bound to the name yet; the attempt waits until somebody is. Only in process: with other transports the
    /// attempt fails, and there is another one later.
    ConnectDelayed,
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
    /// The handshake is done; [`MonitorEvent::peer`] is the peer.
    HandshakeSucceeded,
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
    /// The peer has subscribed to this topic: PUB and XPUB only.
    Subscribed(Bytes),
    /// The peer no longer subscribes to this topic: PUB and XPUB only. Subscriptions that end with their connection are
    /// not told one by one.
    Unsubscribed(Bytes),
    /// The peer sends faster than [`max_rate`](crate::PeerLimits::max_rate): nothing is read from it for so long. Told once
    /// a second at the most, however many pauses there are.
    Slowed(Duration),
    /// So many messages that the socket had taken to send are dropped, together with the pipe they waited in: its peer
    /// is gone and was not ours to dial, its endpoint was given up, or linger is over. What waits for a subscriber that
    /// is lost is dropped with its subscriptions, whoever dialed.
    Dropped(u64),
    /// A connection whose handshake had succeeded is gone.
    Disconnected(DisconnectReason),
    /// No more attempts will be made at this endpoint.
    ConnectStopped(DisconnectReason),
    /// Files of TLS have changed, and what is in them now can't be used: what was read before still is.
    TlsNotReloaded(TlsSettingsError),
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
            Self::AcceptRefused { .. } => "accept_refused",
            Self::Connecting => "connecting",
            Self::ConnectDelayed => "connect_delayed",
            Self::ConnectRetried { .. } => "connect_retried",
            Self::Connected { .. } => "connected",
            Self::HandshakeSucceeded => "handshake_succeeded",
            Self::Ready => "ready",
            Self::HandshakeFailed { .. } => "handshake_failed",
            Self::Subscribed(_) => "subscribed",
            Self::Unsubscribed(_) => "unsubscribed",
            Self::Slowed(_) => "slowed",
            Self::Dropped(_) => "dropped",
            Self::Disconnected(_) => "disconnected",
            Self::ConnectStopped(_) => "connect_stopped",
            Self::TlsNotReloaded(_) => "tls_not_reloaded",
            Self::Closed => "closed",
            Self::Stopped => "stopped",
            Self::Lagged(_) => "lagged",
        }
    }
}
