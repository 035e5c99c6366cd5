//! What happened at one side of a connection.

use std::time::Duration;

use crate::link::Effect;
use crate::message::Message;
use crate::wire::batch::Batch;
use crate::wire::command::Command;
use crate::wire::frame::{COMMAND, MORE};

/// What happened at one side of a connection.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Every effect, in order.
    pub effects: Vec<Effect>,
    /// The messages that left the pipe by this connection, subscriptions as 3.0 has them. Those that the network did
    /// not take to their last byte are struck off when the connection ends.
    pub sent: Vec<Message>,
    /// The messages that were put into the pipe.
    pub delivered: Vec<Message>,
    /// How many messages the pipe had discarded when the connection ended.
    pub discarded: u64,
    /// Whether messages were thrown away on arrival, because nobody will read them.
    pub swallowed: bool,
    /// Whether nothing reached this side any more from some time on, although nobody had closed.
    pub was_deaf: bool,
    /// Whether it was so to its end.
    pub is_deaf: bool,
    /// The longest silence that this side bears, from ready on: by its own heartbeat or by what its peer promises.
    pub patience: Option<Duration>,
}

/// The messages of a batch, and its subscriptions as a publisher hears of them.
pub(super) fn messages(batch: &Batch) -> Vec<Message> {
    let (mut messages, mut parts) = (Vec::new(), Vec::new());
    for frame in batch.frames() {
        if frame.flags & COMMAND != 0 {
            let (kind, topic) = match Command::decode(&frame.body).expect("a pipe holds commands that can be read") {
                Command::Subscribe(topic) => (1, topic),
                Command::Cancel(topic) => (0, topic),
                other => panic!("a pipe holds no {other:?}"),
            };
            messages.push(Message::from([&[kind], topic].concat()));
            continue;
        }
        parts.push(frame.body.to_vec());
        if frame.flags & MORE == 0 {
            messages.push(std::mem::take(&mut parts).into_iter().collect());
        }
    }
    messages
}
