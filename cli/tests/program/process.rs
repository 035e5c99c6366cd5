//! Running the program and talking with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything here takes; only a hang gets this far.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `bowline`. Dropping it kills it.
pub(crate) struct Bowline {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    words: String,
}

/// How a run ended, with the output that had not been read.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The command with these words, separated by blanks.
pub(crate) fn command(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bowline"));
    command.args(words.split(' ')).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the program without standard input.
pub(crate) fn start(words: &str) -> Bowline {
    Bowline::start(words, command(words))
}

/// Starts the program with a standard input that stays open.
pub(crate) fn start_with_stdin(words: &str) -> Bowline {
    let mut command = command(words);
    command.stdin(Stdio::piped());
    Bowline::start(words, command)
}

/// Runs the program to its end.
pub(crate) fn run(words: &str) -> Ended {
    start(words).end()
}

/// Runs the program to its end with this standard input.
pub(crate) fn run_with(words: &str, input: &[u8]) -> Ended {
    let mut bowline = start_with_stdin(words);
    bowline.write(input);
    bowline.close_stdin();
    bowline.end()
}

/// This many lines, all different.
pub(crate) fn numbers(count: u32) -> String {
    (0..count).fold(String::new(), |lines, number| lines + &number.to_string() + "\n")
}

/// An ipc endpoint of its own for each caller.
pub(crate) fn ipc() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("ipc://{}/bowline-{}-{next}", std::env::temp_dir().display(), std::process::id())
}

impl Bowline {
    fn start(words: &str, mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let stdout = lines(child.stdout.take().expect("piped"));
        let stderr = lines(child.stderr.take().expect("piped"));
        Self { child, stdout, stderr, words: words.to_owned() }
    }

    /// The next line of standard output.
    pub(crate) fn line(&mut self) -> String {
        let line = self.stdout.recv_timeout(PATIENCE);
        text(line.unwrap_or_else(|_| panic!("{}: no line came; standard error: {}", self.words, rest(&self.stderr))))
    }

    /// Waits for a line on standard error that contains `text`.
    pub(crate) fn told(&mut self, wanted: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(PATIENCE);
            let line = text(line.unwrap_or_else(|_| panic!("{}: never said {wanted:?}", self.words)));
            if line.contains(wanted) {
                return line;
            }
        }
    }

    /// The endpoint that it says it bound; needs `-v`.
    pub(crate) fn endpoint(&mut self) -> String {
        let line = self.told("bound to ");
        line.rsplit(' ').next().expect("a last word").to_owned()
    }

    pub(crate) fn write(&mut self, input: &[u8]) {
        let stdin = self.child.stdin.as_mut().expect("started with a standard input");
        stdin.write_all(input).expect("the program reads");
        stdin.flush().expect("the program reads");
    }

    pub(crate) fn close_stdin(&mut self) {
        self.child.stdin = None;
    }

    pub(crate) fn interrupt(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-INT", &id]).status().expect("kill runs");
        assert!(status.success());
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        // The streams end with the program, or it closed them; either way it has nothing more to say.
        let stdout = rest(&self.stdout);
        let stderr = rest(&self.stderr);
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return Ended { code: status.code(), stdout, stderr };
            }
            assert!(Instant::now() < deadline, "{}: does not end", self.words);
            thread::yield_now();
        }
    }
}

impl Drop for Bowline {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// That it did what it was asked for, and what it printed.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// That it ended with `code` and one line on standard error, which is given without the program's name.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines[0].strip_prefix("bowline: ").expect("the line begins with the program's name").to_owned()
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            match stream.read_until(b'\n', &mut line) {
                Ok(1..) if sender.send(line).is_ok() => {}
                _ => return,
            }
        }
    });
    receiver
}

fn text(line: Vec<u8>) -> String {
    let mut line = String::from_utf8(line).expect("UTF-8");
    if line.ends_with('\n') {
        line.pop();
    }
    line
}

fn rest(lines: &Receiver<Vec<u8>>) -> String {
    let mut all = Vec::new();
    // Once for all of them: a program that goes on talking hangs, too.
    let deadline = Instant::now() + PATIENCE;
    while let Ok(line) = lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        all.extend_from_slice(&line);
    }
    String::from_utf8_lossy(&all).into_owned()
}
