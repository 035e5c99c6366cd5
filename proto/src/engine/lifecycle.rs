//! The life of a socket.
//!
//! ```text
//!   new --open--> open --close--> closing --finish--> closed
//!     |             |                |                  ^
//!     +-------------+------stop------+------------------+
//! ```
//!
//! Pure: an input moves the state and returns what is to be done, in order; an input that changes nothing returns
//! nothing.

/// Where a socket is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum State {
    /// Neither bound nor connected yet.
    #[default]
    New,
    /// In use.
    Open,
    /// Closed for the application; unsent messages still go out.
    Closing,
    /// Over.
    Closed,
}

/// What moves a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The first endpoint.
    Open,
    /// The application closes it: unsent messages may still go out.
    Close,
    /// Unsent messages are out, or the time for that is over.
    Finish,
    /// The application ends it at once.
    Stop,
}

/// What the engine does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Wake all that wait: they find the socket closed.
    RefuseUse,
    /// Every pipe takes no more, and goes when what waits in it is out.
    DrainPipes,
    /// Every pipe goes, with what waits in it.
    ClosePipes,
}

impl State {
    /// Whether the application may not use the socket any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Closing | Self::Closed)
    }

    /// Moves on `input` and returns what is to be done.
    pub fn step(&mut self, input: Input) -> &'static [Effect] {
        let (to, effects): (_, &'static [Effect]) = match (*self, input) {
            (Self::New, Input::Open) => (Self::Open, &[]),
            (Self::New | Self::Open, Input::Close) => (Self::Closing, &[Effect::RefuseUse, Effect::DrainPipes]),
            (Self::New | Self::Open, Input::Stop) => (Self::Closed, &[Effect::RefuseUse, Effect::ClosePipes]),
            (Self::Closing, Input::Finish | Input::Stop) => (Self::Closed, &[Effect::ClosePipes]),
            (Self::New | Self::Open, Input::Finish)
            | (Self::Open | Self::Closing, Input::Open)
            | (Self::Closing, Input::Close)
            | (Self::Closed, _) => return &[],
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
        for from in [State::New, State::Open, State::Closing, State::Closed] {
            for input in [Input::Open, Input::Close, Input::Finish, Input::Stop] {
                let mut state = from;
                let effects = golden::join(state.step(input));
                rows.push([format!("{from:?}"), format!("{input:?}"), format!("{state:?}"), effects]);
            }
        }
        golden::check("socket.txt", &golden::table(["from", "input", "to", "effects"], &rows));
    }
}
