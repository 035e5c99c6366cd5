//! No pattern: what passes between the peers and the application goes past the pipes.
//!
//! A protocol with state of its own deals with each connection by itself, in the task that serves the connection. What is
//! left of a pipe is its life: dialed or accepted, with a peer or without, drained or closed.

use super::{Pattern, Pipes};
use crate::Message;
use crate::error::{RecvError, SendErrorKind};
use crate::pipe::PipeId;

#[derive(Debug)]
struct Apart;

/// The pattern of a socket that keeps its peers apart.
pub fn apart() -> Box<dyn Pattern> {
    Box::new(Apart)
}

impl Pattern for Apart {
    fn opened(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn closed(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn send(&mut self, pipes: &mut Pipes, _message: &mut Message) -> Result<(), SendErrorKind> {
        Err(SendErrorKind::Unsupported(pipes.socket_type()))
    }

    fn recv(&mut self, pipes: &mut Pipes, _into: &mut Message) -> Result<(), RecvError> {
        Err(RecvError::Unsupported(pipes.socket_type()))
    }
}
