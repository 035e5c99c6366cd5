//! Patterns: who gets a message, and from whom the next one comes.
//!
//! A socket type is a few lines over these parts, each in a file of its own: `balance` sends to one pipe in turn, `fair`
//! receives from each in turn, `topics` knows who subscribed to what, `routes` knows who has which identity. `apart`
//! is no socket type of its own: a DEALER or a ROUTER whose application deals with each connection by itself.

mod apart;
mod balance;
mod dealer;
mod fair;
mod pair;
mod pipe;
mod pipeline;
mod pipes;
mod prefixes;
mod publish;
mod rep;
mod req;
mod router;
mod routes;
mod subscribe;
#[cfg(test)]
mod tests;
mod topics;

use std::collections::VecDeque;
use std::fmt;

pub use apart::apart;
pub use pipe::{News, Pipe, Tally};
pub use pipes::Pipes;

use crate::error::{DisconnectReason, RecvError, SendErrorKind, SubscribeError};
use crate::pipe::PipeId;
use crate::{Message, Options, SocketType};

/// What a socket type does with its pipes.
///
/// The engine calls every method under the socket's lock. None may block. A hook for a pipe that the pattern does not
/// know does nothing.
pub trait Pattern: Send {
    /// The pipe can carry messages from now on: a dialed one from `connect`, an accepted one just before
    /// [`attached`](Self::attached), a dialed one of an `immediate` socket just before every `attached`.
    fn opened(&mut self, pipes: &mut Pipes, id: PipeId);

    /// A peer stands at the other end; `pipes` has its `PeerInfo`.
    ///
    /// # Errors
    ///
    /// The reason to refuse it. [`detached`](Self::detached) is then not called.
    fn attached(&mut self, _pipes: &mut Pipes, _id: PipeId) -> Result<(), DisconnectReason> {
        Ok(())
    }

    /// The peer is gone. The pipe stays until [`closed`](Self::closed).
    fn detached(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    /// The pipe takes no more messages. What came by it can still be read.
    fn closed(&mut self, pipes: &mut Pipes, id: PipeId);

    /// The pipe has something to read, after it was found empty.
    fn readable(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    /// The pipe has room, after it was found full.
    fn writable(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    /// Sends the message, or leaves it as it was.
    ///
    /// # Errors
    ///
    /// [`SendErrorKind::WouldBlock`] if the caller may try again after [`writable`](Self::writable) or
    /// [`opened`](Self::opened).
    fn send(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<(), SendErrorKind>;

    /// Receives a message, into the place of another: it is moved no more often than it must be. After an error it is
    /// undefined what stands there.
    ///
    /// # Errors
    ///
    /// [`RecvError::WouldBlock`] if the caller may try again after [`readable`](Self::readable).
    fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<(), RecvError>;

    /// Sends the first of `messages`, up to `most`, as so many calls of [`send`](Self::send) would, and says how many. They stay in
    /// their places.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), of the first message; none is sent then.
    fn send_many(
        &mut self,
        pipes: &mut Pipes,
        messages: &mut VecDeque<Message>,
        most: usize,
    ) -> Result<usize, SendErrorKind> {
        let mut sent = 0;
        for message in messages.iter_mut().take(most) {
            match self.send(pipes, message) {
                Ok(()) => sent += 1,
                Err(kind) if sent == 0 => return Err(kind),
                // Whoever sends the rest hears why.
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    /// Receives up to `most` messages, behind those that are in `messages`, as so many calls of [`recv`](Self::recv) would, and
    /// says how many.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), if there is none.
    fn recv_many(&mut self, pipes: &mut Pipes, messages: &mut Vec<Message>, most: usize) -> Result<usize, RecvError> {
        for received in 0..most {
            let mut message = Message::new();
            match self.recv(pipes, &mut message) {
                Ok(()) => messages.push(message),
                Err(error) if received == 0 => return Err(error),
                // Whoever receives next hears why.
                Err(_) => return Ok(received),
            }
        }
        Ok(most)
    }

    /// Subscribes to messages that begin with `topic`; as many times as it is called.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Unsupported`] where the socket type has no subscriptions.
    fn subscribe(&mut self, pipes: &mut Pipes, _topic: &[u8]) -> Result<(), SubscribeError> {
        Err(SubscribeError::Unsupported(pipes.socket_type()))
    }

    /// Takes one subscription back; nothing happens if there is none.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe).
    fn unsubscribe(&mut self, pipes: &mut Pipes, _topic: &[u8]) -> Result<(), SubscribeError> {
        Err(SubscribeError::Unsupported(pipes.socket_type()))
    }

    /// How many topics the peers of this socket are subscribed to.
    fn subscriptions(&self) -> usize {
        0
    }
}

/// By its name alone: what stands in a table of methods is linked, used or not, and that of all it contains as well.
impl fmt::Debug for dyn Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pattern")
    }
}

/// The pattern of a socket type.
pub fn for_type(socket_type: SocketType, options: &Options) -> Box<dyn Pattern> {
    match socket_type {
        SocketType::Pair => Box::new(pair::Pair::default()),
        SocketType::Pub | SocketType::XPub => Box::new(publish::Publish::new(socket_type, options)),
        SocketType::Sub | SocketType::XSub => Box::new(subscribe::Subscribe::new(socket_type)),
        SocketType::Req => Box::new(req::Req::new(options)),
        SocketType::Rep => Box::new(rep::Rep::default()),
        SocketType::Dealer => Box::new(dealer::Dealer::default()),
        SocketType::Router => Box::new(router::Router::new(options)),
        SocketType::Pull => Box::new(pipeline::Pull::default()),
        SocketType::Push => Box::new(pipeline::Push::default()),
    }
}

/// Whether sockets of this type ever hand a message to the application.
pub fn receives(socket_type: SocketType) -> bool {
    !matches!(socket_type, SocketType::Pub | SocketType::Push)
}
