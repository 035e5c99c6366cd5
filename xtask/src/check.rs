//! `cargo xtask check`: everything that is judged without running it.

use std::process::ExitCode;

use crate::{cargo, heading, root};

/// Name of the check, arguments of cargo, and variables for it.
type Check = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const CHECKS: [Check; 3] = [
    ("formatting", &["fmt", "--all", "--check"], &[]),
    ("clippy", &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"], &[]),
    ("documentation", &["doc", "--workspace", "--no-deps", "--all-features"], &[("RUSTDOCFLAGS", "-D warnings")]),
];

/// Runs every check, also after one has failed, so that one run names all that is wrong.
pub(crate) fn run() -> ExitCode {
    let mut failed = Vec::new();
    for (name, args, environment) in CHECKS {
        heading(name);
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let status = cargo::command(&root(), &args).envs(environment.iter().copied()).status();
        if !status.is_ok_and(|status| status.success()) {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        println!("\nall checks passed");
        return ExitCode::SUCCESS;
    }
    println!("\nfailed: {}", failed.join(", "));
    ExitCode::FAILURE
}
