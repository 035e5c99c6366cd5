//! Tests of bowline against foreign ZeroMQ peers, and under real faults.
//!
//! [`Peer`] is a Python process with pyzmq sockets in it, driven by commands. [`ours`] makes the sockets under test,
//! [`shapes`] the messages that both sides know; [`Program`] is the program `bowline`. A [`proxy`] breaks connections, a
//! [`census`] counts what is open, and a [`trial`] repeats a script and compares the two. The tests wait for replies and
//! monitor events, never for time to pass; whatever waits is bounded by [`within`], so a hang is a failure that says
//! what it was waiting for.

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
pub mod census;
pub mod ours;
mod peer;
pub mod place;
mod process;
mod program;
pub mod proxy;
pub mod relay;
pub mod shapes;
pub mod sums;
#[cfg(target_os = "linux")]
pub mod trial;
pub mod websocket;

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

pub use peer::{Peer, Theirs, python};
pub use place::Transport;
pub use program::Program;

/// What a step of a test comes to; the error is a sentence.
pub type Outcome<T = ()> = Result<T, String>;

/// Longer than the peer's own patience, so that its better answer comes first.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for `future`, but not for ever.
///
/// # Errors
///
/// If `future` failed, or took longer than 20 seconds; both say `what` it was.
pub async fn within<T, E: Display>(what: &str, future: impl Future<Output = Result<T, E>>) -> Outcome<T> {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("{what}: {error}")),
        Err(_) => Err(format!("{what}: nothing in {} s", PATIENCE.as_secs())),
    }
}

/// Fails with `sentence` unless `condition` holds.
///
/// # Errors
///
/// The sentence.
pub fn ensure(condition: bool, sentence: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(sentence()) }
}

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
