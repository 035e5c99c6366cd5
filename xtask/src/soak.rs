//! `cargo xtask soak`: the simulated worlds of very many seeds.

use std::io::{BufRead as _, BufReader};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::{cargo, heading, root};

/// How many seeds are played unless told otherwise.
const SEEDS: u64 = 200_000;

/// Optimised, and with debug assertions all the same.
const ARGS: [&str; 12] = [
    "test",
    "--profile",
    "soak",
    "--package",
    "bowline-proto",
    "--test",
    "world",
    "--test",
    "sim_calls",
    "keeps_its_promises",
    "--",
    "--nocapture",
];

/// How many seeds the command line asks for.
pub(crate) fn parse(args: &[&str]) -> Result<u64, String> {
    match args {
        [] => Ok(SEEDS),
        ["--seeds", number] => number.parse().map_err(|_| format!("`{number}` is not a number of seeds")),
        other => Err(format!("unknown arguments of soak: `{}`", other.join(" "))),
    }
}

/// Plays so many seeds on all cores; says how far it is, and at the end what happened in them.
pub(crate) fn run(seeds: u64) -> ExitCode {
    heading(&format!("{seeds} simulated worlds, and as many of calls"));
    let mut command = cargo::command(&root(), &ARGS.map(str::to_owned));
    command.env("BOWLINE_SEEDS", seeds.to_string()).stdout(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("xtask: could not start cargo: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut begun = Instant::now();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if line.starts_with("running ") {
                // Compiling does not count.
                begun = Instant::now();
            }
            println!("{}", with_rate(&line, begun.elapsed()));
        }
    }
    if child.wait().is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A line of progress says how fast it goes; every other stays as it is.
fn with_rate(line: &str, time: Duration) -> String {
    let progress = line.split_once(" of ").filter(|(_, rest)| rest.ends_with(" seeds"));
    match progress.and_then(|(done, _)| done.parse::<u32>().ok()) {
        Some(done) => format!("{line}, {:.0} in a second", f64::from(done) / time.as_secs_f64()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_plays_two_hundred_thousand_seeds_unless_told_otherwise() {
        assert_eq!(parse(&[]), Ok(200_000));
        assert_eq!(parse(&["--seeds", "7"]), Ok(7));
        assert!(parse(&["--seeds", "many"]).is_err_and(|problem| problem.contains("many")));
        assert!(parse(&["7"]).is_err());
    }

    #[test]
    fn progress_comes_with_its_rate() {
        let second = Duration::from_secs(2);
        assert_eq!(with_rate("500 of 1000 seeds", second), "500 of 1000 seeds, 250 in a second");
        assert_eq!(with_rate("all: 500 seeds, 3 links", second), "all: 500 seeds, 3 links");
    }
}
