//! The connection task: effects, messages in, messages out, then wait.
//!
//! Cost of a message here, next to nothing: one read and one lock of the inbox for all that a read brought, the lock of
//! the socket and one write for all that waited. No allocation per message, one wake per batch at the most.

mod parting;
mod quiet;
mod turn;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowline_proto::link::{Effect, Entropy, Link, LinkConfig, Role, State};
use bowline_proto::mux::frame;
use bowline_proto::pipe::{Outbox, Take};
use bowline_proto::time::Instant;
use bowline_proto::wire::batch::Batch;
use bowline_proto::{DisconnectReason, Part};
use bytes::BufMut;
use tokio::io::AsyncWrite;
use tokio_util::io::poll_read_buf;
use tokio_util::sync::WaitForCancellationFutureOwned;

use self::parting::Parting;
use self::turn::Turn;
use super::attendant::Attended;
use super::seat::{Ended, Seat};
use crate::rt::{self, BusyPoll, Sleep};
use crate::transport::{self, Stream};

/// How many rounds of reading and writing one turn may take before other tasks get theirs.
const ROUNDS: usize = 16;
/// How many bytes one turn may read: whoever receives them gets its turn while they are in the processor's cache, and
/// the memory that they are in can be used again.
const TURN_BYTES: usize = 256 * 1024;
/// From this much room on a read that is not filled is followed by another one without a sleep in between.
const BULK: usize = 64 * 1024;
/// As many messages of any size do the same: a batch of so many is worth a change of tasks.
const TURN_MESSAGES: usize = 256;
/// How many pieces go into one `writev`; Linux takes up to 1024.
const SLICES: usize = 64;
/// How many bytes are asked for at a time that do not come by the pipe, at the least and at the most. What becomes urgent
/// then goes behind them, so it is little where the transport pushes back; where it takes all at once nothing waits here,
/// and one write of 1 MiB costs half as much as eight of 128 KiB.
const GIVEN: [usize; 2] = [128 * 1024, 1024 * 1024];

/// One connection over a byte stream.
#[derive(Debug)]
pub(crate) struct Connection {
    seat: Seat,
    link: Link,
    stream: Stream,
    /// What is being written, and whether it came from the pipe.
    writing: Batch,
    from_pipe: bool,
    /// How many bytes are asked for at a time that do not come by the pipe.
    given: usize,
    /// The transport takes nothing any more; what it still has to give is read before the connection ends.
    broken: Option<Box<DisconnectReason>>,
    paused: bool,
    /// The bytes of the messages that have come and were not delivered.
    undelivered: u64,
    read_in_turn: usize,
    delivered_in_turn: usize,
    /// What came for the subscriptions of a publisher.
    subscribed_in_turn: u32,
    turn: Turn,
    /// How many turns it has had as a peer, as far as that matters.
    turns: u8,
    parting: Parting,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    /// Since much has passed at once.
    looking: Option<BusyPoll>,
    /// Something has passed since it was last looked whether anything does.
    stirred: bool,
    /// When to look again; `None` while there is nothing to give back.
    look_at: Option<Instant>,
    /// While there is no pipe that would tell.
    closing: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Connection {
    /// Boxed: it stands still while the future that serves it is made, moved and put into a task, each of which would
    /// otherwise have room for a copy of it.
    pub(crate) fn new(seat: Seat, (config, role): (LinkConfig, Role), entropy: Entropy, stream: Stream) -> Box<Self> {
        let mut link = Link::new(config, role);
        let started = link.start(rt::now(), entropy);
        debug_assert!(started.is_ok(), "a link is started once");
        Box::new(Self {
            seat,
            link,
            stream,
            writing: Batch::new(),
            from_pipe: false,
            given: GIVEN[0],
            broken: None,
            paused: false,
            undelivered: 0,
            read_in_turn: 0,
            delivered_in_turn: 0,
            subscribed_in_turn: 0,
            turn: Turn::default(),
            turns: 0,
            parting: Parting::LastWords,
            timer: None,
            looking: None,
            stirred: false,
            look_at: None,
            closing: None,
        })
    }

    /// Runs the connection to its end.
    pub(crate) async fn run(mut self: Box<Self>) -> Ended {
        let stop = self.seat.core().stop.clone();
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => {
                self.link.close();
                self.apply()
            }
            ended = poll_fn(|cx| self.poll(cx)) => Some(ended),
        };
        // Boxed: the task has room for it all its life otherwise.
        Box::pin(self.part()).await;
        ended.unwrap_or(Ended { ready_at: None, reason: DisconnectReason::LocalClose })
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        (self.read_in_turn, self.delivered_in_turn) = (0, 0);
        // What is pending stays so until it wakes this task, or until the other direction or the time changes the link.
        let (mut reads, mut writes) = (true, true);
        for _ in 0..ROUNDS {
            if let Some(ended) = self.apply() {
                return Poll::Ready(ended);
            }
            if let Some(verdict) = self.seat.poll_judge(cx) {
                self.link.handle_verdict(verdict, rt::now());
                (reads, writes) = (true, true);
                continue;
            }
            let delivered = self.delivered_in_turn;
            reads = reads && self.poll_deliver(cx).is_ready();
            let is_behind = reads && !self.link.inbound().is_empty();
            reads = reads && (is_behind || self.poll_read(cx).is_ready());
            if reads && !is_behind {
                // At once, and batch by batch: a whole one changes hands without a copy, and whoever receives it leaves
                // its memory to the next read.
                if let Some(ended) = self.apply() {
                    return Poll::Ready(ended);
                }
                let _handed_over = self.poll_deliver(cx);
            }
            // What was delivered may be answered at once.
            let is_answered = self.delivered_in_turn > delivered;
            writes = (reads || writes || is_answered) && self.poll_write(cx).is_ready();
            if !(reads || writes) {
                if self.poll_timer(cx).is_pending() {
                    if let Some(ended) = self.apply() {
                        return Poll::Ready(ended);
                    }
                    self.look_again(cx);
                    return Poll::Pending;
                }
                (reads, writes) = (true, true);
            }
            // A transport that takes nothing any more may give its last.
            reads |= self.broken.is_some();
            if self.read_in_turn >= TURN_BYTES || self.delivered_in_turn >= TURN_MESSAGES {
                break;
            }
        }
        // However much there is to do, the timers have their turn.
        let _timed_out = self.poll_timer(cx);
        rt::poll_yield(cx)
    }

    /// Performs the effects that the link has emitted.
    fn apply(&mut self) -> Option<Ended> {
        while let Some(effect) = self.link.poll_effect() {
            match effect {
                Effect::Ready => self.stream.ready(),
                Effect::Detach => self.restore(),
                _ => {}
            }
            if let Err(reason) = self.seat.apply(effect) {
                self.link.handle_refusal(reason);
            }
        }
        self.seat.ended().cloned()
    }

    /// Whole messages that the transport did not take go back into the pipe, for the next connection.
    fn restore(&mut self) {
        if let Some(halves) = self.seat.halves().filter(|_| self.from_pipe && !self.writing.is_empty()) {
            let taken = self.writing.messages();
            self.writing.rewind();
            self.seat.counters().sent(taken - self.writing.messages());
            if self.seat.attended().is_none() {
                halves.outbox.restore(&mut self.writing);
            }
            self.writing.clear();
            self.from_pipe = false;
            self.parting = Parting::Silent;
        }
    }

    /// The batch is written, or there was none.
    fn wrote_all(&mut self) {
        if std::mem::take(&mut self.from_pipe) {
            self.seat.counters().sent(self.writing.messages());
            if let (Some(halves), Some(_)) = (self.seat.halves(), self.seat.attended()) {
                halves.outbox.count_sent(self.writing.messages());
            }
        }
        self.writing.clear();
    }

    /// Hands over what has arrived. While the inbox is full nothing is read, so the transport pushes back on the peer.
    fn poll_deliver(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(halves) = self.seat.halves() else { return Poll::Ready(()) };
        let (waiting, is_behind) = (self.link.inbound().len(), self.link.was_filled());
        let delivered = match self.seat.attended() {
            Some(attended) if waiting > 0 => {
                let taken = attended.take(self.link.inbound(), is_behind);
                halves.inbox.count_received(waiting - self.link.inbound().len());
                if let Err(reason) = taken {
                    self.link.inbound().clear();
                    self.link.handle_end(reason, rt::now());
                }
                Poll::Ready(())
            }
            Some(_) => Poll::Ready(()),
            None => {
                self.undelivered += self.link.take_weight();
                halves.inbox.poll_deliver_weighed(cx, self.link.inbound(), &mut self.undelivered)
            }
        };
        let n = waiting - self.link.inbound().len();
        self.delivered_in_turn += n;
        if self.seat.core().socket_type.is_subscribed_to() {
            self.subscribed_in_turn = self.subscribed_in_turn.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
        }
        self.seat.counters().received(n);
        if delivered.is_pending() != self.paused {
            self.paused = !self.paused;
            if self.paused { self.link.pause_reading(rt::now()) } else { self.link.resume_reading(rt::now()) }
        }
        delivered
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The verdict or the timer wakes this task.
        if self.seat.is_judging() || self.link.held_until().is_some() || self.must_wait() {
            return Poll::Pending;
        }
        let room = self.link.read_room();
        let buffer = self.link.read_buffer();
        if buffer.is_empty() {
            if self.stream.poll_readable(cx).is_pending() {
                // A connection where nothing comes needs no memory for it.
                rt::spare(std::mem::take(buffer));
                return Poll::Pending;
            }
            if buffer.capacity() == 0 {
                *buffer = rt::spared();
            }
        }
        buffer.reserve(room);
        // The buffer may have more: what is read at once is to be worth a turn, not to fill it.
        let mut window = buffer.limit(room);
        let read = if room < BULK {
            ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut window))
        } else {
            ready!(self.stream.poll_read_bulk(cx, &mut window))
        };
        match read {
            Ok(0) => self.link.handle_end(DisconnectReason::PeerClosed, rt::now()),
            Ok(n) => {
                if let Some(certificate) = self.stream.take_certificate() {
                    self.link.handle_certificate(certificate);
                }
                self.passed(n);
                self.read_in_turn += n;
                let now = rt::now();
                self.link.handle_read(now);
                self.seat.count_read(n);
                // Else a flood of PINGs would have a turn of thousands, where messages have one of hundreds.
                self.delivered_in_turn += self.link.take_pieces();
                if let Some(until) = self.link.held_until() {
                    self.seat.held(self.link.is_hold_news(now).then(|| until - now));
                }
            }
            Err(error) => self
                .link
                .handle_end(transport::reason_after(&error, self.broken.take().map(|reason| *reason)), rt::now()),
        }
        Poll::Ready(())
    }

    /// Ready after each write, and whenever the link has changed.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.link.state() == State::Closed {
            return Poll::Pending;
        }
        if self.broken.is_some() {
            return self.poll_order(cx);
        }
        if self.writing.is_empty() {
            // What the transport has taken and holds back would wait for ever behind nothing.
            match Pin::new(&mut self.stream).poll_flush(cx) {
                Poll::Pending => return self.poll_order(cx),
                Poll::Ready(Err(error)) => return self.write_failed(&error),
                Poll::Ready(Ok(())) => ready!(self.poll_fill(cx)),
            }
        }
        if self.writing.is_empty() {
            return Poll::Ready(());
        }
        match write(&mut self.link, &mut self.stream, cx, &mut self.writing) {
            Poll::Pending => {
                self.given = GIVEN[0];
                return self.poll_order(cx);
            }
            Poll::Ready(Ok(n)) => {
                self.passed(n);
                self.seat.count_written(n);
                if self.writing.is_empty() {
                    if n >= self.given {
                        self.given = (2 * self.given).min(GIVEN[1]);
                    }
                    self.wrote_all();
                }
            }
            Poll::Ready(Err(error)) => return self.write_failed(&error),
        }
        Poll::Ready(())
    }

    fn write_failed(&mut self, error: &io::Error) -> Poll<()> {
        let reason = transport::reason(error);
        if self.link.state() == State::Ready || self.stream.may_say_why() {
            self.broken = Some(Box::new(reason));
        } else {
            self.link.handle_end(reason, rt::now());
        }
        Poll::Ready(())
    }

    /// While the transport takes nothing: an order to end the connection does not wait until it does.
    fn poll_order(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(halves) = self.seat.halves() else { return Poll::Pending };
        match ready!(halves.outbox.poll_order(cx)) {
            Take::Kicked(reason) => self.link.handle_end(reason, rt::now()),
            Take::Batch | Take::Finished => self.link.close(),
        }
        Poll::Ready(())
    }

    /// Fills the empty batch: what the protocol has to say goes first, then what the socket sends.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.link.poll_transmit(&mut self.writing) {
            return Poll::Ready(());
        }
        let Some(halves) = self.seat.halves() else {
            // An accepted connection has no pipe yet, and a socket that is closing has none to give.
            ready!(self.poll_closing(cx));
            self.link.close();
            return Poll::Ready(());
        };
        self.closing = None;
        if self.link.state() != State::Ready {
            // Nothing goes out yet, but an endpoint that is given up gives its handshake up as well.
            ready!(halves.outbox.poll_finished(cx));
            self.link.close();
            return Poll::Ready(());
        }
        let (core, writing) = (self.seat.core(), &mut self.writing);
        let taken = match self.seat.attended() {
            Some(attended) => ready!(poll_give(attended, &halves.outbox, cx, writing, self.given)),
            None => ready!(core.with(|engine| engine.poll_take(halves, cx, writing))),
        };
        match taken {
            Take::Batch => {
                self.from_pipe = true;
            }
            Take::Kicked(reason) => self.link.handle_end(reason, rt::now()),
            Take::Finished => {
                self.parting = Parting::Farewell;
                self.link.close();
            }
        }
        Poll::Ready(())
    }

    /// Ready when the socket is closing.
    fn poll_closing(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let closing = || Box::pin(self.seat.core().closing.clone().cancelled_owned());
        self.closing.get_or_insert_with(closing).as_mut().poll(cx)
    }
}

/// Fills the empty batch with about `most` bytes of what does not come by the pipe. An order to end the connection goes
/// first, for there may always be more to be sent; one that has patience goes behind it.
fn poll_give(
    attended: &dyn Attended,
    outbox: &Outbox,
    cx: &mut Context<'_>,
    batch: &mut Batch,
    most: usize,
) -> Poll<Take> {
    if let Poll::Ready(order) = outbox.poll_order(cx) {
        return Poll::Ready(order);
    }
    let mut give = |header: &[u8], payload: &Part| {
        frame::push(batch, header, payload);
        batch.remaining() < most
    };
    if attended.poll_give(cx, &mut give).is_ready() {
        return Poll::Ready(Take::Batch);
    }
    outbox.poll_take(cx, batch)
}

/// Writes as much of `batch` as one call takes, in the form that the link gives it, and says how much.
fn write(link: &mut Link, stream: &mut Stream, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<io::Result<usize>> {
    link.seal(batch);
    let stream = Pin::new(stream);
    let n = if let Some(piece) = batch.piece() {
        ready!(stream.poll_write(cx, piece))?
    } else {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let filled = batch.slices(&mut slices);
        ready!(stream.poll_write_vectored(cx, &slices[..filled]))?
    };
    if n == 0 {
        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
    }
    batch.advance(n);
    Poll::Ready(Ok(n))
}
