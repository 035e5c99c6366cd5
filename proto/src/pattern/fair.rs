//! Receives one message from each pipe in its turn.

use std::collections::VecDeque;

use super::Pipes;
use crate::Message;
use crate::error::RecvError;
use crate::pipe::PipeId;

/// Fair queueing, message by message, over the pipes that have something to read.
#[derive(Debug, Default)]
pub(super) struct FairQueue {
    turn: VecDeque<PipeId>,
}

impl FairQueue {
    /// Adds the pipe at the end of the round, unless it is in it.
    pub(super) fn add(&mut self, pipes: &mut Pipes, id: PipeId) {
        if let Some(pipe) = pipes.get_mut(id).filter(|pipe| !pipe.receives) {
            pipe.receives = true;
            self.turn.push_back(id);
        }
    }

    /// Receives from the next pipe that has a message, into the place of another, and says which.
    #[inline]
    pub(super) fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<PipeId, RecvError> {
        while let Some(&id) = self.turn.front() {
            if pipes.pop(id, into) {
                if self.turn.len() > 1 {
                    self.turn.rotate_left(1);
                }
                return Ok(id);
            }
            // It comes back with `readable`, unless it is gone.
            self.turn.pop_front();
            if let Some(pipe) = pipes.get_mut(id) {
                pipe.receives = false;
            }
        }
        Err(RecvError::WouldBlock)
    }
}
