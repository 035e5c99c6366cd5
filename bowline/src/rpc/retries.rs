//! How many calls a client makes again by itself.

use std::sync::atomic::{AtomicU64, Ordering};

use bowline_proto::lock::Mutex;
use bowline_proto::time::Instant;

/// How many calls a client makes again by itself, when they can be made again without harm: an allowance of all its
/// calls together, so that a service in trouble is not asked twice as often for being in trouble.
///
/// Each call adds `percent` of a retry, each second `per_second` of them, and each retry takes one. What calls have added
/// is saved up to 1,024 retries, as many calls as a connection has under way by default; what seconds have, up to ten
/// seconds' worth, which are there from the beginning. When none is left a call ends with the error that it has.
///
/// ```
/// use bowline::rpc::{Client, Retries};
///
/// let patient = Retries::default().percent(20);
/// # fn connect() -> Result<Client, bowline::rpc::ClientError> {
/// let client = Client::builder().endpoint("tcp://127.0.0.1:7400").retries(Retries::NONE).connect()?;
/// # Ok(client)
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retries {
    /// What each call adds, in hundredths of a retry.
    ///
    /// Default 10: a service that refuses everything gets a tenth more than it would get anyway.
    pub percent: u32,
    /// How many retries each second adds, whatever is called.
    ///
    /// Default 10, for clients that call seldom: a tenth of few calls is none.
    pub per_second: u32,
}

impl Default for Retries {
    fn default() -> Self {
        Self { percent: 10, per_second: 10 }
    }
}

impl Retries {
    /// No call is made again by itself.
    pub const NONE: Self = Self { percent: 0, per_second: 0 };

    /// Sets the field [`percent`](#structfield.percent).
    #[must_use]
    pub const fn percent(mut self, percent: u32) -> Self {
        self.percent = percent;
        self
    }

    /// Sets the field [`per_second`](#structfield.per_second).
    #[must_use]
    pub const fn per_second(mut self, per_second: u32) -> Self {
        self.per_second = per_second;
        self
    }
}

/// What one retry costs: tokens are hundredths.
const RETRY: u64 = 100;

/// What calls add is saved up to here.
const SAVED_MOST: u64 = 1024 * RETRY;

/// What seconds add is saved for so many of them.
const SECONDS_MOST: u64 = 10;

/// The retries that are left.
#[derive(Debug)]
pub(super) struct Budget {
    retries: Retries,
    tokens: AtomicU64,
    /// Up to when the seconds were counted; locked by retries only.
    counted: Mutex<Instant>,
}

impl Budget {
    pub(super) fn new(retries: Retries, now: Instant) -> Self {
        let budget = Self { retries, tokens: AtomicU64::new(0), counted: Mutex::new(now) };
        budget.tokens.store(budget.of_seconds(), Ordering::Relaxed);
        budget
    }

    /// Whether there may ever be a retry.
    pub(super) fn is_some(&self) -> bool {
        self.retries != Retries::NONE
    }

    /// A call is made, for the first time.
    #[inline]
    pub(super) fn call(&self) {
        // A client that is well off writes nothing that its threads share. Two that add at the same time save one too
        // many, which is no matter.
        if self.tokens.load(Ordering::Relaxed) < SAVED_MOST {
            self.tokens.fetch_add(self.retries.percent.into(), Ordering::Relaxed);
        }
    }

    /// Takes a retry, if there is one.
    pub(super) fn take(&self, now: Instant) -> bool {
        self.count_seconds(now);
        self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| tokens.checked_sub(RETRY)).is_ok()
    }

    fn count_seconds(&self, now: Instant) {
        let mut counted = self.counted.lock();
        let nanos = (now - *counted).as_nanos().saturating_mul(self.retries.per_second.into());
        let added = u64::try_from(nanos / (1_000_000_000 / u128::from(RETRY))).unwrap_or(u64::MAX);
        if added == 0 {
            return;
        }
        *counted = now;
        // What calls have saved beyond is not taken away.
        let add = |tokens: u64| Some(tokens.saturating_add(added).min(self.of_seconds().max(tokens)));
        let _ = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// The most that seconds can have added.
    fn of_seconds(&self) -> u64 {
        u64::from(self.retries.per_second) * SECONDS_MOST * RETRY
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Instant = Instant::from_origin(Duration::from_secs(5));

    fn taken(budget: &Budget, now: Instant) -> usize {
        std::iter::repeat_with(|| budget.take(now)).take_while(|taken| *taken).count()
    }

    #[test]
    fn ten_calls_pay_for_one_retry() {
        let budget = Budget::new(Retries::NONE.percent(10), START);
        assert!(!budget.take(START));
        for _ in 0..9 {
            budget.call();
        }
        assert!(!budget.take(START));
        budget.call();
        assert_eq!(taken(&budget, START), 1);
    }

    #[test]
    fn calls_save_as_many_retries_as_a_connection_has_calls() {
        let budget = Budget::new(Retries::NONE.percent(10), START);
        for _ in 0..1_000_000 {
            budget.call();
        }
        assert_eq!(taken(&budget, START), 1024);
    }

    #[test]
    fn seconds_add_retries_and_ten_of_them_are_saved() {
        let budget = Budget::new(Retries::NONE.per_second(3), START);
        assert_eq!(taken(&budget, START), 30);
        assert_eq!(taken(&budget, START + Duration::from_secs(2)), 6);
        assert_eq!(taken(&budget, START + Duration::from_secs(1000)), 30);
    }

    #[test]
    fn parts_of_a_second_add_up_however_often_it_is_asked() {
        let budget = Budget::new(Retries::NONE.per_second(10), START);
        assert_eq!(taken(&budget, START), 100);
        let asked = (1..=1000).filter(|&ms| budget.take(START + Duration::from_millis(ms))).count();
        assert_eq!(asked, 10);
    }

    #[test]
    fn what_calls_have_saved_is_not_lost_to_the_limit_of_the_seconds() {
        let budget = Budget::new(Retries::NONE.percent(100).per_second(1), START);
        for _ in 0..100 {
            budget.call();
        }
        assert_eq!(taken(&budget, START + Duration::from_secs(100)), 110);
    }

    #[test]
    fn none_means_none() {
        let budget = Budget::new(Retries::NONE, START);
        budget.call();
        assert!(!budget.is_some() && !budget.take(START + Duration::from_secs(1000)));
        assert!(Budget::new(Retries::default(), START).is_some());
    }
}
