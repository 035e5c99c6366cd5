//! What is true of a session whenever nobody is at work in it, for tests.

use super::{Audience, Session};
use crate::mux::stream::State;

impl<A: Audience> Session<A> {
    /// Holds what the session counts against what it counts.
    ///
    /// # Panics
    ///
    /// If anything of it does not add up.
    pub fn check(&mut self) {
        let taken = self.slots.taken();
        let (mut unsent, mut lent, mut ours) = (0, 0, 0);
        for &key in &taken {
            let stream = self.slots.stream(key);
            unsent += stream.outgoing.unsent();
            lent += stream.incoming.lent();
            let (sid, state, id) = (stream.id.sid(), stream.state, stream.id);
            let (is_ready, has_word) = (stream.outgoing.is_ready(), stream.last_word.is_some());
            assert!(state != State::Closed || has_word, "{id:?} is over and keeps its place");
            assert!(
                !state.speaks() || is_ready == self.data.contains(key),
                "{id:?} waits for a turn that does not come"
            );
            assert!(!has_word || self.control.contains(key), "{id:?} has a last word that is never said");
            ours += usize::from(self.slots.is_ours(sid));
        }
        assert_eq!(self.unsent, unsent, "what waits is counted");
        assert_eq!(self.pool.left() + lent, self.settings.pool, "what windows have grown is counted");
        assert_eq!((self.slots.ours(), self.slots.theirs()), (ours, taken.len() - ours), "streams are counted");
        let waiting = |key: &u32| self.data.contains(*key) || self.control.contains(*key);
        assert!(self.data.len() + self.control.len() <= 2 * taken.len(), "nobody waits who is not there");
        assert_eq!(
            taken.iter().filter(|key| waiting(key)).count() == 0,
            self.data.is_empty() && self.control.is_empty()
        );
        self.slots.check();
    }
}
