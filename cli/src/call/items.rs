//! Items that a method takes: a line of JSON each, from standard input.

use std::io::BufRead;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowline::rpc::Stream;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::failure::{Failure, plain_io};

/// Lines that are read ahead of sending.
const READ_AHEAD: usize = 64;

/// The items, read from the first time that one is asked for: a method without any leaves standard input alone.
pub(super) struct JsonLines {
    lines: Option<mpsc::Receiver<Value>>,
    broken: Option<oneshot::Sender<Broken>>,
}

/// Standard input is not what it should be. While this is there the items don't end: a method must not take a part for
/// the whole.
pub(super) struct Broken {
    pub(super) failure: Failure,
    _open: mpsc::Sender<Value>,
}

/// Where that is told.
pub(super) struct Breaks(oneshot::Receiver<Broken>);

impl JsonLines {
    pub(super) fn new() -> (Self, Breaks) {
        let (broken, breaks) = oneshot::channel();
        (Self { lines: None, broken: Some(broken) }, Breaks(breaks))
    }
}

impl Breaks {
    /// Waits until standard input is broken, maybe for ever.
    pub(super) async fn wait(&mut self) -> Broken {
        match (&mut self.0).await {
            Ok(broken) => broken,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Stream for JsonLines {
    type Item = Value;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Value>> {
        let this = &mut *self;
        let lines = this.lines.get_or_insert_with(|| {
            let (sender, lines) = mpsc::channel(READ_AHEAD);
            let broken = this.broken.take();
            // Nothing else can wait for standard input without blocking.
            std::thread::spawn(move || read(sender, broken));
            lines
        });
        lines.poll_recv(cx)
    }
}

fn read(sender: mpsc::Sender<Value>, broken: Option<oneshot::Sender<Broken>>) {
    for (number, line) in (1..).zip(std::io::stdin().lock().lines()) {
        let value = match line.as_deref().map(str::trim) {
            Ok("") => continue,
            Ok(line) => serde_json::from_str(line).map_err(|error| {
                Failure::of(format_args!("line {number} of standard input"), format_args!("not JSON: {error}"))
            }),
            Err(error) => Err(Failure::of("standard input", plain_io(error))),
        };
        match value {
            Ok(value) => {
                if sender.blocking_send(value).is_err() {
                    return;
                }
            }
            Err(failure) => {
                if let Some(broken) = broken {
                    drop(broken.send(Broken { failure, _open: sender }));
                }
                return;
            }
        }
    }
}
