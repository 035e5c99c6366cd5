//! What happened in some worlds.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// What happened in the worlds of one topology, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) seeds: u64,
    pub(crate) links: usize,
    pub(crate) cuts: usize,
    pub(crate) half_open: usize,
    pub(crate) restarts: usize,
    pub(crate) messages: usize,
    pub(crate) time: Duration,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.links += other.links;
        self.cuts += other.cuts;
        self.half_open += other.half_open;
        self.restarts += other.restarts;
        self.messages += other.messages;
        self.time += other.time;
    }
}

/// A tally for each topology.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary(BTreeMap<&'static str, Tally>);

impl Summary {
    pub(crate) fn of(topology: &'static str, tally: Tally) -> Self {
        Self(BTreeMap::from([(topology, tally)]))
    }
}

impl AddAssign<&Self> for Summary {
    fn add_assign(&mut self, other: &Self) {
        for (topology, tally) in &other.0 {
            *self.0.entry(topology).or_default() += *tally;
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, tally: &Tally| {
            let Tally { seeds, links, cuts, half_open, restarts, messages, time } = tally;
            let hours = time.as_secs_f64() / 3600.0;
            writeln!(
                f,
                "{name:>14}: {seeds} seeds, {links} links, {cuts} cuts, {half_open} half open, {restarts} restarts, \
                 {messages} messages received, {hours:.0} virtual hours"
            )
        };
        let mut all = Tally::default();
        for (topology, tally) in &self.0 {
            line(topology, tally)?;
            all += *tally;
        }
        line("all", &all)
    }
}
