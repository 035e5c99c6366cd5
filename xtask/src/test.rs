//! `cargo xtask test`: every test of the project, one step after the other.

use std::process::ExitCode;

use crate::cargo::{self, Tally};
use crate::targets::Targets;
use crate::{counts, heading, libzmq, python, root, web};

/// What bowline does not have by default.
pub(crate) const FEATURES: &str =
    "bowline/auth-files,bowline/axum,bowline/metrics,bowline/tls,bowline/tower,bowline/ws";

/// One part of the test run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Code,
    Doc,
    Sim,
    Loom,
    Counts,
    Interop,
    Pages,
}

impl Step {
    const ALL: [Self; 7] = [Self::Code, Self::Doc, Self::Sim, Self::Loom, Self::Counts, Self::Interop, Self::Pages];

    /// The steps named on the command line, all of them if none is; else the first unknown name.
    pub(crate) fn parse<'a>(names: &[&'a str]) -> Result<Vec<Self>, &'a str> {
        if names.is_empty() {
            return Ok(Self::ALL.to_vec());
        }
        names
            .iter()
            .map(|&name| match name {
                "code" => Ok(Self::Code),
                "doc" => Ok(Self::Doc),
                "sim" => Ok(Self::Sim),
                "loom" => Ok(Self::Loom),
                "counts" => Ok(Self::Counts),
                "interop" => Ok(Self::Interop),
                "pages" => Ok(Self::Pages),
                unknown => Err(unknown),
            })
            .collect()
    }

    fn title(self) -> &'static str {
        match self {
            Self::Code => "unit and integration tests",
            Self::Doc => "documentation tests",
            Self::Sim => "simulated network, and the lifecycles in every order",
            Self::Loom => "every order in which tasks meet at a pipe or a call",
            Self::Counts => "instructions of the hot paths, against the baseline",
            Self::Interop => "interoperability with pyzmq, and real faults",
            Self::Pages => "web pages",
        }
    }

    fn run(self, targets: &Targets, is_alone: bool) -> Tally {
        match self {
            Self::Code => {
                let mut args = arguments(&["--lib", "--bins", "--examples"]);
                args.extend(selected(&targets.code));
                cargo::test(&root(), &args, &[])
            }
            Self::Doc => cargo::test(&root(), &arguments(&["--doc"]), &[]),
            Self::Sim if targets.sim.is_empty() => {
                println!("there is no tests/sim*.rs, tests/world*.rs or tests/model*.rs");
                Tally::default()
            }
            Self::Sim => {
                let mut args = arguments(&[]);
                args.extend(selected(&targets.sim));
                // Each says how much it has tried.
                args.extend(["--", "--nocapture"].map(str::to_owned));
                cargo::test(&root(), &args, &[])
            }
            Self::Loom => loom(),
            Self::Counts => counts::run(),
            Self::Interop => interop(targets),
            Self::Pages => web::step(is_alone),
        }
    }
}

/// Runs `steps` and sums up; the closing line is the last one printed.
pub(crate) fn run(steps: &[Step]) -> ExitCode {
    let targets = Targets::find(&root());
    let mut total = Tally::default();
    for step in steps {
        heading(step.title());
        total.add(step.run(&targets, steps.len() == 1));
    }
    if !total.failures.is_empty() {
        heading("what failed, once more");
        print!("{}", total.failures);
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The model checker needs a build of its own: in this one, pipes and calls have its locks instead of real ones.
fn loom() -> Tally {
    let packages = ["test", "--package", "bowline-proto", "--package", "bowline", "--lib", "--release"];
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default() + " --cfg bowline_loom";
    // Compiling takes longer than running, so less is done for speed than for a release.
    let quickly = [("OPT_LEVEL", "1"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")];
    let quickly = quickly.map(|(name, value)| (format!("CARGO_PROFILE_RELEASE_{name}"), value));
    let mut environment: Vec<(&str, &str)> = quickly.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    environment.push(("RUSTFLAGS", &flags));
    let mut total = Tally::default();
    for chosen in ["pipe::loom::", "rpc::loom::"] {
        let rest = ["--target-dir", "target/loom", "--", chosen];
        let args: Vec<String> = packages.iter().chain(&rest).map(ToString::to_string).collect();
        let tally = cargo::test(&root(), &args, &environment);
        // Tests that are chosen by a name are all left out when that is no longer theirs.
        total.add(if tally == Tally::default() { Tally::BROKEN } else { tally });
    }
    total
}

fn interop(targets: &Targets) -> Tally {
    let python = match python::environment(&root()) {
        Ok(python) => python,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            return Tally::BROKEN;
        }
    };
    // Without it the other tests can still be run; those over ws:// fail, each by its name.
    if cfg!(target_os = "linux")
        && let Err(problem) = libzmq::library(&root())
    {
        eprintln!("xtask: {problem}");
    }
    let mut args = arguments(&[]);
    args.extend(selected(&targets.interop));
    // One test at a time and its output as it comes: a line for each cell of the matrix.
    args.extend(["--", "--nocapture", "--test-threads=1"].map(str::to_owned));
    let python = python.to_string_lossy();
    cargo::test(&root(), &args, &[(python::VARIABLE, &python), ("BOWLINE_INTEROP_FEATURES", FEATURES)])
}

/// Every other step selects from the whole workspace, with all features, so that all share one build of each crate.
fn arguments(more: &[&str]) -> Vec<String> {
    let fixed = ["test", "--workspace", "--no-fail-fast", "--features", FEATURES];
    fixed.iter().chain(more).map(ToString::to_string).collect()
}

fn selected(targets: &[String]) -> impl Iterator<Item = String> {
    targets.iter().flat_map(|name| ["--test".to_owned(), name.clone()])
}

#[cfg(test)]
mod tests {
    use super::Step;

    #[test]
    fn no_name_means_every_step_in_order() {
        assert_eq!(Step::parse(&[]), Ok(Step::ALL.to_vec()));
    }

    #[test]
    fn steps_run_in_the_order_they_are_named() {
        assert_eq!(Step::parse(&["interop", "code"]), Ok(vec![Step::Interop, Step::Code]));
    }

    #[test]
    fn an_unknown_step_is_named() {
        assert_eq!(Step::parse(&["code", "nothing"]), Err("nothing"));
    }
}
