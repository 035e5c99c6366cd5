//! One table of ratios for each scenario.

use std::fmt;

use crate::attack::Attack;
use crate::case::{Bytes, Case, Placement, Scenario};
use crate::metric::Metric;
use crate::outcome::{Outcome, Row};
use crate::peers::{Peer, Rank};

/// A table as text; the first column is aligned to the left, all others to the right.
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// What the columns of a table are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Libraries, each in the set-up that is best in that case.
    Libraries,
    /// Every set-up.
    SetUps,
}

/// What matters most in a scenario.
pub(crate) const fn headlines(scenario: Scenario) -> &'static [Metric] {
    match scenario {
        Scenario::PushPull | Scenario::PubSub | Scenario::CurvePushPull | Scenario::CurveHandshakes => &[Metric::Rate],
        Scenario::ReqRep => &[Metric::P50, Metric::P99],
        Scenario::DealerRouter | Scenario::RpcCalls => &[Metric::Rate, Metric::P50, Metric::P99],
        Scenario::ManyPeers => &[Metric::Connected, Metric::Each, Metric::Rate],
        Scenario::IdleMemory => &[Metric::Each],
        Scenario::RpcStream => &[Metric::Bytes],
        Scenario::RpcBeside => &[Metric::Slower, Metric::P99, Metric::Bytes],
        Scenario::RpcStalled => &[Metric::Held, Metric::Kept, Metric::Rate],
        Scenario::RpcCost => &[Metric::Wire, Metric::Allocations],
        Scenario::Hostile => &[Metric::Kept, Metric::Rate, Metric::Attacks],
    }
}

/// What else was measured there.
pub(crate) const fn details(scenario: Scenario) -> &'static [Metric] {
    match scenario {
        Scenario::ReqRep => &[Metric::Rate, Metric::Cpu, Metric::Resident],
        Scenario::IdleMemory | Scenario::RpcBeside | Scenario::RpcStalled | Scenario::RpcCost => &[],
        _ => &[Metric::Cpu, Metric::Resident],
    }
}

/// A row for each case and metric, a column for each library or set-up that was in one of the cases.
pub(crate) fn of(scenario: Scenario, outcomes: &[&Outcome], metrics: &[Metric], columns: Columns) -> Table {
    let takes_part = |peer: &Peer| outcomes.iter().any(|outcome| outcome.row(*peer).is_some());
    let mut names: Vec<&str> = Peer::ALL.into_iter().filter(takes_part).map(|peer| columns.name(peer)).collect();
    names.dedup();
    let mut head = vec![scenario.name().to_owned()];
    head.extend(names.iter().map(ToString::to_string));
    head.push("bowline to best rival".to_owned());
    let mut rows = Vec::new();
    for outcome in outcomes {
        for metric in metrics {
            let mut row = vec![format!("{}, {}", label(&outcome.case), metric.title())];
            row.extend(names.iter().map(|name| cell(outcome, columns.row(outcome, name), *metric)));
            row.push(lead(outcome, *metric));
            rows.push(row);
        }
    }
    Table { head, rows }
}

impl Columns {
    fn name(self, peer: Peer) -> &'static str {
        match self {
            Self::Libraries => peer.library(),
            Self::SetUps => peer.name(),
        }
    }

    /// The row of a column: the same for all metrics, so that nobody has the best of two worlds.
    fn row<'a>(self, outcome: &'a Outcome, name: &str) -> Option<&'a Row> {
        let first = *headlines(outcome.case.scenario).first()?;
        let belongs = |peer: Peer| self.name(peer) == name;
        // A row of failures only is shown, too.
        outcome.best_of(first, belongs).or_else(|| outcome.rows.iter().find(|row| belongs(row.peer)))
    }
}

/// What tells a case from the others of its scenario.
pub(crate) fn label(case: &Case) -> String {
    let transport = case.transport.name();
    match case.scenario {
        Scenario::PushPull
        | Scenario::PubSub
        | Scenario::DealerRouter
        | Scenario::RpcStream
        | Scenario::RpcCost
        | Scenario::CurvePushPull => {
            format!("{transport} {}", Bytes(case.size))
        }
        Scenario::ReqRep => format!("{transport}, {}", case.placement.name()),
        Scenario::ManyPeers => format!("{transport}, {}", case.count),
        Scenario::RpcCalls => format!("{transport}, {} in flight", case.count),
        Scenario::Hostile => case.attack.map_or("nobody", Attack::title).to_owned(),
        Scenario::CurveHandshakes => format!("{transport}, {} at once", case.count),
        Scenario::RpcBeside | Scenario::RpcStalled => format!("{transport}, a stream of {}", Bytes(case.size)),
        Scenario::IdleMemory if case.placement == Placement::OneRuntime => format!("{} sockets", case.count),
        Scenario::IdleMemory => format!("{} connections", case.count),
    }
}

/// The median, and how many times that of libzmq it is.
fn cell(outcome: &Outcome, row: Option<&Row>, metric: Metric) -> String {
    let Some(row) = row else { return String::new() };
    let Some(median) = row.median(metric) else { return "failed".to_owned() };
    let mark = if row.is_noisy() { "~" } else { "" };
    let libzmq = outcome.row(Peer::Libzmq).filter(|_| row.peer != Peer::Libzmq);
    match libzmq.and_then(|libzmq| row.ratio_to(libzmq, metric)) {
        Some(ratio) => format!("{}{mark} {}", metric.say(median), times(ratio)),
        None => format!("{}{mark}", metric.say(median)),
    }
}

/// How the better of our rows stands beside the best rival.
fn lead(outcome: &Outcome, metric: Metric) -> String {
    let best = |rank| outcome.best(rank, metric);
    let (Some(ours), Some(rival)) = (best(Rank::Ours), best(Rank::Rival)) else { return String::new() };
    let ratio = |a: &Row, b: &Row| a.ratio_to(b, metric).map_or_else(String::new, times);
    format!("{} {}", ratio(ours, rival), rival.peer.name())
}

/// A ratio as people say it.
pub(crate) fn times(ratio: f64) -> String {
    if ratio >= 10.0 { format!("{ratio:.0}x") } else { format!("{ratio:.2}x") }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = widths(self);
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String]| {
            for (at, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                if at == 0 { write!(f, " {cell:<width$}")? } else { write!(f, "  {cell:>width$}")? }
            }
            writeln!(f)
        };
        line(f, &self.head)?;
        let total: usize = widths.iter().map(|width| width + 2).sum();
        writeln!(f, "{}", "─".repeat(total))?;
        self.rows.iter().try_for_each(|row| line(f, row))
    }
}

fn widths(table: &Table) -> Vec<usize> {
    let width = |at: usize| {
        let cells = std::iter::once(&table.head).chain(&table.rows).filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    (0..table.head.len()).map(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::tests::{CASE, row};

    fn outcome() -> Outcome {
        let rows = vec![
            row(Peer::BowlineSt, Metric::Rate, &[60e6, 61e6, 62e6]),
            row(Peer::Libzmq, Metric::Rate, &[7e6, 7.1e6, 7.2e6]),
            row(Peer::OmqSt, Metric::Rate, &[12e6, 12.2e6, 12.4e6]),
            row(Peer::OmqBlocking, Metric::Rate, &[8e6, 8e6, 8e6]),
        ];
        Outcome { case: CASE, rows }
    }

    #[test]
    fn a_table_shows_values_ratios_and_the_lead() {
        let table = of(Scenario::PushPull, &[&outcome()], &[Metric::Rate], Columns::Libraries);
        let expected = "\
\u{20}push-pull                  bowline  libzmq           omq  bowline to best rival
─────────────────────────────────────────────────────────────────────────────────
\u{20}tcp 16 B, per second  61.0 M 8.59x  7.10 M  12.2 M 1.72x           5.00x omq-st
";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn every_set_up_has_a_column_of_its_own() {
        let table = of(Scenario::PushPull, &[&outcome()], &[Metric::Rate], Columns::SetUps);
        assert_eq!(table.head[1..5], ["bowline-st", "libzmq", "omq-st", "omq-blk"]);
        assert_eq!(table.rows[0][4], "8.00 M 1.13x");
    }

    #[test]
    fn a_peer_that_failed_says_so() {
        let mut failed = row(Peer::Rzmq, Metric::Rate, &[]);
        failed.samples = vec![None, None];
        let outcome = Outcome { case: CASE, rows: vec![failed] };
        let table = of(Scenario::PushPull, &[&outcome], &[Metric::Rate], Columns::Libraries);
        assert_eq!(table.rows[0][1], "failed");
    }
}
