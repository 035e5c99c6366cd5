//! The program `bowline`: ZeroMQ sockets at the command line.
//!
//! Read in this order: [`args`] (what can be asked for), [`run`] (the socket types), [`monitor`], [`mod@call`], [`codegen`], [`keygen`], [`passwd`], [`demo`], [`mod@bench`].
//! Standard output carries data and nothing else; every other word goes to standard error, an error as one line.

#![forbid(unsafe_code)]

mod args;
mod auth;
mod bench;
mod call;
mod codegen;
mod curve;
mod demo;
mod event;
mod failure;
mod format;
mod input;
mod keygen;
mod monitor;
mod open;
mod options;
mod output;
mod passwd;
mod run;
mod signal;
mod tls;
mod watch;

use std::process::ExitCode;

use args::Command;
use failure::Failure;

fn main() -> ExitCode {
    let command = match args::command_line(std::env::args_os()) {
        Ok(line) => line.command,
        Err(code) => return code,
    };
    match obey(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn obey(command: Command) -> Result<(), Failure> {
    match command {
        Command::Socket(command) => on_runtime(run::run(run::Job::of(*command))),
        Command::Monitor(args) => on_runtime(monitor::run(*args)),
        Command::Call(args) => on_runtime(call::call(args)),
        Command::Services(args) => on_runtime(call::services(args)),
        Command::Codegen(command) => on_runtime(codegen::run(command)),
        Command::Keygen(args) => keygen::run(&args),
        Command::Passwd(args) => passwd::run(&args),
        Command::Demo(args) => on_runtime(demo::run(args)),
        Command::Bench(command) => bench::run(&command),
    }
}

/// Runs `future` on this thread while one worker drives the connections. So a slow reader of our output blocks this
/// thread, and heartbeats are answered all the same.
fn on_runtime(future: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::of("can't start", failure::plain_io(&error)))?;
    let result = runtime.block_on(future);
    runtime.shutdown_background();
    result
}
