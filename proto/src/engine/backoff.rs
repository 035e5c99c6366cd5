//! How long to wait before the next attempt.

use std::time::Duration;

use crate::Reconnect;

/// The delays between attempts: by the policy, with jitter from a seed.
#[derive(Clone, Debug)]
pub struct Backoff {
    policy: Reconnect,
    jitter: fastrand::Rng,
    doublings: u32,
}

impl Backoff {
    /// The delays of `policy`. Equal seeds give equal delays.
    pub fn new(policy: Reconnect, seed: u64) -> Self {
        Self { policy, jitter: fastrand::Rng::with_seed(seed), doublings: 0 }
    }

    /// The delay before the next attempt; `None` if there is to be none.
    pub fn next_delay(&mut self) -> Option<Duration> {
        let base = match self.policy {
            Reconnect::Never => return None,
            Reconnect::Fixed(delay) => delay,
            Reconnect::Exponential { min, max } => {
                // 2^20 times any delay worth the name is beyond any maximum.
                min.saturating_mul(1 << self.doublings.min(20)).min(max)
            }
        };
        self.doublings = self.doublings.saturating_add(1);
        // Up to as much again: a crowd spreads over the whole delay, and nobody comes sooner than was asked for.
        let most = u64::try_from(base.as_nanos()).unwrap_or(u64::MAX - 1);
        Some(base.saturating_add(Duration::from_nanos(self.jitter.u64(..=most))))
    }

    /// A connection was stable: begin again with the shortest delay.
    pub const fn reset(&mut self) {
        self.doublings = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(policy: Reconnect, n: usize) -> Vec<u64> {
        let mut backoff = Backoff::new(policy, 7);
        (0..n).map(|_| backoff.next_delay().unwrap().as_millis() as u64).collect()
    }

    #[test]
    fn delays_double_up_to_the_maximum_with_up_to_as_much_again_on_top() {
        let (min, max) = (Duration::from_millis(100), Duration::from_secs(1));
        for (delay, base) in
            delays(Reconnect::Exponential { min, max }, 6).into_iter().zip([100, 200, 400, 800, 1000, 1000])
        {
            assert!((base..=2 * base).contains(&delay), "{delay} ms for a base of {base} ms");
        }
    }

    #[test]
    fn a_stable_connection_begins_with_the_shortest_delay_again() {
        let mut backoff =
            Backoff::new(Reconnect::Exponential { min: Duration::from_secs(1), max: Duration::from_secs(64) }, 7);
        for _ in 0..5 {
            backoff.next_delay();
        }
        backoff.reset();
        assert!(backoff.next_delay().unwrap() <= Duration::from_secs(2));
    }

    #[test]
    fn a_fixed_delay_stays_and_never_means_never() {
        assert!(delays(Reconnect::Fixed(Duration::from_millis(10)), 9).iter().all(|delay| (10..=20).contains(delay)));
        assert_eq!(Backoff::new(Reconnect::Never, 7).next_delay(), None);
    }

    #[test]
    fn extremes_do_not_overflow() {
        let forever = Reconnect::Exponential { min: Duration::MAX, max: Duration::MAX };
        assert_eq!(Backoff::new(forever, 7).next_delay(), Some(Duration::MAX));
        assert_eq!(Backoff::new(Reconnect::Fixed(Duration::ZERO), 7).next_delay(), Some(Duration::ZERO));
    }
}
