//! PAIR (RFC 31): one peer, both ways.

use super::fair::FairQueue;
use super::{Pattern, Pipes};
use crate::Message;
use crate::error::{DisconnectReason, RecvError, SendErrorKind};
use crate::pipe::PipeId;

/// Talks to one peer at a time; others are refused.
#[derive(Debug, Default)]
pub(super) struct Pair {
    /// The pipes that could be the peer's; the first is.
    pipes: Vec<PipeId>,
    /// What came, also from a peer that is gone by now.
    fair: FairQueue,
}

impl Pattern for Pair {
    fn opened(&mut self, _pipes: &mut Pipes, id: PipeId) {
        if !self.pipes.contains(&id) {
            self.pipes.push(id);
        }
    }

    fn attached(&mut self, pipes: &mut Pipes, id: PipeId) -> Result<(), DisconnectReason> {
        let taken =
            self.pipes.iter().any(|&other| other != id && pipes.get(other).is_some_and(|pipe| pipe.peer().is_some()));
        if taken {
            return Err(DisconnectReason::PairTaken);
        }
        // Whichever endpoint finds a peer first is the one.
        self.pipes.retain(|&other| other != id);
        self.pipes.insert(0, id);
        Ok(())
    }

    fn closed(&mut self, _pipes: &mut Pipes, id: PipeId) {
        self.pipes.retain(|&other| other != id);
    }

    fn readable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.fair.add(pipes, id);
    }

    fn send(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<(), SendErrorKind> {
        let id = *self.pipes.first().ok_or(SendErrorKind::WouldBlock)?;
        pipes.push(id, message).map_err(|_| SendErrorKind::WouldBlock)
    }

    fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<(), RecvError> {
        self.fair.recv(pipes, into).map(drop)
    }
}
