//! How a run ends, and what the shell is told about it.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// Why the program ends without having done what it was asked for.
///
/// Each prints as one line, and each has an exit code of its own, which `--help` lists.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line can't be obeyed as it is written.
    Usage(String),
    /// Something went wrong while obeying it.
    Error(String),
    /// `--timeout` passed.
    TimedOut(String),
    /// Whoever read our standard output has left. That is how pipelines end, so nothing is said.
    ReaderGone,
}

impl Failure {
    /// A failure that names its culprit: an endpoint, a file, an argument.
    pub(crate) fn of(culprit: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::Error(format!("{culprit}: {cause}"))
    }

    /// Like [`Failure::of`], for something that the command line got wrong.
    pub(crate) fn usage(culprit: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self::Usage(format!("{culprit}: {cause}"))
    }

    /// A failed write to standard output.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ReaderGone
        } else {
            Self::of("standard output", plain_io(error))
        }
    }

    /// Prints the one line, if there is one to print, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let (line, code) = match self {
            Self::Usage(line) => (line, 2),
            Self::Error(line) => (line, 1),
            Self::TimedOut(line) => (line, 3),
            Self::ReaderGone => return ExitCode::SUCCESS,
        };
        crate::note!("{}", one_line(line));
        ExitCode::from(code)
    }
}

/// An I/O error without the "(os error 13)" that Rust appends: the number helps nobody at a prompt.
pub(crate) fn plain_io(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Causes come from several layers; whatever they contain, an error stays one line.
fn one_line(text: &str) -> String {
    text.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Prints one line for the user on standard error, where everything goes that is not data.
#[macro_export]
macro_rules! note {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        // A closed standard error must not end the run.
        let _ = writeln!(std::io::stderr(), "bowline: {}", format_args!($($arg)*));
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_os_error_loses_its_number() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(plain_io(&error), "No such file or directory");
    }

    #[test]
    fn a_cause_of_several_lines_becomes_one() {
        assert_eq!(one_line("a:\n  b\n\nc"), "a: b c");
    }

    #[test]
    fn a_broken_pipe_is_no_error() {
        let error = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(matches!(Failure::stdout(&error), Failure::ReaderGone));
    }
}
