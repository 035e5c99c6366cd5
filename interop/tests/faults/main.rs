//! Real faults: each script breaks something, hears of it from the monitor by its typed reason, and leaves nothing
//! behind. Processes are killed and frozen, connections reset, cut, stalled and taken apart, descriptors run out.
#![cfg(target_os = "linux")]

mod descriptors;
mod endings;
mod processes;
mod proxies;
mod raw;
mod storm;
mod strangers;

use bowline::{AnySocket, DisconnectReason, Message, Monitor, MonitorEvent, MonitorKind, ProtocolError};
use bowline_interop::{Outcome, ensure, ours};

/// The `n`th message of a flow: in two parts, so that half of one would show.
fn nth(n: usize) -> Message {
    sized(n, 100)
}

/// As [`nth`], with so many bytes in the second part.
fn sized(n: usize, bytes: usize) -> Message {
    [n.to_string().into_bytes(), vec![n as u8; bytes]].into_iter().collect()
}

/// Which message of a flow this is; it must be a whole one.
fn number(message: &Message) -> Outcome<usize> {
    number_of(message, 100)
}

/// As [`number`], of a [`sized`] one.
fn number_of(message: &Message, bytes: usize) -> Outcome<usize> {
    let n = String::from_utf8_lossy(&message.parts()[0]).parse();
    let n = n.map_err(|_| format!("{message:?} has no number"))?;
    ensure(*message == sized(n, bytes), || format!("{message:?} is not whole"))?;
    Ok(n)
}

/// Why the next connection ends, in its handshake or later.
async fn end(monitor: &mut Monitor) -> Outcome<DisconnectReason> {
    let ended = |kind: &MonitorKind| match kind {
        MonitorKind::HandshakeFailed { reason, .. } | MonitorKind::Disconnected(reason) => Some(reason.clone()),
        _ => None,
    };
    ours::event(monitor, "the end of a connection", ended).await
}

/// Waits for an event of this name.
async fn event(monitor: &mut Monitor, name: &'static str) -> Outcome<MonitorEvent> {
    let wait = async {
        while let Some(event) = monitor.next().await {
            if event.kind.name() == name {
                return Ok(event);
            }
        }
        Err("the monitor ended")
    };
    bowline_interop::within(name, wait).await
}

fn is(wanted: impl Into<DisconnectReason>, got: &DisconnectReason) -> Outcome {
    let wanted = wanted.into();
    ensure(*got == wanted, || format!("ended because `{got}` instead of `{wanted}`"))
}

/// What a peer that is gone can look like: an end in peace, within a frame, or by a reset.
fn is_gone(reason: &DisconnectReason) -> Outcome {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    let gone = matches!(
        reason,
        DisconnectReason::PeerClosed
            | DisconnectReason::Io(ConnectionReset | BrokenPipe)
            | DisconnectReason::Protocol(ProtocolError::Truncated)
    );
    ensure(gone, || format!("a peer that is gone was told as `{reason}`"))
}

/// Gives every task its turn, many times over.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// What the monitor has told and nobody has heard.
async fn unheard(monitor: &mut Monitor) -> Vec<MonitorKind> {
    let mut unheard = Vec::new();
    while let Some(event) = std::future::poll_fn(|cx| {
        let next = std::pin::pin!(monitor.next()).poll(cx);
        std::task::Poll::Ready(match next {
            std::task::Poll::Ready(event) => event,
            std::task::Poll::Pending => None,
        })
    })
    .await
    {
        unheard.push(event.kind);
    }
    unheard
}

/// Sends one message after the other until nothing goes out any more; how many were taken.
async fn fill<M: Into<Message>>(socket: &AnySocket, message: impl Fn(usize) -> M) -> usize {
    let (mut next, mut in_vain) = (0, 0);
    while in_vain < 20 {
        if socket.try_send(message(next)).is_ok() {
            (next, in_vain) = (next + 1, 0);
        } else {
            in_vain += 1;
            settle().await;
        }
    }
    next
}
