//! Brokerless messaging for Rust: ZeroMQ sockets that speak ZMTP 3.1 with every existing ZeroMQ peer.
//!
//! > **A socket decides where a message goes. A pipe carries it. A link speaks to one peer.**
//!
//! ```
//! use bowline::{Pull, Push};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pull = Pull::new();
//! let endpoint = pull.bind("tcp://127.0.0.1:*").await?;
//!
//! let push = Push::new();
//! push.connect(&endpoint)?;
//! push.send("hello").await?;
//!
//! let message = pull.recv().await?;
//! assert_eq!(message.parts(), ["hello"]);
//! push.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! | type | sends | receives | peers |
//! |---|---|---|---|
//! | [`Push`] | to each in turn | | [`Pull`] |
//! | [`Pull`] | | from each in turn | [`Push`] |
//! | [`Pub`] | to all that subscribed | | [`Sub`] [`XSub`] |
//! | [`Sub`] | | what it subscribed to | [`Pub`] [`XPub`] |
//! | [`XPub`] | to all that subscribed | subscriptions | [`Sub`] [`XSub`] |
//! | [`XSub`] | subscriptions | what it subscribed to | [`Pub`] [`XPub`] |
//! | [`Req`] | a request to each in turn | its reply | [`Rep`] [`Router`] |
//! | [`Rep`] | the reply to the last request | a request from each in turn | [`Req`] [`Dealer`] |
//! | [`Dealer`] | to each in turn | from each in turn | [`Rep`] [`Dealer`] [`Router`] |
//! | [`Router`] | to the peer that the first part names | from each in turn, with its name | [`Req`] [`Dealer`] [`Router`] |
//! | [`Pair`] | to its peer | from its peer | [`Pair`] |
//!
//! Endpoints are `tcp://HOST:PORT`, with the feature `tls` also `tls+tcp://HOST:PORT`, with the feature `ws`
//! also `ws://HOST:PORT/PATH` and, with both, `wss://HOST:PORT/PATH`, `ipc://PATH`, `ipc://@NAME` and `inproc://NAME`; see [`Endpoint`]. Peers may come in
//! any order: `connect` never waits, and a lost connection is made again. What happens meanwhile is told by a
//! [`Monitor`].

#![forbid(unsafe_code)]

pub mod auth;
#[cfg(feature = "axum")]
pub mod axum;
pub mod curve;
mod driver;
mod observe;
pub mod rpc;
mod rt;
mod socket;
#[cfg(all(feature = "tls", not(target_arch = "wasm32")))]
pub mod tls;
#[cfg_attr(target_arch = "wasm32", path = "transport/web/mod.rs")]
mod transport;

/// For the package of npm, whose pages may carry connections by themselves.
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use transport::carry;
/// For the tests in pages, which have somebody who listens for them.
#[cfg(all(feature = "hosted", target_arch = "wasm32"))]
#[doc(hidden)]
pub use transport::{Hosting, Take, host};

pub use bowline_macros::service;
pub use bowline_proto::{
    AcceptLimit, ConnectionId, DisconnectReason, Endpoint, EndpointError, Identity, Mechanism, Message, MonitorEvent,
    MonitorKind, Options, Origins, Part, PeerCertificate, PeerInfo, PeerLimits, PlainCredentials, ProtocolError,
    Reconnect, ReconnectStop, RecvError, SendError, SendErrorKind, Snapshot, SocketType, SubscribeError,
    TransportState, endpoint, error, monitor, time,
};
pub use socket::{
    AnySocket, BindCause, BindError, ConnectCause, ConnectError, Dealer, Messages, Monitor, NoRuntime, Outgoing, Pair,
    Peer, Pub, Pull, Push, Receiving, ReceivingMany, Rep, Req, Router, Sending, SendingMany, StateWatch, Sub,
    UnknownEndpoint, UnknownPeer, XPub, XSub,
};
/// The token that [`with_parent`](Push::with_parent) takes.
pub use tokio_util::sync::CancellationToken;

/// The code on the page is compiled and run with the tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../docs/services.md")]
struct Services;
