//! Errors: what the peer did wrong, and why the application's wish can't be met.

use crate::message::Part;

/// How the peer broke the protocol. It ends the connection.
///
/// What is wrong with one stream only, such as more data than there was credit for, is none: it resets that stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A message of more parts than a frame has.
    #[error("a frame of {parts} parts")]
    Parts {
        /// How many it has.
        parts: usize,
    },
    /// A frame of two parts with payload in the first one.
    #[error("payload in the header part of a frame")]
    SplitPayload,
    /// A frame that is longer than any has a right to be.
    #[error("a frame of {len} bytes")]
    FrameTooLong {
        /// Its length.
        len: usize,
    },
    /// A payload of more than 64 KiB in one frame.
    #[error("a payload of {len} bytes in one frame")]
    PayloadTooLong {
        /// Its length.
        len: usize,
    },
    /// The frame ends where more of its header is due.
    #[error("a truncated frame")]
    Truncated,
    /// Bytes behind the end of a frame that has no payload.
    #[error("bytes behind the end of a frame")]
    Trailing,
    /// A number of more than 64 bits.
    #[error("a number of more than 64 bits")]
    Varint,
    /// A kind of frame that there is not.
    #[error("unknown kind of frame {kind}")]
    UnknownKind {
        /// The kind.
        kind: u8,
    },
    /// A flag that its kind of frame does not have, or flags that exclude each other.
    #[error("the flags of a frame can't stand together: {first:#04x}")]
    Flags {
        /// The first byte of the frame.
        first: u8,
    },
    /// An OPEN that says more about itself than is known.
    #[error("unknown bits of an OPEN: {bits:#04x}")]
    UnknownExtra {
        /// The byte of bits.
        bits: u8,
    },
    /// An urgency above 7.
    #[error("an urgency of {urgency}")]
    Urgency {
        /// The urgency.
        urgency: u8,
    },
    /// Metadata of more than 16 KiB or 64 entries.
    #[error("metadata above the limit")]
    MetadataTooLong,
    /// A one-way OPEN that is not the whole of its stream.
    #[error("a one-way stream of more than one frame")]
    OneWay,
    /// A reason of more than 1 KiB, or one that is no UTF-8.
    #[error("a reason that is too long or not UTF-8")]
    Reason,
    /// A stream id that no peer may use.
    #[error("stream id {sid} is out of range")]
    IdOutOfRange {
        /// The id.
        sid: u64,
    },
    /// The peer opened a stream with an id that is ours to give, or answered with an error on a stream of its own.
    #[error("stream {sid}: not the peer's part")]
    WrongSide {
        /// The id.
        sid: u16,
    },
    /// The peer opened a stream with an id that is in use.
    #[error("stream {sid} is in use")]
    IdInUse {
        /// The id.
        sid: u16,
    },
    /// Data for a stream that is not open, or for a direction that has ended.
    #[error("data on stream {sid}, which takes none")]
    NotOpen {
        /// The id.
        sid: u16,
    },
    /// A method that was not defined before.
    #[error("method {index} was not defined")]
    UndefinedMethod {
        /// Its index.
        index: u64,
    },
    /// More than 1,024 definitions.
    #[error("more than 1024 methods were defined")]
    TooManyMethods,
    /// More credit than a number can hold.
    #[error("more credit than can be counted")]
    CreditOverflow,
}

/// A stream that could not be opened, and why. The payload comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct OpenError {
    /// Why not.
    pub kind: OpenErrorKind,
    /// The payload, as it was given. Boxed, so that a success has no room for it to carry along.
    pub payload: Box<Part>,
}

/// Why a stream could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// `max_streams` of ours are open. There is room after the next `Closed` of a stream of ours.
    #[error("as many streams are open as may be")]
    Full,
    /// The peer takes no more streams on this connection.
    #[error("the peer takes no more streams")]
    GoingAway,
    /// The payload is above `max_message`, or above 64 KiB for a one-way stream.
    #[error("the message is too large")]
    TooLarge,
    /// Metadata of more than 16 KiB or 64 entries.
    #[error("the metadata are too large")]
    MetadataTooLarge,
    /// A one-way stream ends with its first message.
    #[error("a one-way stream has one message")]
    OneWay,
    /// This connection has seen 1,024 methods, and this would be another.
    #[error("too many methods on one connection")]
    TooManyMethods,
    /// The connection is gone.
    #[error("the connection is lost")]
    Lost,
}

/// A message that could not be queued, and why. The payload comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SendError {
    /// Why not.
    pub kind: SendErrorKind,
    /// The payload, as it was given. Boxed, so that a success has no room for it to carry along.
    pub payload: Box<Part>,
}

/// Why a message could not be queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// As much of this stream waits as may. `Writable` follows when there is room for this message.
    #[error("would block: too much of this stream waits to be sent")]
    Blocked,
    /// This direction has ended: by us, by a reset, or because the peer's answer is complete.
    #[error("this direction of the stream has ended")]
    Ended,
    /// The stream is closed.
    #[error("the stream is closed")]
    Gone,
    /// The message is above `max_message`.
    #[error("the message is too large")]
    TooLarge,
    /// Only the responder ends a stream with a typed error.
    #[error("only the responder fails a stream")]
    NotResponder,
}
