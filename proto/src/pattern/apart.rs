//! Each peer apart: the application says which connection a message goes by, and hears which one it came by.
//!
//! What a protocol with state has to say to a peer makes sense to no other one. So nothing is balanced here, nothing
//! waits for a peer that is not there yet, and what a lost peer did not get goes with it.

use std::collections::VecDeque;

use super::{Pattern, Pipes};
use crate::Message;
use crate::error::{RecvError, SendErrorKind};
use crate::pipe::PipeId;

/// How many messages are received from one peer before the next one has its turn: whoever takes them locks what belongs
/// to that peer once for all of them.
const TURN: usize = 64;

/// The peers in turn.
#[derive(Debug, Default)]
pub(super) struct Apart {
    /// The pipes that had something to read when last looked at.
    turn: VecDeque<PipeId>,
    /// The pipes that have room again.
    relieved: Vec<PipeId>,
}

/// The pattern of a socket that keeps its peers apart.
pub fn apart() -> Box<dyn Pattern> {
    Box::new(Apart::default())
}

impl Pattern for Apart {
    fn opened(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn detached(&mut self, pipes: &mut Pipes, id: PipeId) {
        pipes.discard_unsent(id);
    }

    fn closed(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn readable(&mut self, pipes: &mut Pipes, id: PipeId) {
        if let Some(pipe) = pipes.get_mut(id).filter(|pipe| !pipe.receives) {
            pipe.receives = true;
            self.turn.push_back(id);
        }
    }

    fn writable(&mut self, _pipes: &mut Pipes, id: PipeId) {
        self.relieved.push(id);
    }

    fn send(&mut self, pipes: &mut Pipes, _message: &mut Message) -> Result<(), SendErrorKind> {
        Err(SendErrorKind::Unsupported(pipes.socket_type()))
    }

    fn recv(&mut self, pipes: &mut Pipes, _into: &mut Message) -> Result<(), RecvError> {
        Err(RecvError::Unsupported(pipes.socket_type()))
    }

    fn recv_apart(&mut self, pipes: &mut Pipes, messages: &mut Vec<(PipeId, Message)>, most: usize) -> usize {
        let mut received = 0;
        while let Some(&id) = self.turn.front().filter(|_| received < most) {
            let share = TURN.min(most - received);
            let mut taken = 0;
            let mut message = Message::new();
            while taken < share && pipes.pop(id, &mut message) {
                messages.push((id, std::mem::take(&mut message)));
                taken += 1;
            }
            received += taken;
            if taken == share {
                self.turn.rotate_left(1);
                continue;
            }
            // It comes back with `readable`, unless it is gone.
            self.turn.pop_front();
            if let Some(pipe) = pipes.get_mut(id) {
                pipe.receives = false;
            }
        }
        received
    }

    fn take_relieved(&mut self, relieved: &mut Vec<PipeId>) {
        relieved.append(&mut self.relieved);
    }
}
