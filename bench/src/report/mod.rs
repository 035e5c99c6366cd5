//! What is made of the outcomes: tables in a terminal, `BENCHMARKS.md` and its plots.

mod markdown;
mod plot;
pub(crate) mod table;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::case::Scenario;
use crate::outcome::Outcome;
use crate::plan::Pace;
use crate::targets::{self, Verdict};
use table::{Columns, headlines};

/// Prints a table for each scenario, what failed, and which targets are missed.
pub(crate) fn print(outcomes: &[Outcome], took: Duration) {
    for (scenario, outcomes) in by_scenario(outcomes) {
        println!("\n{}", table::of(scenario, &outcomes, headlines(scenario), Columns::Libraries));
    }
    for (outcome, row, failure) in failures(outcomes) {
        println!("{}: {} failed: {failure}", outcome.case, row);
    }
    let judged = targets::all().into_iter().map(|target| (target.judge(outcomes), target));
    for (verdict, target) in judged {
        match verdict {
            Verdict::Reached { by } => println!("reached  {}, {}: {}", target.case(), target.wish(), target.say(by)),
            Verdict::Missed { by, .. } => println!("missed   {}, {}: {}", target.case(), target.wish(), target.say(by)),
            Verdict::NotMeasured => {}
        }
    }
    println!(
        "\nx: times libzmq, the median over the rounds. ~: others were busy meanwhile. {:.0} s",
        took.as_secs_f64()
    );
}

/// Writes `BENCHMARKS.md` and `docs/bench/` below the folder that we are in, the root of the repository.
pub(crate) fn write(outcomes: &[Outcome], pace: &Pace, took: Duration) -> Result<()> {
    let folder = Path::new("docs").join("bench");
    fs::create_dir_all(&folder)?;
    let plots = plot::all(outcomes, &folder)?;
    fs::write("BENCHMARKS.md", markdown::text(outcomes, &plots, pace, took))?;
    println!("wrote BENCHMARKS.md and {} plots in {}", plots.len(), folder.display());
    Ok(())
}

/// The outcomes of each scenario that was measured.
fn by_scenario(outcomes: &[Outcome]) -> Vec<(Scenario, Vec<&Outcome>)> {
    let of = |scenario| outcomes.iter().filter(move |outcome| outcome.case.scenario == scenario).collect::<Vec<_>>();
    let all = Scenario::ALL.into_iter().map(|scenario| (scenario, of(scenario)));
    all.filter(|(_, outcomes)| !outcomes.is_empty()).collect()
}

/// Everything that failed: the case, the peer and the reason.
fn failures(outcomes: &[Outcome]) -> Vec<(&Outcome, &'static str, &str)> {
    let mut failures = Vec::new();
    for outcome in outcomes {
        for row in &outcome.rows {
            failures.extend(row.failure.as_deref().map(|failure| (outcome, row.peer.name(), failure)));
        }
    }
    failures
}
