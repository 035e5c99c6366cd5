//! The part of a socket's time that those may take who are no peers yet.
//!
//! A handshake, of CURVE for one, costs us more than whoever begins it, and so does a subscription. While peers are served, such
//! work goes in line: each turn is booked ahead for what turns take lately, and settled with what it took, so that all of them
//! together get their percentage of the time. Whoever has its place in the line sleeps until then, and wakes nobody else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::lock::Mutex;

use crate::time::Instant;

/// For how long peers count as being served after something has passed, at the most twice as long.
const WINDOW: Duration = Duration::from_millis(10);
/// The longest that a turn counts for: it took longer if the system gave the time to somebody else.
const TURN_MOST: Duration = Duration::from_millis(2);
/// What a turn is taken to take before any was measured.
const TURN_USUAL: Duration = Duration::from_micros(50);

/// Who waits for what is left of a socket's time. Costs peers that are served one load a turn.
#[derive(Debug)]
pub struct Share {
    /// From 1 to 99; `None` where there is no bound.
    percent: Option<u32>,
    /// A peer was served.
    stirred: AtomicBool,
    /// None where nobody has ever come.
    line: Mutex<Option<Box<Line>>>,
}

#[derive(Debug)]
struct Line {
    /// When the next one may begin.
    free_at: Instant,
    /// What a turn takes lately.
    usual: Duration,
    looked_at: Instant,
    was_stirred: bool,
}

/// A place in the line, to be [settled](Share::settle).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "what is booked and not settled is time that nobody uses"]
pub struct Place {
    /// When the turn may begin.
    pub at: Instant,
    /// What was booked for it, in nanoseconds: each connection has room for one of these.
    booked: u32,
}

impl Share {
    /// So much of the time, in percent; `None` is no bound, and nothing less than one.
    pub const fn new(percent: Option<u8>) -> Self {
        let percent = match percent {
            Some(0) => Some(1),
            Some(percent @ 1..100) => Some(percent as u32),
            Some(100..) | None => None,
        };
        Self { percent, stirred: AtomicBool::new(false), line: Mutex::new(None) }
    }

    /// A peer is served.
    #[inline]
    pub fn stir(&self) {
        // Mostly it is known already, and then the line of the cache stays with whoever has it.
        if !self.stirred.load(Ordering::Relaxed) {
            self.stirred.store(true, Ordering::Relaxed);
        }
    }

    /// A place in the line, at once while no peer is served.
    pub fn book(&self, now: Instant) -> Place {
        let Some(percent) = self.percent else { return Place { at: now, booked: 0 } };
        let mut line = self.line.lock();
        let line = line.get_or_insert_default();
        if now - line.looked_at >= WINDOW {
            line.looked_at = now;
            line.was_stirred = self.stirred.swap(false, Ordering::Relaxed);
        }
        if !line.was_stirred && !self.stirred.load(Ordering::Relaxed) {
            line.free_at = now;
            return Place { at: now, booked: 0 };
        }
        let (at, booked) = (line.free_at.max(now), 100 * line.usual / percent);
        line.free_at = at + booked;
        Place { at, booked: u32::try_from(booked.as_nanos()).unwrap_or(u32::MAX) }
    }

    /// The turn at `place` took so long.
    pub fn settle(&self, place: Place, took: Duration) {
        let Some(percent) = self.percent.filter(|_| place.booked > 0) else { return };
        let (mut line, took) = (self.line.lock(), took.min(TURN_MOST));
        let line = line.get_or_insert_default();
        line.usual = (7 * line.usual + took) / 8;
        let settled = line.free_at.since_origin() + 100 * took / percent;
        line.free_at = Instant::from_origin(settled.saturating_sub(Duration::from_nanos(place.booked.into())));
    }
}

impl Default for Line {
    fn default() -> Self {
        Self { free_at: Instant::ZERO, usual: TURN_USUAL, looked_at: Instant::ZERO, was_stirred: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: Duration = Duration::from_micros(100);

    fn at(micros: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(10) + Duration::from_micros(micros))
    }

    /// How long turns of [`TURN`] take all together in a second of a socket that is busy, if so many wait at all times.
    fn taken(share: &Share, waiting: usize) -> Duration {
        let (mut now, end, mut taken) = (at(0), at(1_000_000), Duration::ZERO);
        let mut line = std::collections::VecDeque::new();
        while now < end {
            share.stir();
            while line.len() < waiting {
                line.push_back(share.book(now));
            }
            let place = line.pop_front().unwrap();
            now = now.max(place.at) + TURN;
            taken += TURN;
            share.settle(place, TURN);
        }
        taken
    }

    #[test]
    fn while_peers_are_served_newcomers_get_their_percentage_however_many_they_are() {
        for waiting in [1, 2, 50, 1000] {
            let taken = taken(&Share::new(Some(25)), waiting).as_millis();
            assert!((200..=260).contains(&taken), "{waiting}: {taken} ms of 1000");
        }
        for percent in [10, 40, 80] {
            let taken = taken(&Share::new(Some(percent)), 20).as_millis();
            assert!(
                (u128::from(percent) * 8..=u128::from(percent) * 11).contains(&taken),
                "{percent}: {taken} ms of 1000"
            );
        }
    }

    #[test]
    fn while_no_peer_is_served_they_get_all_of_it() {
        let share = Share::new(Some(25));
        for n in 0..1000 {
            let place = share.book(at(100 * n));
            assert_eq!(place.at, at(100 * n));
            share.settle(place, TURN);
        }
        share.stir();
        assert_eq!(share.book(at(100_000)).at, at(100_000), "and owe nothing for it");
    }

    #[test]
    fn peers_count_as_served_for_a_while_and_no_longer() {
        let share = Share::new(Some(25));
        share.stir();
        let first = share.book(at(0));
        assert!(share.book(at(0)).at > first.at);
        share.stir();
        assert!(share.book(at(19_999)).booked > 0, "that was within the window before this one");
        assert_eq!(share.book(at(29_999)).booked, 0, "and that was not");
    }

    #[test]
    fn a_turn_that_took_no_time_gives_its_place_back() {
        let share = Share::new(Some(50));
        share.stir();
        for _ in 0..1000 {
            let place = share.book(at(0));
            share.settle(place, Duration::ZERO);
        }
        assert!(share.book(at(0)).at - at(0) < Duration::from_millis(1));
    }

    #[test]
    fn the_time_that_the_system_gave_to_others_is_not_counted() {
        let share = Share::new(Some(25));
        share.stir();
        let place = share.book(at(0));
        share.settle(place, Duration::from_secs(1));
        assert_eq!(share.book(at(0)).at, at(8_000));
    }

    #[test]
    fn without_a_bound_nobody_waits() {
        for percent in [None, Some(100), Some(255)] {
            assert!(taken(&Share::new(percent), 10) >= Duration::from_secs(1), "{percent:?}");
        }
        assert!(taken(&Share::new(Some(0)), 10) <= Duration::from_millis(11), "nothing is taken for one");
    }
}
