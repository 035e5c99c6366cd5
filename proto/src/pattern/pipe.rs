//! One pipe of a socket: its two halves, and the peer at its end.

use std::sync::Arc;

use bytes::Bytes;

use crate::Part;
use crate::monitor::ConnectionId;
use crate::peer::PeerInfo;
use crate::pipe::{Inbox, Outbox, Reader, Writer};

/// What a peer did that monitors hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It subscribed to this topic.
    Subscribed(Bytes),
    /// It no longer subscribes to this topic.
    Unsubscribed(Bytes),
}

/// What has passed by a pipe since its peer is there, and what waits in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The messages that left the pipe for the peer; in process, those that reached its inbox.
    pub sent: u64,
    /// The messages that came from the peer.
    pub received: u64,
    /// The bytes that were written; none in process.
    pub bytes_sent: u64,
    /// The bytes that were read; none in process.
    pub bytes_received: u64,
    /// The messages for this peer that were dropped, because its pipe was full.
    pub dropped: u64,
    /// The messages that wait to be written.
    pub unsent: usize,
    /// The messages that came and wait to be received.
    pub unread: usize,
}

/// The inbox of a peer in the same process.
#[derive(Debug)]
pub(super) struct Direct {
    pub(super) inbox: Arc<Inbox>,
    /// In this era of it.
    pub(super) era: u64,
    /// What had come into it from earlier peers.
    received_before: u64,
}

/// A peer at the end of a pipe.
#[derive(Debug)]
pub(super) struct Peer {
    connection: ConnectionId,
    info: Arc<PeerInfo>,
    /// What the pipe had counted before it came.
    before: Tally,
}

/// One pipe of a socket.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none a state")]
pub struct Pipe {
    pub(super) serial: u32,
    /// To the connection task: messages, and the orders to drain, to close and to end the connection.
    pub(super) writer: Writer,
    /// In process, messages go straight into the peer's inbox instead.
    pub(super) direct: Option<Direct>,
    pub(super) reader: Reader,
    /// Nothing comes any more; the pipe goes when all is read.
    pub(super) closed: bool,
    /// Whether it belongs to a dialed endpoint and survives its connections.
    pub dialed: bool,
    /// The peer at the other end, while there is one.
    pub(super) peer: Option<Peer>,
    /// Messages that it was too full for, where nobody waits for room.
    pub(super) dropped: u64,
    /// What a ROUTER calls the peer.
    pub identity: Part,
    /// Whether it stands in the queue of pipes with room.
    pub(super) sends: bool,
    /// Whether it stands in the queue of pipes with something to read.
    pub(super) receives: bool,
}

impl Pipe {
    /// Whether the application may still send by it.
    pub const fn takes_messages(&self) -> bool {
        !self.closed
    }

    /// The peer at the other end, while there is one.
    pub fn peer(&self) -> Option<&PeerInfo> {
        self.peer.as_ref().map(|peer| &*peer.info)
    }

    /// The connection to the peer, while there is one.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.peer.as_ref().map(|peer| peer.connection)
    }

    /// The connection to the peer, the peer, and what has passed, while there is one.
    pub fn report(&self) -> Option<(ConnectionId, Arc<PeerInfo>, Tally)> {
        self.peer.as_ref().map(|peer| (peer.connection, Arc::clone(&peer.info), self.tally()))
    }

    /// A peer has come to the other end.
    pub fn join(&mut self, connection: ConnectionId, info: Arc<PeerInfo>) {
        debug_assert!(self.peer.is_none(), "a pipe has one peer at a time");
        // What an accepted pipe holds in process was sent by this very peer.
        let before = if self.dialed { self.counted() } else { Tally::default() };
        self.peer = Some(Peer { connection, info, before });
        self.reader.inbox().join();
    }

    /// The peer has gone; whether there was one.
    pub fn leave(&mut self) -> bool {
        let left = self.peer.take().is_some();
        if left {
            self.reader.inbox().sever();
        }
        left
    }

    /// Whether something waits in it that has not left.
    pub(super) fn has_unsent(&self) -> bool {
        self.direct.as_ref().map_or_else(|| !self.writer.is_empty(), |direct| direct.inbox.awaits_reader())
    }

    /// How many messages wait to be written.
    pub fn unsent(&self) -> usize {
        self.writer.len()
    }

    /// What has passed since the peer is there, and what waits now.
    pub fn tally(&self) -> Tally {
        let (now, before) = (self.counted(), self.peer.as_ref().map(|peer| peer.before).unwrap_or_default());
        Tally {
            sent: now.sent.saturating_sub(before.sent),
            received: now.received.saturating_sub(before.received),
            bytes_sent: now.bytes_sent.saturating_sub(before.bytes_sent),
            bytes_received: now.bytes_received.saturating_sub(before.bytes_received),
            dropped: now.dropped.saturating_sub(before.dropped),
            ..now
        }
    }

    /// All that was ever counted.
    fn counted(&self) -> Tally {
        let (sent, unsent) = match &self.direct {
            None => (self.writer.outbox().sent(), self.unsent()),
            Some(direct) if direct.inbox.awaits_reader() => (0, direct.inbox.len()),
            Some(direct) => (direct.inbox.received().saturating_sub(direct.received_before), 0),
        };
        Tally {
            sent,
            received: self.reader.inbox().received(),
            bytes_sent: self.writer.outbox().bytes(),
            bytes_received: self.reader.inbox().bytes(),
            dropped: self.dropped,
            unsent,
            unread: self.reader.len(),
        }
    }

    /// Its outbound half.
    pub const fn outbox(&self) -> &Arc<Outbox> {
        self.writer.outbox()
    }

    /// Its inbound half.
    pub const fn inbox(&self) -> &Arc<Inbox> {
        self.reader.inbox()
    }

    /// In process: messages go into this inbox from now on.
    pub fn direct(&mut self, inbox: Arc<Inbox>) {
        let (era, received_before) = (inbox.era(), if self.dialed { 0 } else { inbox.received() });
        self.direct = Some(Direct { inbox, era, received_before });
    }
}
