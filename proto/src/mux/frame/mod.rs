//! Frames: what one message on the wire says.
//!
//! ```text
//!          +---+-----+----------------+---------+
//! OPEN    0| T | sid | method  extra  | payload |   FIN MORE DEFINE EXTRA
//! DATA    1| T | sid |                | payload |   FIN MORE ERROR BARE
//! CREDIT  2| T | sid | bytes          |             T: kind in bits 0 to 2, flags in bits 3 to 7
//! RESET   3| T | sid | code  reason   |
//! GOAWAY  4| T |     | opens code reason            numbers are LEB128
//! PING    5| T |     | nonce          |             ANSWER
//!          +---+-----+----------------+---------+
//! ```
//!
//! A frame is one message of one part, or of two: then the second one is the payload and nothing else. So a large
//! payload is never copied behind its header.

#[cfg(test)]
mod tests;

use super::code::Code;
use super::error::Violation;
use super::head::{Head, MethodRef};
use super::varint;
use crate::message::{Message, Part};

/// The longest payload of one frame, in bytes.
pub const PAYLOAD_MOST: usize = 64 * 1024;
/// The longest header of one frame, in bytes: metadata, and room for the rest.
pub const HEADER_MOST: usize = 20 * 1024;
/// The longest reason of a RESET or GOAWAY, in bytes.
pub const REASON_MOST: usize = 1024;
/// How many streams a side can have open at once, whatever the settings: then an id never takes more than two bytes.
pub const STREAMS_MOST: usize = 8192;

/// The longest payload that is copied behind its header. What is longer goes as a part of its own.
const COPIED_MOST: usize = 4 * 1024;

const KIND: u8 = 0x07;
const OPEN: u8 = 0;
const DATA: u8 = 1;
const CREDIT: u8 = 2;
const RESET: u8 = 3;
const GOAWAY: u8 = 4;
const PING: u8 = 5;

const FIN: u8 = 0x08;
const MORE: u8 = 0x10;
const DEFINE: u8 = 0x20;
const EXTRA: u8 = 0x40;
const ERROR: u8 = 0x20;
const BARE: u8 = 0x40;
const ANSWER: u8 = 0x08;

/// What comes behind a payload in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// More of the same message.
    More,
    /// The next message, or the end: the message is complete.
    Next,
    /// Nothing: the message is complete and the last one.
    Finish,
}

/// How an OPEN names its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// The method that was defined as this one, counted from 0.
    Known(u64),
    /// A method that gets the next index.
    Define(MethodRef),
}

/// What one message on the wire says; `P` is what it has for a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<P = Part> {
    /// A stream begins.
    Open {
        /// The stream.
        sid: u16,
        /// Its method.
        method: Method,
        /// All else about it. Its `method` is the one that is defined, and means nothing if it is known already.
        head: Head,
        /// The first message, or its beginning.
        payload: P,
        /// What follows.
        then: Then,
    },
    /// A stream goes on.
    Data {
        /// The stream.
        sid: u16,
        /// The next message, or a piece of it.
        payload: P,
        /// What follows.
        then: Then,
        /// The message is the typed error that the call ended with.
        error: bool,
    },
    /// A direction of a stream ends, without a message.
    End {
        /// The stream.
        sid: u16,
    },
    /// The receiver of this may send so much more of a stream.
    Credit {
        /// The stream.
        sid: u16,
        /// How much more.
        bytes: u64,
    },
    /// Both directions of a stream end at once.
    Reset {
        /// The stream.
        sid: u16,
        /// Why.
        code: Code,
        /// Why, for people.
        reason: String,
    },
    /// The sender of this takes no more streams.
    GoAway {
        /// How many OPENs it has taken on this connection. All later ones have not been and will not be executed.
        opens: u64,
        /// Why.
        code: Code,
        /// Why, for people.
        reason: String,
    },
    /// A question that shows whether the peer is there, or the answer to it.
    Ping {
        /// What the answer has to repeat.
        nonce: u64,
        /// It is the answer.
        answer: bool,
    },
}

impl Frame {
    /// What `message` says.
    ///
    /// # Errors
    ///
    /// A [`Violation`], for whatever is not exactly a frame. Nothing is allocated for a length that is only announced.
    pub fn decode(message: &Message) -> Result<Self, Violation> {
        Ok(match Frame::read(message, PAYLOAD_MOST)? {
            Frame::Open { sid, method, head, payload, then } => {
                Self::Open { sid, method, head, payload: payload.to_part(), then }
            }
            Frame::Data { sid, payload, then, error } => Self::Data { sid, payload: payload.to_part(), then, error },
            Frame::End { sid } => Self::End { sid },
            Frame::Credit { sid, bytes } => Self::Credit { sid, bytes },
            Frame::Reset { sid, code, reason } => Self::Reset { sid, code, reason },
            Frame::GoAway { opens, code, reason } => Self::GoAway { opens, code, reason },
            Frame::Ping { nonce, answer } => Self::Ping { nonce, answer },
        })
    }

    /// The frame as a message. The caller keeps to the limits.
    pub fn encode(&self) -> Message {
        let mut header = Vec::new();
        let payload = self.write(&mut header);
        message(&header, payload)
    }

    /// Puts the header into `out`, whose content is replaced, and returns the payload.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> &Part {
        out.clear();
        match self {
            Self::Open { sid, method, head, payload, then } => {
                let mut extra = Vec::new();
                head.write_extra(&mut extra);
                write_open(*sid, *method, &extra, *then, out);
                return payload;
            }
            Self::Data { sid, payload, then, error } => {
                write_data(*sid, *then, *error, out);
                return payload;
            }
            Self::End { sid } => write_end(*sid, out),
            Self::Credit { sid, bytes } => {
                out.push(CREDIT);
                varint::write((*sid).into(), out);
                varint::write(*bytes, out);
            }
            Self::Reset { sid, code, reason } => {
                out.push(RESET);
                varint::write((*sid).into(), out);
                write_why(*code, reason, out);
            }
            Self::GoAway { opens, code, reason } => {
                out.push(GOAWAY);
                varint::write(*opens, out);
                write_why(*code, reason, out);
            }
            Self::Ping { nonce, answer } => {
                out.push(if *answer { PING | ANSWER } else { PING });
                varint::write(*nonce, out);
            }
        }
        &Part::EMPTY
    }
}

impl<'a> Frame<Payload<'a>> {
    /// As [`decode`](Frame::decode), with a payload that stands where it came and has at most so many bytes.
    #[inline]
    pub(super) fn read(message: &'a Message, most: usize) -> Result<Self, Violation> {
        let (first, second) = match message.parts() {
            [first] => (first, None),
            [first, second] => (first, Some(second)),
            parts => return Err(Violation::Parts { parts: parts.len() }),
        };
        let len = first.len() + second.map_or(0, |part| part.len());
        if len > most.saturating_add(HEADER_MOST) {
            return Err(Violation::FrameTooLong { len });
        }
        let (&byte, rest) = first.split_first().ok_or(Violation::Truncated)?;
        let body = Body { part: first, rest, second, most };
        match byte & KIND {
            OPEN => body.open(byte),
            DATA => body.data(byte),
            CREDIT => body.credit(byte),
            RESET => body.reset(byte),
            GOAWAY => body.go_away(byte),
            PING => body.ping(byte),
            kind => Err(Violation::UnknownKind { kind }),
        }
    }
}

/// A payload that stands where it came: all of a part from a place on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload<'a> {
    part: &'a Part,
    at: usize,
}

impl Payload<'_> {
    pub(super) fn len(self) -> usize {
        self.part.len() - self.at
    }

    #[inline]
    pub(super) fn to_part(self) -> Part {
        match self.part.as_shared() {
            Some(shared) if self.at == 0 => shared.clone().into(),
            // What is short is copied, so that it does not keep a whole read buffer alive.
            Some(shared) if self.len() > Part::INLINE => shared.slice(self.at..).into(),
            _ => Part::copy_from_slice(&self.part[self.at..]),
        }
    }
}

fn write_why(code: Code, reason: &str, out: &mut Vec<u8>) {
    varint::write(code.0, out);
    out.extend_from_slice(reason.as_bytes());
}

const fn flags(then: Then) -> u8 {
    match then {
        Then::More => MORE,
        Then::Next => 0,
        Then::Finish => FIN,
    }
}

/// Appends the header of an OPEN; `extra` is what [`Head::write_extra`] wrote, or nothing.
pub(super) fn write_open(sid: u16, method: Method, extra: &[u8], then: Then, out: &mut Vec<u8>) {
    let define = if matches!(method, Method::Define(_)) { DEFINE } else { 0 };
    out.push(OPEN | flags(then) | define | if extra.is_empty() { 0 } else { EXTRA });
    varint::write(sid.into(), out);
    match method {
        Method::Known(index) => varint::write(index, out),
        Method::Define(method) => method.write(out),
    }
    out.extend_from_slice(extra);
}

/// Appends the header of a DATA.
pub(super) fn write_data(sid: u16, then: Then, error: bool, out: &mut Vec<u8>) {
    out.push(DATA | flags(then) | if error { ERROR } else { 0 });
    varint::write(sid.into(), out);
}

/// Appends all of a DATA that has no payload and ends its direction.
pub(super) fn write_end(sid: u16, out: &mut Vec<u8>) {
    out.push(DATA | FIN | BARE);
    varint::write(sid.into(), out);
}

/// Whether a payload stands behind its header, in a message of one part.
#[inline]
pub fn is_joined(payload: &Part) -> bool {
    payload.len() <= COPIED_MOST
}

/// The frame of this header and this payload.
pub fn message(header: &[u8], payload: &Part) -> Message {
    if !is_joined(payload) {
        return Message::from_iter([Part::copy_from_slice(header), payload.clone()]);
    }
    let len = header.len() + payload.len();
    if len > Part::INLINE {
        return [header, payload].concat().into();
    }
    let mut window = [0; Part::INLINE];
    window[..header.len()].copy_from_slice(header);
    window[header.len()..len].copy_from_slice(payload);
    Part::copy_from_slice(&window[..len]).into()
}

/// What is left to read of a frame.
struct Body<'a> {
    part: &'a Part,
    rest: &'a [u8],
    second: Option<&'a Part>,
    /// The longest payload.
    most: usize,
}

impl<'a> Body<'a> {
    fn open(mut self, first: u8) -> Result<Frame<Payload<'a>>, Violation> {
        let then = then(first)?;
        let sid = self.sid()?;
        let (method, named) = if first & DEFINE == 0 {
            (Method::Known(varint::read(&mut self.rest)?), MethodRef::default())
        } else {
            let method = MethodRef::read(&mut self.rest)?;
            (Method::Define(method), method)
        };
        let mut head = Head::new(named);
        if first & EXTRA != 0 {
            head.read_extra(&mut self.rest)?;
        }
        if head.one_way && then != Then::Finish {
            return Err(Violation::OneWay);
        }
        Ok(Frame::Open { sid, method, head, payload: self.payload()?, then })
    }

    fn data(mut self, first: u8) -> Result<Frame<Payload<'a>>, Violation> {
        let then = then(first)?;
        let (error, bare) = (first & ERROR != 0, first & BARE != 0);
        if (error || bare) && then != Then::Finish || error && bare {
            return Err(Violation::Flags { first });
        }
        let sid = self.sid()?;
        if bare {
            self.end()?;
            return Ok(Frame::End { sid });
        }
        Ok(Frame::Data { sid, payload: self.payload()?, then, error })
    }

    fn credit(mut self, first: u8) -> Result<Frame<Payload<'a>>, Violation> {
        only(first, 0)?;
        let (sid, bytes) = (self.sid()?, varint::read(&mut self.rest)?);
        self.end()?;
        Ok(Frame::Credit { sid, bytes })
    }

    fn reset(mut self, first: u8) -> Result<Frame<Payload<'a>>, Violation> {
        only(first, 0)?;
        let sid = self.sid()?;
        let (code, reason) = self.why()?;
        Ok(Frame::Reset { sid, code, reason })
    }

    fn go_away(mut self, first: u8) -> Result<Frame<Payload<'a>>, Violation> {
        only(first, 0)?;
        let opens = varint::read(&mut self.rest)?;
        let (code, reason) = self.why()?;
        Ok(Frame::GoAway { opens, code, reason })
    }

    fn ping(mut self, first: u8) -> Result<Frame<Payload<'a>>, Violation> {
        only(first, ANSWER)?;
        let nonce = varint::read(&mut self.rest)?;
        self.end()?;
        Ok(Frame::Ping { nonce, answer: first & ANSWER != 0 })
    }

    #[inline]
    fn sid(&mut self) -> Result<u16, Violation> {
        let sid = varint::read(&mut self.rest)?;
        let in_range = u16::try_from(sid).ok().filter(|&sid| usize::from(sid) < 2 * STREAMS_MOST);
        in_range.ok_or(Violation::IdOutOfRange { sid })
    }

    fn why(mut self) -> Result<(Code, String), Violation> {
        let code = Code(varint::read(&mut self.rest)?);
        let reason = std::str::from_utf8(self.rest).ok().filter(|reason| reason.len() <= REASON_MOST);
        let reason = reason.ok_or(Violation::Reason)?.to_owned();
        self.rest = &[];
        self.end()?;
        Ok((code, reason))
    }

    fn end(&self) -> Result<(), Violation> {
        if self.rest.is_empty() && self.second.is_none() { Ok(()) } else { Err(Violation::Trailing) }
    }

    #[inline]
    fn payload(self) -> Result<Payload<'a>, Violation> {
        let most = self.most;
        let payload = match self.second {
            Some(_) if !self.rest.is_empty() => return Err(Violation::SplitPayload),
            Some(second) => Payload { part: second, at: 0 },
            None => Payload { part: self.part, at: self.part.len() - self.rest.len() },
        };
        let len = payload.len();
        if len > most { Err(Violation::PayloadTooLong { len }) } else { Ok(payload) }
    }
}

fn only(first: u8, allowed: u8) -> Result<(), Violation> {
    if first & !(KIND | allowed) == 0 { Ok(()) } else { Err(Violation::Flags { first }) }
}

/// What follows, for the kinds that have FIN, MORE and two flags of their own.
fn then(first: u8) -> Result<Then, Violation> {
    only(first, FIN | MORE | 0x60)?;
    match (first & MORE != 0, first & FIN != 0) {
        (true, true) => Err(Violation::Flags { first }),
        (true, false) => Ok(Then::More),
        (false, true) => Ok(Then::Finish),
        (false, false) => Ok(Then::Next),
    }
}
