//! The project's own commands: `cargo xtask check`, `cargo xtask test`, `cargo xtask soak`, `cargo xtask fuzz`,
//! `cargo xtask bench` and `cargo xtask web`.

#![forbid(unsafe_code)]

mod bench;
mod cargo;
mod check;
mod counts;
mod fuzz;
mod libzmq;
mod python;
mod soak;
mod targets;
mod test;
mod wasm;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask check            formatting, clippy and documentation, all warnings as errors
cargo xtask test [STEP]...   tests in this order, or only the steps named:
                               code     unit and integration tests
                               doc      the examples in the documentation
                               sim      sockets in a simulated network, in virtual time; the lifecycles in every order
                               loom     every order in which tasks meet at a pipe or a call
                               counts   instructions of the hot paths, against a baseline (needs valgrind)
                               interop  against pyzmq (needs python3 with venv; over ws:// a C++ compiler and libsodium)
                               pages    in web pages and under Node (needs the target wasm32-unknown-unknown, Chromium)
cargo xtask soak [--seeds N] the simulated networks again, with N seeds (200000) instead of 20000, optimised
cargo xtask fuzz [--seconds N] what is read from a network, made up by a fuzzer: all targets at once, for N seconds (30)
cargo xtask bench [ARG]...   bowline beside libzmq, omq, rzmq, zmq.rs and plain sockets (needs libzmq3-dev):
                               --quick          three short rounds instead of five
                               --only SCENARIO  push-pull, pub-sub, req-rep, dealer-router, many-peers, idle-memory
                               --peers A,B      rows or libraries
                               --write          write BENCHMARKS.md and docs/bench/, as a run of everything does
cargo xtask web [--test]     the package for web pages, into web/pkg; its sizes are the last line. --test: also its tests,
                             under Node and in Chromium (needs playwright-core)
cargo xtask help             this text";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["check"] => check::run(),
        ["test", steps @ ..] => match test::Step::parse(steps) {
            Ok(steps) => test::run(&steps),
            Err(unknown) => usage(&format!("unknown test step `{unknown}`")),
        },
        ["soak", args @ ..] => match soak::parse(args) {
            Ok(seeds) => soak::run(seeds),
            Err(problem) => usage(&problem),
        },
        ["fuzz", args @ ..] => match fuzz::parse(args) {
            Ok(seconds) => fuzz::run(seconds),
            Err(problem) => usage(&problem),
        },
        ["web", args @ ..] => match web::parse(args) {
            Ok(work) => web::run(work),
            Err(problem) => usage(&problem),
        },
        ["bench", args @ ..] => bench::run(args),
        [] | ["help" | "-h" | "--help"] => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        other => usage(&format!("unknown command `{}`", other.join(" "))),
    }
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("xtask: {problem}; see `cargo xtask help`");
    ExitCode::from(2)
}

/// The folder of the workspace's `Cargo.toml`.
fn root() -> PathBuf {
    // Cargo sets the variable at run time too; it stays right when the checkout has moved since the build.
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// One line that says what runs next.
fn heading(text: &str) {
    use std::io::Write as _;
    println!("\n== {text}");
    // Cargo writes to stderr: the heading must be out before its first line.
    std::io::stdout().flush().ok();
}
