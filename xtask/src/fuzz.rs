//! `cargo xtask fuzz`: all targets of `fuzz/` side by side for a while, in a workspace of their own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use crate::{cargo, heading, root};

/// How long the targets are fed unless told otherwise: half a minute, which is what every change can wait for.
const SECONDS: u64 = 30;

/// Longer than any input has to be.
const LENGTH_MOST: usize = 4096;

/// Longer than any of them takes: what takes so many seconds hangs.
const TIMEOUT: u64 = 10;

/// How many seconds the command line asks for.
pub(crate) fn parse(args: &[&str]) -> Result<u64, String> {
    match args {
        [] => Ok(SECONDS),
        ["--seconds", number] => number.parse().map_err(|_| format!("`{number}` is not a number of seconds")),
        other => Err(format!("unknown arguments of fuzz: `{}`", other.join(" "))),
    }
}

/// What lets the engine see which ways an input takes through the code. Any compiler has it, the stable one as well; a
/// sanitizer is not needed, since the project has no unsafe code.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Feeds all targets at once for so many seconds, begun with their seeds, and waits for all of them.
pub(crate) fn run(seconds: u64) -> ExitCode {
    let folder = root().join("fuzz");
    let targets = targets(&folder);
    if targets.is_empty() {
        eprintln!("xtask: there is no target in fuzz/fuzz_targets");
        return ExitCode::FAILURE;
    }
    heading("fuzz targets; the first time takes a minute");
    let Some(programs) = build(&folder) else { return ExitCode::FAILURE };
    heading(&format!("{} targets side by side for {seconds} seconds", targets.len()));
    let fed: Vec<_> = targets.iter().map(|target| (target, feed(&folder, target, &programs, seconds))).collect();
    let mut all_held = true;
    for (target, fed) in fed {
        let log = log(&folder, target);
        match fed.and_then(|mut child| child.wait().map_err(|error| error.to_string())) {
            Ok(status) => {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                if status.success() {
                    println!("{target}: {}", summary(&said));
                } else {
                    eprintln!("{said}\nxtask: {target}: {status}");
                    all_held = false;
                }
            }
            Err(problem) => {
                eprintln!("xtask: {target}: {problem}");
                all_held = false;
            }
        }
    }
    if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a target that held says at its end, in one line.
fn summary(said: &str) -> String {
    let of = |name: &str| {
        let line = said.lines().rev().find_map(|line| line.strip_prefix(name));
        line.map_or("?", |rest| rest.trim_start_matches(':').trim()).to_owned()
    };
    let (runs, found) = (of("stat::number_of_executed_units"), of("stat::new_units_added"));
    format!("{runs} runs, {found} of them new ways through the code")
}

fn log(folder: &Path, target: &str) -> PathBuf {
    folder.join("target").join(format!("{target}.log"))
}

/// Builds all targets, and says where they are.
fn build(folder: &Path) -> Option<PathBuf> {
    let Some(host) = host() else {
        eprintln!("xtask: rustc does not say what it compiles for");
        return None;
    };
    // With a target that is named, what runs while it is built is not watched.
    let args = ["build", "--release", "--bins", "--target", &host, "--target-dir", "target"].map(str::to_owned);
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default() + " " + COVERAGE;
    let built = cargo::command(folder, &args).env("RUSTFLAGS", flags).status();
    built.is_ok_and(|status| status.success()).then(|| folder.join("target").join(host).join("release"))
}

/// What the compiler compiles for.
fn host() -> Option<String> {
    let version = Command::new("rustc").arg("-vV").output().ok()?.stdout;
    let version = String::from_utf8(version).ok()?;
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned)
}

/// Begins to feed one target. What is new is put into its corpus, what breaks it into its artifacts, what it says into its
/// log.
fn feed(folder: &Path, target: &str, programs: &Path, seconds: u64) -> Result<Child, String> {
    let [corpus, seeds, artifacts] = ["corpus", "seeds", "artifacts"].map(|kind| folder.join(kind).join(target));
    for made in [&corpus, &artifacts] {
        std::fs::create_dir_all(made).map_err(|error| format!("could not make {}: {error}", made.display()))?;
    }
    let log = File::create(log(folder, target)).map_err(|error| format!("could not make its log: {error}"))?;
    let mut command = Command::new(programs.join(target));
    command.arg(format!("-max_total_time={seconds}"));
    command.args([format!("-max_len={LENGTH_MOST}"), format!("-timeout={TIMEOUT}")]);
    command.arg(format!("-artifact_prefix={}/", artifacts.display())).args(["-verbosity=0", "-print_final_stats=1"]);
    // The first folder is written to, the others are only read.
    command.arg(corpus).args(seeds.is_dir().then_some(seeds)).stdin(Stdio::null()).stderr(log);
    command.spawn().map_err(|error| format!("could not start: {error}"))
}

/// The names of the targets, sorted.
fn targets(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("fuzz_targets")).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut targets: Vec<String> = names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).collect();
    targets.sort();
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_take_half_a_minute_unless_told_otherwise() {
        assert_eq!(parse(&[]), Ok(30));
        assert_eq!(parse(&["--seconds", "7"]), Ok(7));
        assert!(parse(&["--seconds", "long"]).is_err_and(|problem| problem.contains("long")));
        assert!(parse(&["7"]).is_err());
    }

    #[test]
    fn a_target_that_held_says_how_often_it_ran() {
        let said = "Done\nstat::number_of_executed_units: 81920\nstat::new_units_added:          12\n";
        assert_eq!(summary(said), "81920 runs, 12 of them new ways through the code");
        assert!(summary("").starts_with('?'));
    }

    #[test]
    fn every_target_is_named_in_the_manifest() {
        let folder = root().join("fuzz");
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("there is a manifest");
        let targets = targets(&folder);
        assert_eq!(targets.len(), manifest.matches("[[bin]]").count());
        assert!(targets.iter().all(|target| manifest.contains(&format!("name = \"{target}\""))), "{targets:?}");
    }
}
