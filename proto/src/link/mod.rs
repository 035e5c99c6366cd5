//! A link speaks to one peer: greeting, security, frames, heartbeat.

mod config;
mod framing;
mod handshake;
mod heartbeat;
pub mod lifecycle;
mod rate;
#[cfg(test)]
mod tests;
mod traffic;

use std::sync::Arc;

use bytes::BytesMut;

pub use crate::security::Entropy;
pub use config::LinkConfig;
pub use lifecycle::{Effect, InvalidTransition, State};

use crate::auth::Verdict;
use crate::error::{DisconnectReason, HandshakeStage, ProtocolError};
use crate::message::Queue;
use crate::peer::{PeerCertificate, PeerInfo};
use crate::security::{self, Ciphers};
use crate::time::Instant;
use crate::wire::batch::Batch;
use framing::Framing;
use handshake::{Advance, Handshake};
use heartbeat::Heartbeat;
use lifecycle::{Effects, Lifecycle};
use traffic::Traffic;

/// Who began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We connected to the peer.
    Dialer,
    /// The peer connected to us.
    Listener,
}

/// One connection to one peer. It does no I/O and reads no clock: a driver does, and tells.
///
/// Its methods are of four kinds:
///
/// - *what it is*: [`state`](Self::state), [`peer`](Self::peer), [`role`](Self::role), [`held_until`](Self::held_until);
/// - *from the world*: [`start`](Self::start), [`read_buffer`](Self::read_buffer) and
///   [`handle_read`](Self::handle_read), [`handle_certificate`](Self::handle_certificate), [`handle_end`](Self::handle_end), [`handle_timeout`](Self::handle_timeout);
/// - *from the socket*: [`handle_verdict`](Self::handle_verdict), [`handle_refusal`](Self::handle_refusal),
///   [`pause_reading`](Self::pause_reading), [`resume_reading`](Self::resume_reading), [`close`](Self::close), [`seal`](Self::seal), [`shed`](Self::shed);
/// - *to the world*: [`poll_effect`](Self::poll_effect), [`inbound`](Self::inbound), [`take_weight`](Self::take_weight), [`take_pieces`](Self::take_pieces),
///   [`poll_transmit`](Self::poll_transmit), [`poll_timeout`](Self::poll_timeout).
///
/// After each call of the second or third kind the driver performs the effects, then takes the messages out of
/// `inbound`, and again, until neither has anything left; then it transmits. It reads nothing while the peer is
/// [judged](State::Judged).
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    role: Role,
    lifecycle: Lifecycle,
    effects: Effects,
    framing: Framing,
    control: Vec<u8>,
    /// How much of `control` is of the handshake, and goes out as it is also where traffic is sealed.
    in_clear: usize,
    phase: Phase,
    /// Whether what was received is handed out before the loss is told.
    delivers_first: bool,
}

#[derive(Debug)]
enum Phase {
    /// Not begun, or over.
    Idle,
    Handshake {
        handshake: Handshake,
        deadline: Instant,
    },
    // Boxed: most of a link's life is spent here, but so is the memory of a peer with many properties.
    Traffic(Box<Traffic>),
}

impl Link {
    /// A connection that the transport has made.
    pub fn new(config: LinkConfig, role: Role) -> Self {
        Self {
            role,
            lifecycle: Lifecycle::new(),
            effects: Effects::new(),
            framing: Framing::new(config.max_message_size(), config.limits()),
            control: Vec::new(),
            in_clear: 0,
            phase: Phase::Idle,
            delivers_first: false,
            config,
        }
    }

    /// Where the connection stands.
    pub const fn state(&self) -> State {
        self.lifecycle.state()
    }

    /// The peer, from ready to the end.
    pub const fn peer(&self) -> Option<&PeerInfo> {
        match &self.phase {
            Phase::Traffic(traffic) => Some(traffic.peer()),
            _ => None,
        }
    }

    /// Who began.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Begins the handshake: the greeting goes into the output, and `handshake_timeout` starts.
    ///
    /// # Errors
    ///
    /// If it was begun already.
    pub fn start(&mut self, now: Instant, entropy: Entropy) -> Result<(), InvalidTransition> {
        if self.lifecycle.start()? {
            let handshake = Handshake::start(&self.config, self.role, entropy, &mut self.control);
            self.phase = Phase::Handshake { handshake, deadline: now + self.config.handshake_timeout() };
        }
        Ok(())
    }

    /// The buffer for what the transport reads. Append to it, and leave what is in it.
    pub const fn read_buffer(&mut self) -> &mut BytesMut {
        self.framing.buffer()
    }

    /// How much room the buffer should have for the next read: more while a long frame is arriving, but never simply
    /// what the peer announced.
    pub fn read_room(&self) -> usize {
        self.framing.read_room()
    }

    /// Whether the last read brought as much as there was room for, so that more may have come behind it.
    #[inline]
    pub const fn was_filled(&self) -> bool {
        self.framing.was_filled()
    }

    /// The transport has checked the peer's certificate: it goes into the peer's [`PeerInfo`]. Before the first
    /// [`handle_read`](Self::handle_read).
    pub fn handle_certificate(&mut self, certificate: Arc<PeerCertificate>) {
        if let Phase::Handshake { handshake, .. } = &mut self.phase {
            handshake.certify(certificate);
        }
    }

    /// Bytes were appended to the read buffer. Cuts everything that is whole.
    pub fn handle_read(&mut self, now: Instant) {
        if matches!(self.state(), State::New | State::Closed) {
            return self.framing.discard();
        }
        if let Phase::Traffic(traffic) = &mut self.phase
            && self.framing.has_grown()
        {
            traffic.heartbeat().heard();
        }
        let progress = self.framing.progress();
        match self.read(now) {
            Ok(()) => self.framing.done(progress),
            Err(reason) => self.end(reason),
        }
    }

    fn read(&mut self, now: Instant) -> Result<(), DisconnectReason> {
        if self.state() == State::Judged {
            return Ok(());
        }
        if let Phase::Handshake { handshake, .. } = &mut self.phase {
            match handshake.advance(&mut self.framing, &mut self.control)? {
                Advance::Pending => return Ok(()),
                Advance::Asks(request) => {
                    let moved = self.lifecycle.ask(request, &mut self.effects);
                    debug_assert!(moved.is_ok(), "only a handshake asks");
                    return Ok(());
                }
                Advance::Done(peer, ciphers) => self.ready(peer, ciphers, now),
            }
        }
        let Phase::Traffic(traffic) = &mut self.phase else { return Ok(()) };
        traffic.advance(&mut self.framing, &mut self.control, now)
    }

    fn ready(&mut self, peer: PeerInfo, ciphers: Option<Box<Ciphers>>, now: Instant) {
        let heartbeat = Heartbeat::new(self.config.heartbeat(), peer.minor, now);
        self.in_clear = self.control.len();
        let traffic = Traffic::new(self.config.socket_type(), peer.clone(), heartbeat, ciphers)
            .with_rate(self.config.limits().max_rate);
        self.phase = Phase::Traffic(Box::new(traffic));
        let moved = self.lifecycle.peer_ready(peer, &mut self.effects);
        debug_assert!(moved.is_ok(), "only a handshake gets ready");
    }

    /// The transport is gone, or the socket wants no more of this connection: `PeerClosed`, `Io`, `Superseded` and the
    /// like. The first reason wins.
    pub fn handle_end(&mut self, reason: DisconnectReason, _now: Instant) {
        let is_cut = self.state() == State::Ready && self.framing.is_within_message();
        let reason = match reason {
            DisconnectReason::PeerClosed if is_cut => ProtocolError::Truncated.into(),
            other => other,
        };
        self.end(reason);
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) came. If there are bytes to read as well, read them first:
    /// they may be the sign of life that this call would miss.
    pub fn handle_timeout(&mut self, now: Instant) {
        let result = match &mut self.phase {
            Phase::Handshake { deadline, .. } if *deadline <= now => Err(DisconnectReason::HandshakeTimeout),
            Phase::Traffic(traffic) => traffic.handle_timeout(&mut self.control, now),
            _ => Ok(()),
        };
        if let Err(reason) = result {
            self.end(reason);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Idle => None,
            Phase::Handshake { deadline, .. } => Some(*deadline),
            Phase::Traffic(traffic) => traffic.deadline(),
        }
    }

    /// Our inbox is full and we stop reading: from now on the peer's silence does not count against it.
    pub fn pause_reading(&mut self, now: Instant) {
        if let Phase::Traffic(traffic) = &mut self.phase {
            traffic.pause(now);
        }
    }

    /// We read again.
    pub fn resume_reading(&mut self, now: Instant) {
        if let Phase::Traffic(traffic) = &mut self.phase {
            traffic.resume(now);
        }
    }

    /// Until when nothing is to be read, because the peer sends faster than
    /// [`max_rate`](crate::PeerLimits::max_rate): until [`handle_timeout`](Self::handle_timeout) ends it then.
    pub fn held_until(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Traffic(traffic) => traffic.held_until(),
            _ => None,
        }
    }

    /// Whether the monitor is to be told that the peer is held: once a second at the most.
    pub fn is_hold_news(&mut self, now: Instant) -> bool {
        match &mut self.phase {
            Phase::Traffic(traffic) => traffic.rate().is_some_and(|rate| rate.is_news(now)),
            _ => false,
        }
    }

    /// The socket does not take the peer that [`Effect::Attach`] offered: nothing that it sent is for the application.
    pub fn handle_refusal(&mut self, reason: DisconnectReason) {
        let moved = self.lifecycle.refuse(reason, &mut self.effects);
        debug_assert!(moved.is_ok(), "only a peer that was ready can be refused");
        self.framing.inbound().clear();
        self.forget();
    }

    /// The answer to [`Effect::Authenticate`]. One that comes too late, when the connection is over, changes nothing.
    pub fn handle_verdict(&mut self, verdict: Verdict, now: Instant) {
        let (State::Judged, Phase::Handshake { handshake, .. }) = (self.lifecycle.state(), &mut self.phase) else {
            return;
        };
        match verdict {
            Verdict::Accept { user, metadata } => {
                let Some((peer, ciphers)) = handshake.accept(user, metadata, &mut self.control) else { return };
                self.ready(peer, ciphers, now);
                // What came behind the last command of the handshake has waited.
                self.handle_read(now);
            }
            Verdict::Refuse(refusal) => {
                let reason = security::refuse(refusal, &mut self.control);
                self.end(reason);
            }
        }
    }

    /// Closes the connection. Messages that were received and not taken yet no longer hold anything up.
    pub fn close(&mut self) {
        self.delivers_first = false;
        let stage = match &self.phase {
            Phase::Handshake { handshake, .. } => handshake.stage(),
            Phase::Idle | Phase::Traffic(_) => HandshakeStage::Ready,
        };
        self.lifecycle.close(stage, &mut self.effects);
        self.forget();
    }

    /// The next thing to do.
    ///
    /// What was received before a loss is handed out before it: while messages wait in [`inbound`](Self::inbound),
    /// `Detach` and what follows it stay back. Take them, or call [`close`](Self::close), which no longer changes the
    /// reason.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        let waits = self.delivers_first && self.framing.has_inbound();
        if waits && self.effects.front() == Some(&Effect::Detach) {
            return None;
        }
        let effect = self.effects.pop_front()?;
        if self.effects.is_empty() {
            // They come at few moments of a link's life, and the empty queue would keep half a KiB.
            self.effects = Effects::new();
        }
        Some(effect)
    }

    /// The messages that arrived whole. The driver drains them.
    pub const fn inbound(&mut self) -> &mut Queue {
        self.framing.inbound()
    }

    /// How many bytes the messages have that came into [`inbound`](Self::inbound) since the last call, those aside that
    /// are short enough to stand in the [`Queue`] itself.
    pub fn take_weight(&mut self) -> u64 {
        self.framing.take_weight()
    }

    /// How many commands came since the last call, and parts that were not the last of their message. A driver that lets
    /// others have their turn after so many messages counts them too.
    pub fn take_pieces(&mut self) -> usize {
        self.framing.take_pieces()
    }

    /// Moves what the protocol itself has to say (greeting, commands) into an empty batch. Whether there was anything.
    ///
    /// Batches go out whole, one after the other, so a command never stands between the parts of a message.
    pub fn poll_transmit(&mut self, batch: &mut Batch) -> bool {
        if self.control.is_empty() {
            return false;
        }
        let sealer = match &mut self.phase {
            Phase::Traffic(traffic) => traffic.sealer(),
            _ => None,
        };
        match sealer {
            None => batch.push_raw(&self.control),
            Some(sealer) => {
                let (in_clear, commands) = self.control.split_at(self.in_clear);
                batch.push_raw(&sealer.seal_commands(in_clear, commands));
            }
        }
        self.control.clear();
        self.in_clear = 0;
        true
    }

    /// Nothing passes: gives back the memory that nothing needs.
    pub fn shed(&mut self) {
        if self.control.is_empty() {
            self.control = Vec::new();
        }
        let inbound = self.framing.inbound();
        if inbound.is_empty() {
            *inbound = Queue::new();
        }
    }

    /// Puts what is to be written next of a batch into the form that the peer reads: its dialect, and sealed where the
    /// mechanism seals, piece by piece. To be called before each write; after a write was taken only in part, and for
    /// NULL and PLAIN peers of ZMTP 3.1, there is nothing to do.
    pub fn seal(&mut self, batch: &mut Batch) {
        if let Phase::Traffic(traffic) = &mut self.phase {
            traffic.seal(batch);
        } else if self.config.mechanism().seals() {
            // What can only go out sealed does not go out at all.
            batch.discard_frames();
        }
    }

    /// Ends for a reason that is not ours.
    fn end(&mut self, reason: DisconnectReason) {
        let moved = match (self.lifecycle.state(), &self.phase) {
            (State::Handshaking | State::Judged, Phase::Handshake { handshake, .. }) => {
                self.lifecycle.fail(handshake.stage(), reason, &mut self.effects)
            }
            (State::Ready, _) => self.lifecycle.lost(reason, &mut self.effects),
            (State::Closed, _) => return,
            _ => return self.close(),
        };
        debug_assert!(moved.is_ok(), "both are legal here");
        self.delivers_first = true;
        self.forget();
    }

    /// Nothing can arrive any more. The output stays: an ERROR command may be in it. But what could only go out sealed
    /// does not go out at all.
    fn forget(&mut self) {
        if let Phase::Traffic(traffic) = &mut self.phase
            && traffic.sealer().is_some()
        {
            self.control.truncate(self.in_clear);
        }
        self.phase = Phase::Idle;
        self.framing.discard();
    }
}
