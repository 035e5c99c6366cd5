//! One side of a connection in a world: a link and its dull driver.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::agenda::Flag;
use super::chance;
use super::judging::Question;
use super::net::{Direction, Read};
use super::node::Node;
use super::record::{Record, messages};
use crate::engine::Halves;
use crate::error::DisconnectReason;
use crate::link::{Effect, Link, State};
use crate::monitor::ConnectionId;
use crate::options::Options;
use crate::pipe::{Take, lifecycle};
use crate::time::Instant;
use crate::wire::batch::Batch;

/// A link, what it belongs to, and what is being written.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none a state")]
pub(super) struct Seat {
    pub(super) node: usize,
    /// The number of the connection.
    connection: ConnectionId,
    pub(super) link: Link,
    pub(super) flag: Arc<Flag>,
    /// When it is on the agenda next.
    pub(super) planned: Option<Instant>,
    pub(super) halves: Option<Halves>,
    pub(super) record: Record,
    /// Why it went, once it is over.
    pub(super) ended: Option<DisconnectReason>,
    pub(super) ready_at: Option<Instant>,
    /// After how long a silence it must have noticed, if it asks for signs of life.
    notices_after: Option<Duration>,
    /// When bytes were last read, moved on by the time in which nothing was.
    heard_at: Instant,
    paused_at: Instant,
    writing: Batch,
    from_pipe: bool,
    /// The network takes nothing any more; what it still has to give is read before the connection ends.
    broken: bool,
    /// The last message was written in part.
    is_cut_short: bool,
    paused: bool,
    attached: bool,
    /// What it carries is not for the pipe: the application that makes calls deals with it.
    attended: bool,
    question: Question,
}

/// What a seat works with during its turn.
pub(super) struct Surroundings<'a> {
    pub(super) node: &'a mut Node,
    pub(super) output: &'a mut Direction,
    pub(super) input: &'a mut Direction,
    pub(super) now: Instant,
}

impl Seat {
    pub(super) fn new(
        (node, connection): (usize, ConnectionId),
        mut link: Link,
        halves: Option<Halves>,
        flag: Arc<Flag>,
        now: Instant,
    ) -> Self {
        link.start(now, chance(2 * connection.0 + u64::from(halves.is_none()))).expect("a new link starts");
        Self {
            node,
            connection,
            link,
            flag,
            planned: None,
            halves,
            record: Record::default(),
            notices_after: None,
            ended: None,
            ready_at: None,
            heard_at: now,
            paused_at: now,
            writing: Batch::new(),
            from_pipe: false,
            broken: false,
            is_cut_short: false,
            paused: false,
            attached: false,
            attended: false,
            question: Question::default(),
        }
    }

    /// Whether a turn might do something.
    pub(super) fn has_work(&self, output: &Direction, input: &Direction, now: Instant) -> bool {
        let readable = self.reads() && input.arrives_at().is_some_and(|at| at <= now);
        let writes = !self.broken && self.link.state() != State::Closed && !self.writing.is_empty();
        let writable = writes && output.is_writable();
        let due = self.link.poll_timeout().is_some_and(|at| at <= now);
        self.ended.is_none() && (self.flag.is_raised() || readable || writable || due)
    }

    /// Sets what it does about silence, given its own options and its peer's.
    pub(super) fn watch(&mut self, own: &Options, peer: &Options) {
        let timeout = own.heartbeat_interval.map(|interval| own.heartbeat_timeout.unwrap_or(interval));
        self.notices_after = own.heartbeat_interval.zip(timeout).map(|(interval, timeout)| interval + timeout);
        let promised = peer.heartbeat_ttl.filter(|_| peer.heartbeat_interval.is_some());
        self.record.patience = timeout.into_iter().chain(promised).min();
    }

    /// Whether the engine counts it as a peer.
    pub(super) const fn is_attached(&self) -> bool {
        self.attached
    }

    /// What its peer calls itself, if it does and the connection is not about to end.
    pub(super) fn peer_name(&self) -> Option<&[u8]> {
        self.link.peer().map(|peer| &*peer.identity).filter(|name| self.attached && !name.is_empty())
    }

    /// Whether what arrives is read.
    fn reads(&self) -> bool {
        !self.paused && self.link.state() != State::Judged
    }

    /// Whether it does not read.
    pub(super) const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Nothing reaches it any more.
    pub(super) fn deafen(&mut self) {
        // What has ended by itself was told so before.
        self.record.was_deaf |= self.link.state() != State::Closed;
        self.record.is_deaf = self.record.was_deaf;
    }

    /// It hears again.
    pub(super) const fn undeafen(&mut self) {
        self.record.is_deaf = false;
    }

    /// Whether it should have noticed by now that nothing reaches it.
    pub(super) fn is_oblivious(&self, now: Instant) -> bool {
        let is_impatient = match self.link.state() {
            State::Ready => !self.paused && self.notices_after.is_some_and(|most| now - self.heard_at > most),
            State::New | State::Handshaking | State::Judged => true,
            State::Closed => false,
        };
        self.ended.is_none() && self.record.was_deaf && is_impatient
    }

    /// When a turn might do something, if nothing happens before.
    pub(super) fn next_event(&self, input: &Direction) -> Option<Instant> {
        let arrival = if self.reads() { input.arrives_at() } else { None };
        let timeout = self.link.poll_timeout();
        arrival.into_iter().chain(timeout).min().filter(|_| self.ended.is_none())
    }

    /// Effects, then messages in, then bytes in, then bytes out, then timers.
    pub(super) fn turn(&mut self, around: &mut Surroundings<'_>) {
        let waker = Waker::from(Arc::clone(&self.flag));
        let mut cx = Context::from_waker(&waker);
        self.flag.lower();
        self.apply(around);
        if self.ended.is_some() {
            return;
        }
        if let Some(verdict) = self.question.poll(&mut cx) {
            self.link.handle_verdict(verdict, around.now);
            self.apply(around);
            self.flag.raise();
        }
        if self.ended.is_some() {
            return;
        }
        let delivered = self.deliver(&mut cx, around);
        let is_behind = delivered && !self.link.inbound().is_empty();
        let read = delivered && (is_behind || self.read(around));
        let wrote = self.write(&mut cx, around);
        // Bytes that have arrived may be the sign of life that a timeout would miss.
        let due = !read && self.link.poll_timeout().is_some_and(|at| at <= around.now);
        if due {
            let was_ready = self.link.state() == State::Ready;
            self.link.handle_timeout(around.now);
            if was_ready && self.link.state() == State::Closed {
                self.check_silence(around);
            }
        }
        if read || wrote || due {
            self.flag.raise();
        }
        self.apply(around);
        if self.ended.is_none() {
            self.check();
        }
    }

    /// What every driver may count on, at every step.
    fn check(&self) {
        let Some(halves) = &self.halves else { return };
        let marks = (halves.outbox.hwm(), halves.inbox.hwm());
        let flying = if self.from_pipe && !self.attended { self.writing.messages() } else { 0 };
        if marks.0 > 0 {
            let waiting = halves.outbox.len();
            assert!(waiting + flying <= 2 * marks.0, "{waiting} + {flying} messages over a mark of {}", marks.0);
        }
        assert!(marks.1 == 0 || halves.inbox.len() <= marks.1, "an inbox over its mark");
    }

    /// What holds when nothing is left to do: whatever could be sent is sent.
    pub(super) fn check_sent(&self, node: &mut Node) {
        let is_free = !self.broken && self.writing.is_empty() && self.link.state() == State::Ready;
        if let Some(caller) = node.caller.as_mut().filter(|_| self.attended && is_free && !node.sleeps) {
            caller.check_sent(self.connection);
        }
    }

    /// The socket ends at once.
    pub(super) fn close(&mut self, around: &mut Surroundings<'_>) {
        self.link.close();
        self.apply(around);
    }

    fn apply(&mut self, around: &mut Surroundings<'_>) {
        while let Some(effect) = self.link.poll_effect() {
            assert!(self.ended.is_none(), "{effect:?} after the last effect");
            self.record.effects.push(effect.clone());
            match effect {
                Effect::Authenticate(request) => {
                    self.question = Question::new(&around.node.options, *request);
                    self.flag.raise();
                }
                Effect::Attach(peer) => {
                    self.ready_at = Some(around.now);
                    if let Err(reason) = self.attach(around.node, peer) {
                        self.link.handle_refusal(reason);
                    }
                }
                Effect::Detach => {
                    self.restore();
                    if let Some(halves) = self.halves.as_ref().filter(|_| std::mem::take(&mut self.attached)) {
                        around.node.engine.detach(halves.pipe);
                    }
                }
                Effect::CloseIo => {
                    self.last_words(around);
                    around.output.close(around.now);
                    if around.output.is_silent() {
                        // That nobody reads is not heard of either.
                        around.input.silence();
                    } else {
                        around.input.forsake();
                    }
                }
                Effect::Ended(reason) => {
                    self.ended = Some(reason);
                    self.question = Question::default();
                    let outbox = self.halves.as_ref().map(|halves| &halves.outbox);
                    self.record.discarded = outbox.map_or(0, |outbox| outbox.discarded());
                }
                // Whoever makes calls is done with the peer before anybody else hears.
                Effect::Disconnected(_) => {
                    if let Some(caller) = around.node.caller.as_mut().filter(|_| std::mem::take(&mut self.attended)) {
                        caller.lost(self.connection);
                        around.node.flag.raise();
                    }
                }
                Effect::HandshakeSucceeded | Effect::Ready | Effect::HandshakeFailed { .. } => {}
            }
        }
        around.node.wake();
    }

    /// A peer is taken for dead only after a silence as long as was agreed on, and if nothing of it lies unread.
    fn check_silence(&self, around: &Surroundings<'_>) {
        let patience = self.record.patience.expect("silence means nothing where nobody asked for signs of life");
        assert!(around.now - self.heard_at >= patience, "silent for {:?} only", around.now - self.heard_at);
        let unread = around.input.arrives_at().is_some_and(|at| at <= around.now);
        assert!(!unread, "a peer whose bytes have arrived is taken for dead");
    }

    fn attach(&mut self, node: &mut Node, peer: crate::PeerInfo) -> Result<(), DisconnectReason> {
        if self.halves.is_none() {
            self.halves = node.engine.accept();
        }
        let halves = self.halves.as_ref().ok_or(DisconnectReason::LocalClose)?;
        if halves.outbox.state() != lifecycle::State::Active {
            // The connection is there for what waits in the pipe.
            return Ok(());
        }
        assert!(!self.attached, "attached twice");
        node.engine.attach(halves.pipe, self.connection, peer)?;
        self.attached = true;
        if let Some(caller) = &mut node.caller {
            caller.joined(self.connection);
            self.attended = true;
            node.flag.raise();
        }
        Ok(())
    }

    /// What the network did not take goes back into the pipe, unless it never was in there.
    fn restore(&mut self) {
        if let Some(halves) = self.halves.as_ref().filter(|_| self.from_pipe && !self.writing.is_empty()) {
            let mut unsent = self.writing.clone();
            unsent.rewind();
            let sent = self.record.sent.len() - messages(&unsent).len();
            self.record.sent.truncate(sent);
            if !self.attended {
                halves.outbox.restore(&mut self.writing);
            }
            self.writing.clear();
            self.from_pipe = false;
            self.is_cut_short = true;
        }
    }

    fn deliver(&mut self, cx: &mut Context<'_>, around: &mut Surroundings<'_>) -> bool {
        let Some(halves) = &self.halves else { return true };
        let inbound = self.link.inbound();
        if inbound.is_empty() && !self.paused {
            return true;
        }
        let mut before = inbound.clone();
        let swallows = halves.inbox.swallows();
        let delivered = match around.node.caller.as_mut().filter(|_| self.attended) {
            Some(caller) => {
                if caller.take(self.connection, inbound) {
                    around.node.flag.raise();
                }
                true
            }
            None => halves.inbox.poll_deliver(cx, inbound).is_ready(),
        };
        let n = before.len() - inbound.len();
        if swallows {
            self.record.swallowed |= n > 0;
        } else if n > 0 {
            assert!(self.attached, "messages are delivered between Attach and Detach");
            self.record.delivered.extend(before.drain().take(n));
        }
        if delivered == self.paused {
            self.paused = !self.paused;
            if self.paused {
                self.paused_at = around.now;
                self.link.pause_reading(around.now);
            } else {
                self.heard_at += around.now - self.paused_at;
                self.link.resume_reading(around.now);
            }
        }
        delivered
    }

    fn read(&mut self, around: &mut Surroundings<'_>) -> bool {
        if !self.reads() {
            return false;
        }
        let reset = DisconnectReason::Io(io::ErrorKind::ConnectionReset);
        match around.input.read(self.link.read_buffer(), around.now) {
            Read::Nothing => return false,
            Read::Some => {
                self.heard_at = around.now;
                self.link.handle_read(around.now);
            }
            Read::Closed => self.link.handle_end(DisconnectReason::PeerClosed, around.now),
            Read::Reset => self.link.handle_end(reset, around.now),
        }
        true
    }

    fn write(&mut self, cx: &mut Context<'_>, around: &mut Surroundings<'_>) -> bool {
        if self.link.state() == State::Closed {
            return false;
        }
        if !self.broken {
            if self.writing.is_empty() && !self.fill(cx, around) {
                return false;
            }
            let writes = |seat: &mut Self, output| put(&mut seat.link, &mut seat.writing, output, around.now);
            if self.writing.is_empty() || around.output.is_open() && writes(self, around.output) {
                return true;
            }
            self.broken = !around.output.is_open();
        }
        self.obey(cx, around.now)
    }

    /// While the network takes nothing. Whether anything changed.
    fn obey(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Some(halves) = &self.halves else { return false };
        match halves.outbox.poll_order(cx) {
            Poll::Ready(Take::Kicked(reason)) => self.link.handle_end(reason, now),
            Poll::Ready(_) => self.link.close(),
            Poll::Pending => return false,
        }
        true
    }

    /// Fills the empty batch. Whether anything changed.
    fn fill(&mut self, cx: &mut Context<'_>, around: &mut Surroundings<'_>) -> bool {
        self.writing.clear();
        self.from_pipe = false;
        if self.link.poll_transmit(&mut self.writing) {
            return true;
        }
        let Some(halves) = &self.halves else { return false };
        if self.link.state() != State::Ready {
            let finished = halves.outbox.poll_finished(cx).is_ready();
            if finished {
                self.link.close();
            }
            return finished;
        }
        let taken = match around.node.caller.as_mut().filter(|_| self.attended) {
            // An order to end the connection goes first; one that has patience goes behind what there is to be sent.
            Some(caller) => match halves.outbox.poll_order(cx) {
                Poll::Ready(order) => Poll::Ready(order),
                Poll::Pending => match caller.poll_give(self.connection, cx.waker(), &mut self.writing) {
                    Poll::Ready(heard) => {
                        if heard {
                            around.node.flag.raise();
                        }
                        Poll::Ready(Take::Batch)
                    }
                    Poll::Pending => halves.outbox.poll_take(cx, &mut self.writing),
                },
            },
            None => around.node.engine.poll_take(halves, cx, &mut self.writing),
        };
        match taken {
            Poll::Pending => return false,
            Poll::Ready(Take::Batch) => {
                self.record.sent.extend(messages(&self.writing));
                self.from_pipe = true;
            }
            Poll::Ready(Take::Kicked(reason)) => self.link.handle_end(reason, around.now),
            Poll::Ready(Take::Finished) => self.link.close(),
        }
        true
    }

    /// Says what the link still has to say as far as that goes, unless it would land within a message.
    fn last_words(&mut self, around: &mut Surroundings<'_>) {
        while !self.is_cut_short && around.output.is_open() {
            while put(&mut self.link, &mut self.writing, around.output, around.now) {}
            if !self.writing.is_empty() {
                return;
            }
            self.writing.clear();
            if !self.link.poll_transmit(&mut self.writing) {
                return;
            }
        }
    }
}

/// Writes as much of `batch` as one call takes. Whether that was anything.
fn put(link: &mut Link, batch: &mut Batch, output: &mut Direction, now: Instant) -> bool {
    link.seal(batch);
    let mut slices = [IoSlice::new(&[]); 8];
    let filled = batch.slices(&mut slices);
    let mut bytes = Vec::new();
    for slice in &slices[..filled] {
        bytes.extend_from_slice(&slice[..slice.len().min(output.room().saturating_sub(bytes.len()))]);
    }
    if bytes.is_empty() {
        return false;
    }
    let n = output.write(&bytes, now);
    batch.advance(n);
    true
}
