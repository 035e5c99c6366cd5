//! Who deals with each connection of a socket by itself, and has to hear of it in order.

use std::sync::Arc;

use bowline_proto::pipe::PipeId;
use bowline_proto::{ConnectionId, DisconnectReason, PeerInfo};

/// Hears of the peers of a socket before its monitors and its state do. No lock is held.
pub(crate) trait Attendant: Send + Sync {
    /// A peer stands at the end of the pipe, and messages may be on their way already.
    fn joined(&self, pipe: PipeId, connection: ConnectionId, peer: &Arc<PeerInfo>);

    /// The peer of the connection is gone. Whatever it has sent can be received before this returns; nothing will come.
    fn lost(&self, pipe: PipeId, connection: ConnectionId, reason: &DisconnectReason);

    /// No more attempts will be made at one of the endpoints.
    fn gave_up(&self, reason: &DisconnectReason);
}
