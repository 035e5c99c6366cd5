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
    /// The reply is awaited by this pipe.
    Await(PipeId),
    /// The reply will not come, which `recv` has not told yet.
    Lost,
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

impl Pattern for Req {
    fn opened(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.add(pipes, id);
    }

    fn detached(&mut self, pipes: &mut Pipes, id: PipeId) {
        // A request that never left goes out on the next connection, and a reply that came can be received.
        if self.turn == Turn::Await(id) && !pipes.carries(id) && !pipes.has_unread(id) {
            self.turn = Turn::Lost;
        }
    }

    fn closed(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.remove(pipes, id);
        if self.turn == Turn::Await(id) && !pipes.has_unread(id) {
            self.turn = Turn::Lost;
        }
    }

    fn readable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.fair.add(pipes, id);
    }

    fn writable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.add(pipes, id);
    }

    fn send(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<(), SendErrorKind> {
        let previous = self.turn;
        if matches!(previous, Turn::Await(_)) && !self.relaxed {
            return Err(SendErrorKind::OutOfTurn);
        }
        let request = self.request.wrapping_add(1);
        let mut enveloped = message.clone();
        enveloped.push_front(Part::EMPTY);
        if self.correlate {
            enveloped.push_front(&request.to_be_bytes());
        }
        let id = self.balance.send(pipes, &enveloped)?;
        self.request = request;
        self.turn = Turn::Await(id);
        if let Turn::Await(old) = previous
            && !self.correlate
        {
            // Nothing tells a late reply to the old request from the reply to the new one, so its connection goes.
            pipes.kick(old, DisconnectReason::RequestAbandoned);
        }
        Ok(())
    }

    fn recv(&mut self, pipes: &mut Pipes) -> Result<Message, RecvError> {
        let Turn::Await(awaited) = self.turn else {
            let lost = self.turn == Turn::Lost;
            self.turn = Turn::Ask;
            return Err(if lost { RecvError::PeerLost } else { RecvError::OutOfTurn });
        };
        loop {
            let (id, mut message) = match self.fair.recv(pipes) {
                Ok(received) => received,
                Err(RecvError::WouldBlock) if !pipes.carries(awaited) => {
                    // What the lost peer had sent was no reply.
                    self.turn = Turn::Ask;
                    return Err(RecvError::PeerLost);
                }
                Err(error) => return Err(error),
            };
            // RFC 28, REQ: SHALL accept a reply only from the peer that has the request, and discard others
            if id == awaited && self.open(&mut message) {
                self.turn = Turn::Ask;
                return Ok(message);
            }
        }
    }
}
