//! The life of a pipe's outbound half.
//!
//! ```text
//!   active --drain--> draining --emptied--> closed
//!     |                  |                    ^
//!     +------close-------+------close---------+
//! ```
//!
//! Pure: no lock, no queue. An input moves the state and returns what the outbox has to do, in order; an input that
//! changes nothing returns nothing.

/// Where a pipe is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// Takes messages.
    #[default]
    Active,
    /// Takes no more, but what waits still goes out.
    Draining,
    /// Nothing waits and nothing is taken.
    Closed,
}

/// What moves a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The socket takes no more messages for it: what waits is the last.
    Drain,
    /// What waited is handed to the connection, written and flushed.
    Emptied,
    /// It goes now, with what waits.
    Close,
}

/// What the outbox does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Drop what waits, and count it.
    Discard,
    /// Wake the connection task: it must see the new state.
    WakeReader,
}

impl State {
    /// Moves on `input` and returns what is to be done.
    pub fn step(&mut self, input: Input) -> &'static [Effect] {
        let (to, effects): (_, &'static [Effect]) = match (*self, input) {
            (Self::Active, Input::Drain) => (Self::Draining, &[Effect::WakeReader]),
            (Self::Draining, Input::Emptied) => (Self::Closed, &[]),
            (Self::Active | Self::Draining, Input::Close) => (Self::Closed, &[Effect::Discard, Effect::WakeReader]),
            (Self::Active, Input::Emptied) | (Self::Draining, Input::Drain) | (Self::Closed, _) => return &[],
        };
        *self = to;
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn every_state_and_input_is_in_the_golden_table() {
        let mut rows = Vec::new();
        for from in [State::Active, State::Draining, State::Closed] {
            for input in [Input::Drain, Input::Emptied, Input::Close] {
                let mut state = from;
                let effects = golden::join(state.step(input));
                rows.push([format!("{from:?}"), format!("{input:?}"), format!("{state:?}"), effects]);
            }
        }
        golden::check("pipe.txt", &golden::table(["from", "input", "to", "effects"], &rows));
    }
}
