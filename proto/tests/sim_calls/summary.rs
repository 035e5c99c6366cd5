//! What happened in some worlds of calls.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) seeds: u64,
    pub(crate) links: usize,
    pub(crate) cuts: usize,
    pub(crate) half_open: usize,
    pub(crate) restarts: usize,
    pub(crate) calls: usize,
    /// Of the calls, so many were answered, not sent, not executed, or may have been executed.
    pub(crate) outcomes: [usize; 4],
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
}

impl AddAssign<&Self> for Summary {
    fn add_assign(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.links += other.links;
        self.cuts += other.cuts;
        self.half_open += other.half_open;
        self.restarts += other.restarts;
        self.calls += other.calls;
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(sum, count)| *sum += count);
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.time += other.time;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, links, cuts, half_open, restarts, calls, outcomes, messages, bytes, time } = self;
        let [answered, not_sent, not_executed, maybe] = outcomes;
        let (hours, mib) = (time.as_secs_f64() / 3600.0, bytes >> 20);
        writeln!(
            f,
            "calls: {seeds} seeds, {links} links, {cuts} cuts, {half_open} half open, {restarts} restarts, {calls} \
             calls: {answered} answered, {not_sent} not sent, {not_executed} not executed, {maybe} maybe executed; \
             {messages} messages heard, {mib} MiB, {hours:.0} virtual hours"
        )
    }
}
