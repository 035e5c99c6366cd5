//! Where messages to send come from: `--data`, `--file`, or the lines of standard input.

use std::fs;
use std::io::{self, BufRead, Read};
use std::path::Path;
use std::time::Duration;

use bowline::Message;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior};

use crate::args::SourceArgs;
use crate::failure::{Failure, plain_io};
use crate::format::Format;

/// Lines read ahead of sending. Enough to keep a connection busy, little enough to waste nothing.
const READ_AHEAD: usize = 1024;

/// A source of messages, at its pace.
pub(crate) struct Source {
    origin: Origin,
    format: Format,
    /// How many messages may still come; `None` for as many as there are.
    left: Option<u64>,
    pace: Option<Interval>,
}

enum Origin {
    /// `--data` or `--file`: the same again and again.
    Same(Message),
    /// Standard input, which a thread reads: nothing else can wait for it without blocking.
    Lines { lines: mpsc::Receiver<io::Result<Vec<u8>>>, first: Option<io::Result<Vec<u8>>>, number: u64 },
}

impl Source {
    /// Opens what `args` name. `count` is `--count`.
    pub(crate) fn open(args: &SourceArgs, format: Format, count: Option<u64>) -> Result<Self, Failure> {
        let same = match (&args.data, &args.file) {
            (Some(data), _) => Some(message(format, data.as_bytes()).map_err(|cause| Failure::usage("--data", cause))?),
            (None, Some(path)) => Some(whole_file(path, format)?),
            (None, None) => None,
        };
        let left = match (&same, count, args.interval) {
            // One message is meant, unless a number or an endless rhythm was asked for.
            (Some(_), None, None) => Some(1),
            _ => count,
        };
        Ok(Self {
            origin: same.map_or_else(|| standard_input(format), Origin::Same),
            format,
            left,
            pace: args.interval.and_then(pace),
        })
    }

    /// Opens a source of replies: `--data` and `--file` answer every request, however many come.
    pub(crate) fn answers(args: &SourceArgs, format: Format) -> Result<Self, Failure> {
        Ok(Self { left: None, ..Self::open(args, format, None)? })
    }

    /// How many messages this will give at most.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.left
    }

    /// Whether this gives `--data` or `--file`, as opposed to lines.
    pub(crate) fn repeats(&self) -> bool {
        matches!(self.origin, Origin::Same(_))
    }

    /// Waits until it is certain that nothing will ever come: an input that ends without a line. Otherwise for ever.
    ///
    /// For whoever waits for a peer in the meantime: there may be nothing to send to it. Dropping the future loses no line.
    pub(crate) async fn exhausted(&mut self) {
        if let Origin::Lines { lines, first, .. } = &mut self.origin
            && first.is_none()
        {
            *first = lines.recv().await;
            if first.is_none() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    /// The next message, when it is due. `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Message>, Failure> {
        if self.left == Some(0) {
            return Ok(None);
        }
        if let Some(pace) = &mut self.pace {
            pace.tick().await;
        }
        let message = match &mut self.origin {
            Origin::Same(message) => message.clone(),
            Origin::Lines { lines, first, number } => {
                let line = if first.is_some() { first.take() } else { lines.recv().await };
                let Some(line) = line else { return Ok(None) };
                let line = line.map_err(|error| Failure::of("standard input", plain_io(&error)))?;
                *number += 1;
                message(self.format, &line)
                    .map_err(|cause| Failure::of(format_args!("standard input, line {number}"), cause))?
            }
        };
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        Ok(Some(message))
    }
}

fn message(format: Format, text: &[u8]) -> Result<Message, String> {
    Ok(format.parse(text)?.into_iter().collect())
}

/// A rhythm; the first beat is at once. A late beat shifts the later ones: no burst makes up for a pause.
fn pace(interval: Duration) -> Option<Interval> {
    if interval.is_zero() {
        return None;
    }
    let mut pace = tokio::time::interval(interval);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(pace)
}

/// The content of a file is one message. Only JSON and quoted text have a structure to look for in it.
fn whole_file(path: &Path, format: Format) -> Result<Message, Failure> {
    let failed = |cause: String| Failure::of(path.display(), cause);
    let content = if path == Path::new("-") {
        let mut content = Vec::new();
        io::stdin().read_to_end(&mut content).map(|_| content)
    } else {
        fs::read(path)
    };
    let content = content.map_err(|error| failed(plain_io(&error)))?;
    match format {
        Format::Text | Format::Raw => Ok(Message::from(content)),
        Format::Quoted => message(format, content.strip_suffix(b"\n").unwrap_or(&content)).map_err(failed),
        Format::Json => message(format, &content).map_err(failed),
    }
}

fn standard_input(format: Format) -> Origin {
    let (sender, lines) = mpsc::channel(READ_AHEAD);
    // The thread is never joined: a read of a terminal can't be interrupted, and the end of the program ends it.
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let line = if format == Format::Raw { rest(&mut input) } else { one_line(&mut input) };
            let Some(line) = line.transpose() else { return };
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                return;
            }
        }
    });
    Origin::Lines { lines, first: None, number: 0 }
}

/// A line without its end; `None` at the end of the input.
fn one_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(Some(line))
}

/// Everything up to the end of the input; `None` where nothing is left.
fn rest(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut rest = Vec::new();
    Ok((input.read_to_end(&mut rest)? > 0).then_some(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_their_end_and_nothing_else() {
        let mut input = &b"a\n\n b\r\nlast"[..];
        let mut lines = Vec::new();
        while let Some(line) = one_line(&mut input).expect("memory can be read") {
            lines.push(line);
        }
        assert_eq!(lines, [&b"a"[..], b"", b" b\r", b"last"]);
    }

    #[test]
    fn raw_input_is_one_message() {
        let mut input = &b"a\nb\n"[..];
        assert_eq!(rest(&mut input).expect("memory can be read"), Some(b"a\nb\n".to_vec()));
        assert_eq!(rest(&mut input).expect("memory can be read"), None);
    }

    #[test]
    fn a_missing_file_is_named() {
        let failure = whole_file(Path::new("/nowhere/at all"), Format::Text).expect_err("no such file");
        assert!(matches!(failure, Failure::Error(line) if line == "/nowhere/at all: No such file or directory"));
    }
}
