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

    /// Receives up to `most` messages behind those that are in `messages`, each from the next pipe that has one, and says how many.
    pub(super) fn recv_many(
        &mut self,
        pipes: &mut Pipes,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Result<usize, RecvError> {
        let mut received = 0;
        while received < most {
            if self.turn.len() == 1 {
                // Every turn is this pipe's.
                received += pipes.pop_many(self.turn[0], messages, most - received);
                if received == most {
                    break;
                }
            }
            let mut message = Message::new();
            match self.recv(pipes, &mut message) {
                Ok(_) => messages.push(message),
                Err(error) if received == 0 => return Err(error),
                // Whoever receives next hears why.
                Err(_) => break,
            }
            received += 1;
        }
        Ok(received)
    }
}
