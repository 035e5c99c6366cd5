//! Traffic: what happens to commands once messages flow, and subscriptions in the peer's dialect.

use super::framing::{Found, Framing};
use super::handshake::refused;
use super::heartbeat::{Due, Heartbeat};
use super::rate::Rate;
use crate::error::{DisconnectReason, ProtocolError};
use crate::peer::PeerInfo;
use crate::security::{Ciphers, Sealer};
use crate::socket_type::SocketType;
use crate::time::Instant;
use crate::wire::batch::{Batch, FrameBody};
use crate::wire::command::Command;
use crate::wire::frame::COMMAND;
use crate::wire::subscription;

/// How many bytes of PONGs may wait for the driver. A peer that asks on without reading the answers gets no more of
/// them until it does, instead of our memory.
const PONGS_MOST: usize = 4096;

/// The commands of one connection from ready on.
#[derive(Debug)]
pub(super) struct Traffic {
    socket_type: SocketType,
    peer: PeerInfo,
    heartbeat: Heartbeat,
    // Boxed: most links seal nothing.
    ciphers: Option<Box<Ciphers>>,
    /// Boxed: most peers have none.
    rate: Option<Box<Rate>>,
}

impl Traffic {
    pub(super) const fn new(
        socket_type: SocketType,
        peer: PeerInfo,
        heartbeat: Heartbeat,
        ciphers: Option<Box<Ciphers>>,
    ) -> Self {
        Self { socket_type, peer, heartbeat, ciphers, rate: None }
    }

    /// With at most so many messages in a second.
    pub(super) fn with_rate(self, per_second: Option<usize>) -> Self {
        Self { rate: per_second.map(|per_second| Box::new(Rate::new(per_second))), ..self }
    }

    pub(super) const fn peer(&self) -> &PeerInfo {
        &self.peer
    }

    pub(super) const fn heartbeat(&mut self) -> &mut Heartbeat {
        &mut self.heartbeat
    }

    pub(super) fn rate(&mut self) -> Option<&mut Rate> {
        self.rate.as_deref_mut()
    }

    /// Until when nothing is to be read: the peer was too fast.
    pub(super) fn held_until(&self) -> Option<Instant> {
        self.rate.as_ref()?.held_until()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.heartbeat.deadline(), self.held_until()].into_iter().flatten().min()
    }

    /// The inbox is full. Time in which nothing is read does not count against the peer, whatever it is for.
    pub(super) fn pause(&mut self, now: Instant) {
        if let Some(rate) = &mut self.rate {
            rate.set_paused(true);
        }
        self.heartbeat.pause(now);
    }

    /// The inbox has room again.
    pub(super) fn resume(&mut self, now: Instant) {
        if let Some(rate) = &mut self.rate {
            rate.set_paused(false);
            if rate.held_until().is_some() {
                return;
            }
        }
        self.heartbeat.resume(now);
    }

    /// Cuts what is whole: messages into `input`, answers to commands into `out`.
    pub(super) fn advance(
        &mut self,
        input: &mut Framing,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> Result<(), DisconnectReason> {
        let (waiting, mut commands) = (input.inbound().len(), 0);
        loop {
            let found = match &mut self.ciphers {
                None => input.cut()?,
                Some(ciphers) => input.cut_sealed(&mut ciphers.opener)?,
            };
            let Found::Command(body) = found else { break };
            self.handle_command(&body, input, out, now)?;
            commands += 1;
        }
        if let Some(rate) = &mut self.rate
            && rate.count(input.inbound().len() - waiting + commands, now)
        {
            self.heartbeat.pause(now);
        }
        Ok(())
    }

    /// What the clock demands.
    pub(super) fn handle_timeout(&mut self, out: &mut Vec<u8>, now: Instant) -> Result<(), DisconnectReason> {
        if let Some(rate) = &mut self.rate
            && rate.is_over(now)
            && !rate.is_paused()
        {
            self.heartbeat.resume(now);
        }
        match self.heartbeat.due(now) {
            Due::Nothing => {}
            Due::Ping(ttl) => Command::Ping { ttl, context: b"" }.encode(out),
            Due::Dead => return Err(DisconnectReason::HeartbeatTimeout),
        }
        Ok(())
    }

    fn handle_command(
        &mut self,
        body: &[u8],
        input: &mut Framing,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> Result<(), DisconnectReason> {
        let command = Command::decode(body)?;
        let is_heartbeat = matches!(command, Command::Ping { .. } | Command::Pong(_));
        // RFC 37, Formal Grammar: the frames of a message follow one another. libzmq slips its heartbeats in between
        // when a message is longer than what it writes at once, so those must pass.
        if input.is_between_parts() && !is_heartbeat {
            return Err(ProtocolError::CommandInMessage.into());
        }
        match command {
            Command::Ping { ttl, context } => {
                // RFC 37, Connection Heartbeating: without further traffic within the TTL. What came along with
                // the PING, behind it, is such traffic.
                self.heartbeat.promised(if input.buffer().is_empty() { ttl } else { 0 }, now);
                if out.len() < PONGS_MOST {
                    Command::Pong(context).encode(out);
                }
            }
            Command::Subscribe(topic) if self.socket_type.is_subscribed_to() => {
                input.push(subscription::message(topic, true));
            }
            Command::Cancel(topic) if self.socket_type.is_subscribed_to() => {
                input.push(subscription::message(topic, false));
            }
            // A peer that sends its READY before it has seen ours refuses us only now.
            Command::Error(reason) => return Err(refused(reason)),
            // Any byte was a sign of life already; and a later version may know more commands than we do.
            Command::Pong(_) | Command::Unknown { .. } => {}
            known => return Err(ProtocolError::UnexpectedCommand { name: known.name().to_owned() }.into()),
        }
        Ok(())
    }

    /// What seals, if anything does.
    pub(super) fn sealer(&mut self) -> Option<&mut Sealer> {
        self.ciphers.as_mut().map(|ciphers| &mut ciphers.sealer)
    }

    /// Puts what is to be written next into the form that the peer reads.
    pub(super) fn seal(&mut self, batch: &mut Batch) {
        let subscribes = matches!(self.socket_type, SocketType::Sub | SocketType::XSub);
        if self.peer.minor == 0 && subscribes {
            Self::rewrite(batch);
        }
        if let Some(sealer) = self.sealer() {
            sealer.seal(batch);
        }
    }

    /// Rewrites a batch into the dialect of ZMTP 3.0, which has subscriptions in messages.
    // RFC 23, The Publish-Subscribe Pattern
    fn rewrite(batch: &mut Batch) {
        if !batch.is_untouched() {
            return;
        }
        let mut rewritten = Batch::new();
        for frame in batch.frames() {
            let command = if frame.flags & COMMAND == 0 { None } else { Command::decode(&frame.body).ok() };
            let message = match command {
                Some(Command::Subscribe(topic)) => subscription::message(topic, true),
                Some(Command::Cancel(topic)) => subscription::message(topic, false),
                _ => {
                    rewritten.push_frame(frame.flags, frame.body);
                    continue;
                }
            };
            rewritten.push_frame(0, FrameBody::Copied(&message.parts()[0]));
        }
        *batch = rewritten;
    }
}
