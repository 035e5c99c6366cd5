//! What a session tells the application, and whom.

use std::collections::VecDeque;

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

/// Who hears what a session has to tell, within the call that it comes of. A method for each kind of [`Event`].
///
/// A queue of events is one: then they can be asked for. A session that tells an application at once spares each of the
/// seven events of a call the way through a queue.
pub trait Audience {
    /// [`Event::Opened`].
    fn opened(&mut self, id: StreamId, head: Head);

    /// [`Event::Data`]. Returns how much of all that has come by the stream is consumed already, without a word to
    /// [`Session::consumed`](super::Session::consumed).
    fn data(&mut self, id: StreamId, payload: Part, more: bool, kind: Kind) -> usize;

    /// [`Event::Ended`].
    fn ended(&mut self, id: StreamId);

    /// [`Event::Reset`].
    fn reset(&mut self, id: StreamId, code: Code, reason: &str);

    /// [`Event::Lost`].
    fn lost(&mut self, id: StreamId, sent: bool);

    /// [`Event::Writable`].
    fn writable(&mut self, id: StreamId);

    /// [`Event::GoAway`].
    fn go_away(&mut self, code: Code, reason: &str);

    /// [`Event::Closed`].
    fn closed(&mut self, id: StreamId);
}

impl Audience for VecDeque<Event> {
    fn opened(&mut self, id: StreamId, head: Head) {
        self.push_back(Event::Opened { id, head });
    }

    fn data(&mut self, id: StreamId, payload: Part, more: bool, kind: Kind) -> usize {
        self.push_back(Event::Data { id, payload, more, kind });
        0
    }

    fn ended(&mut self, id: StreamId) {
        self.push_back(Event::Ended { id });
    }

    fn reset(&mut self, id: StreamId, code: Code, reason: &str) {
        self.push_back(Event::Reset { id, code, reason: reason.to_owned() });
    }

    fn lost(&mut self, id: StreamId, sent: bool) {
        self.push_back(Event::Lost { id, sent });
    }

    fn writable(&mut self, id: StreamId) {
        self.push_back(Event::Writable { id });
    }

    fn go_away(&mut self, code: Code, reason: &str) {
        self.push_back(Event::GoAway { code, reason: reason.to_owned() });
    }

    fn closed(&mut self, id: StreamId) {
        self.push_back(Event::Closed { id });
    }
}
