//! What a test in a page can have of the process beside it: sockets that are bound there, and the service that the suites call.

use std::time::Duration;

use bowline::rpc::Stream;
use serde::{Deserialize, Serialize};

/// How a socket is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct How {
    /// Its type, as the protocol calls it.
    pub socket_type: String,
    /// The interval of its heartbeats, and how long it waits for an answer.
    pub heartbeat: Option<Duration>,
    /// Its high-water marks, if not the usual ones.
    pub hwm: Option<u32>,
}

/// A peer that is none of ours: how its connection goes on after the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stranger {
    /// It reads, and says nothing any more.
    IsSilent,
    /// It closes the WebSocket with this code.
    Closes(u16),
    /// It breaks off without a word.
    BreaksOff,
}

/// The process.
#[bowline::service]
pub(crate) trait Beside {
    /// Binds a new socket, at that endpoint or anywhere: its number, and where it is.
    async fn bind(&self, how: How, at: Option<String>) -> (u32, String);
    /// Sends by it.
    async fn send(&self, socket: u32, parts: Vec<Vec<u8>>);
    /// Sends that many messages of that size by it, one behind the other, as far as they are taken.
    async fn flood(&self, socket: u32, count: u32, size: u32);
    /// The next message that it receives.
    async fn recv(&self, socket: u32) -> Vec<Vec<u8>>;
    /// Subscribes to all.
    async fn subscribe(&self, socket: u32);
    /// Waits until somebody has subscribed.
    async fn subscribed(&self, socket: u32);
    /// The next event of that name that its monitor tells, past others, with all it says.
    async fn event(&self, socket: u32, name: String) -> String;
    /// Closes it: its place is free then.
    async fn close(&self, socket: u32);
    /// Where such a peer takes connections for a PULL, one after the other.
    async fn stranger(&self, what: Stranger) -> String;
    /// Serves the desk of the suites until nobody listens: where, and then what its handlers tell.
    async fn desk(&self) -> impl Stream<Item = String>;
    /// Lets one through the gate of that desk.
    async fn permit(&self, desk: String);
}
