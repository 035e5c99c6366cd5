//! The life of a stream, as the side sees it that opened it and as the side that answers.
//!
//! ```text
//!  opener       new ----> open ----finish---> ended ---+
//!                |          |                  |       |
//!                |          +--- reset --------+-> over -- their last frame --> closed
//!                +--- reset (nothing was sent) ---------------------------------> ^
//!
//!  responder    new ----> open ---their end--> answering ----finish, reset----> closed
//!                           |                                                     ^
//!                           +--- finish, reset ---> over --- their end -----------+
//! ```
//!
//! The responder's last frame, a FIN or a RESET, is the last that it says of a stream. So an opener that has it, and has
//! ended its own direction, may use the id again: nothing of the old life can still be on its way.
//!
//! Pure: an input moves the state and returns what is to be done, in order; one that changes nothing returns nothing.

/// Whose stream it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// We opened it.
    Opener,
    /// The peer did.
    Responder,
}

/// Where a stream is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// Its OPEN has not crossed yet.
    #[default]
    New,
    /// Both directions go on.
    Open,
    /// The opener has ended its direction, and this is the opener.
    Ended,
    /// The opener has ended its direction, and this is the responder.
    Answering,
    /// This side has said its last, and the peer has not: what still comes is thrown away.
    Over,
    /// Both sides have said their last.
    Closed,
}

/// What moves a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Its OPEN is written, or has come.
    Opened,
    /// An OPEN that nothing may answer is written, or has come.
    OneWay,
    /// Our FIN is written.
    Finished,
    /// We end it at once.
    Reset,
    /// We end it at once, for what the peer did.
    Broken,
    /// The peer's FIN has come.
    PeerFinished,
    /// The peer's RESET has come, or its GOAWAY says as much.
    PeerReset,
    /// The connection is gone.
    Lost,
}

/// What the session does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Tell the application that the peer's direction has ended.
    TellEnded,
    /// Tell the application that it was reset.
    TellReset,
    /// Tell the application that it was lost.
    TellLost,
    /// Write a RESET, and nothing else of what waits.
    WriteReset,
    /// Write a bare FIN, and nothing else of what waits.
    WriteEnd,
    /// Give its place and its id back as soon as nothing of it waits to be written.
    Free,
}

impl State {
    /// Moves on `input` and returns what is to be done.
    pub(super) fn step(&mut self, role: Role, input: Input) -> &'static [Effect] {
        let (to, effects) = match role {
            Role::Opener => self.opener(input),
            Role::Responder => self.responder(input),
        };
        *self = to;
        effects
    }

    /// Whether this side may still send messages.
    pub(super) const fn speaks(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::Answering)
    }

    /// Whether the application hears what the peer sends.
    pub(super) const fn hears(self) -> bool {
        matches!(self, Self::Open | Self::Ended)
    }

    fn opener(self, input: Input) -> (Self, &'static [Effect]) {
        use Effect::{Free, TellEnded, TellLost, TellReset, WriteEnd, WriteReset};
        use Input::{Broken, Finished, Lost, OneWay, Opened, PeerFinished, PeerReset, Reset};
        match (self, input) {
            (Self::New, Opened) => (Self::Open, &[]),
            // Nothing of it was sent, so there is nothing to write.
            (Self::New, OneWay | Reset) | (Self::Over, PeerFinished | PeerReset | Lost) => (Self::Closed, &[Free]),
            (Self::New | Self::Open | Self::Ended, Lost) => (Self::Closed, &[TellLost, Free]),
            (Self::Open, Finished) => (Self::Ended, &[]),
            (Self::Open | Self::Ended, Reset) => (Self::Over, &[WriteReset]),
            (Self::Open | Self::Ended, Broken) => (Self::Over, &[TellReset, WriteReset]),
            (Self::Open, PeerFinished) => (Self::Closed, &[TellEnded, WriteEnd, Free]),
            (Self::Open, PeerReset) => (Self::Closed, &[TellReset, WriteEnd, Free]),
            (Self::Ended, PeerFinished) => (Self::Closed, &[TellEnded, Free]),
            (Self::New | Self::Ended, PeerReset) => (Self::Closed, &[TellReset, Free]),
            _ => (self, &[]),
        }
    }

    fn responder(self, input: Input) -> (Self, &'static [Effect]) {
        use Effect::{Free, TellEnded, TellLost, TellReset, WriteReset};
        use Input::{Broken, Finished, Lost, OneWay, Opened, PeerFinished, PeerReset, Reset};
        match (self, input) {
            (Self::New, Opened) => (Self::Open, &[]),
            (Self::New, OneWay) => (Self::Closed, &[TellEnded, Free]),
            (Self::Open, Finished) => (Self::Over, &[]),
            (Self::Open, Reset) => (Self::Over, &[WriteReset]),
            (Self::Open, Broken) => (Self::Over, &[TellReset, WriteReset]),
            (Self::Open, PeerFinished) => (Self::Answering, &[TellEnded]),
            (Self::Answering, Reset) => (Self::Closed, &[WriteReset, Free]),
            (Self::Answering, Broken) | (Self::Open | Self::Answering, PeerReset) => {
                (Self::Closed, &[TellReset, WriteReset, Free])
            }
            (Self::Open | Self::Answering, Lost) => (Self::Closed, &[TellLost, Free]),
            (Self::Answering, Finished) | (Self::Over, PeerFinished | PeerReset | Lost) => (Self::Closed, &[Free]),
            _ => (self, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn every_role_state_and_input_is_in_the_golden_table() {
        let mut rows = Vec::new();
        for role in [Role::Opener, Role::Responder] {
            for from in [State::New, State::Open, State::Ended, State::Answering, State::Over, State::Closed] {
                // The table has no row for a state that the role never comes to.
                if matches!((role, from), (Role::Opener, State::Answering) | (Role::Responder, State::Ended)) {
                    continue;
                }
                for input in [
                    Input::Opened,
                    Input::OneWay,
                    Input::Finished,
                    Input::Reset,
                    Input::Broken,
                    Input::PeerFinished,
                    Input::PeerReset,
                    Input::Lost,
                ] {
                    let mut to = from;
                    let effects = golden::join(to.step(role, input));
                    rows.push([
                        format!("{role:?}"),
                        format!("{from:?}"),
                        format!("{input:?}"),
                        format!("{to:?}"),
                        effects,
                    ]);
                }
            }
        }
        golden::check("stream.txt", &golden::table(["role", "from", "input", "to", "effects"], &rows));
    }
}
