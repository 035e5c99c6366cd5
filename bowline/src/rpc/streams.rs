//! What is known of the streams of one connection beside its session, which tells what it hears.

use std::task::Waker;

use bowline_proto::mux::{Audience, Code, Head, Kind, StreamId};
use bowline_proto::{DisconnectReason, Part};

use super::after::{After, Deed};
use super::entry::{Asked, Ending, Entries, Entry, Ticket};
use super::error::{Fault, Outcome, Status};

/// All streams of a connection that somebody here holds.
#[derive(Debug, Default)]
pub(super) struct Streams {
    entries: Entries,
    /// The entry of a stream, by its place in the session.
    by_stream: Vec<Option<u32>>,
    /// Streams of the peer's whose first message is complete.
    pub(super) opened: Vec<Ticket>,
    /// Boxes of what was answered; never more than there were streams at once.
    #[expect(clippy::vec_box, reason = "the boxes go from hand to hand")]
    spare: Vec<Box<Asked>>,
    /// Why the connection is gone, once it is.
    pub(super) lost: Option<DisconnectReason>,
    /// The peer takes no more streams.
    pub(super) going_away: bool,
    /// What is left to do without the lock.
    pub(super) after: After,
    /// Something has ended: all may have, while everything is to come to its end.
    pub(super) settled: bool,
}

impl Streams {
    /// The entry of a ticket, if it is still there.
    #[inline]
    pub(super) fn entry(&mut self, ticket: Ticket) -> Option<&mut Entry> {
        self.entries.get(ticket)
    }

    /// The tickets of all streams.
    pub(super) fn tickets(&self) -> Vec<Ticket> {
        self.entries.tickets()
    }

    /// A place for a stream, which is held once.
    pub(super) fn insert(&mut self, id: StreamId, reader: Option<Waker>) -> Ticket {
        let ticket = self.entries.insert(id, reader);
        if self.by_stream.len() <= id.index() {
            self.by_stream.resize(id.index() + 1, None);
        }
        self.by_stream[id.index()] = Some(ticket.key);
        ticket
    }

    #[inline]
    fn of_stream(&mut self, id: StreamId) -> Option<(Ticket, &mut Entry)> {
        let key = self.by_stream.get(id.index()).copied().flatten()?;
        self.entries.at(key).filter(|(_, entry)| entry.stream == Some(id))
    }

    /// A stream has ended, unless it had before: its handler is cancelled unless it ended cleanly.
    pub(super) fn end(&mut self, ticket: Ticket, ending: Ending) {
        let Some(entry) = self.entries.get(ticket) else { return };
        let is_fault = matches!(ending, Ending::Fault(_));
        entry.end.get_or_insert(ending);
        self.after.wake(entry.reader.take());
        if is_fault && let Some(rare) = entry.rare() {
            self.after.wake(rare.writer.take());
            self.after.then(rare.work.take().map(Deed::Abort));
            self.after.then(rare.over.take().map(Deed::Cancel));
        }
    }

    fn end_stream(&mut self, id: StreamId, ending: Ending) {
        if let Some((ticket, _)) = self.of_stream(id) {
            self.end(ticket, ending);
        }
    }

    /// One of its holders lets go of a stream. The last one is to end it in the session, unless it is closed there.
    #[must_use = "the stream goes on in the session"]
    pub(super) fn release(&mut self, ticket: Ticket) -> Option<StreamId> {
        let entry = self.entries.get(ticket)?;
        entry.holders -= 1;
        if entry.holders > 0 {
            return None;
        }
        if let Some(rare) = entry.rare() {
            self.after.then(rare.over.take().map(Deed::Cancel));
        }
        self.after.disarm(entry.deadline.take());
        self.settled = true;
        let stream = entry.stream.take();
        self.entries.free(ticket.key);
        self.forget(stream)
    }

    /// Nobody here wants to hear of the stream any more; what is queued of it still goes out.
    pub(super) fn let_go(&mut self, ticket: Ticket) {
        let stream = self.entries.get(ticket).and_then(|entry| entry.stream.take());
        self.forget(stream);
    }

    /// What was asked for is answered.
    pub(super) fn keep(&mut self, mut asked: Box<Asked>) {
        asked.recycle();
        self.spare.push(asked);
    }

    fn forget(&mut self, stream: Option<StreamId>) -> Option<StreamId> {
        if let Some(id) = stream {
            self.by_stream[id.index()] = None;
        }
        stream
    }
}

impl Audience for Streams {
    fn opened(&mut self, id: StreamId, head: Head) {
        let mut asked = self.spare.pop().unwrap_or_default();
        asked.head = head;
        let ticket = self.insert(id, None);
        if let Some(entry) = self.entries.get(ticket) {
            // Nobody holds it before it is handed to a handler.
            entry.asked = Some(asked);
        }
    }

    fn data(&mut self, id: StreamId, payload: Part, more: bool, kind: Kind) -> usize {
        let Some(key) = self.by_stream.get(id.index()).copied().flatten() else { return 0 };
        let Some((ticket, entry)) = self.entries.at(key).filter(|(_, entry)| entry.stream == Some(id)) else {
            return 0;
        };
        let consumed = entry.take_in(payload, more, kind);
        if !more {
            self.after.wake(entry.reader.take());
            if entry.asked.is_some() && !std::mem::replace(&mut entry.is_complete, true) {
                self.opened.push(ticket);
            }
        }
        consumed
    }

    fn ended(&mut self, id: StreamId) {
        self.end_stream(id, Ending::Clean);
    }

    fn reset(&mut self, id: StreamId, code: Code, reason: &str) {
        self.end_stream(id, Ending::fault(Fault::Status(Status::new(code, reason))));
    }

    fn lost(&mut self, id: StreamId, sent: bool) {
        let outcome = if sent { Outcome::MaybeExecuted } else { Outcome::NotSent };
        let reason = self.lost.clone().unwrap_or(DisconnectReason::PeerClosed);
        self.end_stream(id, Ending::fault(Fault::Lost(outcome, reason)));
    }

    fn writable(&mut self, id: StreamId) {
        let waker = self.of_stream(id).and_then(|(_, entry)| entry.rare()?.writer.take());
        self.after.wake(waker);
    }

    fn go_away(&mut self, _code: Code, _reason: &str) {
        self.going_away = true;
        self.after.retires = true;
    }

    fn closed(&mut self, id: StreamId) {
        self.after.vacant += 1;
        self.settled = true;
        let Some((ticket, entry)) = self.of_stream(id) else { return };
        entry.stream = None;
        let is_partial = entry.asked.is_some() && !entry.is_complete;
        self.by_stream[id.index()] = None;
        // It ended before its first message was complete: nobody ever held it.
        if is_partial {
            let _closed = self.release(ticket);
        }
    }
}
