//! Two links joined in memory, in virtual time.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;

use super::{Clock, chance};
use crate::auth::Verdict;
use crate::error::DisconnectReason;
use crate::link::{Effect, Link, LinkConfig, Role, State};
use crate::message::Message;
use crate::time::Instant;
use crate::wire::batch::Batch;

/// How the network cuts what is sent into what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// All that is there at once.
    Whole,
    /// One byte at a time.
    Bytewise,
    /// Pieces of 1 to 64 bytes, drawn from this seed.
    Chunks(u64),
}

impl Split {
    /// How many of `available` bytes are read next.
    fn next(&mut self, available: usize) -> usize {
        match self {
            Self::Whole => available,
            Self::Bytewise => available.min(1),
            Self::Chunks(state) => {
                // A 64 bit linear congruential generator (Knuth's constants): its high bits are good enough dice.
                *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                available.min(1 + (*state >> 58) as usize)
            }
        }
    }

    /// `bytes` in pieces.
    pub fn pieces(mut self, mut bytes: &[u8]) -> Vec<&[u8]> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let (piece, rest) = bytes.split_at(self.next(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
        pieces
    }
}

/// A link with a driver that performs its effects in memory, and notes them.
///
/// It checks what every driver may count on: effects come in the order of the lifecycle, and messages only between
/// `Attach` and `Detach`.
#[derive(Debug)]
pub struct Side {
    /// The link.
    pub link: Link,
    /// Every effect so far.
    pub effects: Vec<Effect>,
    /// Every message so far.
    pub received: Vec<Message>,
    /// What the pipe holds: it goes out once the peer is attached.
    pub queue: Batch,
    /// While set, the process hangs: it neither reads nor writes nor looks at the clock, and the connection stays up.
    pub hangs: bool,
    is_attached: bool,
    is_open: bool,
}

impl Side {
    /// A link that has started.
    ///
    /// # Panics
    ///
    /// Like all methods here, if the link breaks its promises.
    pub fn new(config: LinkConfig, role: Role, now: Instant) -> Self {
        let mut link = Link::new(config, role);
        link.start(now, chance(role as u64)).expect("a new link starts");
        Self {
            link,
            effects: Vec::new(),
            received: Vec::new(),
            queue: Batch::new(),
            hangs: false,
            is_attached: false,
            is_open: true,
        }
    }

    /// Puts a message into the pipe.
    pub fn send(&mut self, message: impl Into<Message>) {
        self.queue.push(&message.into());
    }

    /// The transport has read these bytes.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) {
        if self.is_open {
            self.link.read_buffer().extend_from_slice(bytes);
            self.link.handle_read(now);
            self.settle();
        }
    }

    /// The transport is gone.
    pub fn end(&mut self, reason: DisconnectReason, now: Instant) {
        self.link.handle_end(reason, now);
        self.settle();
    }

    /// The clock says `now`.
    pub fn tick(&mut self, now: Instant) {
        self.link.handle_timeout(now);
        self.settle();
    }

    /// Whoever judges the peer has answered.
    pub fn judge(&mut self, verdict: Verdict, now: Instant) {
        self.link.handle_verdict(verdict, now);
        self.settle();
    }

    /// The socket closes the connection.
    pub fn close(&mut self) {
        self.link.close();
        self.settle();
    }

    /// What goes out: what the protocol says, then the pipe once there is a peer.
    pub fn output(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut control = Batch::new();
        if self.link.poll_transmit(&mut control) {
            written(&mut self.link, &mut control, &mut bytes);
        }
        if self.is_attached && !self.queue.is_empty() {
            written(&mut self.link, &mut self.queue, &mut bytes);
            self.queue.clear();
        }
        bytes
    }

    /// Whether the transport is up on this side.
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// The reason of the end, once it is told.
    pub fn reason(&self) -> Option<&DisconnectReason> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Disconnected(reason) | Effect::HandshakeFailed { reason, .. } => Some(reason),
            _ => None,
        })
    }

    /// Performs effects and takes messages until neither has anything left, as every driver does.
    fn settle(&mut self) {
        loop {
            while let Some(effect) = self.link.poll_effect() {
                self.perform(effect);
            }
            if self.link.inbound().is_empty() {
                return;
            }
            assert!(self.is_attached, "messages come between Attach and Detach");
            self.received.extend(self.link.inbound().drain());
        }
    }

    fn perform(&mut self, effect: Effect) {
        let last = self.effects.last();
        let follows = match &effect {
            Effect::Authenticate(_) => last.is_none(),
            Effect::Attach(_) => matches!(last, None | Some(Effect::Authenticate(_))),
            Effect::HandshakeSucceeded => matches!(last, Some(Effect::Attach(_))),
            Effect::Ready => matches!(last, Some(Effect::HandshakeSucceeded)),
            Effect::Detach => matches!(last, Some(Effect::Ready)),
            Effect::CloseIo => matches!(last, None | Some(Effect::Authenticate(_) | Effect::Detach)),
            Effect::HandshakeFailed { .. } => *last.expect("I/O goes first") == Effect::CloseIo && !self.was_ready(),
            Effect::Disconnected(_) => *last.expect("I/O goes first") == Effect::CloseIo && self.was_ready(),
            Effect::Ended(_) => matches!(last, Some(Effect::Disconnected(_) | Effect::HandshakeFailed { .. })),
        };
        assert!(follows, "{effect:?} after {:?}", self.effects);
        match &effect {
            Effect::Attach(_) => self.is_attached = true,
            Effect::Detach => self.is_attached = false,
            Effect::CloseIo => self.is_open = false,
            Effect::Ended(_) => assert_eq!(self.link.state(), State::Closed),
            _ => {}
        }
        self.effects.push(effect);
    }

    fn was_ready(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Attach(_)))
    }
}

/// Two sides and the network between them.
#[derive(Debug)]
pub struct Pair {
    /// The side that connected.
    pub dialer: Side,
    /// The side that accepted.
    pub listener: Side,
    clock: Clock,
    to_listener: Wire,
    to_dialer: Wire,
}

/// One direction of the network.
#[derive(Debug)]
struct Wire {
    split: Split,
    bytes: VecDeque<u8>,
}

impl Wire {
    /// Moves one piece on, and the end behind the last. Whether anything moved.
    fn step(&mut self, from: &mut Side, to: &mut Side, now: Instant) -> bool {
        if !from.hangs {
            self.bytes.extend(from.output());
        }
        if to.hangs || !to.is_open() || to.link.state() == State::Judged {
            return false;
        }
        if self.bytes.is_empty() {
            if from.is_open() {
                return false;
            }
            to.end(DisconnectReason::PeerClosed, now);
            return true;
        }
        let n = self.split.next(self.bytes.len());
        let piece: Vec<u8> = self.bytes.drain(..n).collect();
        to.feed(&piece, now);
        true
    }
}

impl Pair {
    /// Two links that have started, at the origin of time.
    pub fn new(dialer: LinkConfig, listener: LinkConfig, split: Split) -> Self {
        let clock = Clock::new();
        let wire = || Wire { split, bytes: VecDeque::new() };
        Self {
            dialer: Side::new(dialer, Role::Dialer, clock.now()),
            listener: Side::new(listener, Role::Listener, clock.now()),
            to_listener: wire(),
            to_dialer: wire(),
            clock,
        }
    }

    /// What time it is.
    pub const fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Moves one piece in each direction. Whether anything moved.
    pub fn step(&mut self) -> bool {
        let now = self.clock.now();
        let forth = self.to_listener.step(&mut self.dialer, &mut self.listener, now);
        let back = self.to_dialer.step(&mut self.listener, &mut self.dialer, now);
        forth | back
    }

    /// Lets the network work until it is idle; no time passes.
    pub fn run(&mut self) {
        while self.step() {}
    }

    /// Lets time pass: timers go off in order, and the network is idle between them.
    pub fn advance(&mut self, by: Duration) {
        let end = self.clock.now() + by;
        self.run();
        loop {
            let sides = [&self.dialer, &self.listener];
            let due = sides.into_iter().filter(|side| !side.hangs).filter_map(|side| side.link.poll_timeout()).min();
            let Some(due) = due.filter(|due| *due <= end) else { break };
            self.clock.advance_to(due);
            for side in [&mut self.dialer, &mut self.listener] {
                if !side.hangs {
                    side.tick(self.clock.now());
                }
            }
            self.run();
        }
        self.clock.advance_to(end);
    }

    /// Cuts the network: what is on the way is lost, and both sides hear of it.
    pub fn cut(&mut self) {
        let reason = DisconnectReason::Io(std::io::ErrorKind::ConnectionReset);
        self.to_listener.bytes.clear();
        self.to_dialer.bytes.clear();
        self.dialer.end(reason.clone(), self.clock.now());
        self.listener.end(reason, self.clock.now());
    }
}

/// Writes a whole batch.
fn written(link: &mut Link, batch: &mut Batch, bytes: &mut Vec<u8>) {
    while !batch.is_empty() {
        link.seal(batch);
        let mut slices = [IoSlice::new(&[]); 16];
        let filled = batch.slices(&mut slices);
        let slices = slices.get(..filled).unwrap_or_default();
        for slice in slices {
            bytes.extend_from_slice(slice);
        }
        let n = slices.iter().map(|slice| slice.len()).sum();
        batch.advance(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_bytes_however_they_are_cut() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(Split::Whole.pieces(&bytes), [&bytes[..]]);
        assert_eq!(Split::Bytewise.pieces(&bytes).len(), 256);
        for seed in 0..10 {
            let pieces = Split::Chunks(seed).pieces(&bytes);
            assert_eq!(pieces.concat(), bytes);
            assert!(pieces.iter().all(|piece| (1..=64).contains(&piece.len())));
        }
    }
}
