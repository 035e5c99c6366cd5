//! `cargo xtask bench`: bowline beside its rivals, in a workspace of its own.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::{cargo, heading, root};

/// Builds `bench/` and lets it measure; `args` are its own.
pub(crate) fn run(args: &[&str]) -> ExitCode {
    if let Some(problem) = missing() {
        eprintln!("xtask: {problem}");
        return ExitCode::FAILURE;
    }
    let folder = root().join("bench");
    heading("bowline and its rivals, optimised; the first time takes some minutes");
    let build = ["build", "--release"].map(str::to_owned);
    if !cargo::command(&folder, &build).status().is_ok_and(|status| status.success()) {
        return ExitCode::FAILURE;
    }
    let program = Path::new("target").join("release").join("bowline-bench");
    // Written into the root, where the report belongs.
    match Command::new(folder.join(program)).args(args).current_dir(root()).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: could not start the benchmark: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the rivals need and is not there, with how to get it.
fn missing() -> Option<&'static str> {
    if !cfg!(target_os = "linux") {
        return Some("the benchmark reads /proc and wants Linux");
    }
    let pkg_config = |args: &[&str]| {
        Command::new("pkg-config")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    if !pkg_config(&["--version"]) {
        return Some("pkg-config was not found; install it, e.g. `apt-get install pkg-config`");
    }
    if !pkg_config(&["libzmq"]) {
        return Some("libzmq was not found; install it, e.g. `apt-get install libzmq3-dev`");
    }
    None
}
