//! SUB and XSUB (RFC 29): receive what they subscribed to.

use super::fair::FairQueue;
use super::prefixes::Prefixes;
use super::{Pattern, Pipes};
use crate::error::{RecvError, SendErrorKind, SubscribeError};
use crate::pipe::PipeId;
use crate::{Message, SocketType};

/// Keeps the subscriptions, tells them to every peer, and again to each that comes.
#[derive(Debug)]
pub(super) struct Subscribe {
    /// XSUB: the application sends its subscriptions as messages, and does its own filtering.
    raw: bool,
    fair: FairQueue,
    /// How often each topic was subscribed to.
    topics: Prefixes<usize>,
    attached: Vec<PipeId>,
}

impl Subscribe {
    pub(super) fn new(socket_type: SocketType) -> Self {
        Self {
            raw: socket_type == SocketType::XSub,
            fair: FairQueue::default(),
            topics: Prefixes::default(),
            attached: Vec::new(),
        }
    }

    fn change(&mut self, pipes: &mut Pipes, topic: &[u8], subscribe: bool) {
        let found = self.topics.find(topic);
        let tell = match (found.map(|place| (place, self.topics.at_mut(place))), subscribe) {
            (None, false) => false,
            (None, true) => {
                self.topics.insert(topic, 1);
                true
            }
            (Some((_, count)), true) => {
                *count += 1;
                false
            }
            (Some((place, 1)), false) => {
                self.topics.remove(place);
                true
            }
            (Some((_, count)), false) => {
                *count -= 1;
                false
            }
        };
        if tell {
            for &id in &self.attached {
                pipes.push_subscription(id, topic, subscribe);
            }
        }
    }

    /// Whether a message still is what we subscribed to: some were under way when a subscription was taken back.
    fn wants(&self, message: &Message) -> bool {
        self.raw || self.topics.of(&message.parts()[0]).next().is_some()
    }
}

impl Pattern for Subscribe {
    fn opened(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn attached(&mut self, pipes: &mut Pipes, id: PipeId) -> Result<(), crate::DisconnectReason> {
        self.attached.push(id);
        self.topics.for_each(|topic| pipes.push_subscription(id, topic, true));
        Ok(())
    }

    fn detached(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.attached.retain(|&other| other != id);
        // The next peer hears all subscriptions from the start.
        pipes.discard_unsent(id);
    }

    fn closed(&mut self, _pipes: &mut Pipes, id: PipeId) {
        self.attached.retain(|&other| other != id);
    }

    fn readable(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.fair.add(pipes, id);
    }

    fn send(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<(), SendErrorKind> {
        if !self.raw {
            return Err(SendErrorKind::Unsupported(pipes.socket_type()));
        }
        match message.parts() {
            [part] if part.first() == Some(&1) => self.change(pipes, &part[1..], true),
            [part] if part.first() == Some(&0) => self.change(pipes, &part[1..], false),
            // RFC 29, XSUB: other messages go upstream, to every publisher
            _ => pipes.push_each(&self.attached, message),
        }
        Ok(())
    }

    fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<(), RecvError> {
        loop {
            self.fair.recv(pipes, into)?;
            if self.wants(into) {
                return Ok(());
            }
        }
    }

    fn subscribe(&mut self, pipes: &mut Pipes, topic: &[u8]) -> Result<(), SubscribeError> {
        self.change(pipes, topic, true);
        Ok(())
    }

    fn unsubscribe(&mut self, pipes: &mut Pipes, topic: &[u8]) -> Result<(), SubscribeError> {
        self.change(pipes, topic, false);
        Ok(())
    }
}
