//! Runs everything in rounds: A B C, A B C, ... so that a slow phase of the machine meets all alike.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use crate::Result;
use crate::case::{Case, Placement, Scenario, Work};
use crate::command::Wishes;
use crate::metric::Sample;
use crate::outcome::{Outcome, QUIET, Row};
use crate::peers::Peer;
use crate::plan::{Group, Pace, groups};
use crate::report;
use crate::usage::MachineLoad;

/// How often a noisy run is repeated.
const REPEATS: usize = 2;
/// How long a repetition waits at most for others to finish.
const LULL: Duration = Duration::from_secs(5);
/// How long all repetitions together may take, as a share of the time that has passed: a machine that is never quiet
/// must not make it endless.
const PATIENCE: f64 = 0.3;
/// A run that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(25);

/// Measures what is wished for and reports it.
pub(crate) fn run(wishes: &Wishes) -> Result<()> {
    let groups = groups(wishes);
    if groups.is_empty() {
        return Err("none of these peers takes part in that scenario".into());
    }
    let pace = Pace::of(wishes);
    let folder = env::temp_dir().join(format!("bowline-bench-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let mut progress = Progress::new(&groups, &pace);
    let mut outcomes = Vec::new();
    for group in &groups {
        outcomes.push(measure(group, &pace, &folder, &mut progress));
        progress.done_with(group);
    }
    progress.clear();
    fs::remove_dir_all(&folder).ok();
    report::print(&outcomes, progress.begun.elapsed());
    if wishes.writes() {
        report::write(&outcomes, &pace, progress.begun.elapsed())?;
    }
    Ok(())
}

fn measure(group: &Group, pace: &Pace, folder: &std::path::Path, progress: &mut Progress) -> Outcome {
    let mut rows: Vec<Row> = group.peers.iter().map(|peer| Row::new(*peer)).collect();
    for _ in 0..pace.rounds_for(&group.case) {
        for row in &mut rows {
            progress.show(group, row.peer);
            let work = Work {
                case: case_for(row.peer, group.case),
                peer: row.peer,
                warm_up: pace.warm_up,
                window: pace.window_for(&group.case),
                folder: folder.to_owned(),
            };
            // What has failed twice will fail again, and a hang is expensive.
            let hopeless = row.samples.len() >= 2 && row.samples.iter().all(Option::is_none);
            let sample = if hopeless { Err("it failed before".into()) } else { quiet_run(&work, progress) };
            row.samples.push(match sample {
                Ok(sample) => Some(sample),
                Err(error) => {
                    row.failure.get_or_insert_with(|| error.to_string());
                    None
                }
            });
        }
    }
    Outcome { case: group.case, rows }
}

/// Not everybody can open ten thousand sockets; what is told is what each costs.
fn case_for(peer: Peer, case: Case) -> Case {
    let opens_idle_sockets = case.scenario == Scenario::IdleMemory && case.placement == Placement::OneRuntime;
    let most = if opens_idle_sockets { peer.most_idle_sockets() } else { usize::MAX };
    Case { count: case.count.min(most), ..case }
}

/// Runs, again if others were busy meanwhile; the quietest run counts.
fn quiet_run(work: &Work, progress: &mut Progress) -> Result<Sample> {
    let mut best = one_run(work)?;
    for _ in 0..REPEATS {
        if best.foreign <= QUIET || progress.has_waited_enough() {
            break;
        }
        let begun = Instant::now();
        wait_for_lull()?;
        let again = one_run(work)?;
        progress.waited += begun.elapsed();
        if again.foreign < best.foreign {
            best = again;
        }
    }
    Ok(best)
}

/// Waits until nobody else uses a core, but not for ever.
fn wait_for_lull() -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < LULL {
        let before = MachineLoad::read()?;
        thread::sleep(Duration::from_millis(200));
        if MachineLoad::read()?.foreign_since(before, 0.0) <= QUIET {
            break;
        }
    }
    Ok(())
}

/// One run in a process of its own.
fn one_run(work: &Work) -> Result<Sample> {
    let mut child = Command::new(env::current_exe()?)
        .args(["near", &serde_json::to_string(work)?])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (mut output, mut errors) = (child.stdout.take().ok_or("no output")?, child.stderr.take().ok_or("no errors")?);
    let (done, ended) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).ok();
        done.send(()).ok();
        text
    });
    let complaints = thread::spawn(move || {
        let mut text = String::new();
        errors.read_to_string(&mut text).ok();
        text
    });
    let in_time = ended.recv_timeout(LONGEST).is_ok();
    child.kill().ok();
    child.wait()?;
    if !in_time {
        return Err(format!("no result after {} s", LONGEST.as_secs()).into());
    }
    let text = reader.join().map_err(|_| "its output could not be read")?;
    if let Some(line) = text.lines().find(|line| line.starts_with('{')) {
        return Ok(serde_json::from_str(line)?);
    }
    let complaints = complaints.join().unwrap_or_default();
    Err(complaints.lines().last().unwrap_or("it ended without a result").to_owned().into())
}

/// One line that says how far it is; where nobody sees it change, a line for each case.
struct Progress {
    begun: Instant,
    done: usize,
    all: usize,
    is_seen: bool,
    /// Spent on repetitions.
    waited: Duration,
}

impl Progress {
    fn new(groups: &[Group], pace: &Pace) -> Self {
        let all = groups.iter().map(|group| group.peers.len() * pace.rounds_for(&group.case)).sum();
        Self { begun: Instant::now(), done: 0, all, is_seen: std::io::stderr().is_terminal(), waited: Duration::ZERO }
    }

    fn has_waited_enough(&self) -> bool {
        self.waited.as_secs_f64() > PATIENCE * self.begun.elapsed().as_secs_f64()
    }

    fn show(&mut self, group: &Group, peer: Peer) {
        self.done += 1;
        if self.is_seen {
            let seconds = self.begun.elapsed().as_secs();
            eprint!(
                "\r\x1b[K{:>4} of {} runs, {}:{:02}  {}: {}",
                self.done,
                self.all,
                seconds / 60,
                seconds % 60,
                group.case,
                peer.name()
            );
            std::io::stderr().flush().ok();
        }
    }

    fn done_with(&self, group: &Group) {
        if !self.is_seen {
            let repeats = self.waited.as_secs();
            eprintln!("{:>4} s, {repeats} s of them for repetitions: {}", self.begun.elapsed().as_secs(), group.case);
        }
    }

    fn clear(&self) {
        if self.is_seen {
            eprint!("\r\x1b[K");
        }
    }
}
