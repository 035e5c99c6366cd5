//! REQ (RFC 28): asks, then waits for the reply.

use super::balance::Balance;
use super::fair::FairQueue;
use super::{Pattern, Pipes};
use crate::error::{DisconnectReason, RecvError, SendErrorKind};
use crate::pipe::PipeId;
use crate::{Message, Options, Part};

/// Sends a request, then receives its reply.
#[derive(Debug)]
pub(super) struct Req {
    relaxed: bool,
    correlate: bool,
    balance: Balance,
    fair: FairQueue,
    turn: Turn,
    /// The number of the last request.
    request: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// A request may be sent.
    Ask,
    /// The reply is awaited by this pipe. If the peer went with the request (`lost`), only what it left unread can be
    /// the reply, even when another peer has come since.
    Await { pipe: PipeId, lost: bool },
}

impl Req {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            relaxed: options.req_relaxed,
            correlate: options.req_correlate,
            balance: Balance::default(),
            fair: FairQueue::default(),
            turn: Turn::Ask,
            request: 0,
        }
    }

    /// Whether the envelope is that of the reply that is awaited; takes it off.
    fn open(&self, message: &mut Message) -> bool {
        if self.correlate && message.pop_front().is_none_or(|id| id != self.request.to_be_bytes()) {
            return false;
        }
        message.pop_front().is_some_and(|delimiter| delimiter.is_empty())
    }
}

impl Req {
    /// The pipe that the reply may still come by.
    fn awaited(&self, pipes: &Pipes) -> Option<PipeId> {
        match self.turn {
            Turn::Await { pipe, lost } if pipes.has_unread(pipe) || !lost && pipes.carries(pipe) => Some(pipe),
            _ => None,
        }
    }

    /// Gives the last request up.
    fn abandon(&mut self, pipes: &mut Pipes, old: PipeId) {
        self.turn = Turn::Ask;
        pipes.discard_unsent(old);
        // Nothing tells a late reply to the old request from the reply to the new one, so its connection goes, and is
        // not heard until then.
        pipes.sever(old);
        pipes.kick(old, DisconnectReason::RequestAbandoned);
    }
}

impl Pattern for Req {
    fn opened(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.add(pipes, id);
    }

    fn detached(&mut self, pipes: &mut Pipes, id: PipeId) {
        // A request that never left goes out on the next connection.
        if let Turn::Await { pipe, lost } = &mut self.turn
            && *pipe == id
        {
            *lost |= !pipes.carries(id);
        }
    }

    fn closed(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.remove(pipes, id);
    }

    fn readable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.fair.add(pipes, id);
    }

    fn writable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.add(pipes, id);
    }

    fn send(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<(), SendErrorKind> {
        if let Some(old) = self.awaited(pipes) {
            if !self.relaxed {
                return Err(SendErrorKind::OutOfTurn);
            }
            if !self.correlate {
                self.abandon(pipes, old);
            }
        }
        if !self.correlate {
            // What came unasked must not be taken for the reply to what is asked now.
            while self.fair.recv(pipes, &mut Message::new()).is_ok() {}
        }
        let request = self.request.wrapping_add(1);
        let mut enveloped = message.clone();
        enveloped.push_front(Part::EMPTY);
        if self.correlate {
            enveloped.push_front(&request.to_be_bytes());
        }
        let id = self.balance.send(pipes, &enveloped)?;
        self.request = request;
        self.turn = Turn::Await { pipe: id, lost: false };
        Ok(())
    }

    fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<(), RecvError> {
        let Turn::Await { pipe: awaited, lost } = self.turn else { return Err(RecvError::OutOfTurn) };
        loop {
            let id = match self.fair.recv(pipes, into) {
                Ok(id) => id,
                Err(RecvError::WouldBlock) if lost || !pipes.carries(awaited) => {
                    self.turn = Turn::Ask;
                    return Err(RecvError::PeerLost);
                }
                Err(error) => return Err(error),
            };
            // RFC 28, REQ: SHALL accept a reply only from the peer that has the request, and discard others
            if id == awaited && self.open(into) {
                self.turn = Turn::Ask;
                return Ok(());
            }
        }
    }
}
