//! A pipe's outbound half: the real lifecycle, and how many messages are where.

use bowline_proto::pipe::lifecycle::{Effect, Input, State};

/// How many messages may wait; one more may be on its way.
const MARK: u8 = 1;

/// A pipe. It counts its messages as the outbox does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pipe {
    state: State,
    waiting: u8,
    /// What the connection task has taken and not written yet.
    flying: u8,
    /// Its reader found nothing and waits to be woken.
    is_asleep: bool,
}

impl Pipe {
    pub(crate) const fn state(&self) -> State {
        self.state
    }

    pub(crate) fn step(&mut self, input: Input) {
        for effect in self.state.step(input) {
            match effect {
                Effect::Discard => self.waiting = 0,
                Effect::WakeReader => self.is_asleep = false,
            }
        }
    }

    /// Takes a message if it may.
    pub(crate) fn push(&mut self) -> bool {
        let takes = self.state == State::Active && self.waiting + self.flying.saturating_sub(MARK) < MARK;
        if takes {
            self.waiting += 1;
            self.is_asleep = false;
        }
        takes
    }

    /// How many messages the peer has not got.
    pub(crate) const fn unsent(&self) -> u8 {
        self.waiting + self.flying
    }

    pub(crate) const fn waits(&self) -> bool {
        self.waiting > 0
    }

    pub(crate) const fn flies(&self) -> bool {
        self.flying > 0
    }

    pub(crate) const fn is_asleep(&self) -> bool {
        self.is_asleep
    }

    /// Nothing waits and nothing will come.
    pub(crate) fn is_finished(&self) -> bool {
        self.state != State::Active && self.waiting == 0
    }

    /// What waits goes to the connection task.
    pub(crate) const fn take(&mut self) {
        self.flying = self.waiting;
        self.waiting = 0;
    }

    /// What the connection task has is written, and the peer has it.
    pub(crate) const fn taken(&mut self) {
        self.flying = 0;
    }

    /// What was not written comes back.
    pub(crate) fn restore(&mut self) {
        if self.state != State::Closed {
            self.waiting += self.flying;
        }
        self.flying = 0;
    }

    pub(crate) const fn sleep(&mut self) {
        self.is_asleep = true;
    }

    /// Its reader was woken by something else, and looks at it again.
    pub(crate) const fn wake(&mut self) {
        self.is_asleep = false;
    }
}
