//! Errors: each names the culprit and the cause.

mod tls;
mod ws;

use std::fmt;
use std::io;

pub use tls::{TlsAlert, TlsFault, TlsSettingsCause, TlsSettingsError, TlsSource};
pub use ws::WsFault;

use crate::auth::{Code, Refusal};
use crate::{Message, SocketType};

/// Why a connection went. The first reason of a teardown is the one that is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The peer closed the connection.
    #[error("closed by the peer")]
    PeerClosed,
    /// We closed it: `close`, `stop`, `disconnect` or `unbind`.
    #[error("closed on this side")]
    LocalClose,
    /// The application ended it with `disconnect_peer`.
    #[error("disconnected on this side")]
    Dismissed,
    /// The peer left a PING unanswered, or broke its own promise to send one.
    #[error("heartbeat timed out")]
    HeartbeatTimeout,
    /// The handshake took longer than `handshake_timeout`.
    #[error("handshake timed out")]
    HandshakeTimeout,
    /// The peer refused us with an ERROR command.
    #[error("refused by the peer: {reason}")]
    HandshakeRefused {
        /// What the peer gave for a reason, as it came.
        reason: String,
    },
    /// We refused the peer: our authenticator, or the list of users or clients. The peer is told the code alone.
    #[error("the peer was refused: {0}")]
    Unauthorized(Refusal),
    /// The peer broke the protocol.
    #[error("protocol error: {0}")]
    Protocol(#[from] ProtocolError),
    /// The peer announced a message over `max_message_size`.
    #[error("the peer announced a message of at least {announced} bytes; at most {limit} are accepted")]
    Oversize {
        /// The size of the message so far, with the frame that was announced.
        announced: u64,
        /// The limit.
        limit: u64,
    },
    /// The peer sent a message of more parts than `max_parts`.
    #[error("the peer sent a message of more than {limit} parts")]
    TooManyParts {
        /// The limit.
        limit: usize,
    },
    /// The peer subscribed to more topics than `max_subscriptions`.
    #[error("the peer subscribed to more than {limit} topics")]
    TooManySubscriptions {
        /// The limit.
        limit: usize,
    },
    /// The topics that the peer subscribed to have more bytes than `max_subscription_bytes`.
    #[error("the topics that the peer subscribed to have more than {limit} bytes")]
    SubscriptionsTooLong {
        /// The limit.
        limit: usize,
    },
    /// The transport failed.
    #[error("i/o error: {}", IoKind(*.0))]
    Io(io::ErrorKind),
    /// TLS failed: what the peer showed or wants does not fit, it speaks no TLS, or somebody cut the connection.
    #[error("TLS: {0}")]
    Tls(#[from] TlsFault),
    /// The WebSocket did not come about or broke off.
    #[error("WebSocket: {0}")]
    Ws(#[from] WsFault),
    /// A new connection of the same identity took over (`router_handover`).
    #[error("superseded by a new connection of the same identity")]
    Superseded,
    /// A REQ socket with `req_relaxed` gave up the request that this peer had for a newer one.
    #[error("its request was given up for a newer one")]
    RequestAbandoned,
    /// Another peer of this ROUTER has the identity.
    #[error("the identity is taken by another peer")]
    IdentityTaken,
    /// A PAIR socket that has its peer was offered another.
    #[error("the PAIR socket has a peer already")]
    PairTaken,
}

impl DisconnectReason {
    /// The status code of RFC 27, where somebody's authenticator refused: ours, or the peer's.
    ///
    /// ```
    /// # use bowline_proto::{DisconnectReason, auth::Code};
    /// let reason = DisconnectReason::HandshakeRefused { reason: "400".to_owned() };
    /// assert_eq!(reason.code(), Some(Code::Credentials));
    /// ```
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Unauthorized(refusal) => Some(refusal.code),
            Self::HandshakeRefused { reason } => reason.parse().ok(),
            _ => None,
        }
    }

    /// Its name in snake case, without what it carries: for metrics and programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PeerClosed => "peer_closed",
            Self::LocalClose => "local_close",
            Self::Dismissed => "dismissed",
            Self::HeartbeatTimeout => "heartbeat_timeout",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HandshakeRefused { .. } => "handshake_refused",
            Self::Unauthorized(_) => "unauthorized",
            Self::Protocol(_) => "protocol",
            Self::Oversize { .. } => "oversize",
            Self::TooManyParts { .. } => "too_many_parts",
            Self::TooManySubscriptions { .. } => "too_many_subscriptions",
            Self::SubscriptionsTooLong { .. } => "subscriptions_too_long",
            Self::Io(_) => "io",
            Self::Tls(_) => "tls",
            Self::Ws(_) => "ws",
            Self::Superseded => "superseded",
            Self::RequestAbandoned => "request_abandoned",
            Self::IdentityTaken => "identity_taken",
            Self::PairTaken => "pair_taken",
        }
    }
}

struct IoKind(io::ErrorKind);

impl fmt::Display for IoKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a peer broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The greeting's signature is wrong: the peer does not speak ZMTP.
    #[error("the peer does not speak ZMTP")]
    NotZmtp,
    /// The peer begins with TLS, or answers with an alert of it: its endpoint is `tls+tcp://`, ours is not.
    #[error("the peer speaks TLS, and this endpoint does not")]
    SpeaksTls,
    /// The peer speaks a major version before 3.
    #[error("the peer speaks ZMTP {major}, which is too old")]
    OldVersion {
        /// Its major version.
        major: u8,
    },
    /// The peer wants another security mechanism.
    #[error("the peer wants the mechanism {theirs:?}, we want {ours:?}")]
    MechanismMismatch {
        /// The name in our greeting.
        ours: &'static str,
        /// The name in the peer's.
        theirs: String,
    },
    /// Both peers are servers of the mechanism, or both are clients.
    #[error("both sides of the {mechanism} mechanism take the same role")]
    SameRole {
        /// The mechanism.
        mechanism: &'static str,
    },
    /// A message arrived where the handshake wants a command.
    #[error("a message during the handshake")]
    MessageInHandshake,
    /// A command that does not belong here.
    #[error("unexpected command {name:?}")]
    UnexpectedCommand {
        /// Its name as it came, at most 255 bytes.
        name: String,
    },
    /// A command that cannot be read.
    #[error("malformed {name} command")]
    MalformedCommand {
        /// Its name; `?` where even that cannot be read.
        name: &'static str,
    },
    /// A command longer than any has a right to be.
    #[error("a command of {announced} bytes")]
    CommandTooLong {
        /// The length that the peer announced.
        announced: u64,
    },
    /// A frame with reserved flag bits set.
    #[error("reserved flag bits in {flags:#04x}")]
    ReservedFlags {
        /// The flags octet.
        flags: u8,
    },
    /// A command frame that says more is to follow, or comes between the parts of a message.
    #[error("a command within a message")]
    CommandInMessage,
    /// A frame length with its highest bit set.
    #[error("an impossible frame length")]
    FrameLength,
    /// The peer said more of itself than `max_metadata` bytes.
    #[error("the peer says {len} bytes of itself; at most {limit} are accepted")]
    MetadataTooLong {
        /// How many.
        len: usize,
        /// The limit.
        limit: usize,
    },
    /// The peer said more properties of itself than anybody needs.
    #[error("the peer says more than {limit} properties of itself")]
    TooManyProperties {
        /// The limit.
        limit: usize,
    },
    /// The READY metadata lack the socket type.
    #[error("the peer did not say its socket type")]
    NoSocketType,
    /// The peer's socket type is none that we know.
    #[error("unknown socket type {0:?}")]
    UnknownSocketType(String),
    /// The two socket types do not go together.
    #[error("{ours} does not talk to {theirs}")]
    IncompatibleSocketType {
        /// Our type.
        ours: SocketType,
        /// The peer's.
        theirs: SocketType,
    },
    /// The peer's identity is longer than 255 bytes or begins with a zero byte.
    #[error("invalid identity")]
    InvalidIdentity,
    /// What came over the connection broke the protocol of the streams that it carries.
    #[error("streams: {violation}")]
    Mux {
        /// How.
        violation: String,
    },
    /// The connection ended in the middle of a frame or of a multipart message.
    #[error("the connection ended within a frame")]
    Truncated,
    /// The peer does not have the keys of CURVE that it should have, or somebody altered what it sent.
    #[error("CURVE: {0}")]
    Curve(#[from] CurveError),
}

/// What was wrong with what a peer sent by CURVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CurveError {
    /// The client speaks another version than 1.0.
    #[error("another version than 1.0")]
    Version,
    /// The client's HELLO can't be opened: it was sealed for another server's key, or altered.
    #[error("HELLO can't be opened: the client has another key for this server")]
    Hello,
    /// The server's WELCOME can't be opened: it does not have the secret of the key that we expect, or it was altered.
    #[error("WELCOME can't be opened: the server has another key than we expect")]
    Welcome,
    /// The client's INITIATE does not bring back the cookie that this connection gave it.
    #[error("INITIATE has another cookie than this connection gave")]
    Cookie,
    /// The client's INITIATE can't be opened.
    #[error("INITIATE can't be opened")]
    Initiate,
    /// The client does not have the secret of the key that it shows, or its voucher is for another connection or server.
    #[error("the client does not vouch for its key")]
    Vouch,
    /// The server's READY can't be opened.
    #[error("READY can't be opened")]
    Ready,
    /// A public key that makes no secret, whatever the other one is.
    #[error("a public key that makes no secret")]
    WeakKey,
    /// A MESSAGE can't be opened: it was altered.
    #[error("MESSAGE can't be opened: it was altered")]
    Message,
    /// A MESSAGE that was sent before, or out of order.
    #[error("MESSAGE {number} after {heard}: it was replayed or reordered")]
    Replayed {
        /// Its number.
        number: u64,
        /// The highest one so far.
        heard: u64,
    },
    /// A message that is not sealed.
    #[error("a message in clear text")]
    ClearText,
}

/// How far the handshake came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeStage {
    /// The greetings are being exchanged; where there is TLS, that comes before them and counts as this.
    Greeting,
    /// The mechanism is at work.
    Security,
    /// The metadata are being exchanged.
    Ready,
}

impl fmt::Display for HandshakeStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "greeting",
            Self::Security => "security",
            Self::Ready => "ready",
        })
    }
}

/// A message that could not be sent, and why. The message comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SendError {
    /// The message, as it was given. Boxed, so that a success has no room for it to carry along.
    pub message: Box<Message>,
    /// Why it could not be sent.
    pub kind: SendErrorKind,
}

impl SendError {
    /// This message could not be sent.
    #[cold]
    pub fn new(message: Message, kind: SendErrorKind) -> Self {
        Self { message: Box::new(message), kind }
    }
}

/// Why a message could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// No pipe has room, or there is no peer yet: only from `try_send`, since `send` waits.
    #[error("would block: no peer, or all are at their high-water mark")]
    WouldBlock,
    /// A ROUTER with `router_mandatory` knows no peer of this identity.
    #[error("no peer has the identity that the message begins with")]
    Unroutable,
    /// A ROUTER message needs the identity and at least one part more.
    #[error("a message to a ROUTER peer needs its identity and at least one part more")]
    NoIdentity,
    /// A REQ socket waits for its reply, or a REP socket has no request to answer.
    #[error("not the socket's turn to send")]
    OutOfTurn,
    /// The socket type does not send.
    #[error("{0} sockets do not send")]
    Unsupported(SocketType),
    /// The socket is closed or closing.
    #[error("the socket is closed")]
    Closed,
}

/// Why nothing can be received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// There is no message: only from `try_recv`, since `recv` waits.
    #[error("would block: no message")]
    WouldBlock,
    /// A REQ socket has sent no request, or a REP socket has not answered the last one.
    #[error("not the socket's turn to receive")]
    OutOfTurn,
    /// The peer that had the request of this REQ socket is gone: no reply will come. The socket may send again.
    #[error("the peer went away with the request")]
    PeerLost,
    /// The socket type does not receive.
    #[error("{0} sockets do not receive")]
    Unsupported(SocketType),
    /// The socket is closed.
    #[error("the socket is closed")]
    Closed,
}

/// Why a subscription could not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The socket type has no subscriptions.
    #[error("{0} sockets do not subscribe")]
    Unsupported(SocketType),
    /// The socket is closed.
    #[error("the socket is closed")]
    Closed,
}
