//! Who deals with each connection of a socket by itself.
//!
//! What such a connection carries goes past the pipe, the pattern and the socket's lock: the task that serves the
//! connection hands over what has come, and asks for what is to be sent.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowline_proto::message::Queue;
use bowline_proto::{ConnectionId, DisconnectReason, Part, PeerInfo};

/// Hears of the peers of a socket before its monitors and its state do. No lock is held.
pub(crate) trait Attendant: Send + Sync {
    /// A peer is there; whatever passes on the connection is for who is returned.
    fn joined(self: Arc<Self>, connection: ConnectionId, peer: &Arc<PeerInfo>) -> Box<dyn Attended>;

    /// No more attempts will be made at one of the endpoints.
    fn gave_up(&self, reason: &DisconnectReason);
}

/// What a connection carries. Only the task that serves the connection calls these, with no lock held.
pub(crate) trait Attended: Send + Sync {
    /// The peer is in this process: messages pass as they are, from here on.
    fn pass_directly(&self);

    /// Takes the first of the messages that have come, one at the least; `more` may have come behind them. What is to be
    /// sent is asked for next, whatever comes of them.
    ///
    /// # Errors
    ///
    /// Why the connection is to end.
    fn take(&self, messages: &mut Queue, more: bool) -> Result<(), DisconnectReason>;

    /// Gives what there is to be sent, frame by frame in header and payload, until `give` says that it takes no more; pending
    /// if there is nothing.
    fn poll_give(&self, cx: &Context<'_>, give: &mut dyn FnMut(&[u8], &Part) -> bool) -> Poll<()>;

    /// The connection is gone, and nothing more will come.
    fn lost(&self, reason: &DisconnectReason);
}

/// By its name alone: what stands in a table of methods is linked, used or not, and that of all it contains as well.
impl fmt::Debug for dyn Attended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attended")
    }
}
