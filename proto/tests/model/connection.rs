//! One connection: two pumps, a timer, the user, the peer and a supervisor, in every order.
//!
//! The supervisor performs one effect at a time, and anybody may come between two of them, also between Attach and the
//! socket's answer. Inputs go on after the connection is closed, as long as its I/O does: the pumps may not have heard.

use std::io;

use bowline_proto::auth::{Code, Credentials, Refusal, Request};
use bowline_proto::error::HandshakeStage;
use bowline_proto::link::lifecycle::{Effects, InvalidTransition, Lifecycle};
use bowline_proto::link::{Effect, State};
use bowline_proto::{DisconnectReason, PeerInfo, ProtocolError, SocketType};

use crate::explorer::Model;
use crate::ledger::{Broken, Ledger};
use crate::witness::{self, Witness};

pub(crate) const CLOSED_STAYS: &str = "what comes after the first reason changes nothing";
pub(crate) const NO_ILLEGAL_INPUT: &str = "no actor ever gives an input that its state does not take";
pub(crate) const ENDS: &str = "every way ends closed, with all effects performed";

/// One connection, and what its actors know.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none a state")]
pub(crate) struct Attempt {
    lifecycle: Lifecycle,
    effects: Effects,
    witness: Witness,
    /// The peer lives in the same process.
    is_direct: bool,
    /// The monitor was told of its beginning.
    began: bool,
    /// Whoever judges the peer was asked, and has not answered.
    is_asked: bool,
    /// The supervisor waits for the socket's answer to Attach.
    is_offered: bool,
    /// The user has closed the socket: the outbox has nothing more.
    user_closed: bool,
}

impl Attempt {
    /// Nothing is left to do.
    pub(crate) fn is_over(&self) -> bool {
        self.lifecycle.state() == State::Closed && self.effects.is_empty() && self.witness.is_over()
    }
}

/// Who does what.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    /// The transport is connected.
    Connects,
    /// The peer is found in the same process.
    ConnectsDirectly,
    /// Inbound pump: the last bytes of the peer's handshake.
    InboundReady,
    /// Inbound pump: the same, where the peer is to be judged.
    InboundAsks,
    /// Inbound pump: the end of the stream.
    InboundEnd,
    /// Inbound pump: bytes that break the protocol.
    InboundNonsense,
    /// Inbound pump: the transport failed.
    InboundFails,
    /// Outbound pump: the transport failed.
    OutboundFails,
    /// Outbound pump: the socket wants this connection gone, and its pipe to stay.
    OutboundKicked,
    /// Outbound pump: nothing waits and nothing will come.
    OutboundFinished,
    /// Timer.
    HandshakeTimesOut,
    /// Timer.
    HeartbeatTimesOut,
    /// The user closes the socket: it may still send what waits.
    UserCloses,
    /// The user stops the socket.
    UserStops,
    /// The supervisor performs the next effect.
    Perform,
    /// The authenticator's verdict.
    Admit,
    /// The other one.
    TurnAway,
    /// The socket takes the peer that Attach offered.
    Accept,
    /// The socket does not take it.
    Refuse,
}

/// Every order of the actors of one connection.
pub(crate) struct Connection {
    pub(crate) ledger: Ledger,
}

impl Connection {
    pub(crate) fn new() -> Self {
        let own = [CLOSED_STAYS, NO_ILLEGAL_INPUT, ENDS];
        Self { ledger: Ledger::new(&[&witness::PROPERTIES[..], &own].concat()) }
    }

    /// The transport is gone or the like: fails a handshake, loses a peer, and says nothing to what is closed. A closed
    /// one is told both ways all the same, since neither may change anything.
    fn end(&self, attempt: &mut Attempt, reason: &DisconnectReason) -> Result<(), Broken> {
        let stage = HandshakeStage::Greeting;
        let Attempt { lifecycle, effects, .. } = attempt;
        let moved = match lifecycle.state() {
            State::Ready => lifecycle.lost(reason.clone(), effects),
            State::Closed => {
                lifecycle.lost(reason.clone(), effects).and_then(|()| lifecycle.fail(stage, reason.clone(), effects))
            }
            State::New | State::Handshaking | State::Judged => lifecycle.fail(stage, reason.clone(), effects),
        };
        self.is_legal(moved)
    }

    fn is_legal<T>(&self, moved: Result<T, InvalidTransition>) -> Result<(), Broken> {
        let illegal = moved.err();
        self.ledger.holds(NO_ILLEGAL_INPUT, illegal.is_none(), || format!("{illegal:?}"))
    }

    /// One input of an actor other than the supervisor.
    fn feed(&self, attempt: &mut Attempt, action: Action) -> Result<(), Broken> {
        let before = attempt.clone();
        let reason = reason(action);
        match action {
            Action::Connects => {
                attempt.began = true;
                self.is_legal(attempt.lifecycle.start())?;
            }
            Action::ConnectsDirectly => {
                (attempt.began, attempt.is_direct) = (true, true);
                self.is_legal(attempt.lifecycle.start_direct(peer(), &mut attempt.effects))?;
            }
            Action::InboundReady => self.is_legal(attempt.lifecycle.peer_ready(peer(), &mut attempt.effects))?,
            Action::InboundAsks => self.is_legal(attempt.lifecycle.ask(request(), &mut attempt.effects))?,
            Action::Admit => {
                attempt.is_asked = false;
                self.is_legal(attempt.lifecycle.peer_ready(peer(), &mut attempt.effects))?;
            }
            Action::TurnAway => {
                attempt.is_asked = false;
                self.end(attempt, reason.as_ref().expect("it is a reason to end"))?;
            }
            Action::UserStops | Action::OutboundFinished => {
                attempt.lifecycle.close(HandshakeStage::Greeting, &mut attempt.effects);
            }
            Action::UserCloses => attempt.user_closed = true,
            Action::Refuse => {
                attempt.is_offered = false;
                attempt.witness.answered(false);
                let refused = attempt.lifecycle.refuse(DisconnectReason::PairTaken, &mut attempt.effects);
                self.is_legal(refused)?;
            }
            _ => self.end(attempt, reason.as_ref().expect("every other input is a reason to end"))?,
        }
        let was_closed = before.lifecycle.state() == State::Closed;
        if was_closed && !matches!(action, Action::Refuse) {
            let Attempt { lifecycle, effects, .. } = &attempt;
            let same = *lifecycle == before.lifecycle && *effects == before.effects;
            self.ledger.holds(CLOSED_STAYS, same, || format!("{effects:?}"))?;
        }
        if let (State::Closed, false, Some(reason)) = (attempt.lifecycle.state(), was_closed, reason) {
            attempt.witness.closes(reason);
        }
        Ok(())
    }
}

impl Model for Connection {
    type State = Attempt;
    type Action = Action;

    fn start(&self) -> Attempt {
        Attempt {
            lifecycle: Lifecycle::new(),
            effects: Effects::new(),
            witness: Witness::default(),
            is_direct: false,
            began: false,
            is_asked: false,
            is_offered: false,
            user_closed: false,
        }
    }

    fn actions(&self, attempt: &Attempt) -> Vec<Action> {
        let mut actions = vec![Action::UserStops];
        let state = attempt.lifecycle.state();
        if !attempt.user_closed {
            actions.push(Action::UserCloses);
        }
        if state == State::New {
            actions.extend([Action::Connects, Action::ConnectsDirectly]);
        }
        let works = attempt.began && attempt.witness.is_open();
        if works {
            actions.extend([Action::InboundEnd, Action::OutboundKicked]);
            if attempt.user_closed {
                actions.push(Action::OutboundFinished);
            }
        }
        if works && !attempt.is_direct {
            actions.extend([Action::InboundNonsense, Action::InboundFails, Action::OutboundFails]);
            // Each of these three belongs to one state, but may come too late.
            if matches!(state, State::Handshaking | State::Closed) {
                actions.extend([Action::InboundReady, Action::InboundAsks]);
            }
            if state != State::Ready {
                actions.push(Action::HandshakeTimesOut);
            }
            if matches!(state, State::Ready | State::Closed) {
                actions.push(Action::HeartbeatTimesOut);
            }
        }
        // Also when it is too late for that.
        if attempt.is_asked {
            actions.extend([Action::Admit, Action::TurnAway]);
        }
        if attempt.is_offered {
            actions.extend([Action::Accept, Action::Refuse]);
        } else if !attempt.effects.is_empty() {
            actions.push(Action::Perform);
        }
        actions
    }

    fn step(&self, attempt: &mut Attempt, action: Action) -> Result<(), Broken> {
        match action {
            Action::Perform => {
                let effect = attempt.effects.pop_front().expect("there is one");
                attempt.is_asked |= matches!(effect, Effect::Authenticate(_));
                attempt.is_offered = matches!(effect, Effect::Attach(_));
                let state = attempt.lifecycle.state();
                attempt.witness.performs(&self.ledger, &effect, state, attempt.began)
            }
            Action::Accept => {
                attempt.is_offered = false;
                attempt.witness.answered(true);
                Ok(())
            }
            _ => self.feed(attempt, action),
        }
    }
}

fn request() -> Box<Request> {
    Box::new(Request { domain: String::new(), credentials: Credentials::Null, peer: peer() })
}

fn peer() -> PeerInfo {
    PeerInfo::of_type(SocketType::Pair)
}

/// Why a connection ends that this input closes; each has its own, so that they can be told apart.
fn reason(action: Action) -> Option<DisconnectReason> {
    Some(match action {
        Action::InboundEnd => DisconnectReason::PeerClosed,
        Action::InboundNonsense => ProtocolError::NotZmtp.into(),
        Action::InboundFails => DisconnectReason::Io(io::ErrorKind::ConnectionReset),
        Action::OutboundFails => DisconnectReason::Io(io::ErrorKind::BrokenPipe),
        Action::OutboundKicked => DisconnectReason::Superseded,
        Action::HandshakeTimesOut => DisconnectReason::HandshakeTimeout,
        Action::HeartbeatTimesOut => DisconnectReason::HeartbeatTimeout,
        Action::OutboundFinished | Action::UserStops => DisconnectReason::LocalClose,
        Action::TurnAway => DisconnectReason::Unauthorized(Refusal { code: Code::Credentials, text: String::new() }),
        Action::Refuse => DisconnectReason::PairTaken,
        _ => return None,
    })
}
