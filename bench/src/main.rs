//! Bowline beside its rivals at sockets and at calls, and beside plain sockets: `cargo xtask bench` runs it.

#![forbid(unsafe_code)]

mod attack;
mod case;
mod command;
mod machine;
mod metric;
mod outcome;
mod peers;
mod plan;
mod report;
mod rounds;
mod scenario;
mod stats;
mod targets;
mod usage;
mod worker;

use std::process::ExitCode;

/// What can go wrong in a measurement is reported, never handled.
type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // The processes of one run; never typed by hand.
        ["near", work] => worker::near(work),
        ["far", work, endpoint] => worker::far(work, endpoint),
        ["exactly", work, calls] => worker::exactly(work, calls),
        args => command::parse(args).map_err(Into::into).and_then(|wishes| rounds::run(&wishes)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
