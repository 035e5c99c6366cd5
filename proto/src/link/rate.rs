//! How fast a peer may send: what it is ahead of that is waited for before anything more is read.

use std::time::Duration;

use crate::time::Instant;

/// What a peer has not sent of its rate it may send later: of so long a time at the most.
const SAVED: Duration = Duration::from_secs(1);

/// The monitor is told at the most once in so long a time, however short the pauses are.
const TOLD: Duration = Duration::from_secs(1);

/// The rate of one peer. Each message pays for a part of a second, and whoever has paid for what is still to come waits
/// until then.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: u64,
    paid_until: Instant,
    /// Nothing is read until then.
    held_until: Option<Instant>,
    told_at: Option<Instant>,
    /// The inbox is full as well, so that nothing would be read in any case.
    is_paused: bool,
}

impl Rate {
    pub(super) const fn new(per_second: usize) -> Self {
        let per_second = if per_second == 0 { 1 } else { per_second as u64 };
        Self { per_second, paid_until: Instant::ZERO, held_until: None, told_at: None, is_paused: false }
    }

    /// So many messages and commands have come. Whether it is too fast for that.
    pub(super) fn count(&mut self, came: usize, now: Instant) -> bool {
        let oldest = Instant::from_origin(now.since_origin().saturating_sub(SAVED));
        let nanoseconds = came as u128 * 1_000_000_000 / u128::from(self.per_second);
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.paid_until = self.paid_until.max(oldest) + cost;
        self.held_until = (self.paid_until > now).then_some(self.paid_until);
        self.held_until.is_some()
    }

    /// When to read again, if not now.
    pub(super) const fn held_until(&self) -> Option<Instant> {
        self.held_until
    }

    /// Whether a pause is over now.
    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        self.held_until.take_if(|until| *until <= now).is_some()
    }

    /// Whether the monitor is to be told of a pause that begins now.
    pub(super) fn is_news(&mut self, now: Instant) -> bool {
        let is_news = self.told_at.is_none_or(|told_at| now - told_at >= TOLD);
        if is_news {
            self.told_at = Some(now);
        }
        is_news
    }

    pub(super) const fn set_paused(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
    }

    pub(super) const fn is_paused(&self) -> bool {
        self.is_paused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn what_comes_at_its_pace_is_never_held() {
        let mut rate = Rate::new(100);
        for n in 0..1000 {
            assert!(!rate.count(1, at(10_000 + 10 * n)), "message {n}");
        }
    }

    #[test]
    fn what_was_saved_in_the_last_second_may_come_at_once_and_no_more() {
        let mut rate = Rate::new(100);
        assert!(!rate.count(100, at(10_000)));
        assert!(rate.count(1, at(10_000)));
        assert_eq!(rate.held_until(), Some(at(10_010)));
    }

    #[test]
    fn what_came_in_one_read_is_paid_for_before_the_next() {
        let mut rate = Rate::new(100);
        assert!(rate.count(350, at(10_000)));
        assert_eq!(rate.held_until(), Some(at(12_500)));
        assert!(!rate.is_over(at(12_499)) && rate.held_until().is_some());
        assert!(rate.is_over(at(12_500)) && rate.held_until().is_none());
        assert!(!rate.is_over(at(12_501)), "it is over once");
        assert!(rate.count(1, at(12_500)), "nothing is saved while debts are paid");
    }

    #[test]
    fn over_any_time_no_more_comes_than_the_rate_allows_and_one_second_and_one_read_more() {
        let (mut rate, mut now, mut came) = (Rate::new(1000), at(5_000), 0_u64);
        let read = 64;
        while now < at(15_000) {
            if rate.count(read, now) {
                let until = rate.held_until().unwrap();
                assert!(rate.is_over(until));
                now = until;
            }
            came += read as u64;
        }
        assert!((10_000..=11_000 + read as u64).contains(&came), "{came}");
    }

    #[test]
    fn the_monitor_is_told_once_a_second() {
        let mut rate = Rate::new(10);
        assert!(rate.is_news(at(5_000)) && !rate.is_news(at(5_999)) && rate.is_news(at(6_000)));
    }

    #[test]
    fn a_rate_of_nothing_is_one_of_one() {
        let mut rate = Rate::new(0);
        assert!(rate.count(2, at(5_000)));
        assert_eq!(rate.held_until(), Some(at(6_000)));
    }
}
