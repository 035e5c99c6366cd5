//! What is known of one connection, under its lock: the session, and its streams beside it.

use std::sync::Arc;
use std::task::Waker;

use bowline_proto::message::Queue;
use bowline_proto::mux::{Code, Session};
use bowline_proto::time::Instant;
use bowline_proto::{DisconnectReason, Message, ProtocolError};

use super::after::After;
use super::connection::{Connection, Opened};
use super::entry::{Ending, Entry, Ticket};
use super::error::{Fault, Outcome};
use super::hub::Hub;
use super::stream::Stream;
use super::streams::Streams;
use crate::rt;

/// What is under the lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) session: Session<Streams>,
    /// The task that serves the connection, while it waits for something to send.
    pub(super) sender: Option<Waker>,
    /// Room for those streams that are handed to their handlers.
    pub(super) to_serve: Vec<Opened>,
}

impl State {
    pub(super) fn new(hub: &Hub) -> Self {
        let session = Session::with_audience(hub.side, hub.settings, Streams::default());
        Self { session, sender: None, to_serve: Vec::new() }
    }

    #[inline]
    pub(super) const fn streams(&mut self) -> &mut Streams {
        self.session.audience()
    }

    /// Says what time it is, where that counts.
    #[inline]
    pub(super) fn look_at_clock(&mut self) {
        if self.session.wants_time() {
            self.session.set_time(rt::now());
        }
    }

    /// The entry of a ticket, if it is still there.
    #[inline]
    pub(super) fn entry(&mut self, ticket: Ticket) -> Option<&mut Entry> {
        self.streams().entry(ticket)
    }

    /// Why the connection is gone, once it is.
    pub(super) const fn lost(&mut self) -> Option<&DisconnectReason> {
        self.streams().lost.as_ref()
    }

    /// Lets the stream end at an instant.
    pub(super) fn arm(&mut self, connection: &Arc<Connection>, ticket: Ticket, at: Instant) {
        let (due, sleeper) = connection.hub.timers.add(at, connection, ticket);
        self.streams().after.wake(sleeper);
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

    /// The application has taken what costs so much.
    pub(super) fn consumed(&mut self, ticket: Ticket, cost: usize) {
        if cost > 0
            && let Some(id) = self.entry(ticket).and_then(|entry| entry.stream)
        {
            self.session.consumed(id, cost);
        }
    }

    /// One of its holders lets go of a stream; the last one ends it.
    pub(super) fn release(&mut self, ticket: Ticket) {
        if let Some(id) = self.streams().release(ticket) {
            self.session.reset(id, Code::CANCELLED, "");
        }
    }

    /// Ends all streams that have not ended, as those of a connection that is given up.
    pub(super) fn end_all(&mut self) {
        for ticket in self.streams().tickets() {
            let id = self.entry(ticket).and_then(|entry| entry.stream);
            let is_unsent = id.is_some_and(|id| !self.session.is_sent(id));
            let outcome = if is_unsent { Outcome::NotSent } else { Outcome::MaybeExecuted };
            self.streams().end(ticket, Ending::fault(Fault::Lost(outcome, DisconnectReason::LocalClose)));
        }
    }

    pub(super) fn lose(&mut self, reason: &DisconnectReason) {
        let streams = self.streams();
        if streams.lost.is_none() {
            streams.after.retires = true;
            streams.lost = Some(reason.clone());
            self.session.lost();
        }
    }

    /// Takes frames in up to one that breaks the protocol, which ends the connection.
    pub(super) fn take_frames(&mut self, frames: &mut Queue, most: usize) -> Option<DisconnectReason> {
        let mut frame = Message::new();
        for _ in 0..most {
            if !frames.pop(&mut frame) {
                break;
            }
            if let Err(violation) = self.session.handle(&frame) {
                let reason = DisconnectReason::from(ProtocolError::Mux { violation: violation.to_string() });
                self.lose(&reason);
                return Some(reason);
            }
        }
        // The last stream may have been one that was refused, and of its end nobody else is told.
        if self.session.is_idle() {
            self.streams().settled = true;
        }
        None
    }

    /// The streams whose first message is complete, to be served; not those that have ended again.
    pub(super) fn take_opened(&mut self, connection: &Arc<Connection>) -> Vec<Opened> {
        let mut to_serve = std::mem::take(&mut self.to_serve);
        let mut opened = std::mem::take(&mut self.streams().opened);
        for ticket in opened.drain(..) {
            let Some(entry) = self.entry(ticket) else { continue };
            let Some(mut asked) = entry.asked.take() else { continue };
            let is_cancelled = !asked.head.one_way && matches!(entry.end, Some(Ending::Fault(_)));
            let Some((args, consumed)) = entry.take_out().filter(|_| !is_cancelled) else {
                self.release(ticket);
                continue;
            };
            asked.args = args;
            self.consumed(ticket, consumed);
            to_serve.push(Opened { stream: Stream::of_peer(Arc::clone(connection), ticket), asked });
        }
        self.streams().opened = opened;
        to_serve
    }

    /// Has what the session has to say sent; what is left to do is for when the lock is gone, and whether something has
    /// ended is to be told then.
    #[inline]
    pub(super) fn settle(&mut self) -> (Option<After>, bool) {
        if self.sender.is_some() && self.session.has_frames() {
            let sender = self.sender.take();
            self.streams().after.wake(sender);
        }
        let streams = self.streams();
        // Mostly nothing is left, and it is too long to be moved for that.
        let after = streams.after.is_something().then(|| std::mem::take(&mut streams.after));
        (after, std::mem::take(&mut streams.settled))
    }

    /// Lets a task wait for what comes next.
    pub(super) fn remember(slot: &mut Option<Waker>, waker: &Waker) {
        match slot {
            Some(known) => known.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }
}
