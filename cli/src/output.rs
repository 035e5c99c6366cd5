//! Standard output: received messages, and nothing else.

use std::io::{self, Write};

use bowline::Message;

use crate::failure::Failure;
use crate::format::{Format, identity_text};

/// Buffered bytes from which on they are written even though more messages are already there.
const ENOUGH: usize = 64 << 10;

/// Prints messages.
///
/// What is printed is buffered; whoever prints calls [`Printer::flush`] before it waits for anything, so a reader
/// sees every message at once, and a flood still costs one write for many.
pub(crate) struct Printer {
    format: Format,
    quiet: bool,
    /// The first part is an identity, which a user may want to type back.
    addressed: bool,
    buffer: Vec<u8>,
}

impl Printer {
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet, addressed: false, buffer: Vec::new() }
    }

    /// For ROUTER sockets: shows the first part in a form that `--target` and text input take.
    pub(crate) fn addressed(mut self) -> Self {
        self.addressed = true;
        self
    }

    pub(crate) fn print(&mut self, message: &Message) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        let parts = message.parts();
        if self.addressed && self.format == Format::Text {
            let identity = identity_text(&parts[0]);
            let body = parts[1..].iter().map(|part| &part[..]);
            self.format.write(std::iter::once(identity.as_bytes()).chain(body), &mut self.buffer);
        } else {
            self.format.write(parts.iter().map(|part| &part[..]), &mut self.buffer);
        }
        if self.buffer.len() >= ENOUGH { self.flush() } else { Ok(()) }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(&self.buffer).and_then(|()| out.flush());
        self.buffer.clear();
        written.map_err(|error| Failure::stdout(&error))
    }
}

/// Prints one line of data at once.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|error| Failure::stdout(&error))
}
