//! The sockets: one public type for each socket type, over one shared core.

mod error;
mod handle;
mod peer;
mod state;
mod streams;
// The verbs are written once, as macros, for the typed sockets and for the untyped one.
#[macro_use]
mod types;
mod any;
mod verbs;

pub use any::AnySocket;
pub use error::{BindCause, BindError, ConnectCause, ConnectError, UnknownEndpoint};
pub use peer::{Peer, UnknownPeer};
pub use state::{NoRuntime, StateWatch};
pub use streams::{Messages, Outgoing};
pub use types::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
pub use verbs::{Receiving, Sending};

pub use crate::driver::monitor::Monitor;
