//! The peers of a socket, as its application sees them.

use std::sync::Arc;

use bowline_proto::map::Sorted;
use bowline_proto::monitor::Connection;
use bowline_proto::pattern::Tally;
use bowline_proto::time::Instant;
use bowline_proto::{ConnectionId, Endpoint, PeerInfo};

use crate::driver::core::Core;

/// A peer that is connected and ready: who it is, what has passed, and what waits.
///
/// Counters begin with the connection. They are kept by its task once per batch, so they cost nothing per message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The connection: what monitors call it, and what [`disconnect_peer`](crate::Router::disconnect_peer) takes.
    pub connection: ConnectionId,
    /// The endpoint that the connection was made or accepted at.
    pub endpoint: Option<Endpoint>,
    /// The number of the attempt, if we connected: 1 for the first since the endpoint last had a stable connection.
    pub attempt: Option<u32>,
    /// Socket type, identity, address, mechanism, user and properties.
    pub info: Arc<PeerInfo>,
    /// Since when messages flow.
    pub since: Instant,
    /// The messages that left the socket for this peer; in process, those that reached it.
    pub sent: u64,
    /// The messages that came from it.
    pub received: u64,
    /// The bytes that the transport took, with all framing; 0 in process.
    pub bytes_sent: u64,
    /// The bytes that the transport gave, with all framing; 0 in process.
    pub bytes_received: u64,
    /// The messages that a PUB or XPUB dropped because this peer was at its high-water mark.
    pub dropped: u64,
    /// The messages that wait to be written.
    pub unsent: usize,
    /// The messages that wait to be received.
    pub unread: usize,
}

/// The peers of a socket that are ready, oldest connection first.
pub(crate) fn peers(core: &Core) -> Vec<Peer> {
    let attached: Vec<_> = core.with(|engine| engine.peers().collect());
    let snapshot = core.monitors.snapshot();
    let known = |(connection, info, tally)| Some(Peer::new(connection, info, snapshot.connection(connection)?, tally));
    // No algorithm that sorts, which a page would have for this alone.
    let mut peers = Sorted::default();
    for peer in attached.into_iter().filter_map(known) {
        peers.insert(peer.connection, peer);
    }
    peers.into_values().collect()
}

impl Peer {
    pub(super) fn new(connection: ConnectionId, info: Arc<PeerInfo>, known: &Connection, tally: Tally) -> Self {
        let Tally { sent, received, bytes_sent, bytes_received, dropped, unsent, unread } = tally;
        Self {
            connection,
            endpoint: known.endpoint.clone(),
            attempt: known.attempt,
            info,
            since: known.since,
            sent,
            received,
            bytes_sent,
            bytes_received,
            dropped,
            unsent,
            unread,
        }
    }
}

/// A connection that the socket does not have, or no longer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no peer has the connection {0}")]
pub struct UnknownPeer(pub ConnectionId);
