//! A batch: messages in the wire's own format, ready to be written.
//!
//! Headers and small bodies stand one behind the other in an arena; large bodies stay where they are and are referred
//! to by their place in it:
//!
//! ```text
//! arena    | hdr body | hdr body | hdr | hdr body | ...
//! bodies                            ^ (offset, Bytes)
//! ```
//!
//! Cost of a small message: one copy into the arena and two bytes of header. Cost of a large one: a reference count.

use std::io::IoSlice;

use bytes::Bytes;

use super::frame::{COMMAND, HEADER_MOST, Header, MORE};
use crate::{Message, Part};

/// From this size on a body is referred to instead of copied, in bytes.
///
/// A copy of 4 KiB costs about as much as one more entry in a `writev`.
pub const LARGE: usize = 4096;

/// Messages and commands in wire format, and how much of them is written.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    arena: Vec<u8>,
    bodies: Vec<(usize, Bytes)>,
    messages: usize,
    bytes: usize,
    written: usize,
    cursor: Cursor,
}

/// Where the next byte to be written stands.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    arena: usize,
    body: usize,
    in_body: usize,
}

/// One frame of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// [`MORE`] and [`COMMAND`].
    pub flags: u8,
    /// The body.
    pub body: FrameBody<'a>,
}

/// The body of a frame: copied into the arena, or referred to.
#[derive(Clone, Copy, Debug)]
pub enum FrameBody<'a> {
    /// In the arena.
    Copied(&'a [u8]),
    /// Shared with the message that it came with.
    Shared(&'a Bytes),
}

impl std::ops::Deref for FrameBody<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many messages it holds; commands do not count.
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// How many bytes are still to be written.
    pub fn remaining(&self) -> usize {
        self.bytes - self.written
    }

    /// Whether nothing is left to be written.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// How much memory it holds, in bytes of its arena and bodies.
    #[cfg(test)]
    pub(crate) const fn capacity(&self) -> usize {
        self.arena.capacity() + self.bodies.capacity()
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.bodies.clear();
        (self.messages, self.bytes, self.written) = (0, 0, 0);
        self.cursor = Cursor::default();
    }

    /// Adds a message.
    #[inline]
    pub fn push(&mut self, message: &Message) {
        let parts = message.parts();
        self.messages += 1;
        if let [part] = parts
            && let Some((window, len)) = part.as_window()
        {
            return self.push_window(window, len);
        }
        self.push_parts(parts);
    }

    /// Adds a body that is shorter than its window: by a copy of fixed length, which is then cut.
    #[inline]
    fn push_window(&mut self, window: &[u8; Part::INLINE], len: usize) {
        self.arena.reserve(2 + window.len());
        self.arena.extend_from_slice(&[0, len as u8]);
        let end = self.arena.len() + len;
        self.arena.extend_from_slice(window);
        self.arena.truncate(end);
        self.bytes += 2 + len;
    }

    fn push_parts(&mut self, parts: &[Part]) {
        let last = parts.len() - 1;
        for (i, part) in parts.iter().enumerate() {
            self.push_part(if i < last { MORE } else { 0 }, part);
        }
    }

    #[inline]
    fn push_part(&mut self, flags: u8, part: &Part) {
        match part.as_shared() {
            Some(body) if body.len() >= LARGE => self.push_shared(flags, body),
            _ => self.push_body(flags, part),
        }
    }

    /// Adds a command whose body is these pieces one behind the other.
    pub fn push_command(&mut self, pieces: &[&[u8]]) {
        self.push_copied(COMMAND, pieces);
    }

    /// Adds a SUBSCRIBE or a CANCEL command.
    // RFC 37, Subscriptions: the topic is all that follows the command's name
    pub fn push_subscription(&mut self, topic: &[u8], subscribe: bool) {
        let name: &[u8] = if subscribe { b"\x09SUBSCRIBE" } else { b"\x06CANCEL" };
        self.push_command(&[name, topic]);
    }

    /// Adds a frame with flags of the caller's choice; a frame without [`MORE`] and [`COMMAND`] ends a message.
    pub fn push_frame(&mut self, flags: u8, body: FrameBody<'_>) {
        match body {
            FrameBody::Copied(body) => self.push_body(flags, body),
            FrameBody::Shared(body) => self.push_shared(flags, body),
        }
        self.messages += usize::from(flags & (MORE | COMMAND) == 0);
    }

    /// Adds bytes that are no frame: a greeting.
    pub fn push_raw(&mut self, bytes: &[u8]) {
        self.arena.extend_from_slice(bytes);
        self.bytes += bytes.len();
    }

    #[inline]
    fn push_body(&mut self, flags: u8, body: &[u8]) {
        self.arena.reserve(HEADER_MOST + body.len());
        self.push_header(flags, body.len());
        self.arena.extend_from_slice(body);
        self.bytes += body.len();
    }

    fn push_copied(&mut self, flags: u8, pieces: &[&[u8]]) {
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        self.arena.reserve(HEADER_MOST + len);
        self.push_header(flags, len);
        for piece in pieces {
            self.arena.extend_from_slice(piece);
        }
        self.bytes += len;
    }

    fn push_shared(&mut self, flags: u8, body: &Bytes) {
        self.push_header(flags, body.len());
        self.bodies.push((self.arena.len(), body.clone()));
        self.bytes += body.len();
    }

    #[inline]
    fn push_header(&mut self, flags: u8, len: usize) {
        let before = self.arena.len();
        match (Header { flags, len: len as u64 }).encode() {
            // Lengths that the compiler knows are stored, not copied by a call.
            ([flags, len, ..], 2) => self.arena.extend_from_slice(&[flags, len]),
            (header, _) => self.arena.extend_from_slice(&header),
        }
        self.bytes += self.arena.len() - before;
    }

    /// Adds all of `other` behind what is here; both must be unwritten.
    pub fn append(&mut self, other: &Self) {
        debug_assert_eq!((self.written, other.written), (0, 0));
        let shift = self.arena.len();
        self.arena.extend_from_slice(&other.arena);
        self.bodies.extend(other.bodies.iter().map(|(offset, body)| (offset + shift, body.clone())));
        self.messages += other.messages;
        self.bytes += other.bytes;
    }

    /// The frames, from the first, written or not. Only for batches without raw bytes.
    pub fn frames(&self) -> Frames<'_> {
        Frames { arena: &self.arena, at: 0, bodies: &self.bodies }
    }

    /// What is left to be written, if it stands in one piece: no large body is among it.
    pub fn piece(&self) -> Option<&[u8]> {
        (self.cursor.body == self.bodies.len()).then(|| &self.arena[self.cursor.arena..])
    }

    /// Fills `slices` with what is to be written next and returns how many it took.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let Cursor { mut arena, body, mut in_body } = self.cursor;
        let mut n = 0;
        let mut put = |piece: &'a [u8]| {
            let fits = n < slices.len();
            if fits && !piece.is_empty() {
                slices[n] = IoSlice::new(piece);
                n += 1;
            }
            fits
        };
        for (offset, bytes) in &self.bodies[body..] {
            if !put(&self.arena[arena..*offset]) || !put(&bytes[in_body..]) {
                return n;
            }
            (arena, in_body) = (*offset, 0);
        }
        put(&self.arena[arena..]);
        n
    }

    /// Notes that the transport took the next `n` bytes.
    pub fn advance(&mut self, mut n: usize) {
        debug_assert!(n <= self.remaining());
        self.written += n;
        let cursor = &mut self.cursor;
        while n > 0 {
            let next_body = self.bodies.get(cursor.body);
            let run = next_body.map_or(self.arena.len(), |(offset, _)| *offset) - cursor.arena;
            let step = n.min(run);
            cursor.arena += step;
            n -= step;
            if let Some((_, body)) = next_body.filter(|_| step == run) {
                let step = n.min(body.len() - cursor.in_body);
                cursor.in_body += step;
                n -= step;
                if cursor.in_body == body.len() {
                    cursor.body += 1;
                    cursor.in_body = 0;
                }
            } else if step == 0 {
                return;
            }
        }
    }

    /// Keeps the messages that were not written to their last byte, whole, and makes them unwritten.
    ///
    /// What a lost link leaves is sent on the next one from the start of a message: a peer never sees the second half
    /// of one. Only for batches without raw bytes.
    pub fn rewind(&mut self) {
        let (mut arena_from, mut body_from, mut sent) = (0, 0, 0);
        let (mut frames, mut body, mut body_bytes) = (self.frames(), 0, 0);
        while let Some(frame) = frames.next() {
            if let FrameBody::Shared(shared) = frame.body {
                body += 1;
                body_bytes += shared.len();
            }
            if frames.at + body_bytes > self.written {
                break;
            }
            if frame.flags & MORE == 0 {
                (arena_from, body_from) = (frames.at, body);
                sent += usize::from(frame.flags & COMMAND == 0);
            }
        }
        self.arena.drain(..arena_from);
        self.bodies.drain(..body_from);
        for (offset, _) in &mut self.bodies {
            *offset -= arena_from;
        }
        self.messages -= sent;
        self.bytes = self.arena.len() + self.bodies.iter().map(|(_, body)| body.len()).sum::<usize>();
        self.written = 0;
        self.cursor = Cursor::default();
    }
}

/// The frames of a batch, in order.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    arena: &'a [u8],
    at: usize,
    bodies: &'a [(usize, Bytes)],
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        // The batch wrote these headers itself, so they decode.
        let (header, n) = Header::decode(&self.arena[self.at..]).ok().flatten()?;
        self.at += n;
        let body = match self.bodies.split_first() {
            Some(((offset, body), rest)) if *offset == self.at => {
                self.bodies = rest;
                FrameBody::Shared(body)
            }
            _ => {
                let start = self.at;
                self.at += header.len as usize;
                FrameBody::Copied(&self.arena[start..self.at])
            }
        };
        Some(Frame { flags: header.flags, body })
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::LONG;
    use super::*;
    use proptest::prelude::*;

    fn write(batch: &mut Batch, most: usize) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 3];
        let n = batch.slices(&mut slices);
        let mut bytes: Vec<u8> = slices[..n].iter().flat_map(|slice| slice.to_vec()).collect();
        bytes.truncate(most);
        batch.advance(bytes.len());
        bytes
    }

    fn write_all(batch: &mut Batch, step: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while !batch.is_empty() {
            bytes.extend(write(batch, step));
        }
        bytes
    }

    fn batch_of(messages: &[Message]) -> Batch {
        let mut batch = Batch::new();
        for message in messages {
            batch.push(message);
        }
        batch
    }

    fn messages() -> impl Strategy<Value = Vec<Message>> {
        let len = prop_oneof![Just(0usize), 1..60usize, 250..260usize, LARGE - 1..LARGE + 2];
        let part = (len, any::<u8>()).prop_map(|(len, byte)| Part::from(vec![byte; len]));
        prop::collection::vec(prop::collection::vec(part, 1..4).prop_map(Message::from_iter), 1..8)
    }

    /// The plain encoding, straight from RFC 37.
    fn encoded(messages: &[Message]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for message in messages {
            for (i, part) in message.parts().iter().enumerate() {
                let more = u8::from(i + 1 < message.parts().len());
                if part.len() < 256 {
                    bytes.extend([more, part.len() as u8]);
                } else {
                    bytes.push(more | LONG);
                    bytes.extend((part.len() as u64).to_be_bytes());
                }
                bytes.extend_from_slice(part);
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn what_is_written_is_the_plain_encoding_however_it_is_cut(messages in messages(), step in 1..5000usize) {
            let mut batch = batch_of(&messages);
            prop_assert_eq!(batch.messages(), messages.len());
            prop_assert_eq!(write_all(&mut batch, step), encoded(&messages));
        }

        #[test]
        fn a_rewound_batch_holds_the_messages_that_were_not_written_whole(messages in messages(), cut in 0..20_000usize) {
            let mut batch = batch_of(&messages);
            let cut = cut.min(batch.remaining());
            let mut written = 0;
            while written < cut {
                written += write(&mut batch, cut - written).len();
            }
            batch.rewind();
            let whole = (0..=messages.len()).rev().find(|n| encoded(&messages[..*n]).len() <= cut).unwrap();
            prop_assert_eq!(batch.messages(), messages.len() - whole);
            prop_assert_eq!(write_all(&mut batch, 5000), encoded(&messages[whole..]));
        }

        #[test]
        fn appending_is_the_same_as_pushing(first in messages(), second in messages()) {
            let mut a = batch_of(&first);
            a.append(&batch_of(&second));
            let all: Vec<Message> = first.into_iter().chain(second).collect();
            prop_assert_eq!(write_all(&mut a, 5000), encoded(&all));
        }

        #[test]
        fn the_frames_are_the_parts(messages in messages()) {
            let batch = batch_of(&messages);
            let frames: Vec<Vec<u8>> = batch.frames().map(|frame| frame.body.to_vec()).collect();
            let parts: Vec<Vec<u8>> = messages.iter().flat_map(Message::parts).map(|part| part.to_vec()).collect();
            prop_assert_eq!(frames, parts);
        }
    }
}
