//! What whoever deals with each connection by itself has of a socket.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use bowline_proto::engine::{Engine, Transmitted};
use bowline_proto::pipe::{PipeId, Wait, Waiting, Wakes};
use bowline_proto::{ConnectionId, DisconnectReason, Message, PeerInfo, RecvError};

use super::attendant::Attendant;
use super::core::Core;

/// What has come in.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Messages, each with the pipe that it came by.
    pub(crate) messages: Vec<(PipeId, Message)>,
    /// Pipes that have room again.
    pub(crate) relieved: Vec<PipeId>,
}

/// Where the one task that receives waits.
#[derive(Debug)]
pub(crate) struct Waits([Wait; 2]);

impl Core {
    /// From now on this one hears of each peer. Before the first endpoint, and once.
    pub(crate) fn attend(&self, attendant: Weak<dyn Attendant>) {
        let attended = self.attendant.set(attendant);
        debug_assert!(attended.is_ok(), "a socket has one attendant");
    }

    /// Who hears of each peer, if anybody does.
    pub(crate) fn attendant(&self) -> Option<Arc<dyn Attendant>> {
        self.attendant.get().and_then(Weak::upgrade)
    }

    /// Where the task that receives waits, for messages and for room.
    pub(crate) fn waits(self: &Arc<Self>) -> Waits {
        Waits([self.wait(Waiting::Recv), self.wait(Waiting::Send)])
    }

    /// Takes what has come in, or waits until something does.
    ///
    /// # Errors
    ///
    /// As [`Engine::try_recv_apart`]. The caller holds a lock, as with [`transmit`](Self::transmit).
    pub(crate) fn poll_recv_apart(
        &self,
        cx: &Context<'_>,
        waits: &mut Waits,
        arrivals: &mut Arrivals,
        most: usize,
        wakes: &mut Wakes,
    ) -> Poll<Result<(), RecvError>> {
        self.with_wakes(wakes, |engine| {
            loop {
                match take(engine, arrivals, most) {
                    Err(RecvError::WouldBlock) => {}
                    done => return Poll::Ready(done),
                }
                // Both are registered, or an edge has come, which is looked at now.
                if waits.0.iter_mut().all(|wait| wait.register(cx.waker())) {
                    return Poll::Pending;
                }
            }
        })
    }

    /// Takes all that came by a pipe whose peer is gone.
    pub(crate) fn recv_rest(&self, pipe: PipeId, arrivals: &mut Arrivals, wakes: &mut Wakes) {
        self.with_wakes(wakes, |engine| engine.recv_rest(pipe, &mut arrivals.messages));
    }

    /// The connection and the peer at the end of a pipe, if there is one.
    pub(crate) fn peer_of(&self, pipe: PipeId) -> Option<(ConnectionId, Arc<PeerInfo>)> {
        self.with(|engine| engine.peer_of(pipe))
    }

    /// Ends a connection. The caller holds a lock, as with [`transmit`](Self::transmit).
    pub(crate) fn end_apart(
        &self,
        (pipe, connection): (PipeId, ConnectionId),
        reason: DisconnectReason,
        wakes: &mut Wakes,
    ) {
        self.with_wakes(wakes, |engine| engine.end(pipe, connection, reason));
    }

    /// As [`Engine::transmit`]. The caller holds a lock: whoever is to be woken for it is added to `wakes`.
    pub(crate) fn transmit(
        &self,
        (pipe, connection): (PipeId, ConnectionId),
        most: usize,
        wakes: &mut Wakes,
        next: impl FnMut() -> Option<Message>,
    ) -> Transmitted {
        self.with_wakes(wakes, |engine| engine.transmit(pipe, connection, most, next))
    }
}

fn take(engine: &mut Engine, arrivals: &mut Arrivals, most: usize) -> Result<(), RecvError> {
    let received = engine.try_recv_apart(&mut arrivals.messages, most);
    engine.take_relieved(&mut arrivals.relieved);
    match received {
        Err(RecvError::WouldBlock) if !arrivals.relieved.is_empty() => Ok(()),
        received => received.map(drop),
    }
}
