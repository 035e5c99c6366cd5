//! What bowline wants to reach, and whether it does.

use crate::attack::Attack;
use crate::case::{Case, Placement, Scenario, Transport};
use crate::metric::Metric;
use crate::outcome::{Outcome, Row};
use crate::peers::{BODY, CHUNK, Peer, Rank};
use crate::report::table::times;

/// One thing to reach in one case.
pub(crate) struct Target {
    scenario: Scenario,
    transport: Transport,
    placement: Placement,
    /// The size of the messages or, where cases differ by that, how many peers or callers there are, or which attack.
    which: usize,
    metric: Metric,
    bound: Bound,
    than: Than,
    /// The names of the rows that may reach it.
    ours: &'static [&'static str],
    /// More than is promised.
    is_stretch: bool,
}

/// More than a factor, or less.
#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// What the factor multiplies.
#[derive(Clone, Copy)]
enum Than {
    Libzmq,
    BestRival,
    /// Plain sockets.
    Raw,
    /// Plain sockets on the same runtime as the row of ours.
    RawOnTheSameRuntime,
    /// The same row of ours in the case with this size or number of peers.
    OursWith(usize),
    /// One: the factor is the value itself.
    Nothing,
}

/// Whether a target is reached.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Reached {
        by: f64,
    },
    /// Missed by this share of the target.
    Missed {
        by: f64,
        short: f64,
    },
    NotMeasured,
}

const ORDINARY: &[&str] = &["bowline-st", "bowline-mt"];
const BUSY: &[&str] = &["bowline-busy"];
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// All of them, in the order of the scenarios.
pub(crate) fn all() -> Vec<Target> {
    use Bound::{AtLeast, AtMost};
    use Placement::{OneRuntime, TwoProcesses, TwoThreads};
    use Scenario::{DealerRouter, ManyPeers, PubSub, PushPull, ReqRep};
    use Than::{BestRival, Libzmq, Nothing, OursWith, Raw, RawOnTheSameRuntime};
    use Transport::{Inproc, Ipc, Tcp};
    let target = |scenario, transport, placement, which, metric, bound, than| Target {
        scenario,
        transport,
        placement,
        which,
        metric,
        bound,
        than,
        ours: ORDINARY,
        is_stretch: false,
    };
    let mut targets = Vec::new();
    for transport in [Tcp, Ipc] {
        let push_pull =
            |size, factor, than| target(PushPull, transport, TwoProcesses, size, Metric::Rate, AtLeast(factor), than);
        targets.extend([
            push_pull(16, 5.0, Libzmq),
            push_pull(16, 3.0, BestRival),
            Target { is_stretch: true, ..push_pull(16, 0.5, Raw) },
            push_pull(KIB, 4.0, Libzmq),
            push_pull(KIB, 1.3, BestRival),
            push_pull(64 * KIB, 0.9, Raw),
            push_pull(64 * KIB, 1.0, BestRival),
            push_pull(MIB, 0.9, Raw),
            push_pull(MIB, 1.0, BestRival),
        ]);
    }
    targets.extend([
        target(PushPull, Inproc, TwoThreads, 16, Metric::Rate, AtLeast(2.5), Libzmq),
        target(PushPull, Inproc, TwoThreads, 16, Metric::Rate, AtLeast(2.5), BestRival),
        target(PushPull, Inproc, TwoThreads, MIB, Metric::Rate, AtLeast(0.8), OursWith(KIB)),
    ]);
    for size in [16, KIB, 64 * KIB] {
        targets.push(target(PushPull, Tcp, TwoProcesses, size, Metric::Cpu, AtMost(1.0), BestRival));
    }
    targets.push(target(PubSub, Tcp, TwoProcesses, 16, Metric::Rate, AtLeast(3.0), BestRival));
    for (transport, placement) in [(Tcp, TwoProcesses), (Tcp, OneRuntime), (Ipc, TwoProcesses), (Ipc, OneRuntime)] {
        targets.extend([
            target(ReqRep, transport, placement, 16, Metric::P50, AtMost(1.0), BestRival),
            target(ReqRep, transport, placement, 16, Metric::P50, AtMost(1.05), RawOnTheSameRuntime),
            target(ReqRep, transport, placement, 16, Metric::P99, AtMost(1.0), BestRival),
        ]);
    }
    targets.extend([
        Target { ours: BUSY, ..target(ReqRep, Tcp, TwoProcesses, 16, Metric::P50, AtMost(0.2), Libzmq) },
        target(ReqRep, Inproc, OneRuntime, 16, Metric::Rate, AtLeast(500_000.0), Nothing),
        target(ReqRep, Tcp, TwoProcesses, 16, Metric::Cpu, AtMost(1.0), BestRival),
        target(DealerRouter, Tcp, TwoProcesses, 16, Metric::Rate, AtLeast(1.5), BestRival),
        target(DealerRouter, Tcp, TwoProcesses, 16, Metric::Cpu, AtMost(1.0), BestRival),
        target(ManyPeers, Tcp, TwoProcesses, 1000, Metric::Connected, AtMost(0.2), Nothing),
        target(ManyPeers, Tcp, TwoProcesses, 1000, Metric::Each, AtMost(12.0 * 1024.0), Nothing),
        target(ManyPeers, Tcp, TwoProcesses, 1000, Metric::Rate, AtLeast(0.8), OursWith(1)),
    ]);
    targets.extend(of_calls());
    targets.extend(of_curve());
    targets.extend(of_attacks());
    targets
}

/// What is left to an honest pair beside each attack.
fn of_attacks() -> impl Iterator<Item = Target> {
    Attack::ALL.into_iter().map(|attack| Target {
        scenario: Scenario::Hostile,
        transport: Transport::Tcp,
        placement: Placement::TwoProcesses,
        which: attack as usize,
        metric: Metric::Kept,
        bound: Bound::AtLeast(0.8),
        than: Than::Nothing,
        ours: ORDINARY,
        is_stretch: false,
    })
}

/// Those with everything sealed.
fn of_curve() -> Vec<Target> {
    let target = |scenario, which, factor| Target {
        scenario,
        transport: Transport::Tcp,
        placement: Placement::TwoProcesses,
        which,
        metric: Metric::Rate,
        bound: Bound::AtLeast(factor),
        than: Than::Libzmq,
        ours: ORDINARY,
        is_stretch: false,
    };
    vec![
        target(Scenario::CurvePushPull, 16, 1.5),
        target(Scenario::CurvePushPull, KIB, 1.5),
        target(Scenario::CurvePushPull, 64 * KIB, 1.2),
        target(Scenario::CurveHandshakes, 1, 1.0),
        target(Scenario::CurveHandshakes, 16, 1.0),
    ]
}

/// Those of a client and a server.
fn of_calls() -> Vec<Target> {
    use Bound::{AtLeast, AtMost};
    use Scenario::{RpcBeside, RpcCalls, RpcCost, RpcStalled, RpcStream};
    use Than::{BestRival, Nothing, Raw, RawOnTheSameRuntime};
    let target = |scenario, which, metric, bound, than| Target {
        scenario,
        transport: Transport::Tcp,
        placement: Placement::TwoThreads,
        which,
        metric,
        bound,
        than,
        ours: ORDINARY,
        is_stretch: false,
    };
    vec![
        target(RpcCalls, 1, Metric::P50, AtMost(1.1), RawOnTheSameRuntime),
        target(RpcCalls, 1, Metric::P50, AtMost(1.0), BestRival),
        target(RpcCalls, 64, Metric::Rate, AtLeast(500_000.0), Nothing),
        target(RpcCalls, 64, Metric::Rate, AtLeast(1.8), BestRival),
        target(RpcCalls, 1000, Metric::Rate, AtLeast(1_500_000.0), Nothing),
        target(RpcCalls, 1000, Metric::Rate, AtLeast(2.5), BestRival),
        target(RpcStream, CHUNK, Metric::Bytes, AtLeast(0.8), Raw),
        target(RpcStream, CHUNK, Metric::Bytes, AtLeast(1.0), BestRival),
        target(RpcBeside, CHUNK, Metric::Slower, AtMost(3.0), Nothing),
        target(RpcStalled, CHUNK, Metric::Held, AtMost(WINDOW as f64), Nothing),
        target(RpcStalled, CHUNK, Metric::Kept, AtLeast(FULL_SPEED), Nothing),
        target(RpcCost, BODY, Metric::Wire, AtMost(12.0), Nothing),
        target(RpcCost, BODY, Metric::Allocations, AtMost(2.0), Nothing),
    ]
}

/// How far the window of a stream may grow unless it is told otherwise.
const WINDOW: usize = MIB;
/// What is less than a tenth is noise.
const FULL_SPEED: f64 = 0.9;

impl Target {
    /// The case, as in the tables.
    pub(crate) fn case(&self) -> String {
        let case = Case {
            scenario: self.scenario,
            transport: self.transport,
            placement: self.placement,
            size: self.which,
            count: self.which,
            attack: Attack::ALL.get(self.which).copied(),
        };
        format!("{} {}", self.scenario.name(), crate::report::table::label(&case))
    }

    /// What is to be reached.
    pub(crate) fn wish(&self) -> String {
        let (word, factor) = match self.bound {
            Bound::AtLeast(factor) => ("at least", factor),
            Bound::AtMost(factor) => ("at most", factor),
        };
        let whose = if self.ours == BUSY { ", polling" } else { "" };
        let title = self.metric.title();
        let than = match self.than {
            Than::Libzmq => "libzmq",
            Than::BestRival => "the best rival",
            Than::Raw => "plain sockets",
            Than::RawOnTheSameRuntime => "plain sockets on the same runtime",
            Than::OursWith(which) if self.scenario == Scenario::ManyPeers => {
                return format!("{title}{whose}: {word} {factor}x that of {which} peer");
            }
            Than::OursWith(which) => {
                return format!("{title}{whose}: {word} {factor}x that of {}", crate::case::Bytes(which));
            }
            Than::Nothing => return format!("{title}{whose}: {word} {}", self.metric.say(factor)),
        };
        let stretch = if self.is_stretch { " (a stretch)" } else { "" };
        format!("{title}{whose}: {word} {factor}x {than}{stretch}")
    }

    /// What was reached.
    pub(crate) fn judge(&self, outcomes: &[Outcome]) -> Verdict {
        match self.reached(outcomes) {
            Some(by) => verdict(by, self.bound),
            None => Verdict::NotMeasured,
        }
    }

    /// The value or ratio as in the wish.
    pub(crate) fn say(&self, by: f64) -> String {
        if matches!(self.than, Than::Nothing) { self.metric.say(by) } else { times(by) }
    }

    fn reached(&self, outcomes: &[Outcome]) -> Option<f64> {
        let outcome = self.outcome(outcomes, self.which)?;
        // A tail belongs to the set-up that one would choose for its median.
        let chosen_by = if self.metric == Metric::P99 { Metric::P50 } else { self.metric };
        let ours = outcome.best_of(chosen_by, |peer| self.ours.contains(&peer.name()))?;
        let ratio = |base: &Row| ours.ratio_to(base, self.metric);
        match self.than {
            Than::Libzmq => ratio(outcome.row(Peer::Libzmq)?),
            Than::BestRival => ratio(outcome.best(Rank::Rival, self.metric)?),
            Than::Raw => ratio(outcome.best(Rank::Limit, self.metric)?),
            Than::RawOnTheSameRuntime => ratio(outcome.row(ours.peer.raw_on_the_same_runtime()?)?),
            Than::OursWith(which) => ratio(self.outcome(outcomes, which)?.row(ours.peer)?),
            Than::Nothing => ours.median(self.metric),
        }
    }

    fn outcome<'a>(&self, outcomes: &'a [Outcome], which: usize) -> Option<&'a Outcome> {
        outcomes.iter().find(|outcome| {
            let Case { scenario, transport, placement, size, count, attack } = outcome.case;
            let size_or_count = if scenario.varies_in_count() { count } else { size };
            let distinct = attack.map_or(size_or_count, |attack| attack as usize);
            (scenario, transport, placement, distinct) == (self.scenario, self.transport, self.placement, which)
        })
    }
}

fn verdict(by: f64, bound: Bound) -> Verdict {
    let short = match bound {
        Bound::AtLeast(wanted) => 1.0 - by / wanted,
        Bound::AtMost(wanted) => by / wanted - 1.0,
    };
    if short <= 0.0 { Verdict::Reached { by } } else { Verdict::Missed { by, short } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::tests::{CASE, row};

    fn target(bound: Bound, than: Than, metric: Metric) -> Target {
        let Case { scenario, transport, placement, size, .. } = CASE;
        Target { scenario, transport, placement, which: size, metric, bound, than, ours: ORDINARY, is_stretch: false }
    }

    fn outcomes() -> Vec<Outcome> {
        let rows = vec![
            row(Peer::BowlineSt, Metric::Rate, &[60.0, 66.0, 63.0]),
            row(Peer::Libzmq, Metric::Rate, &[10.0, 11.0, 10.5]),
            row(Peer::OmqSt, Metric::Rate, &[20.0, 22.0, 21.0]),
        ];
        vec![Outcome { case: CASE, rows }]
    }

    #[test]
    fn a_target_is_judged_by_the_ratios_of_the_rounds() {
        let reached = target(Bound::AtLeast(5.0), Than::Libzmq, Metric::Rate).judge(&outcomes());
        assert_eq!(reached, Verdict::Reached { by: 6.0 });
        let missed = target(Bound::AtLeast(4.0), Than::BestRival, Metric::Rate).judge(&outcomes());
        assert_eq!(missed, Verdict::Missed { by: 3.0, short: 0.25 });
    }

    #[test]
    fn less_is_wanted_of_times() {
        assert_eq!(verdict(0.9, Bound::AtMost(1.0)), Verdict::Reached { by: 0.9 });
        assert_eq!(verdict(1.5, Bound::AtMost(1.0)), Verdict::Missed { by: 1.5, short: 0.5 });
    }

    #[test]
    fn what_was_not_measured_is_not_reached() {
        let raw = target(Bound::AtLeast(0.5), Than::Raw, Metric::Rate).judge(&outcomes());
        assert_eq!(raw, Verdict::NotMeasured);
        let nothing = target(Bound::AtLeast(5.0), Than::Libzmq, Metric::Rate).judge(&[]);
        assert_eq!(nothing, Verdict::NotMeasured);
    }

    #[test]
    fn a_wish_reads_as_a_sentence() {
        let wish = |than, bound, metric| target(bound, than, metric).wish();
        assert_eq!(wish(Than::Libzmq, Bound::AtLeast(5.0), Metric::Rate), "per second: at least 5x libzmq");
        assert_eq!(wish(Than::Nothing, Bound::AtMost(0.2), Metric::Connected), "connected in: at most 200 ms");
        let all: Vec<String> = all().iter().map(Target::case).collect();
        assert_eq!(all.first().map(String::as_str), Some("push-pull tcp 16 B"));
    }
}
