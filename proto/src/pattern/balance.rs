//! Sends each message to one pipe, each pipe in its turn.

use std::collections::VecDeque;

use super::Pipes;
use crate::Message;
use crate::error::SendErrorKind;
use crate::pipe::PipeId;

/// Strict round-robin over the pipes that have room.
#[derive(Debug, Default)]
pub(super) struct Balance {
    /// The pipes that had room when last looked at; the next one first.
    turn: VecDeque<PipeId>,
}

impl Balance {
    /// Adds the pipe at the end of the round, unless it is in it.
    pub(super) fn add(&mut self, pipes: &mut Pipes, id: PipeId) {
        if let Some(pipe) = pipes.get_mut(id).filter(|pipe| !pipe.sends) {
            pipe.sends = true;
            self.turn.push_back(id);
        }
    }

    /// Takes the pipe out of the round.
    pub(super) fn remove(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.turn.retain(|&other| other != id);
        if let Some(pipe) = pipes.get_mut(id) {
            pipe.sends = false;
        }
    }

    /// Sends to the next pipe that has room, and says which.
    #[inline]
    pub(super) fn send(&mut self, pipes: &mut Pipes, message: &Message) -> Result<PipeId, SendErrorKind> {
        while let Some(&id) = self.turn.front() {
            if pipes.push(id, message).is_ok() {
                if self.turn.len() > 1 {
                    self.turn.rotate_left(1);
                }
                return Ok(id);
            }
            // It comes back with `writable`.
            self.turn.pop_front();
            if let Some(pipe) = pipes.get_mut(id) {
                pipe.sends = false;
            }
        }
        Err(SendErrorKind::WouldBlock)
    }

    /// Sends the first of `messages`, up to `most`, each to the next pipe that has room, and says how many.
    pub(super) fn send_many(
        &mut self,
        pipes: &mut Pipes,
        messages: &VecDeque<Message>,
        most: usize,
    ) -> Result<usize, SendErrorKind> {
        let (mut sent, most) = (0, most.min(messages.len()));
        while sent < most {
            if self.turn.len() == 1 {
                // Every turn is this pipe's.
                sent += pipes.push_many(self.turn[0], messages.range(sent..most));
            }
            match messages.get(sent).filter(|_| sent < most).map(|message| self.send(pipes, message)) {
                None => {}
                Some(Ok(_)) => sent += 1,
                Some(Err(kind)) if sent == 0 => return Err(kind),
                // Whoever sends the rest hears why.
                Some(Err(_)) => break,
            }
        }
        Ok(sent)
    }
}
