//! A connection with its pipe, as the connection task serves it: effects first, then one input.

use bowline_proto::engine::lifecycle::{Input as SocketInput, State as SocketState};
use bowline_proto::error::HandshakeStage;
use bowline_proto::link::lifecycle::{Effects, Lifecycle};
use bowline_proto::link::{Effect, State};
use bowline_proto::pipe::lifecycle::{Input as PipeInput, State as PipeState};
use bowline_proto::{DisconnectReason, PeerInfo, ProtocolError, SocketType};

use crate::ledger::{Broken, Ledger};
use crate::pipe::Pipe;
use crate::witness::Witness;

/// What the peer, a timer or the task itself does to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The peer's part of the handshake is here.
    PeerAgrees,
    /// The peer refuses our credentials.
    PeerRefuses,
    /// The peer breaks the protocol.
    PeerTalksNonsense,
    /// The peer closes, or the network does.
    PeerLeaves,
    /// The peer has read what we wrote.
    PeerTakes,
    /// The peer closes after our farewell, or its time is over.
    PeerParts,
    HandshakeTimesOut,
    HeartbeatTimesOut,
    /// It has been ready for five seconds.
    BecomesStable,
    /// The outbound pump takes what waits.
    Take,
    /// The outbound pump finds the pipe at its end, or the socket closing.
    Finish,
    /// The task finds the socket stopped.
    Halt,
    /// The task finds nothing to do.
    Sleep,
    /// The task performs the next effect; Attach is accepted, if the socket can.
    Perform,
    /// The task performs Attach, and the pattern refuses the peer.
    TurnAway,
}

/// A connection, as its task and its socket see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seat {
    lifecycle: Lifecycle,
    effects: Effects,
    witness: Witness,
    is_stable: bool,
    /// All messages are written: the peer gets time to read them.
    says_farewell: bool,
    /// What it ended for, once all effects are performed.
    ended: Option<DisconnectReason>,
}

/// What a seat sees of its socket.
pub(crate) struct Around<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) socket: &'a mut SocketState,
    /// A dialed endpoint's is there from the start, an accepted connection's from Attach on.
    pub(crate) pipe: &'a mut Option<Pipe>,
    pub(crate) is_dialed: bool,
}

impl Seat {
    /// The transport is connected, and the monitor was told.
    pub(crate) fn new() -> Self {
        let mut lifecycle = Lifecycle::new();
        lifecycle.start().expect("a new connection starts");
        Self {
            lifecycle,
            effects: Effects::new(),
            witness: Witness::default(),
            is_stable: false,
            says_farewell: false,
            ended: None,
        }
    }

    /// What it ended for, whether it was ever ready, and whether that was for long; once its task is over.
    pub(crate) fn ended(&self) -> Option<(&DisconnectReason, bool, bool)> {
        let reason = self.ended.as_ref().filter(|_| !self.says_farewell)?;
        Some((reason, self.witness.was_offered(), self.is_stable))
    }

    /// What may happen to it next.
    pub(crate) fn inputs(&self, pipe: Option<&Pipe>, is_closing: bool, is_stopped: bool) -> Vec<Input> {
        if let Some(effect) = self.effects.front() {
            let offers = matches!(effect, Effect::Attach(_));
            return if offers { vec![Input::Perform, Input::TurnAway] } else { vec![Input::Perform] };
        }
        if self.ended.is_some() {
            return vec![Input::PeerParts];
        }
        let mut inputs = vec![Input::PeerTalksNonsense, Input::PeerLeaves];
        if is_stopped {
            inputs.push(Input::Halt);
        }
        let is_ready = self.lifecycle.state() == State::Ready;
        let is_busy = is_ready && pipe.is_some_and(|pipe| pipe.waits() || pipe.flies());
        let is_finished = match pipe {
            Some(pipe) => pipe.is_finished() && !pipe.is_asleep() && !is_busy,
            None => is_closing,
        };
        if is_finished {
            inputs.push(Input::Finish);
        }
        if pipe.is_some_and(|pipe| !pipe.is_finished() && !pipe.is_asleep()) && !is_busy {
            inputs.push(Input::Sleep);
        }
        if !is_ready {
            inputs.extend([Input::PeerAgrees, Input::PeerRefuses, Input::HandshakeTimesOut]);
            return inputs;
        }
        inputs.push(Input::HeartbeatTimesOut);
        if !self.is_stable {
            inputs.push(Input::BecomesStable);
        }
        match pipe {
            Some(pipe) if pipe.flies() => inputs.push(Input::PeerTakes),
            Some(pipe) if pipe.waits() => inputs.push(Input::Take),
            _ => {}
        }
        inputs
    }

    pub(crate) fn step(&mut self, around: &mut Around<'_>, input: Input) -> Result<(), Broken> {
        if let Some(pipe) = around.pipe.as_mut() {
            if input == Input::Sleep {
                pipe.sleep();
                return Ok(());
            }
            pipe.wake();
        }
        match input {
            Input::Perform => return self.perform(around, false),
            Input::TurnAway => return self.perform(around, true),
            Input::PeerAgrees => {
                let peer = PeerInfo::of_type(SocketType::Pair);
                self.lifecycle.peer_ready(peer, &mut self.effects).expect("it is in its handshake");
            }
            Input::PeerParts => self.says_farewell = false,
            Input::BecomesStable => self.is_stable = true,
            Input::Take => around.pipe.iter_mut().for_each(Pipe::take),
            Input::PeerTakes => around.pipe.iter_mut().for_each(Pipe::taken),
            Input::Finish => {
                if let Some(pipe) = around.pipe {
                    pipe.step(PipeInput::Emptied);
                }
                self.says_farewell = self.lifecycle.state() == State::Ready;
                self.close();
            }
            Input::Halt => self.close(),
            Input::PeerRefuses => self.end(DisconnectReason::HandshakeRefused { reason: "400".into() }),
            Input::PeerTalksNonsense => self.end(ProtocolError::FrameLength.into()),
            Input::PeerLeaves => self.end(DisconnectReason::PeerClosed),
            Input::HandshakeTimesOut => self.end(DisconnectReason::HandshakeTimeout),
            Input::HeartbeatTimesOut => self.end(DisconnectReason::HeartbeatTimeout),
            Input::Sleep => {}
        }
        Ok(())
    }

    fn close(&mut self) {
        self.witness.closes(DisconnectReason::LocalClose);
        self.lifecycle.close(HandshakeStage::Greeting, &mut self.effects);
    }

    fn end(&mut self, reason: DisconnectReason) {
        self.witness.closes(reason.clone());
        let moved = match self.lifecycle.state() {
            State::Ready => self.lifecycle.lost(reason, &mut self.effects),
            _ => self.lifecycle.fail(HandshakeStage::Greeting, reason, &mut self.effects),
        };
        moved.expect("it is in its handshake or ready");
    }

    fn perform(&mut self, around: &mut Around<'_>, turns_away: bool) -> Result<(), Broken> {
        let Some(effect) = self.effects.pop_front() else { return Ok(()) };
        let was_attached = self.witness.is_attached();
        self.witness.performs(around.ledger, &effect, self.lifecycle.state(), true)?;
        match effect {
            Effect::Attach(_) => {
                let refusal = attach(around, turns_away).err();
                self.witness.answered(refusal.is_none());
                if let Some(reason) = refusal {
                    self.witness.closes(reason.clone());
                    self.lifecycle.refuse(reason, &mut self.effects).expect("who was offered was ready");
                }
            }
            Effect::Detach => {
                let pipe = around.pipe.as_mut().expect("who is attached has a pipe");
                pipe.restore();
                if was_attached && !around.is_dialed {
                    pipe.step(PipeInput::Close);
                }
            }
            Effect::Ended(reason) => self.ended = Some(reason),
            _ => {}
        }
        Ok(())
    }

    /// Performs all effects there are, as a task does that nobody interrupts.
    pub(crate) fn settle(&mut self, around: &mut Around<'_>) -> Result<(), Broken> {
        while !self.effects.is_empty() {
            self.perform(around, false)?;
        }
        Ok(())
    }
}

/// The socket's answer to Attach.
fn attach(around: &mut Around<'_>, turns_away: bool) -> Result<(), DisconnectReason> {
    if around.pipe.is_none() {
        if around.socket.is_over() {
            return Err(DisconnectReason::LocalClose);
        }
        around.socket.step(SocketInput::Open);
    }
    let pipe = around.pipe.get_or_insert_default();
    if !turns_away || pipe.state() != PipeState::Active {
        // Of a pipe that is not active any more the pattern knows nothing: the connection is there for what waits.
        return Ok(());
    }
    if !around.is_dialed {
        pipe.step(PipeInput::Close);
    }
    Err(DisconnectReason::PairTaken)
}
