//! A dialed endpoint: the real dialer, its pipe, and the connection of the moment, as the dial task runs them.

use std::hash::{Hash, Hasher};
use std::io;

use bowline_proto::engine::dialer::{Dialer, Next, STABLE_AFTER, State};
use bowline_proto::pipe::lifecycle::Input as PipeInput;
use bowline_proto::time::Instant;
use bowline_proto::{DisconnectReason, Options};

use crate::ledger::{Broken, Ledger};
use crate::pipe::Pipe;
use crate::seat::Seat;

pub(crate) const MAX_ATTEMPTS: &str = "attempts in a row are counted from 1 and never more than max_attempts";
pub(crate) const REFUSED_STOPS: &str = "an endpoint that refused us is not asked again";
pub(crate) const OWN_CLOSE_STOPS: &str = "after our own close there is no other attempt";
pub(crate) const STOPPED_STAYS: &str = "a dialer that has stopped begins nothing, whatever it is told";

/// The properties that are looked at here.
pub(crate) const PROPERTIES: [&str; 4] = [MAX_ATTEMPTS, REFUSED_STOPS, OWN_CLOSE_STOPS, STOPPED_STAYS];

/// Where the dial task stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// It has an attempt to make: the first one, or the delay is over.
    Called,
    /// The transport is connecting.
    Attempting,
    /// There is a connection.
    Serving(Seat),
    /// The next attempt has to wait.
    Waiting,
}

/// A dialed endpoint, from `connect` to the end of its task.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Dialed {
    dialing: Dialing,
    pub(crate) phase: Phase,
    pub(crate) pipe: Option<Pipe>,
    /// It was given up, and what waits in it has only so much time.
    pub(crate) lingers: bool,
    /// Attempts that were begun since the last stable connection; not counted where nothing limits them.
    row: u32,
}

/// A dialer. Two are the same if they decide the same: of delays only whether there is one counts here, so jitter and
/// growth do not; and the number of attempts only where it is limited.
#[derive(Clone, Debug)]
struct Dialing {
    dialer: Dialer,
    max_attempts: Option<u32>,
    /// The number of the last attempt.
    attempt: u32,
}

impl Dialing {
    fn key(&self) -> (State, u32) {
        let attempts = match (self.max_attempts, self.dialer.state()) {
            (None, _) | (_, State::Idle | State::Stopped) => 0,
            (_, State::Connecting | State::Connected) => self.attempt,
            (_, State::Waiting) => match self.dialer.clone().due() {
                Next::Connect(next) => next,
                Next::Wait(_) | Next::Leave => u32::MAX,
            },
        };
        (self.dialer.state(), attempts)
    }
}

impl PartialEq for Dialing {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Dialing {}

impl Hash for Dialing {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.key().hash(hasher);
    }
}

impl Dialed {
    /// `connect` was called; the task has not run yet.
    pub(crate) fn new(options: &Options) -> Self {
        let mut dialing = Dialing { dialer: Dialer::new(options, 7), max_attempts: options.max_attempts, attempt: 0 };
        if let Next::Connect(attempt) = dialing.dialer.start() {
            dialing.attempt = attempt;
        }
        Self { dialing, phase: Phase::Called, pipe: Some(Pipe::default()), lingers: false, row: 0 }
    }

    /// Nothing is left to dial for.
    pub(crate) fn is_finished(&self) -> bool {
        self.pipe.as_ref().is_some_and(Pipe::is_finished)
    }

    /// How many messages its peer has not got.
    pub(crate) fn unsent(&self) -> u8 {
        self.pipe.as_ref().map_or(0, Pipe::unsent)
    }

    pub(crate) fn pipe_step(&mut self, input: PipeInput) {
        self.pipe.iter_mut().for_each(|pipe| pipe.step(input));
    }

    /// Begins the attempt that it has to make.
    pub(crate) fn begin(&mut self, ledger: &Ledger) -> Result<(), Broken> {
        self.phase = Phase::Attempting;
        let Dialing { max_attempts: Some(most), attempt, .. } = self.dialing else { return Ok(()) };
        self.row += 1;
        let row = self.row;
        ledger.holds(MAX_ATTEMPTS, row <= most && row == attempt, || format!("{row} in a row, number {attempt}"))
    }

    /// Nobody wants it any more. Whether its task goes on, which it should not.
    pub(crate) fn stop(&mut self, ledger: &Ledger) -> Result<bool, Broken> {
        let next = self.dialing.dialer.stop();
        self.follow(ledger, next)
    }

    /// The delay is over. Whether its task goes on.
    pub(crate) fn due(&mut self, ledger: &Ledger) -> Result<bool, Broken> {
        let next = self.dialing.dialer.due();
        self.follow(ledger, next)
    }

    /// The transport could not connect. Whether its task goes on.
    pub(crate) fn failed(&mut self, ledger: &Ledger) -> Result<bool, Broken> {
        let next = self.dialing.dialer.failed(io::ErrorKind::ConnectionRefused);
        self.follow(ledger, next)
    }

    /// The connection came to its end. Whether its task goes on.
    pub(crate) fn lost(&mut self, ledger: &Ledger) -> Result<bool, Broken> {
        let Phase::Serving(seat) = &self.phase else { return Ok(true) };
        let Some((reason, was_ready, is_stable)) = seat.ended() else { return Ok(true) };
        let dialer = &mut self.dialing.dialer;
        dialer.opened();
        if was_ready {
            dialer.ready(Instant::ZERO);
        }
        let now = Instant::ZERO + if is_stable { STABLE_AFTER } else { STABLE_AFTER / 2 };
        let next = dialer.lost(reason, now);
        let leaves = next == Next::Leave;
        match reason {
            DisconnectReason::HandshakeRefused { .. } => ledger.holds(REFUSED_STOPS, leaves, || format!("{next:?}"))?,
            DisconnectReason::LocalClose => ledger.holds(OWN_CLOSE_STOPS, leaves, || format!("{next:?}"))?,
            _ => {}
        }
        if is_stable {
            self.row = 0;
        }
        self.follow(ledger, next)
    }

    fn follow(&mut self, ledger: &Ledger, next: Next) -> Result<bool, Broken> {
        match next {
            Next::Connect(attempt) => {
                self.dialing.attempt = attempt;
                self.phase = Phase::Called;
            }
            Next::Wait(_) => self.phase = Phase::Waiting,
            Next::Leave => {
                self.stays_stopped(ledger)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn stays_stopped(&self, ledger: &Ledger) -> Result<(), Broken> {
        let told: [fn(&mut Dialer) -> Next; 5] = [
            Dialer::start,
            Dialer::due,
            Dialer::stop,
            |dialer| dialer.failed(io::ErrorKind::TimedOut),
            |dialer| {
                dialer.opened();
                dialer.lost(&DisconnectReason::PeerClosed, Instant::ZERO)
            },
        ];
        for tell in told {
            let mut dialer = self.dialing.dialer.clone();
            let next = tell(&mut dialer);
            let stays = next == Next::Leave && dialer.state() == State::Stopped;
            ledger.holds(STOPPED_STAYS, stays, || format!("{next:?}, {:?}", dialer.state()))?;
        }
        Ok(())
    }
}
