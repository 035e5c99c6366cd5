//! What came out of a case: a row for each peer, a sample for each round.

use crate::case::Case;
use crate::metric::{Metric, Sample};
use crate::peers::{Peer, Rank};
use crate::stats::{median, median_ratio};

/// A run beside which others kept more cores busy than this is noisy.
pub(crate) const QUIET: f64 = 0.3;

pub(crate) struct Outcome {
    pub(crate) case: Case,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) peer: Peer,
    /// One for each round; `None` where the run failed.
    pub(crate) samples: Vec<Option<Sample>>,
    /// Why the last of the failed runs failed.
    pub(crate) failure: Option<String>,
}

impl Row {
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer, samples: Vec::new(), failure: None }
    }

    /// The values of all rounds.
    fn values(&self, metric: Metric) -> Vec<Option<f64>> {
        let value = |sample: &Option<Sample>| sample.as_ref()?.values.get(&metric).copied();
        self.samples.iter().map(value).collect()
    }

    pub(crate) fn median(&self, metric: Metric) -> Option<f64> {
        let values: Vec<f64> = self.values(metric).into_iter().flatten().collect();
        median(&values)
    }

    /// The median of the ratios to `base` in each round.
    pub(crate) fn ratio_to(&self, base: &Self, metric: Metric) -> Option<f64> {
        median_ratio(&self.values(metric), &base.values(metric))
    }

    /// Whether fewer than half of the runs were quiet.
    pub(crate) fn is_noisy(&self) -> bool {
        let runs = self.samples.iter().flatten().count();
        let quiet = self.samples.iter().flatten().filter(|sample| sample.foreign <= QUIET).count();
        quiet * 2 < runs
    }
}

impl Outcome {
    pub(crate) fn row(&self, peer: Peer) -> Option<&Row> {
        self.rows.iter().find(|row| row.peer == peer)
    }

    /// The best row of those with this rank.
    pub(crate) fn best(&self, rank: Rank, metric: Metric) -> Option<&Row> {
        self.best_of(metric, |peer| peer.rank() == rank)
    }

    /// The best row of the peers that `belongs` names.
    pub(crate) fn best_of(&self, metric: Metric, belongs: impl Fn(Peer) -> bool) -> Option<&Row> {
        let valued =
            self.rows.iter().filter(|row| belongs(row.peer)).filter_map(|row| Some((row, row.median(metric)?)));
        let better = |a: &(&Row, f64), b: &(&Row, f64)| {
            let order = a.1.total_cmp(&b.1);
            if metric.more_is_better() { order } else { order.reverse() }
        };
        valued.max_by(better).map(|(row, _)| row)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::case::{Placement, Scenario, Transport};

    pub(crate) const CASE: Case = Case {
        scenario: Scenario::PushPull,
        transport: Transport::Tcp,
        placement: Placement::TwoProcesses,
        size: 16,
        count: 1,
        attack: None,
    };

    /// A row whose rounds had these values.
    pub(crate) fn row(peer: Peer, metric: Metric, values: &[f64]) -> Row {
        let sample = |value: &f64| Some(Sample { values: [(metric, *value)].into(), foreign: 0.0 });
        Row { peer, samples: values.iter().map(sample).collect(), failure: None }
    }

    #[test]
    fn the_best_row_is_the_fastest_or_the_shortest() {
        let rows = |metric| vec![row(Peer::Libzmq, metric, &[1.0]), row(Peer::OmqSt, metric, &[2.0])];
        let rates = Outcome { case: CASE, rows: rows(Metric::Rate) };
        let times = Outcome { case: CASE, rows: rows(Metric::P50) };
        assert_eq!(rates.best(Rank::Rival, Metric::Rate).map(|row| row.peer), Some(Peer::OmqSt));
        assert_eq!(times.best(Rank::Rival, Metric::P50).map(|row| row.peer), Some(Peer::Libzmq));
        assert!(rates.best(Rank::Ours, Metric::Rate).is_none());
    }

    #[test]
    fn a_row_is_noisy_when_most_of_its_runs_are() {
        let mut row = row(Peer::Libzmq, Metric::Rate, &[1.0, 1.0, 1.0]);
        assert!(!row.is_noisy());
        for sample in row.samples.iter_mut().flatten().take(2) {
            sample.foreign = 0.5;
        }
        assert!(row.is_noisy());
    }
}
