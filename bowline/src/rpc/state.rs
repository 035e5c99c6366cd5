//! What is known of one connection, under its lock: the session, and its streams beside it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

use bowline_proto::mux::{Code, Event, Kind, Session, StreamId};
use bowline_proto::pipe::Wakes;
use bowline_proto::time::Instant;
use bowline_proto::{DisconnectReason, Message, Part, ProtocolError};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Opened};
use super::entry::{Ending, Entries, Entry, Ticket};
use super::error::{Fault, Outcome, Status};
use super::hub::Hub;
use super::stream::Stream;
use crate::rt;

/// What is under the lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) session: Session,
    entries: Entries,
    /// The entry of a stream, by its place in the session.
    by_stream: Vec<Option<usize>>,
    /// The task that serves the connection, while it waits for something to send.
    pub(super) sender: Option<Waker>,
    pub(super) lost: Option<DisconnectReason>,
    /// The peer takes no more streams.
    pub(super) going_away: bool,
    /// Streams of the peer's whose first message is complete.
    opened: Vec<Ticket>,
    /// Room for those that are handed to their handlers.
    pub(super) to_serve: Vec<Opened>,
}

/// What is left to do when no lock is held any more. Mostly that is nothing, or to wake one task.
#[derive(Debug, Default)]
#[must_use = "tasks wait to be woken"]
pub(super) struct After {
    wakes: Wakes,
    deeds: Vec<Deed>,
}

#[derive(Debug)]
enum Deed {
    Abort(AbortHandle),
    Cancel(CancellationToken),
    /// A stream of ours has closed that a call waits for.
    Vacant(Arc<Connection>),
    /// It takes no more calls.
    Retire(Arc<Connection>),
    /// Something has ended while everything is to come to its end.
    Settled(Arc<Hub>),
}

impl After {
    #[inline]
    pub(super) fn wake(self) {
        if !self.wakes.is_empty() {
            self.wakes.wake();
        }
        if !self.deeds.is_empty() {
            self.deeds.into_iter().for_each(Deed::perform);
        }
    }

    pub(super) fn settled(&mut self, connection: &Connection) {
        if connection.hub.is_draining() {
            self.deeds.push(Deed::Settled(Arc::clone(&connection.hub)));
        }
    }
}

impl Deed {
    fn perform(self) {
        match self {
            Self::Abort(task) => task.abort(),
            Self::Cancel(token) => token.cancel(),
            Self::Vacant(connection) => connection.vacancy.notify_one(),
            Self::Retire(connection) => {
                connection.hub.retire(&connection);
                connection.vacancy.notify_waiters();
            }
            Self::Settled(hub) => hub.settled(),
        }
    }
}

impl State {
    pub(super) fn new(hub: &Hub) -> Self {
        Self {
            session: Session::new(hub.side, hub.settings),
            entries: Entries::default(),
            by_stream: Vec::new(),
            sender: None,
            lost: None,
            going_away: false,
            opened: Vec::new(),
            to_serve: Vec::new(),
        }
    }

    /// Says what time it is, where that counts.
    #[inline]
    pub(super) fn look_at_clock(&mut self) {
        if self.session.wants_time() {
            self.session.set_time(rt::now());
        }
    }

    /// The entry of a ticket, if it is still there.
    pub(super) fn entry(&mut self, ticket: Ticket) -> Option<&mut Entry> {
        self.entries.get(ticket)
    }

    pub(super) fn insert(&mut self, id: StreamId, reader: Option<Waker>) -> Ticket {
        let ticket = self.entries.insert(id, reader);
        if self.by_stream.len() <= id.index() {
            self.by_stream.resize(id.index() + 1, None);
        }
        self.by_stream[id.index()] = Some(ticket.key);
        ticket
    }

    fn of_stream(&mut self, id: StreamId) -> Option<(Ticket, &mut Entry)> {
        let key = self.by_stream.get(id.index()).copied().flatten()?;
        self.entries.at(key).filter(|(_, entry)| entry.stream == Some(id))
    }

    /// Lets the stream end at an instant.
    pub(super) fn arm(&mut self, connection: &Arc<Connection>, ticket: Ticket, at: Instant, after: &mut After) {
        let (due, sleeper) = connection.hub.timers.add(at, connection, ticket);
        after.wakes.extend(sleeper);
        if let Some(entry) = self.entry(ticket) {
            entry.deadline = Some(due);
        }
    }

    /// Ends both directions in the session.
    pub(super) fn reset(&mut self, ticket: Ticket, code: Code, reason: &str) {
        if let Some(id) = self.entry(ticket).and_then(|entry| entry.stream) {
            self.session.reset(id, code, reason);
        }
    }

    /// A stream has ended, unless it had before: its handler is cancelled unless it ended cleanly.
    pub(super) fn end(&mut self, ticket: Ticket, ending: Ending, after: &mut After) {
        let Some(entry) = self.entry(ticket) else { return };
        let is_fault = matches!(ending, Ending::Fault(_));
        entry.end.get_or_insert(ending);
        after.wakes.extend(entry.reader.take());
        if is_fault {
            after.wakes.extend(entry.writer.take());
            after.deeds.extend(entry.work.take().map(Deed::Abort));
            after.deeds.extend(entry.over.take().map(Deed::Cancel));
        }
    }

    /// One of its holders lets go of a stream; the last one ends it.
    pub(super) fn release(&mut self, connection: &Connection, ticket: Ticket, after: &mut After) {
        let Some(entry) = self.entry(ticket) else { return };
        entry.holders -= 1;
        if entry.holders > 0 {
            return;
        }
        let (over, deadline, stream) = (entry.over.take(), entry.deadline.take(), entry.stream.take());
        self.entries.free(ticket.key);
        after.deeds.extend(over.map(Deed::Cancel));
        after.settled(connection);
        if let Some(due) = deadline {
            connection.hub.timers.remove(due);
        }
        if let Some(id) = stream {
            self.by_stream[id.index()] = None;
            self.session.reset(id, Code::CANCELLED, "");
        }
    }

    /// Nobody here wants to hear of the stream any more; what is queued of it still goes out.
    pub(super) fn let_go(&mut self, ticket: Ticket) {
        if let Some(id) = self.entry(ticket).and_then(|entry| entry.stream.take()) {
            self.by_stream[id.index()] = None;
        }
    }

    /// Ends all streams that have not ended, as those of a connection that is given up.
    pub(super) fn end_all(&mut self, after: &mut After) {
        for ticket in self.entries.tickets() {
            let id = self.entry(ticket).and_then(|entry| entry.stream);
            let is_unsent = id.is_some_and(|id| !self.session.is_sent(id));
            let outcome = if is_unsent { Outcome::NotSent } else { Outcome::MaybeExecuted };
            self.end(ticket, Ending::Fault(Fault::Lost(outcome, DisconnectReason::LocalClose)), after);
        }
    }

    pub(super) fn lose(&mut self, reason: &DisconnectReason, connection: &Arc<Connection>, after: &mut After) {
        if self.lost.is_none() {
            after.deeds.push(Deed::Retire(Arc::clone(connection)));
            self.lost = Some(reason.clone());
            self.session.lost();
        }
    }

    /// Takes frames in up to one that breaks the protocol, which ends the connection.
    pub(super) fn take_frames(
        &mut self,
        frames: impl Iterator<Item = Message>,
        connection: &Arc<Connection>,
        after: &mut After,
    ) -> Option<DisconnectReason> {
        for frame in frames {
            if self.lost.is_some() {
                return None;
            }
            if let Err(violation) = self.session.handle(&frame) {
                let reason = DisconnectReason::from(ProtocolError::Mux { violation: violation.to_string() });
                self.lose(&reason, connection, after);
                return Some(reason);
            }
            self.take_events(connection, after);
        }
        None
    }

    /// The streams whose first message is complete, to be served; not those that have ended again.
    pub(super) fn take_opened(&mut self, connection: &Arc<Connection>, after: &mut After) -> Vec<Opened> {
        let mut to_serve = std::mem::take(&mut self.to_serve);
        let mut opened = std::mem::take(&mut self.opened);
        for ticket in opened.drain(..) {
            let Some(entry) = self.entry(ticket) else { continue };
            let Some(head) = entry.head.take() else { continue };
            let is_cancelled = !head.one_way && matches!(entry.end, Some(Ending::Fault(_)));
            let Some((args, consumed)) = entry.take_out().filter(|_| !is_cancelled) else {
                self.release(connection, ticket, after);
                continue;
            };
            if let (Some(id), true) = (entry.stream, consumed > 0) {
                self.session.consumed(id, consumed);
            }
            to_serve.push(Opened { stream: Stream::new(Arc::clone(connection), ticket, false), head, args });
        }
        self.opened = opened;
        to_serve
    }

    /// Passes on what the session has to tell, and has what it has to say sent.
    #[inline]
    pub(super) fn settle(&mut self, connection: &Arc<Connection>, after: &mut After) {
        self.take_events(connection, after);
        if self.sender.is_some() && self.session.has_frames() {
            after.wakes.extend(self.sender.take());
        }
    }

    fn take_events(&mut self, connection: &Arc<Connection>, after: &mut After) {
        while let Some(event) = self.session.poll_event() {
            self.take_event(event, connection, after);
        }
    }

    fn take_event(&mut self, event: Event, connection: &Arc<Connection>, after: &mut After) {
        match event {
            Event::Opened { id, head } => {
                let ticket = self.insert(id, None);
                if let Some(entry) = self.entry(ticket) {
                    // Nobody holds it before it is handed to a handler.
                    entry.head = Some(head);
                }
            }
            Event::Data { id, payload, more, kind } => self.take_data(id, payload, more, kind, after),
            Event::Ended { id } => {
                if let Some((ticket, _)) = self.of_stream(id) {
                    self.end(ticket, Ending::Clean, after);
                }
            }
            Event::Reset { id, code, reason } => {
                if let Some((ticket, _)) = self.of_stream(id) {
                    self.end(ticket, Ending::Fault(Fault::Status(Status::new(code, reason))), after);
                }
            }
            Event::Lost { id, sent } => {
                let outcome = if sent { Outcome::MaybeExecuted } else { Outcome::NotSent };
                let reason = self.lost.clone().unwrap_or(DisconnectReason::PeerClosed);
                if let Some((ticket, _)) = self.of_stream(id) {
                    self.end(ticket, Ending::Fault(Fault::Lost(outcome, reason)), after);
                }
            }
            Event::Writable { id } => {
                if let Some((_, entry)) = self.of_stream(id) {
                    after.wakes.extend(entry.writer.take());
                }
            }
            Event::GoAway { .. } => {
                self.going_away = true;
                after.deeds.push(Deed::Retire(Arc::clone(connection)));
            }
            Event::Closed { id } => self.closed(id, connection, after),
        }
    }

    fn take_data(&mut self, id: StreamId, payload: Part, more: bool, kind: Kind, after: &mut After) {
        let Some((ticket, entry)) = self.of_stream(id) else { return };
        let consumed = entry.take_in(payload, more, kind);
        if !more {
            after.wakes.extend(entry.reader.take());
            if entry.head.is_some() && !std::mem::replace(&mut entry.is_complete, true) {
                self.opened.push(ticket);
            }
        }
        if consumed > 0 {
            self.session.consumed(id, consumed);
        }
    }

    fn closed(&mut self, id: StreamId, connection: &Arc<Connection>, after: &mut After) {
        if connection.waiting.load(Ordering::Acquire) > 0 {
            after.deeds.push(Deed::Vacant(Arc::clone(connection)));
        }
        after.settled(connection);
        let Some((ticket, entry)) = self.of_stream(id) else { return };
        entry.stream = None;
        let is_partial = entry.head.is_some() && !entry.is_complete;
        self.by_stream[id.index()] = None;
        // It ended before its first message was complete: nobody ever held it.
        if is_partial {
            self.release(connection, ticket, after);
        }
    }

    /// Lets a task wait for what comes next.
    pub(super) fn remember(slot: &mut Option<Waker>, waker: &Waker) {
        match slot {
            Some(known) => known.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }
}
