//! ROUTER (RFC 28): addresses peers by identity.

use super::fair::FairQueue;
use super::routes::Routes;
use super::{Pattern, Pipes};
use crate::error::{DisconnectReason, RecvError, SendErrorKind};
use crate::pipe::PipeId;
use crate::{Message, Options, Part};

/// The first part of each message is the identity of the peer that it goes to, or came from.
#[derive(Debug)]
pub(super) struct Router {
    mandatory: bool,
    handover: bool,
    routes: Routes,
    fair: FairQueue,
}

impl Router {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            mandatory: options.router_mandatory,
            handover: options.router_handover,
            routes: Routes::default(),
            fair: FairQueue::default(),
        }
    }
}

impl Pattern for Router {
    fn opened(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn attached(&mut self, pipes: &mut Pipes, id: PipeId) -> Result<(), DisconnectReason> {
        let Some(pipe) = pipes.get(id) else { return Ok(()) };
        let announced = pipe.peer().map(|peer| peer.identity.clone()).unwrap_or_default();
        let known = pipe.identity.clone();
        let identity = match announced.is_empty() {
            // An endpoint keeps the identity that was made for it, whoever answers there.
            true if !known.is_empty() => known.into_bytes(),
            true => self.routes.make(),
            false => announced,
        };
        if let Some(other) = self.routes.find(&identity).filter(|&other| other != id) {
            if !self.handover {
                return Err(DisconnectReason::IdentityTaken);
            }
            pipes.kick(other, DisconnectReason::Superseded);
        }
        if let Some(pipe) = pipes.get_mut(id) {
            self.routes.remove(&pipe.identity, id);
            pipe.identity = Part::from(identity.clone());
        }
        self.routes.insert(identity, id);
        Ok(())
    }

    fn closed(&mut self, pipes: &mut Pipes, id: PipeId) {
        if let Some(pipe) = pipes.get(id) {
            self.routes.remove(&pipe.identity, id);
        }
    }

    fn readable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.fair.add(pipes, id);
    }

    fn send(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<(), SendErrorKind> {
        let identity = message.pop_front().ok_or(SendErrorKind::NoIdentity)?;
        let sent = match self.routes.find(&identity) {
            None => Err(SendErrorKind::Unroutable),
            Some(id) => pipes.push(id, message).map_err(|_| SendErrorKind::WouldBlock),
        };
        if self.mandatory && sent.is_err() {
            message.push_front(identity);
            return sent;
        }
        // RFC 28, ROUTER: SHALL silently drop what it cannot route
        Ok(())
    }

    fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<(), RecvError> {
        let id = self.fair.recv(pipes, into)?;
        let identity = pipes.get(id).map(|pipe| pipe.identity.clone()).unwrap_or_default();
        into.push_front(identity);
        Ok(())
    }
}
