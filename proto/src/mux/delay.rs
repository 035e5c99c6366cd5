//! Delay: how long the way to the peer and back takes, and whether windows are as large as that makes use of.
//!
//! A PING goes along with credit, and its answer comes behind whatever the peer had sent before: it takes as long as a
//! call would. The shortest round trip is the way itself; what is longer is a queue, and a larger window makes it longer.

use std::time::Duration;

use crate::time::Instant;

/// What a queue may add to the shortest way when nobody else would wait behind it: enough for a fast network to be used
/// up, although its ends sleep and wake.
const ALONE: Duration = Duration::from_millis(1);
/// The same while calls come and go beside it: what it takes to wake somebody three times. With half of it a stream made an
/// eighth of the bytes, and calls were hardly faster.
const IN_COMPANY: Duration = Duration::from_micros(120);
/// The longest way to a peer that is near. In that time a quarter of the largest window is enough for 2.6 GB/s.
const NEAR: Duration = Duration::from_micros(100);
/// The largest window in company of a peer that is near. Its PING goes when most of a window was consumed, and so meets none of
/// the queue that a call meets: this much of it passes in half of what is allowed.
const NEAR_WINDOW: usize = 512 * 1024;
/// How many round trips in a row have to say the same: one alone may have met a process that slept, or a moment in which
/// the queue was empty.
pub(super) const TRIPS: usize = 4;
/// For how many round trips behind the last OPEN the next one is expected.
const COMPANY: u8 = 16;

/// What is to become of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trend {
    /// A larger one may be of use.
    Grow,
    Keep,
    /// They only make a queue longer.
    Shrink,
}

/// Measures round trips of one connection.
#[derive(Debug, Default)]
pub(super) struct Delay {
    now: Instant,
    is_due: bool,
    /// When the PING went that is not answered yet.
    asked: Option<Instant>,
    /// How many were answered; it is the nonce of the next one.
    rounds: u64,
    shortest: Option<Duration>,
    last: [Duration; TRIPS],
    /// How many OPENs had crossed when it was last looked.
    opens: u64,
    company: u8,
}

impl Delay {
    pub(super) const fn set_time(&mut self, now: Instant) {
        self.now = now;
    }

    /// Whether anything is done next that depends on the time.
    pub(super) const fn wants_time(&self) -> bool {
        self.is_due || self.asked.is_some()
    }

    pub(super) const fn is_due(&self) -> bool {
        self.is_due
    }

    /// The round trip that is measured now, counted from 0.
    pub(super) const fn round(&self) -> u64 {
        self.rounds
    }

    /// A stream goes on: measures the next round trip, unless one is being measured.
    pub(super) const fn measure(&mut self) {
        self.is_due = self.asked.is_none();
    }

    /// Nothing is measured any more.
    pub(super) const fn stop(&mut self) {
        (self.is_due, self.asked) = (false, None);
    }

    /// The nonce of the PING that is to be written now.
    pub(super) fn poll(&mut self) -> Option<u64> {
        std::mem::take(&mut self.is_due).then(|| {
            self.asked = Some(self.now);
            self.rounds
        })
    }

    /// An answer has come; so many OPENs have crossed by now, both ways.
    pub(super) fn answered(&mut self, nonce: u64, opens: u64) {
        let Some(asked) = self.asked.take_if(|_| nonce == self.rounds) else { return };
        let took = self.now - asked;
        match self.rounds {
            0 => self.last = [took; TRIPS],
            round => self.last[round as usize % TRIPS] = took,
        }
        self.shortest = Some(self.shortest.map_or(took, |shortest| shortest.min(took)));
        self.rounds += 1;
        self.company = if opens == self.opens { self.company.saturating_sub(1) } else { COMPANY };
        self.opens = opens;
    }

    /// Whether the peer is in the same machine, or next to it. Who is not known yet is not near, and where nobody says what
    /// time it is all take none.
    pub(super) fn is_near(&self) -> bool {
        self.shortest.is_some_and(|shortest| !shortest.is_zero() && shortest <= NEAR)
    }

    /// What is to become of a window of this size, by the last round trips.
    pub(super) fn trend(&self, window: usize) -> Trend {
        let Some(shortest) = self.shortest else { return Trend::Keep };
        let in_company = self.company > 0;
        let most = if in_company && self.is_near() { NEAR_WINDOW } else { usize::MAX };
        let queue = if in_company { IN_COMPANY } else { ALONE };
        // Twice the way is what it takes to use it up, for the credit takes as long as the data.
        let enough = shortest + shortest.max(queue);
        // One that grows is doubled, and must not have to shrink for that.
        if window > most || self.last.iter().all(|&took| took > enough + enough / 2) {
            Trend::Shrink
        } else if window <= most / 2 && self.last.iter().all(|&took| took <= enough / 4 * 3) {
            Trend::Grow
        } else {
            Trend::Keep
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    /// A round trip that takes so long, and what is made of it.
    fn trip(delay: &mut Delay, took: Duration, opens: u64) -> Trend {
        delay.measure();
        let nonce = delay.poll().expect("it is due");
        delay.set_time(delay.now + took);
        delay.answered(nonce, opens);
        delay.trend(NEAR_WINDOW / 2)
    }

    /// The same until it has been said often enough.
    fn trips(delay: &mut Delay, took: Duration, opens: u64) -> Trend {
        (0..TRIPS).map(|_| trip(delay, took, opens)).last().expect("there are some")
    }

    #[test]
    fn windows_grow_while_a_quarter_of_the_time_is_left_and_shrink_beyond_half_as_much_again() {
        use Trend::{Grow, Keep, Shrink};
        let mut delay = Delay::default();
        assert_eq!(delay.trend(1), Trend::Keep, "nothing is known yet");
        let trends = [20, 30, 31, 60, 61, 30].map(|millis| trips(&mut delay, Duration::from_millis(millis), 0));
        assert_eq!(trends, [Grow, Grow, Keep, Keep, Shrink, Grow]);
    }

    #[test]
    fn a_short_way_may_have_a_queue_of_a_millisecond_and_of_120_us_in_company() {
        let mut delay = Delay::default();
        trip(&mut delay, micros(60), 0);
        assert_eq!(trips(&mut delay, micros(780), 0), Trend::Grow);
        assert_eq!(trips(&mut delay, micros(780), 1), Trend::Shrink);
        assert_eq!(trips(&mut delay, micros(100), 2), Trend::Grow);
        assert_eq!(trips(&mut delay, micros(200), 3), Trend::Keep);
        let alone = (TRIPS..100).find(|_| trip(&mut delay, micros(780), 3) == Trend::Grow);
        assert_eq!(alone, Some(usize::from(COMPANY)), "nobody came for so many round trips");
    }

    #[test]
    fn in_company_a_window_of_who_is_near_has_half_a_mib_and_shrinks_before_that_if_the_queue_is_long() {
        use Trend::{Grow, Keep, Shrink};
        let windows = [NEAR_WINDOW / 2, NEAR_WINDOW, 2 * NEAR_WINDOW];
        let mut near = Delay::default();
        assert!(!near.is_near(), "nothing is known yet");
        trips(&mut near, NEAR, 1);
        assert!(near.is_near());
        assert_eq!(windows.map(|window| near.trend(window)), [Grow, Keep, Shrink]);
        trips(&mut near, micros(400), 2);
        assert_eq!(windows.map(|window| near.trend(window)), [Shrink; 3]);
        let mut far = Delay::default();
        trips(&mut far, NEAR + micros(1), 1);
        assert!(!far.is_near());
        assert_eq!(windows.map(|window| far.trend(window)), [Grow; 3]);
        let mut alone = Delay::default();
        trips(&mut alone, NEAR, 0);
        assert_eq!(windows.map(|window| alone.trend(window)), [Grow; 3]);
    }

    #[test]
    fn one_round_trip_that_is_unlike_the_others_changes_nothing() {
        let mut delay = Delay::default();
        trips(&mut delay, micros(200), 0);
        assert_eq!(trip(&mut delay, Duration::from_secs(1), 0), Trend::Keep);
        assert_eq!(trips(&mut delay, Duration::from_secs(1), 0), Trend::Shrink);
        assert_eq!(trip(&mut delay, micros(200), 0), Trend::Keep);
    }

    #[test]
    fn an_answer_that_was_not_asked_for_is_ignored_and_none_is_asked_for_twice() {
        let mut delay = Delay::default();
        assert!(!delay.wants_time());
        delay.answered(0, 0);
        delay.measure();
        assert_eq!((delay.wants_time(), delay.poll()), (true, Some(0)));
        delay.measure();
        assert_eq!(delay.poll(), None);
        delay.answered(7, 0);
        assert_eq!((delay.round(), delay.wants_time()), (0, true));
        delay.answered(0, 0);
        assert_eq!((delay.round(), delay.wants_time()), (1, false));
    }
}
