//! The socket types against their RFCs: engines joined as in process, or pipes driven by hand.

mod one_way;
mod publishing;
mod requests;
mod routing;

use std::sync::Arc;
use std::task::{Context, Waker};

use super::Pipe;
use crate::engine::{Engine, Halves};
use crate::error::{DisconnectReason, RecvError, SendErrorKind};
use crate::peer::PeerInfo;
use crate::pipe::{Inbox, Take, Wakes};
use crate::wire::batch::Batch;
use crate::wire::frame::{COMMAND, MORE};
use crate::{ConnectionId, Message, Options, SocketType};

/// Where connections are not told apart.
const HERE: ConnectionId = ConnectionId(1);

fn socket(socket_type: SocketType) -> Engine {
    with(socket_type, Options::new())
}

fn with(socket_type: SocketType, options: Options) -> Engine {
    Engine::new(socket_type, Arc::new(options))
}

fn send(engine: &mut Engine, message: impl Into<Message>) -> Result<(), SendErrorKind> {
    engine.try_send(&mut message.into())
}

fn recv(engine: &mut Engine) -> Result<String, RecvError> {
    engine.try_recv().map(|message| shown(&message))
}

/// The parts, joined by bars.
fn shown(message: &Message) -> String {
    let parts = message.parts().iter().map(|part| part.escape_ascii().to_string());
    parts.collect::<Vec<_>>().join("|")
}

fn parts(of: &[&str]) -> Message {
    of.iter().copied().collect()
}

/// All that can be received now.
fn drain(engine: &mut Engine) -> Vec<String> {
    std::iter::from_fn(|| recv(engine).ok()).collect()
}

/// Two sockets joined as in process: the first has connected, the second has accepted.
fn join(near: &mut Engine, far: &mut Engine) -> (Halves, Halves) {
    let ours = near.dial().unwrap();
    let theirs = join_again(near, far, &ours);
    (ours, theirs)
}

/// Joins the dialed pipe of `near` with a new accepted pipe of `far`.
fn join_again(near: &mut Engine, far: &mut Engine, ours: &Halves) -> Halves {
    let sum = |send: usize, recv: usize| if send == 0 || recv == 0 { 0 } else { send + recv };
    let inbox = Arc::new(Inbox::new(sum(near.options().send_hwm, far.options().recv_hwm), false));
    near.direct(ours.pipe, Arc::clone(&inbox));
    let theirs = far.accept_with(inbox).unwrap();
    ours.inbox.configure(sum(far.options().send_hwm, near.options().recv_hwm), false, &mut Wakes::new());
    far.direct(theirs.pipe, Arc::clone(&ours.inbox));
    let (near_type, far_type) = (near.socket_type(), far.socket_type());
    far.attach(theirs.pipe, HERE, PeerInfo::of_type(near_type)).unwrap();
    near.attach(ours.pipe, HERE, PeerInfo::of_type(far_type)).unwrap();
    theirs
}

fn peer(socket_type: SocketType) -> PeerInfo {
    PeerInfo::of_type(socket_type)
}

fn named(socket_type: SocketType, identity: &str) -> PeerInfo {
    PeerInfo { identity: identity.as_bytes().to_vec().into(), ..peer(socket_type) }
}

/// A connection was accepted and is ready.
fn accept(engine: &mut Engine, peer: PeerInfo) -> Halves {
    let halves = engine.accept().unwrap();
    engine.attach(halves.pipe, HERE, peer).unwrap();
    halves
}

/// A dialed endpoint with a connection.
fn dial(engine: &mut Engine, peer: PeerInfo) -> Halves {
    let halves = engine.dial().unwrap();
    engine.attach(halves.pipe, HERE, peer).unwrap();
    halves
}

/// The peer's messages arrive.
fn arrive(halves: &Halves, messages: impl IntoIterator<Item = Message>) {
    let mut messages = messages.into_iter().collect();
    let delivered = halves.inbox.poll_deliver(&mut Context::from_waker(Waker::noop()), &mut messages);
    assert!(delivered.is_ready(), "there is room");
}

/// What a connection would write now; subscriptions begin with `+` and `-`.
fn written(engine: &mut Engine, halves: &Halves) -> Vec<String> {
    let mut batch = Batch::new();
    if !matches!(take(engine, halves, &mut batch), Some(Take::Batch)) {
        return Vec::new();
    }
    let (mut messages, mut parts) = (Vec::new(), Vec::new());
    for frame in batch.frames() {
        if frame.flags & COMMAND != 0 {
            let body = String::from_utf8_lossy(&frame.body).into_owned();
            messages.push(body.replace("\tSUBSCRIBE", "+").replace("\u{6}CANCEL", "-"));
        } else {
            parts.push(frame.body.to_vec());
            if frame.flags & MORE == 0 {
                messages.push(shown(&std::mem::take(&mut parts).into_iter().collect()));
            }
        }
    }
    messages
}

fn take(engine: &mut Engine, halves: &Halves, batch: &mut Batch) -> Option<Take> {
    match engine.poll_take(halves, &mut Context::from_waker(Waker::noop()), batch) {
        std::task::Poll::Ready(take) => Some(take),
        std::task::Poll::Pending => None,
    }
}

/// How many messages wait to be written.
fn unsent(engine: &Engine, halves: &Halves) -> usize {
    engine.pipes().get(halves.pipe).map_or(0, Pipe::unsent)
}

fn kicked(engine: &mut Engine, halves: &Halves) -> Option<DisconnectReason> {
    match take(engine, halves, &mut Batch::new()) {
        Some(Take::Kicked(reason)) => Some(reason),
        _ => None,
    }
}
