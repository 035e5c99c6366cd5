//! What one run tells.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A number that a run can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Metric {
    /// Messages, deliveries or round trips per second.
    Rate,
    /// Half of the round trips took at most so long, in microseconds.
    P50,
    /// 99 of 100 did.
    P99,
    /// Seconds until the first message of every peer was there.
    Connected,
    /// Bytes of resident memory per connection or socket, both ends together.
    Each,
    /// Microseconds of CPU time per message, of all processes together.
    Cpu,
    /// Bytes of resident memory, of all processes together.
    Resident,
    /// Bytes per second.
    Bytes,
    /// How many times as long 99 of 100 calls take beside something else as alone.
    Slower,
    /// The share of its rate that is left beside something else.
    Kept,
    /// Bytes of resident memory at most beyond what there was before.
    Held,
    /// Bytes on the wire of one call beyond what it carries, both ways together.
    Wire,
    /// Allocations of one call, both sides together.
    Allocations,
    /// What a hostile peer did per second.
    Attacks,
}

impl Metric {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Rate => "per second",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::Connected => "connected in",
            Self::Each => "memory each",
            Self::Cpu => "CPU each",
            Self::Resident => "resident",
            Self::Bytes => "bytes per second",
            Self::Slower => "p99 to that alone",
            Self::Kept => "rate to that alone",
            Self::Held => "memory beyond",
            Self::Wire => "bytes beyond the body",
            Self::Allocations => "allocations",
            Self::Attacks => "of the attack per second",
        }
    }

    /// Whether more of it is better.
    pub(crate) const fn more_is_better(self) -> bool {
        matches!(self, Self::Rate | Self::Bytes | Self::Kept)
    }

    /// The value as people say it.
    pub(crate) fn say(self, value: f64) -> String {
        match self {
            Self::Rate | Self::Attacks => count(value),
            Self::P50 | Self::P99 | Self::Cpu => microseconds(value),
            Self::Connected => microseconds(value * 1e6),
            Self::Each | Self::Resident | Self::Held => bytes(value),
            Self::Bytes => format!("{:.0} MB/s", value / 1e6),
            Self::Slower | Self::Kept => format!("{value:.2}x"),
            Self::Wire | Self::Allocations => format!("{value:.1}"),
        }
    }
}

/// The numbers of one run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) values: BTreeMap<Metric, f64>,
    /// The cores that others kept busy meanwhile.
    pub(crate) foreign: f64,
}

fn count(value: f64) -> String {
    match value {
        v if v >= 1e7 => format!("{:.1} M", v / 1e6),
        v if v >= 1e6 => format!("{:.2} M", v / 1e6),
        v if v >= 1e5 => format!("{:.0} k", v / 1e3),
        v if v >= 1e3 => format!("{:.1} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}

fn microseconds(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2} s", v / 1e6),
        v if v >= 1e4 => format!("{:.0} ms", v / 1e3),
        v if v >= 1e3 => format!("{:.2} ms", v / 1e3),
        v if v >= 100.0 => format!("{v:.0} µs"),
        v if v >= 1.0 => format!("{v:.1} µs"),
        v => format!("{:.0} ns", v * 1e3),
    }
}

fn bytes(value: f64) -> String {
    match value {
        v if v >= 1024.0 * 1024.0 => format!("{:.1} MiB", v / 1024.0 / 1024.0),
        v if v >= 1024.0 => format!("{:.1} KiB", v / 1024.0),
        v => format!("{v:.0} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_said_with_their_units() {
        assert_eq!(Metric::Rate.say(7_270_000.0), "7.27 M");
        assert_eq!(Metric::Rate.say(113_100.0), "113 k");
        assert_eq!(Metric::P50.say(52.24), "52.2 µs");
        assert_eq!(Metric::Cpu.say(0.013), "13 ns");
        assert_eq!(Metric::Connected.say(0.19), "190 ms");
        assert_eq!(Metric::Each.say(12.0 * 1024.0), "12.0 KiB");
        assert_eq!(Metric::Bytes.say(2.5e9), "2500 MB/s");
        assert_eq!(Metric::Slower.say(2.5), "2.50x");
        assert_eq!(Metric::Wire.say(12.0), "12.0");
    }
}
