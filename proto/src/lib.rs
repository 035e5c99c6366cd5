//! The pure core of bowline: ZMTP 3.1, pipes, socket patterns and lifecycles.
//!
//! Nothing here does I/O, reads a clock, starts a task or rolls dice: time and seeds are arguments, bytes come in and
//! go out by the caller's hand. The crate `bowline` drives it on tokio; the module `sim` drives it in virtual time.

#![forbid(unsafe_code)]

pub mod auth;
pub mod endpoint;
pub mod engine;
pub mod error;
#[cfg(test)]
mod golden;
pub mod keys;
pub mod limits;
pub mod link;
pub mod lock;
pub mod map;
pub mod message;
pub mod monitor;
pub mod mux;
pub mod options;
pub mod pattern;
pub mod peer;
pub mod pipe;
mod security;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
pub mod socket_type;
pub mod time;
pub mod wire;

pub use endpoint::{Endpoint, EndpointError};
pub use error::{DisconnectReason, ProtocolError, RecvError, SendError, SendErrorKind, SubscribeError};
pub use keys::{CurveClient, CurveServer, InvalidKey, KeyPair, PublicKey, SecretKey};
pub use limits::{AcceptLimit, PeerLimits};
pub use message::{Message, Part};
pub use monitor::{ConnectionId, MonitorEvent, MonitorKind, Snapshot, TransportState};
pub use options::{Identity, Mechanism, Options, Origins, PlainCredentials, Reconnect, ReconnectStop};
pub use peer::{PeerCertificate, PeerInfo};
pub use socket_type::SocketType;
