//! The pipes of a socket, as its pattern sees them.

use std::collections::VecDeque;
use std::sync::Arc;

use slab::Slab;

use crate::error::DisconnectReason;
use crate::peer::PeerInfo;
use crate::pipe::{Full, Inbox, Mailbox, Outbox, PipeId, Wakes};
use crate::wire::batch::Batch;
use crate::wire::subscription;
use crate::{Message, Options, Part, SocketType};

/// One pipe of a socket.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none a state")]
pub struct Pipe {
    serial: u32,
    /// To the connection task: messages, and the orders to drain, to close and to end the connection.
    outbox: Arc<Outbox>,
    /// In process, messages go straight into the peer's inbox instead: in this era of it.
    direct: Option<(Arc<Inbox>, u64)>,
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
    pub peer: Option<PeerInfo>,
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
        let era = inbox.era();
        self.direct = Some((inbox, era));
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

    /// Whether there are tasks to be woken.
    #[inline]
    pub fn has_wakes(&self) -> bool {
        !self.wakes.is_empty()
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
            Some((inbox, era)) => inbox.push(message, *era, (&self.mailbox, id), &mut self.wakes),
        }
    }

    /// Sends `message` by each of `ids` that has room, and encodes it once.
    pub fn push_each(&mut self, ids: &[PipeId], message: &Message) {
        let mut encoded = std::mem::take(&mut self.encoded);
        for &id in ids {
            let Some(pipe) = self.slab.get(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { continue };
            // A full pipe loses this message: what waits for the slowest peer must not delay the others.
            let _full = match &pipe.direct {
                None => {
                    if encoded.is_empty() {
                        encoded.push(message);
                    }
                    pipe.outbox.push_encoded(&encoded, &mut self.wakes)
                }
                Some((inbox, era)) => inbox.push(message, *era, (&self.mailbox, id), &mut self.wakes),
            };
        }
        encoded.clear();
        self.encoded = encoded;
    }

    /// Tells the peer that we subscribe to `topic`, or no longer.
    pub fn push_subscription(&mut self, id: PipeId, topic: &[u8], subscribe: bool) {
        let Some(pipe) = self.slab.get(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { return };
        match &pipe.direct {
            None => pipe.outbox.push_subscription(topic, subscribe, &mut self.wakes),
            Some((inbox, era)) => inbox.push_beyond(subscription::message(topic, subscribe), *era, &mut self.wakes),
        }
    }

    /// Whether the pipe would take a message; if not, its socket hears when it would.
    pub fn has_room(&self, id: PipeId) -> bool {
        self.get(id).filter(|pipe| !pipe.closed).is_some_and(|pipe| match &pipe.direct {
            None => pipe.outbox.has_room(),
            Some((inbox, era)) => inbox.has_room(*era, (&self.mailbox, id)),
        })
    }

    /// Whether what was last sent by the pipe can still be answered: it waits in the pipe, or its peer has it.
    pub fn carries(&self, id: PipeId) -> bool {
        self.get(id).is_some_and(|pipe| {
            let unsent =
                pipe.direct.as_ref().map_or_else(|| !pipe.outbox.is_empty(), |(inbox, _)| inbox.awaits_reader());
            pipe.takes_messages() && (pipe.peer.is_some() || unsent)
        })
    }

    /// Whether something came by the pipe and was not received yet.
    pub fn has_unread(&self, id: PipeId) -> bool {
        self.get(id).is_some_and(|pipe| !pipe.batch.is_empty() || pipe.inbox.has_waiting())
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
            Some((inbox, _)) => inbox.discard_unclaimed(&mut self.wakes),
        }
    }

    /// From now on nothing passes between the pipe and the peer that is there, in neither direction.
    pub fn sever(&mut self, id: PipeId) {
        if let Some(pipe) = self.get(id) {
            pipe.inbox.sever();
            if let Some((inbox, _)) = &pipe.direct {
                inbox.sever();
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
        }
        self.bury(id);
    }

    /// Removes the pipe if it is closed, its peer is gone, and all that came by it is read.
    pub fn bury(&mut self, id: PipeId) {
        let over =
            |pipe: &Pipe| pipe.closed && pipe.peer.is_none() && pipe.batch.is_empty() && pipe.inbox.is_finished();
        if self.get(id).is_some_and(over) {
            self.slab.remove(id.index as usize);
        }
    }
}
