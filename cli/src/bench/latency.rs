//! Latencies and their percentiles.

use std::time::Duration;

#[derive(Default)]
pub(super) struct Latencies {
    nanos: Vec<u64>,
}

impl Latencies {
    pub(super) fn add(&mut self, time: Duration) {
        self.nanos.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn join(&mut self, other: Self) {
        self.nanos.extend(other.nanos);
    }

    pub(super) fn count(&self) -> u64 {
        self.nanos.len() as u64
    }

    /// The latency that `percent` of all stay within, in microseconds.
    pub(super) fn percentile(&self, percent: usize) -> Option<f64> {
        let mut sorted = self.nanos.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100);
        let nanos = sorted.get(rank.saturating_sub(1))?;
        Some(Duration::from_nanos(*nanos).as_secs_f64() * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(50), None);
        for micros in (1..=100).rev() {
            latencies.add(Duration::from_micros(micros));
        }
        assert_eq!(latencies.percentile(50), Some(50.0));
        assert_eq!(latencies.percentile(99), Some(99.0));
        assert_eq!(latencies.percentile(100), Some(100.0));
    }

    #[test]
    fn joined_latencies_are_those_of_both() {
        let (mut one, mut other) = (Latencies::default(), Latencies::default());
        one.add(Duration::from_micros(1));
        other.add(Duration::from_micros(3));
        one.join(other);
        assert_eq!(one.count(), 2);
        assert_eq!(one.percentile(100), Some(3.0));
    }
}
