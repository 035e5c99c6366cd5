//! Runs cargo, and counts what its test runners report.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// How many tests passed and failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// What the test programs said of those that failed.
    pub(crate) failures: String,
}

/// What a test program says, line by line.
#[derive(Debug, Default)]
struct Report {
    tally: Tally,
    /// What comes now is about those that failed.
    is_of_failures: bool,
}

impl Report {
    fn hear(&mut self, line: &str) {
        self.is_of_failures |= line.trim_end() == "failures:" || line.starts_with("FAILED");
        if let Some(result) = Tally::of_line(line) {
            self.tally.add(result);
            self.is_of_failures = false;
        }
        if self.is_of_failures {
            self.tally.failures += line;
        }
    }
}

impl Tally {
    /// A step that could not run at all counts as one failure, so that it can't go unseen.
    pub(crate) const BROKEN: Self = Self { passed: 0, failed: 1, failures: String::new() };

    pub(crate) const fn passed(passed: u64) -> Self {
        Self { passed, failed: 0, failures: String::new() }
    }

    pub(crate) fn add(&mut self, other: Self) {
        let Self { passed, failed, failures } = other;
        self.passed += passed;
        self.failed += failed;
        self.failures += &failures;
    }

    /// Reads `test result: ok. 3 passed; 0 failed; ...`, wherever in the line it begins.
    fn of_line(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once("test result: ")?;
        let count = |word: &str| {
            let (before, _) = rest.split_once(word)?;
            before.split_whitespace().next_back()?.parse().ok()
        };
        Some(Self { passed: count(" passed")?, failed: count(" failed")?, failures: String::new() })
    }
}

/// Cargo, at the root of the workspace, with nothing to read from.
pub(crate) fn command(root: &Path, args: &[String]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).current_dir(root).stdin(Stdio::null());
    command
}

/// Runs `cargo test` with `args`; shows what it prints and sums up its results.
pub(crate) fn test(root: &Path, args: &[String], environment: &[(&str, &str)]) -> Tally {
    let mut command = command(root, args);
    command.envs(environment.iter().copied());
    tally(command)
}

/// Runs a command that reports as `cargo test` does; shows what it prints and sums up its results.
pub(crate) fn tally(mut command: Command) -> Tally {
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("xtask: could not start {}: {error}", command.get_program().display());
            return Tally::BROKEN;
        }
    };
    let mut report = Report::default();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            std::io::stdout().write_all(&line).ok();
            report.hear(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    let mut tally = report.tally;
    let succeeded = child.wait().is_ok_and(|status| status.success());
    if !succeeded && tally.failed == 0 {
        // It did not compile, or a test program ended before it could report.
        tally.add(Tally::BROKEN);
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::{Report, Tally};

    #[test]
    fn what_is_said_of_failures_is_kept() {
        let mut report = Report::default();
        let said = ["test a ... FAILED\n", "\n", "failures:\n", "---- a stdout ----\n", "not 3\n"];
        for line in said {
            report.hear(line);
        }
        report.hear("test result: FAILED. 0 passed; 1 failed;\n");
        report.hear("     Running the next\n");
        assert_eq!(report.tally, Tally { passed: 0, failed: 1, failures: said[2..].concat() });
    }

    #[test]
    fn a_result_line_is_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 2 filtered out";
        let expected = Tally { passed: 12, failed: 3, ..Tally::default() };
        assert_eq!(Tally::of_line(line), Some(expected));
    }

    #[test]
    fn a_result_glued_to_a_tests_own_output_is_counted() {
        assert_eq!(Tally::of_line("tail of outputtest result: ok. 1 passed; 0 failed;"), Some(Tally::passed(1)));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(Tally::of_line("running 3 tests"), None);
        assert_eq!(Tally::of_line("test result: something else"), None);
    }
}
