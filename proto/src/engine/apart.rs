//! The engine of a socket whose application deals with each connection by itself.

use std::sync::Arc;

use super::{BATCH_MOST, Engine};
use crate::error::{DisconnectReason, RecvError};
use crate::monitor::ConnectionId;
use crate::pattern::{self, Gone, Pipe};
use crate::peer::PeerInfo;
use crate::pipe::PipeId;
use crate::{Message, Options, SocketType};

/// How far a transmission came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmitted {
    /// There was nothing more to send.
    All,
    /// The pipe takes no more for now; [`take_relieved`](Engine::take_relieved) names it when it does.
    Full,
    /// The connection has ended, and nothing was sent.
    Gone,
}

impl Engine {
    /// A socket that says `socket_type` to its peers, and keeps them apart: what is sent goes by the connection that the
    /// caller names, and by no later one of the same endpoint.
    pub fn apart(socket_type: SocketType, options: Arc<Options>) -> Self {
        let pattern = pattern::apart(&options);
        Self { pattern, ..Self::new(socket_type, options) }
    }

    /// Appends the messages that are there to `messages`, up to `most` and up to [`BATCH_MOST`], each with the pipe that
    /// it came by, and returns how many. From each peer they come in order.
    ///
    /// # Errors
    ///
    /// [`RecvError::WouldBlock`] if there is none, [`RecvError::Closed`] if none will come.
    pub fn try_recv_apart(&mut self, messages: &mut Vec<(PipeId, Message)>, most: usize) -> Result<usize, RecvError> {
        if self.state.is_over() {
            return Err(RecvError::Closed);
        }
        self.process();
        match self.pattern.recv_apart(&mut self.pipes, messages, most.min(BATCH_MOST)) {
            0 => Err(RecvError::WouldBlock),
            received => Ok(received),
        }
    }

    /// Sends what `next` gives by this connection until it gives nothing, or about `most` bytes wait. `next` is asked
    /// only when there is room for what it gives.
    pub fn transmit(
        &mut self,
        id: PipeId,
        connection: ConnectionId,
        most: usize,
        mut next: impl FnMut() -> Option<Message>,
    ) -> Transmitted {
        loop {
            match self.pipes.has_room_below(id, connection, most) {
                Err(Gone) => return Transmitted::Gone,
                Ok(false) => return Transmitted::Full,
                Ok(true) => {}
            }
            let Some(message) = next() else { return Transmitted::All };
            if self.pipes.push(id, &message).is_err() {
                // In process the peer may go at any moment; then all that it was sent is gone.
                return Transmitted::Gone;
            }
        }
    }

    /// Appends all that came by this pipe to `messages`. Its peer is gone, so no more will come.
    pub fn recv_rest(&mut self, id: PipeId, messages: &mut Vec<(PipeId, Message)>) {
        let mut message = Message::new();
        while self.pipes.pop(id, &mut message) {
            messages.push((id, std::mem::take(&mut message)));
        }
    }

    /// The connection and the peer at the end of the pipe, if there is one.
    pub fn peer_of(&self, id: PipeId) -> Option<(ConnectionId, Arc<PeerInfo>)> {
        let (connection, peer, _) = self.pipes.get(id)?.report()?;
        Some((connection, peer))
    }

    /// Ends this connection for `reason`, unless it has ended.
    pub fn end(&mut self, id: PipeId, connection: ConnectionId, reason: DisconnectReason) {
        if self.pipes.get(id).and_then(Pipe::connection) == Some(connection) {
            self.pipes.kick(id, reason);
        }
    }

    /// Appends the pipes that have room again to `relieved`.
    pub fn take_relieved(&mut self, relieved: &mut Vec<PipeId>) {
        self.process();
        self.pattern.take_relieved(relieved);
    }
}
