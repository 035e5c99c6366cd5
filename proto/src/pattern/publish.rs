//! PUB and XPUB (RFC 29): fan messages out to those who subscribed.

use std::collections::VecDeque;

use bytes::Bytes;

use super::topics::Topics;
use super::{News, Pattern, Pipe, Pipes};
use crate::error::{DisconnectReason, RecvError, SendErrorKind};
use crate::limits::PeerLimits;
use crate::pipe::PipeId;
use crate::wire::subscription;
use crate::{Message, Options, SocketType};

/// Sends each message to every pipe with a matching subscription.
#[derive(Debug)]
pub(super) struct Publish {
    /// XPUB: the application hears of subscriptions.
    tells: bool,
    verbose: bool,
    nodrop: bool,
    limits: PeerLimits,
    topics: Topics,
    /// What the application is to hear, oldest first.
    heard: VecDeque<Message>,
    /// How much of that may wait before we stop reading.
    most: usize,
    /// Pipes that we stopped reading, the first of them first.
    stopped: VecDeque<PipeId>,
}

impl Publish {
    pub(super) fn new(socket_type: SocketType, options: &Options) -> Self {
        Self {
            tells: socket_type == SocketType::XPub,
            verbose: options.xpub_verbose,
            nodrop: options.xpub_nodrop,
            limits: options.limits,
            topics: Topics::default(),
            heard: VecDeque::new(),
            most: if options.recv_hwm == 0 { usize::MAX } else { options.recv_hwm },
            stopped: VecDeque::new(),
        }
    }

    fn hear(&mut self, pipes: &mut Pipes, id: PipeId, message: Message) {
        let changed = match message.parts() {
            // The subscriptions of a closed pipe are forgotten, and must not come back.
            [part] if matches!(part.first(), Some(0 | 1)) && !pipes.get(id).is_some_and(Pipe::takes_messages) => return,
            [part] => match part.split_first() {
                Some((1, topic)) => {
                    let change = self.topics.insert(topic, id);
                    if change.of_peer
                        && let Some(reason) = self.excess(id)
                    {
                        return self.give_up(pipes, id, topic, reason);
                    }
                    if change.of_peer {
                        pipes.tell(id, News::Subscribed(Bytes::copy_from_slice(topic)));
                    }
                    change.of_all
                }
                Some((0, topic)) => {
                    let change = self.topics.remove(topic, id);
                    if change.of_peer {
                        pipes.tell(id, News::Unsubscribed(Bytes::copy_from_slice(topic)));
                    }
                    change.of_all
                }
                _ => true,
            },
            _ => true,
        };
        if self.tells && (changed || self.verbose) {
            self.heard.push_back(message);
        }
    }

    /// The limit that the subscriptions of a peer are over.
    fn excess(&self, id: PipeId) -> Option<DisconnectReason> {
        let PeerLimits { max_subscriptions, max_subscription_bytes, .. } = self.limits;
        let (topics, bytes) = self.topics.held_by(id);
        let over = |most: Option<usize>, now: usize| most.filter(|&most| now > most);
        over(max_subscriptions, topics).map(|limit| DisconnectReason::TooManySubscriptions { limit }).or_else(|| {
            over(max_subscription_bytes, bytes).map(|limit| DisconnectReason::SubscriptionsTooLong { limit })
        })
    }

    /// Ends the connection of a peer that has subscribed to one topic too many, and hears nothing more of it.
    fn give_up(&mut self, pipes: &mut Pipes, id: PipeId, topic: &[u8], reason: DisconnectReason) {
        self.topics.remove(topic, id);
        pipes.sever(id);
        pipes.discard_unread(id);
        pipes.kick(id, reason);
    }

    fn forget(&mut self, id: PipeId) {
        self.topics.forget(id, |topic| {
            if self.tells {
                self.heard.push_back(subscription::message(topic, false));
            }
        });
    }
}

impl Pattern for Publish {
    fn opened(&mut self, _pipes: &mut Pipes, _id: PipeId) {}

    fn detached(&mut self, pipes: &mut Pipes, id: PipeId) {
        self.readable(pipes, id);
        // What we had no room for begins and ends here.
        self.stopped.retain(|&other| other != id);
        pipes.discard_unread(id);
        self.forget(id);
        // What waits was for the subscriptions of the peer that is gone.
        pipes.discard_unsent(id);
    }

    fn closed(&mut self, _pipes: &mut Pipes, id: PipeId) {
        self.forget(id);
    }

    fn readable(&mut self, pipes: &mut Pipes, id: PipeId) {
        while self.heard.len() < self.most {
            let mut message = Message::new();
            if !pipes.pop(id, &mut message) {
                return;
            }
            self.hear(pipes, id, message);
        }
        self.stopped.push_back(id);
    }

    fn send(&mut self, pipes: &mut Pipes, message: &mut Message) -> Result<(), SendErrorKind> {
        let matching = self.topics.find(&message.parts()[0]);
        if self.nodrop && !matching.iter().all(|&id| pipes.has_room(id)) {
            return Err(SendErrorKind::WouldBlock);
        }
        pipes.push_each(matching, message);
        Ok(())
    }

    fn recv(&mut self, pipes: &mut Pipes, into: &mut Message) -> Result<(), RecvError> {
        if !self.tells {
            return Err(RecvError::Unsupported(pipes.socket_type()));
        }
        *into = self.heard.pop_front().ok_or(RecvError::WouldBlock)?;
        while self.heard.len() < self.most
            && let Some(id) = self.stopped.pop_front()
        {
            self.readable(pipes, id);
        }
        Ok(())
    }

    fn subscriptions(&self) -> usize {
        self.topics.len()
    }
}
