//! One connection: its session, and what is known of its streams beside it.
//!
//! Whoever changes the session also flushes it, under the same lock, and takes its events. Callers, handlers and the
//! task of the socket are woken when the lock is gone; no code of the application's runs under it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

use bowline_proto::engine::Transmitted;
use bowline_proto::mux::{Code, End, Event, Head, OpenErrorKind, Session, StreamId};
use bowline_proto::pipe::{PipeId, Wakes};
use bowline_proto::time::Instant;
use bowline_proto::{ConnectionId, DisconnectReason, Message, Part, PeerInfo, ProtocolError};
use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::entry::{Ending, Entry, Ticket};
use super::error::{Fault, Outcome, Status, Unreachable};
use super::hub::Hub;
use super::stream::Stream;

/// How many bytes may wait in the socket: what is urgent goes behind them, all else waits in the session.
///
/// It is what a connection writes in one go; with less it would sleep more often than it has to.
const QUEUED_MOST: usize = 128 * 1024;

/// One connection to one peer. The next one to the same endpoint is another.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) hub: Arc<Hub>,
    pub(super) id: ConnectionId,
    pub(super) pipe: PipeId,
    pub(super) peer: Arc<PeerInfo>,
    state: Mutex<State>,
    /// A stream of ours has closed: for calls that found as many as may be.
    pub(super) vacancy: Notify,
    /// How many calls wait for that.
    pub(super) waiting: AtomicUsize,
    /// How many calls of ours it has.
    pub(super) calls: AtomicUsize,
}

/// What is under the lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) session: Session,
    pub(super) entries: Slab<Entry>,
    /// The entry of a stream, by its place in the session.
    by_stream: Vec<Option<usize>>,
    next_serial: u64,
    /// A frame that the socket had no room for.
    held: Option<Message>,
    /// The socket had no room; it tells when it has.
    is_full: bool,
    pub(super) lost: Option<DisconnectReason>,
    /// The peer takes no more streams.
    pub(super) going_away: bool,
    /// Streams of the peer's whose first message is complete.
    opened: Vec<Ticket>,
}

/// What is left to do when no lock is held any more.
#[derive(Debug, Default)]
#[must_use = "tasks wait to be woken"]
pub(super) struct After {
    pub(super) wakes: Wakes,
    aborts: Vec<AbortHandle>,
    over: Vec<CancellationToken>,
    /// A stream of ours has closed that calls wait for: once for each.
    vacant: Vec<Arc<Connection>>,
    /// These take no more calls.
    retired: Vec<Arc<Connection>>,
    /// Something has ended while everything is to come to its end.
    settled: Option<Arc<Hub>>,
}

impl After {
    pub(super) fn wake(self) {
        self.wakes.wake();
        self.aborts.into_iter().for_each(|task| task.abort());
        self.over.into_iter().for_each(|token| token.cancel());
        self.vacant.into_iter().for_each(|connection| connection.vacancy.notify_one());
        for connection in self.retired {
            connection.hub.retire(&connection);
            connection.vacancy.notify_waiters();
        }
        if let Some(hub) = self.settled {
            hub.settled();
        }
    }

    fn settled(&mut self, connection: &Connection) {
        if connection.hub.is_draining() {
            self.settled.get_or_insert_with(|| Arc::clone(&connection.hub));
        }
    }
}

/// Why a stream can't be opened here and now; the payload comes back.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// When another one is closed.
    Full(Part),
    /// Not on this connection.
    Elsewhere(Part),
    Never(Fault),
}

impl Connection {
    pub(super) fn new(hub: Arc<Hub>, pipe: PipeId, id: ConnectionId, peer: Arc<PeerInfo>) -> Arc<Self> {
        let state = State {
            session: Session::new(hub.side, hub.settings),
            entries: Slab::new(),
            by_stream: Vec::new(),
            next_serial: 0,
            held: None,
            is_full: false,
            lost: None,
            going_away: false,
            opened: Vec::new(),
        };
        let [waiting, calls] = [0, 0].map(AtomicUsize::new);
        Arc::new(Self { hub, id, pipe, peer, state: Mutex::new(state), vacancy: Notify::new(), waiting, calls })
    }

    /// Does something with the session, passes on what comes of it, and flushes it.
    pub(super) fn with<T>(self: &Arc<Self>, act: impl FnOnce(&mut State, &mut After) -> T) -> T {
        let mut after = After::default();
        let result = self.with_after(&mut after, act);
        after.wake();
        result
    }

    /// As [`with`](Self::with) where the caller holds a lock; it calls [`After::wake`] when it holds none.
    pub(super) fn with_after<T>(
        self: &Arc<Self>,
        after: &mut After,
        act: impl FnOnce(&mut State, &mut After) -> T,
    ) -> T {
        let mut state = self.state.lock();
        let result = act(&mut state, after);
        state.settle(self, after);
        result
    }

    /// Looks at what is known, and changes nothing of the session.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock())
    }

    /// Opens a stream.
    pub(super) fn open(
        self: &Arc<Self>,
        head: &Head,
        payload: Part,
        end: End,
        deadline: Option<Instant>,
    ) -> Result<Stream, NotOpened> {
        let ticket = self.with(|state, after| {
            if state.going_away || state.lost.is_some() {
                return Err(NotOpened::Elsewhere(payload));
            }
            let id = state.session.open(head, payload, end).map_err(|error| match error.kind {
                OpenErrorKind::Full => NotOpened::Full(*error.payload),
                OpenErrorKind::TooLarge | OpenErrorKind::OneWay => NotOpened::Never(Fault::TooLarge),
                OpenErrorKind::MetadataTooLarge => NotOpened::Never(Fault::MetadataTooLarge),
                _ => NotOpened::Elsewhere(*error.payload),
            })?;
            let ticket = state.insert(id);
            if let Some(at) = deadline {
                state.arm(self, ticket, at, after);
            }
            self.calls.fetch_add(1, Ordering::Relaxed);
            Ok(ticket)
        })?;
        Ok(Stream::new(Arc::clone(self), ticket, true))
    }

    /// Takes frames in; the streams whose first message is complete are added to `opened`.
    pub(super) fn handle(
        self: &Arc<Self>,
        frames: impl Iterator<Item = Message>,
        after: &mut After,
        opened: &mut Vec<Opened>,
    ) {
        let violation = self.with_after(after, |state, after| {
            let violation = state.take_frames(frames, self, after);
            state.take_opened(self, opened);
            violation
        });
        if let Some(reason) = violation {
            self.hub.core.end_apart((self.pipe, self.id), reason, &mut after.wakes);
        }
    }

    /// There is room again.
    pub(super) fn relieved(self: &Arc<Self>, after: &mut After) {
        self.with_after(after, |state, _| state.is_full = false);
    }

    /// The connection is gone.
    pub(super) fn lose(self: &Arc<Self>, reason: &DisconnectReason, after: &mut After) {
        self.with_after(after, |state, after| state.lose(reason, self, after));
    }

    /// The deadline of a stream has passed, if it is still there.
    pub(super) fn expire(self: &Arc<Self>, ticket: Ticket) {
        self.with(|state, after| {
            let Some(entry) = state.entry(ticket) else { return };
            entry.deadline = None;
            if entry.end.is_none() {
                state.end(ticket, Ending::Fault(Fault::Deadline(Outcome::MaybeExecuted)), after);
                state.reset(ticket, Code::DEADLINE, "the deadline has passed");
            }
        });
    }

    pub(super) fn go_away(self: &Arc<Self>, code: Code, reason: &str) {
        self.with(|state, _| state.session.go_away(code, reason));
    }

    /// Whether no stream is open and nothing waits to be sent.
    pub(super) fn is_idle(&self) -> bool {
        self.look(|state| state.lost.is_some() || (state.session.is_idle() && state.held.is_none()))
    }

    /// Whether nothing waits to be sent that may be.
    pub(super) fn is_flushed(&self) -> bool {
        self.look(|state| state.lost.is_some() || (state.session.unsent() == 0 && state.held.is_none()))
    }

    /// Why it takes no call, if it does not.
    pub(super) fn refuses(&self) -> Option<Unreachable> {
        self.look(|state| match &state.lost {
            Some(reason) => Some(Unreachable::PeerGone(reason.clone())),
            None => state.going_away.then_some(Unreachable::GoingAway),
        })
    }
}

/// A stream that the peer has opened, to be served.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) head: Head,
    pub(super) args: Part,
}

impl State {
    /// The entry of a ticket, if it is still there.
    pub(super) fn entry(&mut self, ticket: Ticket) -> Option<&mut Entry> {
        self.entries.get_mut(ticket.key).filter(|entry| entry.serial == ticket.serial)
    }

    fn insert(&mut self, id: StreamId) -> Ticket {
        self.next_serial += 1;
        let key = self.entries.insert(Entry::new(self.next_serial, id));
        if self.by_stream.len() <= id.index() {
            self.by_stream.resize(id.index() + 1, None);
        }
        self.by_stream[id.index()] = Some(key);
        Ticket { key, serial: self.next_serial }
    }

    fn of_stream(&mut self, id: StreamId) -> Option<(Ticket, &mut Entry)> {
        let key = self.by_stream.get(id.index()).copied().flatten()?;
        let entry = self.entries.get_mut(key).filter(|entry| entry.stream == Some(id))?;
        Some((Ticket { key, serial: entry.serial }, entry))
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
            after.aborts.extend(entry.work.take());
            after.over.extend(entry.over.take());
        }
    }

    /// One of its holders lets go of a stream; the last one ends it.
    pub(super) fn release(&mut self, connection: &Connection, ticket: Ticket, after: &mut After) {
        let Some(entry) = self.entry(ticket) else { return };
        entry.holders -= 1;
        if entry.holders > 0 {
            return;
        }
        let entry = self.entries.remove(ticket.key);
        after.over.extend(entry.over);
        after.settled(connection);
        if let Some(due) = entry.deadline {
            connection.hub.timers.remove(due);
        }
        if let Some(id) = entry.stream {
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

    fn lose(&mut self, reason: &DisconnectReason, connection: &Arc<Connection>, after: &mut After) {
        if self.lost.is_none() {
            after.retired.push(Arc::clone(connection));
            self.lost = Some(reason.clone());
            self.held = None;
            self.session.lost();
        }
    }

    /// Takes frames in up to one that breaks the protocol, which ends the connection.
    fn take_frames(
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

    fn take_opened(&mut self, connection: &Arc<Connection>, opened: &mut Vec<Opened>) {
        for at in 0..self.opened.len() {
            let ticket = self.opened[at];
            let Some(entry) = self.entry(ticket) else { continue };
            let Some(head) = entry.head.take() else { continue };
            if let Some((args, consumed)) = entry.take_out() {
                if let (Some(id), true) = (entry.stream, consumed > 0) {
                    self.session.consumed(id, consumed);
                }
                opened.push(Opened { stream: Stream::new(Arc::clone(connection), ticket, false), head, args });
            }
        }
        self.opened.clear();
    }

    fn settle(&mut self, connection: &Arc<Connection>, after: &mut After) {
        self.take_events(connection, after);
        // To send makes room, of which streams hear.
        while self.flush(connection, after) {
            self.take_events(connection, after);
        }
    }

    /// Sends what the socket has room for; whether anything was sent.
    fn flush(&mut self, connection: &Connection, after: &mut After) -> bool {
        if self.is_full || self.lost.is_some() {
            return false;
        }
        // Mostly there is nothing to send, or one frame; the socket's lock is not taken to find out.
        let mut first = self.held.take().or_else(|| self.session.poll_transmit());
        if first.is_none() {
            return false;
        }
        let session = &mut self.session;
        let address = (connection.pipe, connection.id);
        let next = || first.take().or_else(|| session.poll_transmit());
        let transmitted = connection.hub.core.transmit(address, QUEUED_MOST, &mut after.wakes, next);
        match transmitted {
            Transmitted::Full => (self.held, self.is_full) = (first, true),
            // The end of the connection is told soon.
            Transmitted::All | Transmitted::Gone => after.settled(connection),
        }
        transmitted == Transmitted::All || !self.is_full
    }

    fn take_events(&mut self, connection: &Arc<Connection>, after: &mut After) {
        while let Some(event) = self.session.poll_event() {
            self.take_event(event, connection, after);
        }
    }

    fn take_event(&mut self, event: Event, connection: &Arc<Connection>, after: &mut After) {
        match event {
            Event::Opened { id, head } => {
                let ticket = self.insert(id);
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
                after.retired.push(Arc::clone(connection));
            }
            Event::Closed { id } => self.closed(id, connection, after),
        }
    }

    fn take_data(
        &mut self,
        id: StreamId,
        payload: Part,
        more: bool,
        kind: bowline_proto::mux::Kind,
        after: &mut After,
    ) {
        let Some((ticket, entry)) = self.of_stream(id) else { return };
        let consumed = entry.take_in(payload, more, kind);
        if !more {
            after.wakes.extend(entry.reader.take());
            if entry.head.is_some() && !self.opened.contains(&ticket) {
                self.opened.push(ticket);
            }
        }
        if consumed > 0 {
            self.session.consumed(id, consumed);
        }
    }

    fn closed(&mut self, id: StreamId, connection: &Arc<Connection>, after: &mut After) {
        if connection.waiting.load(Ordering::Acquire) > 0 {
            after.vacant.push(Arc::clone(connection));
        }
        after.settled(connection);
        let Some((ticket, entry)) = self.of_stream(id) else { return };
        entry.stream = None;
        let is_new = entry.head.is_some();
        self.by_stream[id.index()] = None;
        // It ended before its first message was complete: nobody ever held it.
        if is_new && !self.opened.contains(&ticket) {
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
