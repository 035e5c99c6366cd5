//! The lifecycle of a connection: one peer link, one attempt.
//!
//! ```text
//!            start              peer_ready
//!     new ----------> handshaking ------> ready
//!      |  start_direct      |               |
//!      +--------------------+---------------+
//!      |                    | fail          | lost
//!      | close              | close         | close
//!      v                    v               v
//!    closed <---------------+---------------+
//! ```
//!
//! The table alone: no I/O and no timers. A transition sets the state first and then emits its effects, in this
//! order and no other: on the way up nothing is announced that cannot be used yet; on the way down the pattern
//! forgets the peer, then I/O goes, then monitors hear, and the retry is decided last. What changes nothing emits
//! nothing, so the first reason of a teardown is the one that is told, and `Ended` comes exactly once.

use std::collections::VecDeque;
use std::fmt;

use crate::error::{DisconnectReason, HandshakeStage};
use crate::peer::PeerInfo;

/// What the driver has to do, in the order in which it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Give the pattern its peer: messages may flow.
    Attach(PeerInfo),
    /// Tell the monitors.
    HandshakeSucceeded,
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
    /// The last effect.
    Ended {
        /// Whether another attempt makes sense: not after we closed, nor after an authenticator refused.
        retry: bool,
    },
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was sent.
    New,
    /// Greetings, security, metadata.
    Handshaking,
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
    /// The handshake succeeded.
    PeerReady,
    /// The handshake failed.
    Fail,
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
            Self::PeerReady => "peer_ready",
            Self::Fail => "fail",
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
#[derive(Debug)]
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
            effects.extend([Effect::Attach(peer), Effect::HandshakeSucceeded]);
        }
        Ok(())
    }

    /// The handshake succeeded.
    pub fn peer_ready(&mut self, peer: PeerInfo, effects: &mut Effects) -> Result<(), InvalidTransition> {
        if self.from(&[State::Handshaking], Input::PeerReady, State::Ready)?.is_some() {
            effects.extend([Effect::Attach(peer), Effect::HandshakeSucceeded]);
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
        if self.from(&[State::Handshaking], Input::Fail, State::Closed)?.is_some() {
            let retry = is_worth_a_retry(&reason);
            effects.extend([Effect::CloseIo, Effect::HandshakeFailed { stage, reason }, Effect::Ended { retry }]);
        }
        Ok(())
    }

    /// The peer or the transport is gone.
    pub fn lost(&mut self, reason: DisconnectReason, effects: &mut Effects) -> Result<(), InvalidTransition> {
        if self.from(&[State::Ready], Input::Lost, State::Closed)?.is_some() {
            let retry = is_worth_a_retry(&reason);
            let told = Effect::Disconnected(reason);
            effects.extend([Effect::Detach, Effect::CloseIo, told, Effect::Ended { retry }]);
        }
        Ok(())
    }

    /// We close. Legal in every state.
    pub fn close(&mut self, effects: &mut Effects) {
        let anywhere = [State::New, State::Handshaking, State::Ready];
        let Ok(Some(from)) = self.from(&anywhere, Input::Close, State::Closed) else { return };
        let was_ready = from == State::Ready;
        effects.extend(was_ready.then_some(Effect::Detach));
        effects.push_back(Effect::CloseIo);
        effects.extend(was_ready.then_some(Effect::Disconnected(DisconnectReason::LocalClose)));
        effects.push_back(Effect::Ended { retry: false });
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

/// RFC 37, Error Handling: who was refused does not come back with the same credentials; anything else may pass.
const fn is_worth_a_retry(reason: &DisconnectReason) -> bool {
    use DisconnectReason::{HandshakeRefused, LocalClose, Unauthorized};
    !matches!(reason, LocalClose | HandshakeRefused { .. } | Unauthorized)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SocketType;
    use crate::golden;

    const INPUTS: [Input; 6] =
        [Input::Start, Input::StartDirect, Input::PeerReady, Input::Fail, Input::Lost, Input::Close];
    const STATES: [State; 4] = [State::New, State::Handshaking, State::Ready, State::Closed];

    fn peer() -> PeerInfo {
        PeerInfo::of_type(SocketType::Push)
    }

    fn feed(lifecycle: &mut Lifecycle, input: Input, effects: &mut Effects) -> Result<(), InvalidTransition> {
        match input {
            Input::Start => lifecycle.start().map(drop),
            Input::StartDirect => lifecycle.start_direct(peer(), effects),
            Input::PeerReady => lifecycle.peer_ready(peer(), effects),
            Input::Fail => lifecycle.fail(HandshakeStage::Greeting, DisconnectReason::PeerClosed, effects),
            Input::Lost => lifecycle.lost(DisconnectReason::PeerClosed, effects),
            Input::Close => {
                lifecycle.close(effects);
                Ok(())
            }
        }
    }

    fn show(effect: &Effect) -> String {
        match effect {
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
        lifecycle.close(&mut effects);
        assert_eq!(
            effects,
            [
                Effect::Detach,
                Effect::CloseIo,
                Effect::Disconnected(DisconnectReason::HeartbeatTimeout),
                Effect::Ended { retry: true }
            ]
        );
    }

    #[test]
    fn refusals_and_our_own_close_are_not_retried() {
        let refused = DisconnectReason::HandshakeRefused { reason: "400".into() };
        for (reason, retry) in [
            (refused, false),
            (DisconnectReason::Unauthorized, false),
            (DisconnectReason::LocalClose, false),
            (DisconnectReason::HandshakeTimeout, true),
            (DisconnectReason::PeerClosed, true),
        ] {
            let (mut lifecycle, mut effects) = (Lifecycle(State::Handshaking), Effects::new());
            lifecycle.fail(HandshakeStage::Security, reason, &mut effects).unwrap();
            assert_eq!(effects.back(), Some(&Effect::Ended { retry }));
        }
    }
}
