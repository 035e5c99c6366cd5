//! The life of a dialed endpoint.
//!
//! ```text
//!   idle --start--> connecting --opened--> connected --lost--> waiting --due--> connecting ...
//!                       |                                         ^
//!                       +------------------failed-----------------+          any --stop--> stopped
//! ```
//!
//! The table is pure; [`Dialer`] adds the delays. Backoff grows through failed handshakes as well as through failed
//! attempts, and begins again only after a connection has been ready for a while.

use std::time::Duration;

use super::backoff::Backoff;
use crate::Reconnect;
use crate::time::Instant;

/// A connection that was ready for this long counts as stable: the next delay is the shortest again.
///
/// Shorter, and a peer that accepts and drops us at once would be asked without pause.
pub const STABLE_AFTER: Duration = Duration::from_secs(5);

/// Where a dialed endpoint is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing was tried yet.
    #[default]
    Idle,
    /// The transport is connecting.
    Connecting,
    /// A connection exists, ready or in its handshake.
    Connected,
    /// The next attempt has to wait.
    Waiting,
    /// No attempt will be made any more.
    Stopped,
}

/// What moves a dialed endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// `connect` was called.
    Start,
    /// The transport connected.
    Opened,
    /// The transport could not connect.
    Failed,
    /// The connection is gone and may be made again.
    Lost,
    /// The delay is over.
    Due,
    /// The connection is gone for good, or nobody wants one any more.
    Stop,
}

/// What the driver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Connect.
    Connect,
    /// Wait, then come back with [`Input::Due`].
    Wait,
    /// Leave.
    Leave,
}

impl State {
    /// Moves on `input` and returns what is to be done.
    pub fn step(&mut self, input: Input) -> Option<Effect> {
        let (to, effect) = match (*self, input) {
            (Self::Idle, Input::Start) | (Self::Waiting, Input::Due) => (Self::Connecting, Some(Effect::Connect)),
            (Self::Connecting, Input::Opened) => (Self::Connected, None),
            (Self::Connecting, Input::Failed) | (Self::Connected, Input::Lost) => (Self::Waiting, Some(Effect::Wait)),
            (Self::Idle | Self::Connecting | Self::Connected | Self::Waiting, Input::Stop) => {
                (Self::Stopped, Some(Effect::Leave))
            }
            _ => return None,
        };
        *self = to;
        effect
    }
}

/// What to do next about a dialed endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Connect now; the number of the attempt since the last stable connection, from 1.
    Connect(u32),
    /// Connect after this delay.
    Wait(Duration),
    /// Make no more attempts.
    Leave,
}

/// A dialed endpoint: its state and its delays.
#[derive(Clone, Debug)]
pub struct Dialer {
    state: State,
    backoff: Backoff,
    ready_since: Option<Instant>,
}

impl Dialer {
    /// A dialer that follows `policy`, with jitter from `seed`.
    pub fn new(policy: Reconnect, seed: u64) -> Self {
        Self { state: State::default(), backoff: Backoff::new(policy, seed), ready_since: None }
    }

    /// Where it is.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The first attempt.
    pub fn start(&mut self) -> Next {
        self.step(Input::Start)
    }

    /// The transport connected.
    pub fn opened(&mut self) {
        self.state.step(Input::Opened);
    }

    /// The connection is ready.
    pub const fn ready(&mut self, now: Instant) {
        self.ready_since = Some(now);
    }

    /// The transport could not connect.
    pub fn failed(&mut self) -> Next {
        self.step(Input::Failed)
    }

    /// The connection is gone, in its handshake or later; `retry` says whether it may be made again.
    pub fn lost(&mut self, retry: bool, now: Instant) -> Next {
        if self.ready_since.take().is_some_and(|since| now - since >= STABLE_AFTER) {
            self.backoff.reset();
        }
        self.step(if retry { Input::Lost } else { Input::Stop })
    }

    /// The delay is over.
    pub fn due(&mut self) -> Next {
        self.step(Input::Due)
    }

    /// Nobody wants a connection any more.
    pub fn stop(&mut self) -> Next {
        self.step(Input::Stop)
    }

    fn step(&mut self, input: Input) -> Next {
        match self.state.step(input) {
            Some(Effect::Connect) => Next::Connect(self.backoff.failures() + 1),
            Some(Effect::Wait) => match self.backoff.next_delay() {
                Some(delay) => Next::Wait(delay),
                None => self.step(Input::Stop),
            },
            Some(Effect::Leave) | None => Next::Leave,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    const POLICY: Reconnect = Reconnect::Exponential { min: Duration::from_secs(1), max: Duration::from_secs(64) };

    fn delay(next: Next) -> Duration {
        match next {
            Next::Wait(delay) => delay,
            other => panic!("{other:?} is no delay"),
        }
    }

    #[test]
    fn backoff_grows_through_failed_handshakes_and_is_reset_by_a_stable_connection_only() {
        let mut dialer = Dialer::new(POLICY, 7);
        assert_eq!(dialer.start(), Next::Connect(1));
        for attempt in 1..4 {
            dialer.opened();
            // The handshake fails, or the connection is ready for too short a time to count.
            dialer.ready(Instant::ZERO);
            let base = Duration::from_secs(1 << (attempt - 1));
            assert!(delay(dialer.lost(true, Instant::ZERO + Duration::from_secs(1))) >= base);
            assert_eq!(dialer.due(), Next::Connect(attempt + 1));
        }
        dialer.opened();
        dialer.ready(Instant::ZERO);
        assert!(delay(dialer.lost(true, Instant::ZERO + STABLE_AFTER)) < Duration::from_secs(2));
    }

    #[test]
    fn a_refusal_stops_it_and_so_does_the_policy_never() {
        let mut refused = Dialer::new(POLICY, 7);
        refused.start();
        refused.opened();
        assert_eq!(refused.lost(false, Instant::ZERO), Next::Leave);
        assert_eq!(refused.state(), State::Stopped);
        assert_eq!(refused.due(), Next::Leave);

        let mut once = Dialer::new(Reconnect::Never, 7);
        assert_eq!(once.start(), Next::Connect(1));
        assert_eq!(once.failed(), Next::Leave);
    }

    #[test]
    fn every_state_and_input_is_in_the_golden_table() {
        let mut rows = Vec::new();
        for from in [State::Idle, State::Connecting, State::Connected, State::Waiting, State::Stopped] {
            for input in [Input::Start, Input::Opened, Input::Failed, Input::Lost, Input::Due, Input::Stop] {
                let mut state = from;
                let effects = golden::join(state.step(input).as_slice());
                rows.push([format!("{from:?}"), format!("{input:?}"), format!("{state:?}"), effects]);
            }
        }
        golden::check("dialer.txt", &golden::table(["from", "input", "to", "effects"], &rows));
    }
}
