//! What a session tells the application.

use super::code::Code;
use super::head::Head;
use super::slots::StreamId;
use crate::message::Part;

/// What a session tells the application.
///
/// Every stream, opened by us or by the peer, has exactly one [`Event::Closed`], and nothing behind it. Before it there
/// is at most one of [`Event::Reset`] and [`Event::Lost`]; none of them follows a reset of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer has opened a stream. Its first message follows as [`Event::Data`].
    Opened {
        /// The stream.
        id: StreamId,
        /// What it is about.
        head: Head,
    },
    /// A message, or a piece of one. Each has a [`cost`](super::cost()), also an empty one, which is to be reported to
    /// [`Session::consumed`](super::Session::consumed) when the application has taken it.
    Data {
        /// The stream.
        id: StreamId,
        /// At most 64 KiB.
        payload: Part,
        /// The message goes on in the next one.
        more: bool,
        /// What the message is; of a message in pieces only the last one says that it is an error.
        kind: Kind,
    },
    /// The peer's direction has ended cleanly: its last message was the last.
    ///
    /// On a stream of ours this is the end: nothing more can be sent either.
    Ended {
        /// The stream.
        id: StreamId,
    },
    /// The stream has ended at once, in both directions: the peer reset it, or it broke the rules of the stream and we
    /// did.
    Reset {
        /// The stream.
        id: StreamId,
        /// Why.
        code: Code,
        /// Why, for people. At most 1 KiB.
        reason: String,
    },
    /// The stream has ended with the connection.
    Lost {
        /// The stream.
        id: StreamId,
        /// False: nothing of it was ever handed to the transport.
        sent: bool,
    },
    /// There is room for the message that was refused as `Blocked`.
    Writable {
        /// The stream.
        id: StreamId,
    },
    /// The peer takes no more streams. Those that it has not taken end as [`Event::Reset`] with [`Code::REFUSED`].
    GoAway {
        /// Why.
        code: Code,
        /// Why, for people. At most 1 KiB.
        reason: String,
    },
    /// Nothing more will be heard of the stream, and its place is free for another.
    Closed {
        /// The stream.
        id: StreamId,
    },
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An argument, an item, or a result.
    Item,
    /// The typed error that the call ended with. It is the last message.
    Error,
}
