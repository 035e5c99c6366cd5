//! One table of ratios for each scenario.

use std::fmt;

use crate::case::{Bytes, Case, Placement, Scenario};
use crate::metric::Metric;
use crate::outcome::{Outcome, Row};
use crate::peers::{Peer, Rank};

/// A table as text; the first column is aligned to the left, all others to the right.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The tables of the scenarios that were measured, by what matters most in each.
pub(crate) fn all(outcomes: &[Outcome]) -> Vec<Table> {
    let tables = Scenario::ALL.into_iter().map(|scenario| {
        let outcomes: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.case.scenario == scenario).collect();
        of(scenario, &outcomes, headlines(scenario))
    });
    tables.filter(|table| !table.rows.is_empty()).collect()
}

/// What matters most in a scenario.
pub(crate) const fn headlines(scenario: Scenario) -> &'static [Metric] {
    match scenario {
        Scenario::PushPull | Scenario::PubSub => &[Metric::Rate],
        Scenario::ReqRep => &[Metric::P50, Metric::P99],
        Scenario::DealerRouter => &[Metric::Rate, Metric::P50, Metric::P99],
        Scenario::ManyPeers => &[Metric::Connected, Metric::Each, Metric::Rate],
        Scenario::IdleMemory => &[Metric::Each],
    }
}

/// What else was measured there.
pub(crate) const fn details(scenario: Scenario) -> &'static [Metric] {
    match scenario {
        Scenario::ReqRep => &[Metric::Rate, Metric::Cpu, Metric::Resident],
        Scenario::IdleMemory => &[],
        _ => &[Metric::Cpu, Metric::Resident],
    }
}

/// A row for each case and metric, a column for each peer that was in one of the cases.
pub(crate) fn of(scenario: Scenario, outcomes: &[&Outcome], metrics: &[Metric]) -> Table {
    let takes_part = |peer: &Peer| outcomes.iter().any(|outcome| outcome.row(*peer).is_some());
    let peers: Vec<Peer> = Peer::ALL.into_iter().filter(takes_part).collect();
    let mut head = vec![scenario.name().to_owned()];
    head.extend(peers.iter().map(|peer| peer.name().to_owned()));
    head.push("ours to best rival".to_owned());
    let mut rows = Vec::new();
    for outcome in outcomes {
        for metric in metrics {
            let mut row = vec![format!("{} {}", label(&outcome.case), metric.title())];
            row.extend(peers.iter().map(|peer| cell(outcome, *peer, *metric)));
            row.push(lead(outcome, *metric));
            rows.push(row);
        }
    }
    Table { title: scenario.name().to_owned(), head, rows }
}

/// What tells a case from the others of its scenario.
pub(crate) fn label(case: &Case) -> String {
    let transport = case.transport.name();
    match case.scenario {
        Scenario::PushPull | Scenario::PubSub | Scenario::DealerRouter => {
            format!("{transport} {}", Bytes(case.size))
        }
        Scenario::ReqRep => format!("{transport}, {}", case.placement.name()),
        Scenario::ManyPeers => format!("{transport}, {}", case.count),
        Scenario::IdleMemory if case.placement == Placement::OneRuntime => format!("{} sockets", case.count),
        Scenario::IdleMemory => format!("{} connections", case.count),
    }
}

/// The median, and how many times that of libzmq it is.
fn cell(outcome: &Outcome, peer: Peer, metric: Metric) -> String {
    let Some(row) = outcome.row(peer) else { return String::new() };
    let Some(median) = row.median(metric) else { return "failed".to_owned() };
    let mark = if row.is_noisy() { "~" } else { "" };
    let libzmq = outcome.row(Peer::Libzmq).filter(|_| peer != Peer::Libzmq);
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

    #[test]
    fn a_table_shows_values_ratios_and_the_lead() {
        let rows = vec![
            row(Peer::BowlineSt, Metric::Rate, &[60e6, 61e6, 62e6]),
            row(Peer::Libzmq, Metric::Rate, &[7e6, 7.1e6, 7.2e6]),
            row(Peer::OmqSt, Metric::Rate, &[12e6, 12.2e6, 12.4e6]),
        ];
        let outcome = Outcome { case: CASE, rows };
        let shown = of(Scenario::PushPull, &[&outcome], &[Metric::Rate]).to_string();
        let expected = "\
 push-pull                  bowline-st   libzmq        omq-st  ours to best rival
──────────────────────────────────────────────────────────────────────────────────
 tcp 16 B per second      61.0 M 8.59x   7.10 M  12.2 M 1.72x        5.00x omq-st
";
        assert_eq!(shown.split_whitespace().collect::<Vec<_>>().len(), expected.split_whitespace().count());
        assert!(shown.contains("61.0 M 8.59x") && shown.contains("5.00x omq-st"), "{shown}");
    }

    #[test]
    fn a_peer_that_failed_says_so() {
        let mut failed = row(Peer::Rzmq, Metric::Rate, &[]);
        failed.samples = vec![None, None];
        let outcome = Outcome { case: CASE, rows: vec![failed] };
        assert_eq!(cell(&outcome, Peer::Rzmq, Metric::Rate), "failed");
    }
}
