//! The life of a dialed endpoint.
//!
//! ```text
//!   idle --start--> connecting --opened--> connected --lost--> waiting --due--> connecting ...
//!                       |                                         ^
//!                       +------------------failed-----------------+          any --stop--> stopped
//! ```
//!
//! The table is pure; [`Dialer`] adds the delays and the policy that ends them. Backoff grows through failed handshakes
//! as well as through failed attempts, and begins again only after a connection has been ready for a while.

use std::io;
use std::time::Duration;

use super::backoff::Backoff;
use crate::error::DisconnectReason;
use crate::time::Instant;
use crate::{Options, ReconnectStop};

/// A connection that was ready for this long counts as stable: the next delay is the shortest again.
///
/// Shorter, and a peer that accepts and drops us at once would be asked without pause.
pub const STABLE_AFTER: Duration = Duration::from_secs(5);

/// Where a dialed endpoint is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    stop: ReconnectStop,
    max_attempts: Option<u32>,
    /// How many were begun since the last stable connection.
    attempts: u32,
    ready_since: Option<Instant>,
}

impl Dialer {
    /// A dialer that follows the policy of `options`, with jitter from `seed`.
    pub fn new(options: &Options, seed: u64) -> Self {
        Self {
            state: State::default(),
            backoff: Backoff::new(options.reconnect, seed),
            stop: options.reconnect_stop,
            max_attempts: options.max_attempts,
            attempts: 0,
            ready_since: None,
        }
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
    pub fn failed(&mut self, kind: io::ErrorKind) -> Next {
        self.end(Input::Failed, self.stop.applies_to(&DisconnectReason::Io(kind)))
    }

    /// The connection is gone, in its handshake or later.
    pub fn lost(&mut self, reason: &DisconnectReason, now: Instant) -> Next {
        if self.ready_since.take().is_some_and(|since| now - since >= STABLE_AFTER) {
            self.backoff.reset();
            self.attempts = 0;
        }
        self.end(Input::Lost, self.stop.applies_to(reason))
    }

    /// The delay is over.
    pub fn due(&mut self) -> Next {
        self.step(Input::Due)
    }

    /// The delay is cut short, since what made the attempts fail is said to be over: the next delay is the shortest again.
    pub fn hurry(&mut self) -> Next {
        self.backoff.reset();
        self.due()
    }

    /// Nobody wants a connection any more.
    pub fn stop(&mut self) -> Next {
        self.step(Input::Stop)
    }

    fn end(&mut self, input: Input, stops: bool) -> Next {
        let is_last = self.max_attempts.is_some_and(|most| self.attempts >= most);
        self.step(if stops || is_last { Input::Stop } else { input })
    }

    fn step(&mut self, input: Input) -> Next {
        match self.state.step(input) {
            Some(Effect::Connect) => {
                self.attempts = self.attempts.saturating_add(1);
                Next::Connect(self.attempts)
            }
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
    use crate::auth::{Code, Refusal};
    use crate::error::ProtocolError;
    use crate::{Reconnect, golden};

    fn dialer(options: &Options) -> Dialer {
        let (min, max) = (Duration::from_secs(1), Duration::from_secs(64));
        Dialer::new(&options.clone().reconnect(Reconnect::Exponential { min, max }), 7)
    }

    fn closed() -> DisconnectReason {
        DisconnectReason::PeerClosed
    }

    fn delay(next: Next) -> Duration {
        match next {
            Next::Wait(delay) => delay,
            other => panic!("{other:?} is no delay"),
        }
    }

    #[test]
    fn backoff_grows_through_failed_handshakes_and_is_reset_by_a_stable_connection_only() {
        let mut dialer = dialer(&Options::new());
        assert_eq!(dialer.start(), Next::Connect(1));
        for attempt in 1..4 {
            dialer.opened();
            // The handshake fails, or the connection is ready for too short a time to count.
            dialer.ready(Instant::ZERO);
            let base = Duration::from_secs(1 << (attempt - 1));
            assert!(delay(dialer.lost(&closed(), Instant::ZERO + Duration::from_secs(1))) >= base);
            assert_eq!(dialer.due(), Next::Connect(attempt + 1));
        }
        dialer.opened();
        dialer.ready(Instant::ZERO);
        assert!(delay(dialer.lost(&closed(), Instant::ZERO + STABLE_AFTER)) <= Duration::from_secs(2));
        assert_eq!(dialer.due(), Next::Connect(1));
    }

    #[test]
    fn an_attempt_that_is_hurried_counts_and_the_delay_behind_it_is_the_shortest() {
        let mut dialer = dialer(&Options::new());
        dialer.start();
        for _ in 0..4 {
            dialer.failed(io::ErrorKind::NotConnected);
            dialer.due();
        }
        assert!(delay(dialer.failed(io::ErrorKind::NotConnected)) >= Duration::from_secs(16));
        assert_eq!(dialer.hurry(), Next::Connect(6));
        assert!(delay(dialer.failed(io::ErrorKind::NotConnected)) <= Duration::from_secs(2));
    }

    /// What comes next after the first connection of such a dialer ended for this reason.
    fn after(options: &Options, reason: impl Into<DisconnectReason>) -> Next {
        let mut dialer = dialer(options);
        dialer.start();
        dialer.opened();
        dialer.lost(&reason.into(), Instant::ZERO)
    }

    #[test]
    fn a_refusal_stops_it_unless_it_is_told_otherwise() {
        let stubborn = Options::new().reconnect_stop(ReconnectStop::default().refused(false));
        let unauthorized = |code| DisconnectReason::Unauthorized(Refusal { code, text: String::new() });
        let refused = |reason: &str| DisconnectReason::HandshakeRefused { reason: reason.into() };
        let finals = [refused("400"), refused("500"), refused("some-word"), unauthorized(Code::Credentials)];
        for reason in finals {
            assert_eq!(after(&Options::new(), reason.clone()), Next::Leave);
            assert!(matches!(after(&stubborn, reason), Next::Wait(_)));
        }
    }

    #[test]
    fn a_refusal_for_now_does_not_stop_it() {
        let unauthorized = DisconnectReason::Unauthorized(Refusal { code: Code::Temporary, text: String::new() });
        for reason in [DisconnectReason::HandshakeRefused { reason: "300".into() }, unauthorized] {
            assert!(matches!(after(&Options::new(), reason), Next::Wait(_)));
        }
    }

    #[test]
    fn a_protocol_error_stops_it_only_if_that_was_asked_for() {
        let strict = Options::new().reconnect_stop(ReconnectStop::default().protocol_error(true));
        assert!(matches!(after(&Options::new(), ProtocolError::NotZmtp), Next::Wait(_)));
        assert_eq!(after(&strict, ProtocolError::NotZmtp), Next::Leave);
        assert!(matches!(after(&strict, closed()), Next::Wait(_)));
    }

    #[test]
    fn a_refused_port_stops_it_only_if_that_was_asked_for() {
        for stops in [false, true] {
            let stop = ReconnectStop::default().connection_refused(stops);
            let mut dialer = dialer(&Options::new().reconnect_stop(stop));
            dialer.start();
            assert_eq!(dialer.failed(io::ErrorKind::ConnectionRefused) == Next::Leave, stops);
        }
    }

    #[test]
    fn it_makes_so_many_attempts_in_a_row_and_no_more() {
        let mut dialer = dialer(&Options::new().max_attempts(Some(2)));
        assert_eq!(dialer.start(), Next::Connect(1));
        assert!(matches!(dialer.failed(io::ErrorKind::TimedOut), Next::Wait(_)));
        assert_eq!(dialer.due(), Next::Connect(2));
        dialer.opened();
        dialer.ready(Instant::ZERO);
        // A stable connection begins the count again.
        let now = Instant::ZERO + STABLE_AFTER;
        assert!(matches!(dialer.lost(&closed(), now), Next::Wait(_)));
        assert_eq!(dialer.due(), Next::Connect(1));
        assert!(matches!(dialer.failed(io::ErrorKind::TimedOut), Next::Wait(_)));
        assert_eq!(dialer.due(), Next::Connect(2));
        assert_eq!(dialer.failed(io::ErrorKind::TimedOut), Next::Leave);
    }

    #[test]
    fn the_policy_never_and_our_own_close_make_no_second_attempt() {
        let mut once = Dialer::new(&Options::new().reconnect(Reconnect::Never), 7);
        assert_eq!(once.start(), Next::Connect(1));
        assert_eq!(once.failed(io::ErrorKind::TimedOut), Next::Leave);
        assert_eq!(once.due(), Next::Leave);

        let mut closed = dialer(&Options::new());
        closed.start();
        closed.opened();
        assert_eq!(closed.lost(&DisconnectReason::LocalClose, Instant::ZERO), Next::Leave);
        assert_eq!(closed.state(), State::Stopped);
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
