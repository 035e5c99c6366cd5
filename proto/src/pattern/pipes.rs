//! The pipes of a socket, as its pattern sees them.

use std::sync::Arc;
use std::task::{Context, Poll};

use slab::Slab;

use super::pipe::{News, Pipe};
use crate::error::DisconnectReason;
use crate::monitor::ConnectionId;
use crate::pipe::lifecycle::State;
use crate::pipe::{Full, Inbox, Mailbox, Outbox, PipeId, Reader, Take, Wakes, Writer};
use crate::wire::batch::Batch;
use crate::wire::subscription;
use crate::{Message, Options, Part, SocketType};

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
        if self.slab.capacity() == 0 {
            // Many sockets never have more than one pipe, and room for four is what they would get.
            self.slab.reserve_exact(1);
        }
        let entry = self.slab.vacant_entry();
        let id = PipeId { index: entry.key() as u32, serial };
        let outbox = Outbox::new(Arc::clone(&self.mailbox), id, options.send_hwm, conflate);
        inbox.attach_reader(Arc::clone(&self.mailbox), id, &mut self.wakes);
        entry.insert(Pipe {
            serial,
            writer: Writer::new(Arc::new(outbox)),
            direct: None,
            reader: Reader::new(inbox, self.recv_hwm),
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
            None => pipe.writer.push(message, &mut self.wakes),
            Some(direct) => direct.inbox.push(message, direct.era, (&self.mailbox, id), &mut self.wakes),
        }
    }

    /// Sends these by the pipe, in their order, as far as it has room, and says how many.
    pub fn push_many<'a>(&mut self, id: PipeId, mut messages: impl Iterator<Item = &'a Message>) -> usize {
        let pipe = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial && !pipe.closed);
        let Some(pipe) = pipe else { return 0 };
        let mut pushed = 0;
        let mut count = |result: Result<(), Full>| {
            pushed += usize::from(result.is_ok());
            result
        };
        let _full = match &pipe.direct {
            None => messages.try_for_each(|message| count(pipe.writer.push(message, &mut self.wakes))),
            Some(direct) => messages.try_for_each(|message| {
                count(direct.inbox.push(message, direct.era, (&self.mailbox, id), &mut self.wakes))
            }),
        };
        pushed
    }

    /// Sends `message` by each of `ids` that has room.
    ///
    /// It is framed for each of them: a header is two bytes, and a message that is encoded already has to be copied as
    /// well, by a copy of unknown length (measured for 16 bytes to 8 peers: see DESIGN).
    pub fn push_each(&mut self, ids: &[PipeId], message: &Message) {
        for &id in ids {
            let Some(pipe) = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial) else {
                continue;
            };
            let pushed = match &pipe.direct {
                None => pipe.writer.push(message, &mut self.wakes),
                Some(direct) => direct.inbox.push(message, direct.era, (&self.mailbox, id), &mut self.wakes),
            };
            // A full pipe loses this message: what waits for the slowest peer must not delay the others.
            pipe.dropped += u64::from(pushed.is_err());
        }
    }

    /// Tells the peer that we subscribe to `topic`, or no longer.
    pub fn push_subscription(&mut self, id: PipeId, topic: &[u8], subscribe: bool) {
        let Some(pipe) = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { return };
        match &pipe.direct {
            None => pipe.writer.push_subscription(topic, subscribe, &mut self.wakes),
            Some(direct) => {
                direct.inbox.push_beyond(subscription::message(topic, subscribe), direct.era, &mut self.wakes);
            }
        }
    }

    /// Whether the pipe would take a message; if not, its socket hears when it would.
    pub fn has_room(&mut self, id: PipeId) -> bool {
        let Some(pipe) = self.slab.get_mut(id.index as usize) else { return false };
        let takes = pipe.serial == id.serial && !pipe.closed;
        takes
            && match &pipe.direct {
                None => pipe.writer.has_room(),
                Some(direct) => direct.inbox.has_room(direct.era, (&self.mailbox, id)),
            }
    }

    /// Whether what was last sent by the pipe can still be answered: it waits in the pipe, or its peer has it.
    pub fn carries(&self, id: PipeId) -> bool {
        self.get(id).is_some_and(|pipe| pipe.takes_messages() && (pipe.peer.is_some() || pipe.has_unsent()))
    }

    /// Whether something came by the pipe and was not received yet.
    pub fn has_unread(&self, id: PipeId) -> bool {
        self.get(id).is_some_and(|pipe| !pipe.reader.is_empty())
    }

    /// Drops what came by the pipe and was not received.
    pub fn discard_unread(&mut self, id: PipeId) {
        let Some(pipe) = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { return };
        pipe.reader.discard(&mut self.wakes);
    }

    /// Drops what was sent by the pipe and has not left it.
    pub fn discard_unsent(&mut self, id: PipeId) {
        let Some(pipe) = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { return };
        match &pipe.direct {
            None => pipe.writer.discard(&mut self.wakes),
            Some(direct) => drop(direct.inbox.discard_unclaimed(&mut self.wakes)),
        }
    }

    /// From now on nothing passes between the pipe and the peer that is there, in neither direction.
    pub fn sever(&mut self, id: PipeId) {
        if let Some(pipe) = self.get(id) {
            pipe.inbox().sever();
            if let Some(direct) = &pipe.direct {
                direct.inbox.sever();
            }
        }
    }

    /// Ends the pipe's connection; the pipe stays.
    pub fn kick(&mut self, id: PipeId, reason: DisconnectReason) {
        if let Some(pipe) = self.slab.get(id.index as usize).filter(|pipe| pipe.serial == id.serial) {
            pipe.outbox().kick(reason, &mut self.wakes);
        }
    }

    /// Receives what came next by the pipe, into the place of another message; whether there was anything. If not, the
    /// socket hears when there is. A closed pipe is gone once all of it is received.
    #[inline]
    pub fn pop(&mut self, id: PipeId, into: &mut Message) -> bool {
        let pipe = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial);
        let is_popped = pipe.is_some_and(|pipe| pipe.reader.pop(into, &mut self.wakes));
        if !is_popped {
            self.bury(id);
        }
        is_popped
    }

    /// Receives what came next by the pipe, up to `most` messages, behind those that are in `messages`, and says how many. Of a
    /// closed pipe that is found empty [`pop`](Self::pop) takes care.
    pub fn pop_many(&mut self, id: PipeId, messages: &mut Vec<Message>, most: usize) -> usize {
        let pipe = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial);
        pipe.map_or(0, |pipe| pipe.reader.pop_many(messages, most, &mut self.wakes))
    }

    /// For the connection task: as [`Outbox::poll_take`], with all that was sent by the pipe.
    pub fn poll_take(&mut self, id: PipeId, outbox: &Outbox, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<Take> {
        match self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial) {
            Some(pipe) => pipe.writer.poll_take(cx, batch, &mut self.wakes),
            // The socket has let go of the pipe; all that was sent by it is in the outbox.
            None => outbox.poll_take(cx, batch),
        }
    }

    /// Nothing passes by the pipe: gives back the memory that no message needs.
    pub fn shed(&mut self, id: PipeId) {
        if let Some(pipe) = self.get_mut(id) {
            pipe.writer.shed();
            pipe.reader.shed();
        }
    }

    /// Nothing is sent by the pipe any more: with `drain`, after what waits in it. It is gone when all is read.
    pub fn close(&mut self, id: PipeId, drain: bool) {
        let Some(pipe) = self.slab.get_mut(id.index as usize).filter(|pipe| pipe.serial == id.serial) else { return };
        pipe.closed = true;
        pipe.inbox().close(&mut self.wakes);
        if drain {
            pipe.writer.drain(&mut self.wakes);
        } else {
            pipe.writer.close(&mut self.wakes);
            let unclaimed = pipe.direct.as_ref().map_or(0, |direct| direct.inbox.discard_unclaimed(&mut self.wakes));
            pipe.outbox().also_dropped(unclaimed);
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
            let is_read = pipe.reader.is_finished();
            let is_sent = pipe.outbox().state() == State::Closed || !pipe.has_unsent();
            pipe.closed && pipe.peer.is_none() && is_read && is_sent
        };
        if self.get(id).is_some_and(over) {
            self.slab.remove(id.index as usize);
        }
    }
}
