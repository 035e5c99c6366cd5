//! The sockets: one public type for each socket type, over one shared core.

mod error;
mod handle;
mod peer;
mod state;
mod streams;
#[macro_use]
mod methods;
mod any;
mod types;
mod verbs;

pub use any::AnySocket;
pub(crate) use handle::Handle;
pub(crate) use peer::peers;
pub(crate) use state::on_change as on_state_change;

pub use error::{BindCause, BindError, ConnectCause, ConnectError, UnknownEndpoint};
pub use peer::{Peer, UnknownPeer};
pub use state::{NoRuntime, StateWatch};
pub use streams::{Messages, Outgoing};
pub use types::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
pub use verbs::{Receiving, ReceivingMany, Sending, SendingMany};

pub use crate::driver::monitor::Monitor;
