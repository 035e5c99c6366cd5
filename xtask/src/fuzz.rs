//! `cargo xtask fuzz`: every target of `fuzz/` for a while, in a workspace of its own.

use std::path::Path;
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

/// Feeds each target for so many seconds, begun with its seeds; the first one that breaks ends it.
pub(crate) fn run(seconds: u64) -> ExitCode {
    if !has_cargo_fuzz() {
        eprintln!("xtask: cargo-fuzz was not found; install it: `cargo install cargo-fuzz --locked`");
        return ExitCode::FAILURE;
    }
    let folder = root().join("fuzz");
    let targets = targets(&folder);
    if targets.is_empty() {
        eprintln!("xtask: there is no target in fuzz/fuzz_targets");
        return ExitCode::FAILURE;
    }
    heading("fuzz targets; the first time takes a minute");
    if !fuzz(&folder, &["build".to_owned()], &[]) {
        return ExitCode::FAILURE;
    }
    for target in &targets {
        heading(&format!("{target} for {seconds} seconds"));
        // What is found is put into the first folder.
        let [corpus, seeds] = ["corpus", "seeds"].map(|kind| folder.join(kind).join(target));
        if let Err(error) = std::fs::create_dir_all(&corpus) {
            eprintln!("xtask: could not make {}: {error}", corpus.display());
            return ExitCode::FAILURE;
        }
        let mut args = vec!["run".to_owned(), target.clone(), corpus.to_string_lossy().into_owned()];
        args.extend(seeds.is_dir().then(|| seeds.to_string_lossy().into_owned()));
        let limits =
            [format!("-max_total_time={seconds}"), format!("-max_len={LENGTH_MOST}"), format!("-timeout={TIMEOUT}")];
        if !fuzz(&folder, &args, &limits) {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Without a sanitizer the stable compiler will do, and no line of the project needs one: it has no unsafe code.
fn fuzz(folder: &Path, args: &[String], of_engine: &[String]) -> bool {
    let mut all = vec!["fuzz".to_owned(), args[0].clone(), "--sanitizer".to_owned(), "none".to_owned()];
    all.extend_from_slice(&args[1..]);
    if !of_engine.is_empty() {
        all.push("--".to_owned());
        all.extend_from_slice(of_engine);
    }
    cargo::command(folder, &all).status().is_ok_and(|status| status.success())
}

fn has_cargo_fuzz() -> bool {
    let mut command = Command::new("cargo-fuzz");
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
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
