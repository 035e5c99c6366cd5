//! One run: the process that measures, and the one at the other side.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, process, thread};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;
use crate::case::{Placement, Scenario, Transport, Work};
use crate::scenario::{self, Gauge, Sides};
use crate::usage::Usage;

/// What a process does in a run.
pub(crate) enum Part {
    /// Measures; both sides of a run in one process are started by it.
    Near(Work),
    /// Is the other side, at this endpoint.
    Far(Work, String),
    /// Makes so many calls with both sides in this process, and ends.
    Exactly(Work, usize),
}

impl Part {
    pub(crate) const fn work(&self) -> &Work {
        match self {
            Self::Near(work) | Self::Far(work, _) | Self::Exactly(work, _) => work,
        }
    }

    /// Plays it to its end. The sides then still run, and end with the process.
    pub(crate) fn play<S: Sides>(self, sides: &S) -> Result<()> {
        match self {
            Self::Near(work) => play_near(sides, &work),
            Self::Far(work, endpoint) => play_far(sides, work, endpoint),
            Self::Exactly(work, calls) => play_exactly(sides, &work, calls),
        }
    }
}

/// The process that measures: prints its sample as one line of JSON.
pub(crate) fn near(work: &str) -> Result<()> {
    let work: Work = serde_json::from_str(work)?;
    allow_many_files();
    work.peer.play(Part::Near(work))
}

/// The process at the other side: obeys lines from its standard input until that ends.
pub(crate) fn far(work: &str, endpoint: &str) -> Result<()> {
    let work: Work = serde_json::from_str(work)?;
    allow_many_files();
    work.peer.play(Part::Far(work, endpoint.to_owned()))
}

/// The process whose calls are counted from outside.
pub(crate) fn exactly(work: &str, calls: &str) -> Result<()> {
    let work: Work = serde_json::from_str(work)?;
    work.peer.play(Part::Exactly(work, calls.parse()?))
}

fn play_near<S: Sides>(sides: &S, work: &Work) -> Result<()> {
    let endpoint = endpoint(work)?;
    let gauge = Arc::new(Gauge::new(work.case.count));
    let mut far = FarSide::None;
    if work.case.near_binds() {
        start_near(sides, work, &endpoint, &gauge);
        gauge.wait_until_bound()?;
        far.start(sides, work, &endpoint, &gauge)?;
    } else {
        far.start(sides, work, &endpoint, &gauge)?;
        start_near(sides, work, &endpoint, &gauge);
    }
    let sample = scenario::measure(work, &gauge, &mut far)?;
    println!("{}", serde_json::to_string(&sample)?);
    std::io::stdout().flush()?;
    far.end();
    // Sockets that still run are not what is measured.
    process::exit(0)
}

fn play_exactly<S: Sides>(sides: &S, work: &Work, calls: usize) -> Result<()> {
    let endpoint = endpoint(work)?;
    let gauge = Arc::new(Gauge::new(1));
    FarSide::None.start(sides, work, &endpoint, &gauge)?;
    sides.runtime().block_on(sides.clone().exactly(endpoint, calls))??;
    process::exit(0)
}

/// Starts what measures; where the two sides share a runtime, both.
fn start_near<S: Sides>(sides: &S, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) {
    let (sides, work, endpoint, gauge) = (sides.clone(), work.clone(), endpoint.to_owned(), gauge.clone());
    thread::spawn(move || {
        let runtime = sides.runtime();
        let failure = gauge.clone();
        let both = async move {
            if work.case.placement == Placement::OneRuntime && work.case.scenario != Scenario::IdleMemory {
                let far = sides.clone().far(work.clone(), endpoint.clone(), gauge.clone());
                let runtime = sides.runtime();
                let reported = gauge.clone();
                runtime.spawn(async move { reported.report(far.await) });
                while !gauge.is_bound() {
                    runtime.sleep(Duration::from_millis(1)).await;
                }
            }
            sides.near(work, endpoint, gauge).await
        };
        let outcome = runtime.block_on(both);
        failure.report(outcome.unwrap_or_else(Err));
    });
}

fn play_far<S: Sides>(sides: &S, work: Work, endpoint: String) -> Result<()> {
    let gauge = Arc::new(Gauge::new(work.case.count));
    let obeyed = gauge.clone();
    let binds = !work.case.near_binds();
    let sides = sides.clone();
    thread::spawn(move || {
        let runtime = sides.runtime();
        let failure = gauge.clone();
        let outcome = runtime.block_on(sides.far(work, endpoint, gauge));
        failure.report(outcome.unwrap_or_else(Err));
    });
    if binds {
        obeyed.wait_until_bound()?;
    }
    println!("ready");
    for line in std::io::stdin().lines() {
        match line?.as_str() {
            "strikes" => println!("{}", obeyed.strikes()),
            "usage" => println!("{}", serde_json::to_string(&Usage::of_this_process()?)?),
            order => match order.split_once(' ') {
                Some(("stage", stage)) => obeyed.begin_stage(stage.parse()?),
                Some(("arrived", count)) => obeyed.acknowledge(count.parse()?),
                _ => return Err(format!("unknown order `{order}`").into()),
            },
        }
    }
    process::exit(0)
}

/// The other side of a run, as the one that measures sees it.
pub(crate) enum FarSide {
    None,
    /// In this process: its usage is ours.
    Thread(Arc<Gauge>),
    Process {
        child: Child,
        orders: ChildStdin,
        answers: BufReader<ChildStdout>,
    },
}

impl FarSide {
    fn start<S: Sides>(&mut self, sides: &S, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
        match work.case.placement {
            Placement::TwoProcesses => *self = Self::start_process(work, endpoint)?,
            Placement::TwoThreads => {
                *self = Self::Thread(gauge.clone());
                let (sides, work, endpoint, gauge) = (sides.clone(), work.clone(), endpoint.to_owned(), gauge.clone());
                let failure = gauge.clone();
                let binds = !work.case.near_binds();
                thread::spawn(move || {
                    let runtime = sides.runtime();
                    let outcome = runtime.block_on(sides.far(work, endpoint, gauge));
                    failure.report(outcome.unwrap_or_else(Err));
                });
                if binds {
                    self.gauge().map_or(Ok(()), |gauge| gauge.wait_until_bound())?;
                }
            }
            // `start_near` has started it, or will.
            Placement::OneRuntime => *self = Self::Thread(gauge.clone()),
        }
        Ok(())
    }

    fn start_process(work: &Work, endpoint: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["far", &serde_json::to_string(work)?, endpoint])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().ok_or("no pipe to the other side")?;
        let mut answers = BufReader::new(child.stdout.take().ok_or("no pipe from the other side")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        if line.trim() != "ready" {
            return Err("the other side did not get ready".into());
        }
        Ok(Self::Process { child, orders, answers })
    }

    fn gauge(&self) -> Option<&Arc<Gauge>> {
        match self {
            Self::Thread(gauge) => Some(gauge),
            _ => None,
        }
    }

    /// Lets the other side do what it waits to be told.
    pub(crate) fn begin_stage(&mut self, stage: u32) -> Result<()> {
        match self {
            Self::None => {}
            Self::Thread(gauge) => gauge.begin_stage(stage),
            Self::Process { orders, .. } => writeln!(orders, "stage {stage}")?,
        }
        Ok(())
    }

    /// Tells it how much has arrived everywhere.
    pub(crate) fn acknowledge(&mut self, arrived: u64) -> Result<()> {
        match self {
            Self::None => {}
            Self::Thread(gauge) => gauge.acknowledge(arrived),
            Self::Process { orders, .. } => writeln!(orders, "arrived {arrived}")?,
        }
        Ok(())
    }

    /// What both sides have used so far.
    pub(crate) fn usage_of_both(&mut self) -> Result<Usage> {
        let mut usage = Usage::default();
        if let Self::Process { orders, answers, .. } = self {
            writeln!(orders, "usage")?;
            let mut line = String::new();
            answers.read_line(&mut line)?;
            usage = serde_json::from_str(&line)?;
        }
        Ok(usage.plus(Usage::of_this_process()?))
    }

    /// How often it has attacked; in this process the gauge knows.
    pub(crate) fn strikes(&mut self) -> Result<u64> {
        let Self::Process { orders, answers, .. } = self else { return Ok(0) };
        writeln!(orders, "strikes")?;
        let mut line = String::new();
        answers.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }

    fn end(self) {
        if let Self::Process { mut child, .. } = self {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// An endpoint that nobody else has.
fn endpoint(work: &Work) -> Result<String> {
    Ok(match work.case.transport {
        Transport::Tcp => format!("tcp://{}", TcpListener::bind("127.0.0.1:0")?.local_addr()?),
        Transport::Ipc => format!("ipc://{}", socket_file(&work.folder)?),
        Transport::Inproc => "inproc://bench".to_owned(),
    })
}

fn socket_file(folder: &Path) -> Result<String> {
    let file = folder.join(format!("{}.sock", process::id()));
    fs::remove_file(&file).ok();
    Ok(file.to_str().ok_or("the folder's name is no UTF-8")?.to_owned())
}

/// Thousands of sockets want thousands of files.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).ok();
}

/// How long anything but the measuring itself may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
