//! `cargo xtask fuzz`: every target of `fuzz/` for a while, in a workspace of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::{cargo, heading, root};

/// How long each target is fed unless told otherwise: half a minute for all, which is what every change can wait for.
const SECONDS: u64 = 5;

/// Longer than any input has to be.
const LENGTH_MOST: usize = 4096;

/// Longer than any of them takes: what takes so many seconds hangs.
const TIMEOUT: u64 = 10;

/// How many seconds for each target the command line asks for.
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

/// Feeds each target for so many seconds, begun with its seeds; the first one that breaks ends it.
pub(crate) fn run(seconds: u64) -> ExitCode {
    let folder = root().join("fuzz");
    let targets = targets(&folder);
    if targets.is_empty() {
        eprintln!("xtask: there is no target in fuzz/fuzz_targets");
        return ExitCode::FAILURE;
    }
    heading("fuzz targets; the first time takes a minute");
    let Some(programs) = build(&folder) else { return ExitCode::FAILURE };
    for target in &targets {
        heading(&format!("{target} for {seconds} seconds"));
        if let Err(problem) = feed(&folder, target, &programs.join(target), seconds) {
            eprintln!("xtask: {target}: {problem}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
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

/// Feeds one target. What is new is put into its corpus, what breaks it into its artifacts.
fn feed(folder: &Path, target: &str, program: &Path, seconds: u64) -> Result<(), String> {
    let [corpus, seeds, artifacts] = ["corpus", "seeds", "artifacts"].map(|kind| folder.join(kind).join(target));
    for made in [&corpus, &artifacts] {
        std::fs::create_dir_all(made).map_err(|error| format!("could not make {}: {error}", made.display()))?;
    }
    let mut command = Command::new(program);
    command.arg(format!("-max_total_time={seconds}"));
    command.args([format!("-max_len={LENGTH_MOST}"), format!("-timeout={TIMEOUT}")]);
    command.arg(format!("-artifact_prefix={}/", artifacts.display())).args(["-verbosity=0", "-print_final_stats=1"]);
    // The first folder is written to, the others are only read.
    command.arg(corpus).args(seeds.is_dir().then_some(seeds)).stdin(Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(status.to_string()),
        Err(error) => Err(format!("could not start: {error}")),
    }
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
    fn each_target_takes_five_seconds_unless_told_otherwise() {
        assert_eq!(parse(&[]), Ok(5));
        assert_eq!(parse(&["--seconds", "7"]), Ok(7));
        assert!(parse(&["--seconds", "long"]).is_err_and(|problem| problem.contains("long")));
        assert!(parse(&["7"]).is_err());
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
