//! DEALER (RFC 28): asks round-robin, receives fairly, knows no envelopes.

use std::collections::VecDeque;

use super::balance::Balance;
use super::fair::FairQueue;
use super::{Pattern, Pipes};
use crate::Message;
use crate::error::{RecvError, SendErrorKind};
use crate::pipe::PipeId;

/// The asynchronous counterpart of REQ.
#[derive(Debug, Default)]
pub(super) struct Dealer {
    balance: Balance,
    fair: FairQueue,
}

impl Pattern for Dealer {
    fn opened(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.balance.add(pipes, id);
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
        self.balance.send(pipes, message).map(drop)
    }

    fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<(), RecvError> {
        self.fair.recv(pipes, into).map(drop)
    }

    fn send_many(
        &mut self,
        pipes: &mut Pipes,
        messages: &mut VecDeque<Message>,
        most: usize,
    ) -> Result<usize, SendErrorKind> {
        self.balance.send_many(pipes, messages, most)
    }

    fn recv_many(&mut self, pipes: &mut Pipes, messages: &mut Vec<Message>, most: usize) -> Result<usize, RecvError> {
        self.fair.recv_many(pipes, messages, most)
    }
}
