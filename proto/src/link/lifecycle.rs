//! The lifecycle of a connection: one peer link, one attempt.
//!
//! ```text
//!            start                 peer_ready
//!     new ----------> handshaking -----------> ready
//!      |                 |    | ask              ^ |
//!      |                 |    v       peer_ready | |
//!      |                 |  judged --------------+ |
//!      |  start_direct   |    |                    |
//!      +-----------------|----|------------------> |
//!      |                 | fail                    | refuse, lost
//!      | close           | close                   | close
//!      v                 v    v                    v
//!    closed <------------+----+--------------------+
//! ```
//!
//! The table alone: no I/O and no timers. A transition sets the state first and then emits its effects, in this
//! order and no other: on the way up nothing is announced that cannot be used yet; on the way down the pattern
//! forgets the peer, then I/O goes, then monitors hear, and the next attempt is decided last. What changes nothing emits
//! nothing, so the first reason of a teardown is the one that is told, and `Ended` comes exactly once. A monitor hears
//! of one end for every connection that it heard begin.

use std::collections::VecDeque;
use std::fmt;

use crate::auth::Request;
use crate::error::{DisconnectReason, HandshakeStage};
use crate::peer::PeerInfo;

/// What the driver has to do, in the order in which it is handed out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Ask whoever judges the peers, and come back with [`handle_verdict`](super::Link::handle_verdict).
    Authenticate(Box<Request>),
    /// Give the pattern its peer: messages may flow.
    Attach(PeerInfo),
    /// Tell the monitors that the peer is known.
    HandshakeSucceeded,
    /// Tell the monitors that the socket has taken the peer, and messages flow.
    Ready,
    /// Take the peer from the pattern, and fail the calls in flight to it.
    Detach,
    /// Flush what [`poll_transmit`](super::Link::poll_transmit) still gives as far as it goes without waiting, then
    /// close the transport.
    CloseIo,
    /// Tell the monitors that no connection came of it.
    HandshakeFailed {
        /// How far it came.
        stage: HandshakeStage,
        /// What went wrong.
        reason: DisconnectReason,
    },
    /// Tell the monitors that the connection is gone.
    Disconnected(DisconnectReason),
    /// The last effect: the dialer decides by the reason whether there is to be another attempt.
    Ended(DisconnectReason),
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing was sent.
    New,
    /// Greetings, security, metadata.
    Handshaking,
    /// The peer has said all that it had to, and somebody is to say whether it may connect.
    Judged,
    /// Messages flow.
    Ready,
    /// Over.
    Closed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Handshaking => "handshaking",
            Self::Judged => "judged",
            Self::Ready => "ready",
            Self::Closed => "closed",
        })
    }
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The transport is connected.
    Start,
    /// The peer lives in the same process: no handshake.
    StartDirect,
    /// The peer is known, and is to be judged.
    Ask,
    /// The handshake succeeded.
    PeerReady,
    /// The handshake failed.
    Fail,
    /// The socket does not take the peer.
    Refuse,
    /// The peer or the transport is gone.
    Lost,
    /// We close.
    Close,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::StartDirect => "start_direct",
            Self::Ask => "ask",
            Self::PeerReady => "peer_ready",
            Self::Fail => "fail",
            Self::Refuse => "refuse",
            Self::Lost => "lost",
            Self::Close => "close",
        })
    }
}

/// An input that makes no sense in this state: a mistake of the caller, nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{input} in state {from}")]
pub struct InvalidTransition {
    /// The state.
    pub from: State,
    /// The input.
    pub input: Input,
}

/// Effects wait here until the driver asks for them.
pub type Effects = VecDeque<Effect>;

/// The state of one connection. Each method is one input; effects go to the end of the given queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lifecycle(State);

impl Lifecycle {
    /// A new connection.
    pub const fn new() -> Self {
        Self(State::New)
    }

    /// The state.
    pub const fn state(&self) -> State {
        self.0
    }

    /// The transport is connected. On `true` the link arms the handshake timeout and puts the greeting into its
    /// output: the two effects of this row never leave it.
    pub fn start(&mut self) -> Result<bool, InvalidTransition> {
        self.from(&[State::New], Input::Start, State::Handshaking).map(|from| from.is_some())
    }

    /// The peer lives in the same process.
    pub fn start_direct(&mut self, peer: PeerInfo, effects: &mut Effects) -> Result<(), InvalidTransition> {
        if self.from(&[State::New], Input::StartDirect, State::Ready)?.is_some() {
            effects.extend([Effect::Attach(peer), Effect::HandshakeSucceeded, Effect::Ready]);
        }
        Ok(())
    }

    /// The peer is known, and is to be judged.
    pub fn ask(&mut self, request: Box<Request>, effects: &mut Effects) -> Result<(), InvalidTransition> {
        if self.from(&[State::Handshaking], Input::Ask, State::Judged)?.is_some() {
            effects.push_back(Effect::Authenticate(request));
        }
        Ok(())
    }

    /// The handshake succeeded.
    pub fn peer_ready(&mut self, peer: PeerInfo, effects: &mut Effects) -> Result<(), InvalidTransition> {
        if self.from(&[State::Handshaking, State::Judged], Input::PeerReady, State::Ready)?.is_some() {
            effects.extend([Effect::Attach(peer), Effect::HandshakeSucceeded, Effect::Ready]);
        }
        Ok(())
    }

    /// The handshake failed.
    pub fn fail(
        &mut self,
        stage: HandshakeStage,
        reason: DisconnectReason,
        effects: &mut Effects,
    ) -> Result<(), InvalidTransition> {
        if self.from(&[State::Handshaking, State::Judged], Input::Fail, State::Closed)?.is_some() {
            let told = Effect::HandshakeFailed { stage, reason: reason.clone() };
            effects.extend([Effect::CloseIo, told, Effect::Ended(reason)]);
        }
        Ok(())
    }

    /// The socket does not take the peer: the answer to `Attach`. What was to follow from that is struck off, also
    /// when the connection has been lost in the meantime.
    pub fn refuse(&mut self, reason: DisconnectReason, effects: &mut Effects) -> Result<(), InvalidTransition> {
        effects.retain(|effect| !matches!(effect, Effect::Ready | Effect::Detach));
        if self.from(&[State::Ready], Input::Refuse, State::Closed)?.is_some() {
            effects.extend([Effect::CloseIo, Effect::Disconnected(reason.clone()), Effect::Ended(reason)]);
        }
        Ok(())
    }

    /// The peer or the transport is gone.
    pub fn lost(&mut self, reason: DisconnectReason, effects: &mut Effects) -> Result<(), InvalidTransition> {
        if self.from(&[State::Ready], Input::Lost, State::Closed)?.is_some() {
            let told = Effect::Disconnected(reason.clone());
            effects.extend([Effect::Detach, Effect::CloseIo, told, Effect::Ended(reason)]);
        }
        Ok(())
    }

    /// We close. Legal in every state; `stage` says how far a handshake came.
    pub fn close(&mut self, stage: HandshakeStage, effects: &mut Effects) {
        let reason = DisconnectReason::LocalClose;
        let legal = [State::New, State::Handshaking, State::Judged, State::Ready];
        let told = match self.from(&legal, Input::Close, State::Closed) {
            Ok(Some(State::Handshaking | State::Judged)) => {
                Some(Effect::HandshakeFailed { stage, reason: reason.clone() })
            }
            Ok(Some(State::Ready)) => {
                effects.push_back(Effect::Detach);
                Some(Effect::Disconnected(reason.clone()))
            }
            // Nobody has heard of it yet.
            Ok(Some(_)) => None,
            Ok(None) | Err(_) => return,
        };
        effects.push_back(Effect::CloseIo);
        effects.extend(told);
        effects.push_back(Effect::Ended(reason));
    }

    /// Moves to `to` and says from where; `None` when all is over, where every input changes nothing.
    fn from(&mut self, legal: &[State], input: Input, to: State) -> Result<Option<State>, InvalidTransition> {
        let from = self.0;
        if from == State::Closed {
            return Ok(None);
        }
        if !legal.contains(&from) {
            return Err(InvalidTransition { from, input });
        }
        self.0 = to;
        Ok(Some(from))
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SocketType;
    use crate::auth::Credentials;
    use crate::golden;

    const INPUTS: [Input; 8] = [
        Input::Start,
        Input::StartDirect,
        Input::Ask,
        Input::PeerReady,
        Input::Fail,
        Input::Refuse,
        Input::Lost,
        Input::Close,
    ];
    const STATES: [State; 5] = [State::New, State::Handshaking, State::Judged, State::Ready, State::Closed];

    fn peer() -> PeerInfo {
        PeerInfo::of_type(SocketType::Push)
    }

    fn request() -> Box<Request> {
        Box::new(Request { domain: String::new(), credentials: Credentials::Null, peer: peer() })
    }

    fn feed(lifecycle: &mut Lifecycle, input: Input, effects: &mut Effects) -> Result<(), InvalidTransition> {
        match input {
            Input::Start => lifecycle.start().map(drop),
            Input::StartDirect => lifecycle.start_direct(peer(), effects),
            Input::Ask => lifecycle.ask(request(), effects),
            Input::PeerReady => lifecycle.peer_ready(peer(), effects),
            Input::Fail => lifecycle.fail(HandshakeStage::Greeting, DisconnectReason::PeerClosed, effects),
            Input::Refuse => lifecycle.refuse(DisconnectReason::PairTaken, effects),
            Input::Lost => lifecycle.lost(DisconnectReason::PeerClosed, effects),
            Input::Close => {
                lifecycle.close(HandshakeStage::Greeting, effects);
                Ok(())
            }
        }
    }

    fn show(effect: &Effect) -> String {
        match effect {
            Effect::Authenticate(_) => "Authenticate(request)".into(),
            Effect::Attach(_) => "Attach(peer)".into(),
            Effect::HandshakeFailed { reason, .. } => format!("HandshakeFailed({reason:?})"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_state_and_input_is_in_the_golden_table() {
        let mut rows = Vec::new();
        for state in STATES {
            for input in INPUTS {
                let (mut lifecycle, mut effects) = (Lifecycle(state), Effects::new());
                let result = feed(&mut lifecycle, input, &mut effects);
                let effects: Vec<String> = effects.iter().map(show).collect();
                let effects = match (result, state, input) {
                    (Err(_), ..) => "InvalidTransition".into(),
                    // Within the link: `start` says `true`.
                    (_, State::New, Input::Start) => "(handshake timeout armed · greeting in the output)".into(),
                    _ => effects.join(" · "),
                };
                rows.push([state.to_string(), input.to_string(), lifecycle.state().to_string(), effects]);
            }
        }
        golden::check("link.txt", &golden::table(["from", "input", "to", "effects"], &rows));
    }

    #[test]
    fn an_illegal_input_changes_nothing_and_names_itself() {
        let (mut lifecycle, mut effects) = (Lifecycle::new(), Effects::new());
        let error = lifecycle.lost(DisconnectReason::PeerClosed, &mut effects).unwrap_err();
        assert_eq!(error, InvalidTransition { from: State::New, input: Input::Lost });
        assert_eq!(error.to_string(), "lost in state new");
        assert_eq!((lifecycle.state(), effects.len()), (State::New, 0));
    }

    #[test]
    fn the_first_reason_wins() {
        let (mut lifecycle, mut effects) = (Lifecycle(State::Ready), Effects::new());
        lifecycle.lost(DisconnectReason::HeartbeatTimeout, &mut effects).unwrap();
        lifecycle.lost(DisconnectReason::PeerClosed, &mut effects).unwrap();
        lifecycle.close(HandshakeStage::Ready, &mut effects);
        assert_eq!(
            effects,
            [
                Effect::Detach,
                Effect::CloseIo,
                Effect::Disconnected(DisconnectReason::HeartbeatTimeout),
                Effect::Ended(DisconnectReason::HeartbeatTimeout)
            ]
        );
    }

    #[test]
    fn a_peer_that_is_refused_is_neither_announced_as_ready_nor_detached() {
        let (mut lifecycle, mut effects) = (Lifecycle::new(), Effects::new());
        lifecycle.start_direct(peer(), &mut effects).unwrap();
        assert_eq!(effects.pop_front(), Some(Effect::Attach(peer())));
        lifecycle.refuse(DisconnectReason::PairTaken, &mut effects).unwrap();
        let reason = DisconnectReason::PairTaken;
        let told = Effect::Disconnected(reason.clone());
        assert_eq!(effects, [Effect::HandshakeSucceeded, Effect::CloseIo, told, Effect::Ended(reason)]);
    }

    #[test]
    fn a_peer_that_is_lost_before_it_is_refused_is_not_detached_either() {
        let (mut lifecycle, mut effects) = (Lifecycle::new(), Effects::new());
        lifecycle.start_direct(peer(), &mut effects).unwrap();
        lifecycle.lost(DisconnectReason::PeerClosed, &mut effects).unwrap();
        assert_eq!(effects.pop_front(), Some(Effect::Attach(peer())));
        lifecycle.refuse(DisconnectReason::PairTaken, &mut effects).unwrap();
        let reason = DisconnectReason::PeerClosed;
        let told = Effect::Disconnected(reason.clone());
        assert_eq!(effects, [Effect::HandshakeSucceeded, Effect::CloseIo, told, Effect::Ended(reason)]);
    }
}
