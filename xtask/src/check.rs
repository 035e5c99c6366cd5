//! `cargo xtask check`: everything that is judged without running it.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::{cargo, heading, root};

/// Name of the check, arguments of cargo, and variables for it.
type Check = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const CHECKS: [Check; 7] = [
    ("formatting", &["fmt", "--all", "--check"], &[]),
    // No more of it: the rivals would have to be compiled.
    ("formatting of the benchmark", &["fmt", "--manifest-path", "bench/Cargo.toml", "--check"], &[]),
    ("formatting of the fuzz targets", &["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"], &[]),
    ("formatting of the foreign library", &["fmt", "--manifest-path", "interop/libzmq/Cargo.toml", "--check"], &[]),
    ("clippy", &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"], &[]),
    ("clippy without features", &["clippy", "-p", "bowline", "--no-default-features", "--", "-D", "warnings"], &[]),
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
    heading("the core on wasm32");
    match wasm() {
        None => println!("not checked: `rustup target add wasm32-unknown-unknown` would let it be"),
        Some(false) => failed.push("the core on wasm32"),
        Some(true) => {}
    }
    if failed.is_empty() {
        println!("\nall checks passed");
        return ExitCode::SUCCESS;
    }
    println!("\nfailed: {}", failed.join(", "));
    ExitCode::FAILURE
}

/// Whether the core compiles for the browser; `None` where the target is not installed.
fn wasm() -> Option<bool> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output().ok()?;
    let folder = String::from_utf8(printed.stdout).ok()?;
    if !Path::new(folder.trim()).is_dir() {
        return None;
    }
    let args = ["check", "-p", "bowline-proto", "--features", "sim", "--target", TARGET].map(String::from);
    Some(cargo::command(&root(), &args).status().is_ok_and(|status| status.success()))
}
