//! The session: one side of a connection that carries streams.

use super::code::Code;
use super::error::{OpenError, SendError, Violation};
use super::event::Event;
use super::head::Head;
use crate::message::{Message, Part};

/// Limits of a session, each for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many streams each side may have open at once: we open no more, and refuse what the peer opens beyond. 1,024
    /// by default, as the peer counts on; at most [`frame::STREAMS_MOST`](super::frame::STREAMS_MOST).
    pub max_streams: usize,
    /// How far the window of one stream may grow, in bytes: 1 MiB by default, enough for a gigabit over 8 ms.
    pub max_window: usize,
    /// What all windows together may grow beyond their 64 KiB, in bytes: 16 MiB by default.
    pub pool: usize,
    /// The longest message, either way, in bytes: 16 MiB by default.
    pub max_message: usize,
    /// How much of one stream may wait to be sent, in bytes: 256 KiB by default. One message may be longer.
    pub send_buffer: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_streams: 1024,
            max_window: 1024 * 1024,
            pool: 16 * 1024 * 1024,
            max_message: 16 * 1024 * 1024,
            send_buffer: 256 * 1024,
        }
    }
}

/// Which side of the connection a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// It opens streams with even ids.
    Client,
    /// It opens streams with odd ids.
    Server,
}

/// A stream of a session. An old one finds nothing, also when its place is taken by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId {
    key: u32,
    generation: u32,
    sid: u16,
}

impl StreamId {
    /// The id on the wire. Another stream may have it later.
    pub const fn sid(self) -> u16 {
        self.sid
    }

    /// Its place, for tables beside the session: small numbers, used again. It is free with [`Event::Closed`].
    pub const fn index(self) -> usize {
        self.key as usize
    }
}

/// Whether a direction goes on behind a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// More messages may follow.
    Open,
    /// This message is the last one.
    Finish,
}

/// What came for streams that this side had ended, and was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// How many frames.
    pub frames: u64,
    /// How much payload they had.
    pub bytes: u64,
}

/// One side of a connection that carries streams.
///
/// - getters: [`streams`](Self::streams), [`unsent`](Self::unsent), [`is_idle`](Self::is_idle), [`late`](Self::late)
/// - from the link: [`handle`](Self::handle), [`lost`](Self::lost)
/// - from the application: [`open`](Self::open), [`send`](Self::send), [`finish`](Self::finish), [`fail`](Self::fail),
///   [`reset`](Self::reset), [`consumed`](Self::consumed), [`go_away`](Self::go_away)
/// - to the world: [`poll_event`](Self::poll_event), [`poll_transmit`](Self::poll_transmit)
///
/// Whoever calls any of the others then takes all events; frames are taken as the transport has room for them.
#[derive(Debug)]
pub struct Session;

#[expect(unused_variables, clippy::unused_self, clippy::needless_pass_by_value, reason = "signatures first")]
impl Session {
    /// A session at the beginning of a connection.
    pub fn new(side: Side, settings: Settings) -> Self {
        Self
    }

    /// Opens a stream with its first message, as long as that is. Nothing is sent before `poll_transmit`.
    ///
    /// A one-way stream needs [`End::Finish`] and at most 64 KiB. It is closed as soon as it is sent.
    ///
    /// # Errors
    ///
    /// [`OpenError`] gives the payload back.
    pub fn open(&mut self, head: &Head, payload: Part, end: End) -> Result<StreamId, OpenError> {
        unimplemented!()
    }

    /// Queues the next message of our direction.
    ///
    /// # Errors
    ///
    /// [`SendError`] gives the payload back. After `Blocked` an [`Event::Writable`] follows.
    pub fn send(&mut self, id: StreamId, payload: Part, end: End) -> Result<(), SendError> {
        unimplemented!()
    }

    /// Ends our direction behind what is queued, without a message. On a stream that the peer opened nothing more is
    /// heard then but [`Event::Closed`].
    pub fn finish(&mut self, id: StreamId) {
        unimplemented!()
    }

    /// Ends a stream that the peer opened with a typed error, behind what is queued. It is never blocked.
    ///
    /// # Errors
    ///
    /// [`SendError`] gives the payload back.
    pub fn fail(&mut self, id: StreamId, payload: Part) -> Result<(), SendError> {
        unimplemented!()
    }

    /// Ends both directions at once and throws away what is queued. Nothing more is heard of it but [`Event::Closed`].
    pub fn reset(&mut self, id: StreamId, code: Code, reason: &str) {
        unimplemented!()
    }

    /// The application has taken a payload of `len` bytes: to be called once for each [`Event::Data`], with the length
    /// of its payload. The peer may send more when half of the window was consumed.
    pub fn consumed(&mut self, id: StreamId, len: usize) {
        unimplemented!()
    }

    /// Takes no more streams from the peer. Those that are open go on, and we may still open some.
    pub fn go_away(&mut self, code: Code, reason: &str) {
        unimplemented!()
    }

    /// The connection is gone: each open stream ends with [`Event::Lost`], and nothing is sent any more.
    pub fn lost(&mut self) {
        unimplemented!()
    }

    /// Takes a frame from the peer. Several events may follow.
    ///
    /// # Errors
    ///
    /// A [`Violation`] ends the connection: `lost` is to be called next.
    pub fn handle(&mut self, frame: &Message) -> Result<(), Violation> {
        unimplemented!()
    }

    /// The next thing to tell the application.
    pub fn poll_event(&mut self) -> Option<Event> {
        unimplemented!()
    }

    /// The next frame for the peer: control first, then data, the most urgent class first, and within one class in
    /// turns of 16 KiB.
    pub fn poll_transmit(&mut self) -> Option<Message> {
        unimplemented!()
    }

    /// How many streams there are, of both sides.
    pub fn streams(&self) -> usize {
        unimplemented!()
    }

    /// Whether there is neither a stream nor anything to send.
    pub fn is_idle(&self) -> bool {
        unimplemented!()
    }

    /// How many bytes of payload wait to be sent, of all streams.
    pub fn unsent(&self) -> usize {
        unimplemented!()
    }

    /// What came for streams that this side had ended.
    pub fn late(&self) -> Late {
        unimplemented!()
    }
}
