//! What only WebSocket has, against a libzmq that has it: subprotocols, paths, frames of every length, pages, and ends.
//!
//! Every pair of socket types over `ws://` is in the matrix; coming back is in `reconnect` and `subscriptions`.
#![cfg(target_os = "linux")]

mod ends;
mod habits;
mod lengths;
mod pages;
mod paths;
mod security;

use bowline::{AnySocket, DisconnectReason, Monitor, MonitorKind, Options, SocketType};
use bowline_interop::{Outcome, Peer, Theirs, Transport, ensure, ours};
use serde_json::Value;

/// A process with a libzmq that has WebSocket.
async fn peer() -> Outcome<Peer> {
    Peer::over(Transport::Ws).await
}

/// Our bound socket.
async fn our_host(kind: SocketType, options: Options) -> Outcome<(AnySocket, String)> {
    let socket = ours::socket(kind, options);
    let endpoint = ours::bind(&socket, &Transport::Ws.fresh()).await?;
    Ok((socket, endpoint))
}

/// Their bound socket.
async fn their_host(peer: &mut Peer, kind: &str, options: Value) -> Outcome<(Theirs, String)> {
    let socket = peer.socket(kind, options).await?;
    let endpoint = peer.bind(&socket, &Transport::Ws.fresh()).await?;
    Ok((socket, endpoint))
}

/// Our socket, connected.
fn our_guest(kind: SocketType, options: Options, endpoint: &str) -> Outcome<(AnySocket, Monitor)> {
    let socket = ours::socket(kind, options);
    let monitor = socket.monitor();
    ours::connect(&socket, endpoint)?;
    Ok((socket, monitor))
}

/// Their socket, connected.
async fn their_guest(peer: &mut Peer, kind: &str, options: Value, endpoint: &str) -> Outcome<Theirs> {
    let socket = peer.socket(kind, options).await?;
    peer.connect(&socket, endpoint).await?;
    Ok(socket)
}

/// The reason that the next connection ends for, before or after it was ready.
async fn end(monitor: &mut Monitor) -> Outcome<DisconnectReason> {
    let ended = |kind: &MonitorKind| match kind {
        MonitorKind::HandshakeFailed { reason, .. } | MonitorKind::Disconnected(reason) => Some(reason.clone()),
        _ => None,
    };
    ours::event(monitor, "the end of a connection", ended).await
}

fn is(wanted: &DisconnectReason, got: &DisconnectReason) -> Outcome {
    ensure(got == wanted, || format!("it ended because `{got}` instead of `{wanted}`"))
}

/// They hung up without a word.
fn is_their_end(got: &DisconnectReason) -> Outcome {
    let hung_up = matches!(got, DisconnectReason::PeerClosed | DisconnectReason::Io(_));
    ensure(hung_up, || format!("it ended because `{got}`"))
}
