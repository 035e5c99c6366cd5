//! The pipes of a socket, as its pattern sees them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use slab::Slab;

use crate::error::DisconnectReason;
use crate::monitor::ConnectionId;
use crate::peer::PeerInfo;
use crate::pipe::lifecycle::State;
use crate::pipe::{Full, Inbox, Mailbox, Outbox, PipeId, Wakes};
use crate::wire::batch::Batch;
use crate::wire::subscription;
use crate::{Message, Options, Part, SocketType};

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
struct Direct {
    inbox: Arc<Inbox>,
    /// In this era of it.
    era: u64,
    /// What had come into it from earlier peers.
    received_before: u64,
}

/// A peer at the end of a pipe.
#[derive(Debug)]
struct Peer {
    connection: ConnectionId,
    info: Arc<PeerInfo>,
    /// What the pipe had counted before it came.
    before: Tally,
}

/// One pipe of a socket.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none a state")]
pub struct Pipe {
    serial: u32,
    /// To the connection task: messages, and the orders to drain, to close and to end the connection.
    outbox: Arc<Outbox>,
    /// In process, messages go straight into the peer's inbox instead.
    direct: Option<Direct>,
    inbox: Arc<Inbox>,
    /// What was taken out of the inbox and not handed on yet.
    batch: VecDeque<Message>,
    /// What was handed on since the inbox last heard of it.
    handed_on: usize,
    report_at: usize,
    /// Nothing comes any more; the pipe goes when all is read.
    closed: bool,
    /// Whether it belongs to a dialed endpoint and survives its connections.
    pub dialed: bool,
    /// The peer at the other end, while there is one.
    peer: Option<Peer>,
    /// Messages that it was too full for, where nobody waits for room.
    dropped: u64,
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
        self.inbox.join();
    }

    /// The peer has gone; whether there was one.
    pub fn leave(&mut self) -> bool {
        let left = self.peer.take().is_some();
        if left {
            self.inbox.sever();
        }
        left
    }

    /// Whether something waits in it that has not left.
    fn has_unsent(&self) -> bool {
        self.direct.as_ref().map_or_else(|| !self.outbox.is_empty(), |direct| direct.inbox.awaits_reader())
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
            None => (self.outbox.sent(), self.outbox.len()),
            Some(direct) if direct.inbox.awaits_reader() => (0, direct.inbox.len()),
            Some(direct) => (direct.inbox.received().saturating_sub(direct.received_before), 0),
        };
        Tally {
            sent,
            received: self.inbox.received(),
            bytes_sent: self.outbox.bytes(),
            bytes_received: self.inbox.bytes(),
            dropped: self.dropped,
            unsent,
            unread: self.inbox.waiting() + self.batch.len(),
        }
    }

    /// Its outbound half.
    pub const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Its inbound half.
    pub const fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// In process: messages go into this inbox from now on.
    pub fn direct(&mut self, inbox: Arc<Inbox>) {
        let (era, received_before) = (inbox.era(), if self.dialed { 0 } else { inbox.received() });
        self.direct = Some(Direct { inbox, era, received_before });
    }
}

/// All pipes of a socket.
#[derive(Debug)]
pub struct Pipes {
    socket_type: SocketType,
    mailbox: Arc<Mailbox>,
    recv_hwm: usize,
    slab: Slab<Pipe>,
    next_serial: u32,
    wakes: Wakes,
    /// What peers did. As much as their inboxes hold at the most: whoever calls the engine takes it after every call.
    news: Vec<(ConnectionId, News)>,
    subscribed: u64,
    /// Where a message for several pipes is encoded once.
    encoded: Batch,
}

impl Pipes {
    /// None yet, for a socket of this type.
    pub fn new(socket_type: SocketType, recv_hwm: usize) -> Self {
        Self {
            socket_type,
            mailbox: Arc::default(),
            recv_hwm,
            slab: Slab::new(),
            next_serial: 0,
            wakes: Wakes::new(),
            news: Vec::new(),
            subscribed: 0,
            encoded: Batch::new(),
        }
    }

    /// The type of the socket.
    pub const fn socket_type(&self) -> SocketType {
        self.socket_type
    }

    /// Where the pipes post their edges.
    pub const fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Whether there is nobody to be woken and nothing to be told.
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.wakes.is_empty() && self.news.is_empty()
    }

    /// How often a peer subscribed to something.
    pub const fn subscribed(&self) -> u64 {
        self.subscribed
    }

    /// What peers did since the last call.
    pub fn take_news(&mut self) -> Vec<(ConnectionId, News)> {
        std::mem::take(&mut self.news)
    }

    /// The tasks that were to be woken since the last call.
    #[inline]
    pub fn take_wakes(&mut self) -> Wakes {
        self.wakes.take()
    }

    /// Lets these tasks be woken with the others.
    pub fn wake(&mut self, wakers: Wakes) {
        self.wakes.append(wakers);
    }

    /// Adds a pipe with an empty outbox; the messages that it receives come by `inbox`.
    pub fn insert(&mut self, dialed: bool, options: &Options, inbox: Arc<Inbox>) -> PipeId {
        let serial = self.next_serial;
        self.next_serial = serial.wrapping_add(1);
        let conflate = options.conflate && self.socket_type.conflates();
        let entry = self.slab.vacant_entry();
        let id = PipeId { index: entry.key() as u32, serial };
        let outbox = Outbox::new(Arc::clone(&self.mailbox), id, options.send_hwm, conflate);
        inbox.attach_reader(Arc::clone(&self.mailbox), id, &mut self.wakes);
        entry.insert(Pipe {
            serial,
            outbox: Arc::new(outbox),
            direct: None,
            inbox,
            batch: VecDeque::new(),
            handed_on: 0,
            report_at: if self.recv_hwm == 0 { usize::MAX } else { self.recv_hwm.div_ceil(2) },
            closed: false,
            dialed,
            peer: None,
            dropped: 0,
            identity: Part::EMPTY,
            sends: false,
            receives: false,
        });
        id
    }

    /// The pipe, if it is still there.
    #[inline]
    pub fn get(&self, id: PipeId) -> Option<&Pipe> {
        self.slab.get(id.index as usize).filter(|pipe| pipe.serial == id.serial)
    }

    /// The pipe, if it is still there.
    #[inline]
    pub fn get_mut(&mut self, id: PipeId) -> Option<&mut Pipe> {
        self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial)
    }

    /// All pipes.
    pub fn iter(&self) -> impl Iterator<Item = (PipeId, &Pipe)> {
        self.slab.iter().map(|(index, pipe)| (PipeId { index: index as u32, serial: pipe.serial }, pipe))
    }

    /// Sends `message` by the pipe.
    #[inline]
    pub fn push(&mut self, id: PipeId, message: &Message) -> Result<(), Full> {
        let pipe =
            self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial && !pipe.closed).ok_or(Full)?;
        match &pipe.direct {
            None => pipe.outbox.push(message, &mut self.wakes),
            Some(direct) => direct.inbox.push(message, direct.era, (&self.mailbox, id), &mut self.wakes),
        }
    }

    /// Sends `message` by each of `ids` that has room, and encodes it once.
    pub fn push_each(&mut self, ids: &[PipeId], message: &Message) {
        let mut encoded = std::mem::take(&mut self.encoded);
        for &id in ids {
            let Some(pipe) = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial) else {
                continue;
            };
            let pushed = match &pipe.direct {
                None => {
                    if encoded.is_empty() {
                        encoded.push(message);
                    }
                    pipe.outbox.push_encoded(&encoded, &mut self.wakes)
                }
                Some(direct) => direct.inbox.push(message, direct.era, (&self.mailbox, id), &mut self.wakes),
            };
            // A full pipe loses this message: what waits for the slowest peer must not delay the others.
            pipe.dropped += u64::from(pushed.is_err());
        }
        encoded.clear();
        self.encoded = encoded;
    }

    /// Tells the peer that we subscribe to `topic`, or no longer.
    pub fn push_subscription(&mut self, id: PipeId, topic: &[u8], subscribe: bool) {
        let Some(pipe) = self.slab.get(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { return };
        match &pipe.direct {
            None => pipe.outbox.push_subscription(topic, subscribe, &mut self.wakes),
            Some(direct) => {
                direct.inbox.push_beyond(subscription::message(topic, subscribe), direct.era, &mut self.wakes);
            }
        }
    }

    /// Whether the pipe would take a message; if not, its socket hears when it would.
    pub fn has_room(&self, id: PipeId) -> bool {
        self.get(id).filter(|pipe| !pipe.closed).is_some_and(|pipe| match &pipe.direct {
            None => pipe.outbox.has_room(),
            Some(direct) => direct.inbox.has_room(direct.era, (&self.mailbox, id)),
        })
    }

    /// Whether what was last sent by the pipe can still be answered: it waits in the pipe, or its peer has it.
    pub fn carries(&self, id: PipeId) -> bool {
        self.get(id).is_some_and(|pipe| pipe.takes_messages() && (pipe.peer.is_some() || pipe.has_unsent()))
    }

    /// Whether something came by the pipe and was not received yet.
    pub fn has_unread(&self, id: PipeId) -> bool {
        self.get(id).is_some_and(|pipe| !pipe.batch.is_empty() || pipe.inbox.waiting() > 0)
    }

    /// Drops what came by the pipe and was not received.
    pub fn discard_unread(&mut self, id: PipeId) {
        let Some(pipe) = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { return };
        pipe.batch.clear();
        while pipe.inbox.take(&mut pipe.batch, &mut self.wakes) {
            pipe.batch.clear();
        }
        pipe.handed_on = 0;
    }

    /// Drops what was sent by the pipe and has not left it.
    pub fn discard_unsent(&mut self, id: PipeId) {
        let Some(pipe) = self.slab.get(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { return };
        match &pipe.direct {
            None => pipe.outbox.discard(&mut self.wakes),
            Some(direct) => drop(direct.inbox.discard_unclaimed(&mut self.wakes)),
        }
    }

    /// From now on nothing passes between the pipe and the peer that is there, in neither direction.
    pub fn sever(&mut self, id: PipeId) {
        if let Some(pipe) = self.get(id) {
            pipe.inbox.sever();
            if let Some(direct) = &pipe.direct {
                direct.inbox.sever();
            }
        }
    }

    /// Ends the pipe's connection; the pipe stays.
    pub fn kick(&mut self, id: PipeId, reason: DisconnectReason) {
        if let Some(pipe) = self.slab.get(id.index as usize).filter(|pipe| pipe.serial == id.serial) {
            pipe.outbox.kick(reason, &mut self.wakes);
        }
    }

    /// Receives what came next by the pipe. A closed pipe is gone once all of it is received.
    #[inline]
    pub fn pop(&mut self, id: PipeId) -> Option<Message> {
        let pipe = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial)?;
        if pipe.batch.is_empty() {
            pipe.handed_on = 0;
            if !pipe.inbox.take(&mut pipe.batch, &mut self.wakes) {
                self.bury(id);
                return None;
            }
        }
        let message = pipe.batch.pop_front();
        pipe.handed_on += 1;
        if pipe.handed_on >= pipe.report_at {
            pipe.inbox.handed_on(pipe.handed_on, &mut self.wakes);
            pipe.handed_on = 0;
        }
        message
    }

    /// Nothing is sent by the pipe any more: with `drain`, after what waits in it. It is gone when all is read.
    pub fn close(&mut self, id: PipeId, drain: bool) {
        let Some(pipe) = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { return };
        pipe.closed = true;
        pipe.inbox.close(&mut self.wakes);
        if drain {
            pipe.outbox.drain(&mut self.wakes);
        } else {
            pipe.outbox.close(&mut self.wakes);
            let unclaimed = pipe.direct.as_ref().map_or(0, |direct| direct.inbox.discard_unclaimed(&mut self.wakes));
            pipe.outbox.also_dropped(unclaimed);
        }
        self.bury(id);
    }

    /// The peer of the pipe did something that monitors hear of.
    pub(super) fn tell(&mut self, id: PipeId, news: News) {
        if let Some(connection) = self.get(id).and_then(Pipe::connection) {
            self.subscribed += u64::from(matches!(news, News::Subscribed(_)));
            self.news.push((connection, news));
        }
    }

    /// Removes the pipe if it is closed, its peer is gone, all that came by it is read, and nothing will go out: what
    /// waits in it while the socket lingers must still be found when that is over.
    pub fn bury(&mut self, id: PipeId) {
        let over = |pipe: &Pipe| {
            let is_read = pipe.batch.is_empty() && pipe.inbox.is_finished();
            let is_sent = pipe.outbox.state() == State::Closed || !pipe.has_unsent();
            pipe.closed && pipe.peer.is_none() && is_read && is_sent
        };
        if self.get(id).is_some_and(over) {
            self.slab.remove(id.index as usize);
        }
    }
}
