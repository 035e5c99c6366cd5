//! What follows when a stream moves.

use super::{Audience, Code, Effect, Input, LastWord, Session, State};

impl<A: Audience> Session<A> {
    /// Moves a stream, and does what follows.
    pub(super) fn apply(&mut self, key: u32, input: Input) {
        let stream = self.slots.stream(key);
        let sent = stream.state != State::New;
        let effects = stream.state.step(stream.role, input);
        // Half of the moves of a call have nothing to do.
        if !effects.is_empty() || !stream.outgoing.is_empty() {
            self.perform(key, effects, sent, (input, Code::CANCELLED, ""));
        }
    }

    /// Moves a stream that is reset by that, and does what follows.
    pub(super) fn cut(&mut self, key: u32, input: Input, code: Code, reason: &str) {
        let stream = self.slots.stream(key);
        let sent = stream.state != State::New;
        let effects = stream.state.step(stream.role, input);
        self.perform(key, effects, sent, (input, code, reason));
    }

    /// Does what follows of a move, in order: the one place where effects are performed.
    fn perform(&mut self, key: u32, effects: &[Effect], sent: bool, (input, code, reason): (Input, Code, &str)) {
        let stream = self.slots.stream(key);
        let (id, told) = (stream.id, stream.told);
        if matches!(stream.state, State::Over | State::Closed) && !stream.outgoing.is_empty() {
            self.unsent -= stream.outgoing.unsent();
            stream.outgoing.discard();
            self.data.remove(key);
        }
        for effect in effects {
            match effect {
                Effect::TellEnded if told => self.audience.ended(id),
                Effect::TellReset if told => self.audience.reset(id, code, reason),
                Effect::TellLost if told => self.audience.lost(id, sent),
                Effect::TellEnded | Effect::TellReset | Effect::TellLost => {}
                Effect::WriteReset => {
                    // The answer to a RESET says the same, but the peer knows its own reason.
                    let reason = if input == Input::PeerReset { "" } else { reason };
                    self.slots.stream(key).last_word = Some(LastWord::Reset(code, reason.to_owned()));
                    self.control.insert(key, 0);
                }
                Effect::WriteEnd => {
                    self.slots.stream(key).last_word = Some(LastWord::End);
                    self.control.insert(key, 0);
                }
                Effect::Free => self.settle(key),
            }
        }
    }

    /// Gives the place of a closed stream back, unless something of it waits to be written: so a peer that does not
    /// read can't make us remember more than there are places.
    pub(super) fn settle(&mut self, key: u32) {
        let stream = self.slots.stream(key);
        if stream.state != State::Closed || stream.last_word.is_some() {
            return;
        }
        stream.incoming.end(&mut self.pool);
        if stream.told {
            self.audience.closed(stream.id);
        }
        self.control.remove(key);
        self.slots.free(key);
    }
}
