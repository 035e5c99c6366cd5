//! PUSH and PULL (RFC 30).

use std::collections::VecDeque;

use super::balance::Balance;
use super::fair::FairQueue;
use super::{Pattern, Pipes};
use crate::Message;
use crate::error::{RecvError, SendErrorKind};
use crate::pipe::PipeId;

/// Spreads messages over its peers in turn.
#[derive(Debug, Default)]
pub(super) struct Push {
    balance: Balance,
}

impl Pattern for Push {
    fn opened(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.add(pipes, id);
    }

    fn closed(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.remove(pipes, id);
    }

    fn writable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.add(pipes, id);
    }

    #[inline]
    fn send(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<(), SendErrorKind> {
        self.balance.send(pipes, message).map(drop)
    }

    fn send_many(
        &mut self,
        pipes: &mut Pipes,
        messages: &mut VecDeque<Message>,
        most: usize,
    ) -> Result<usize, SendErrorKind> {
        self.balance.send_many(pipes, messages, most)
    }

    fn recv(&mut self, pipes: &mut Pipes, _into: &mut Message) -> Result<(), RecvError> {
        Err(RecvError::Unsupported(pipes.socket_type()))
    }
}

/// Collects messages from its peers in turn.
#[derive(Debug, Default)]
pub(super) struct Pull {
    fair: FairQueue,
}

impl Pattern for Pull {
    fn opened(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn closed(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn readable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.fair.add(pipes, id);
    }

    fn send(&mut self, pipes: &mut Pipes, _message: &mut Message) -> Result<(), SendErrorKind> {
        Err(SendErrorKind::Unsupported(pipes.socket_type()))
    }

    #[inline]
    fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<(), RecvError> {
        self.fair.recv(pipes, into).map(drop)
    }

    fn recv_many(&mut self, pipes: &mut Pipes, messages: &mut Vec<Message>, most: usize) -> Result<usize, RecvError> {
        self.fair.recv_many(pipes, messages, most)
    }
}
