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

#[cfg(test)]
mod tests;

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
    /// The next frames in another form, if that is what goes on the wire.
    run: Option<Box<Run>>,
    /// Its frames only ever go out in another form.
    is_changed: bool,
    /// It holds bytes that are no frames, and go out as they are.
    is_raw: bool,
}

/// Some frames as a link has sealed them, one for one.
#[derive(Clone, Debug, Default)]
struct Run {
    bytes: Vec<u8>,
    written: usize,
    /// Where the batch stands when they are written, and how many of its own bytes that is.
    end: Cursor,
    covers: usize,
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
        (self.is_changed, self.is_raw) = (false, false);
        if let Some(run) = &mut self.run {
            run.bytes.clear();
        }
    }

    /// Forgets everything but raw bytes.
    pub fn discard_frames(&mut self) {
        if !self.is_raw {
            self.clear();
        }
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

    /// Adds a message of one part, which is these two one behind the other; the second one is copied, however long.
    #[inline]
    pub(crate) fn push_joined(&mut self, header: &[u8], body: &Part) {
        self.messages += 1;
        self.arena.reserve(HEADER_MOST + header.len() + body.len().max(Part::INLINE));
        self.push_header(0, header.len() + body.len());
        self.arena.extend_from_slice(header);
        match body.as_window() {
            Some((window, len)) => {
                let end = self.arena.len() + len;
                self.arena.extend_from_slice(window);
                self.arena.truncate(end);
            }
            None => self.arena.extend_from_slice(body),
        }
        self.bytes += header.len() + body.len();
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

    /// Adds bytes that are no frame, or sealed already: they go out as they are.
    pub fn push_raw(&mut self, bytes: &[u8]) {
        self.is_raw = true;
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

    /// Whether it holds frames of which none is written, nor changed.
    pub fn is_untouched(&self) -> bool {
        self.written == 0 && !self.is_raw && !self.is_changed
    }

    /// Puts the next frames into another form, one for one, which is then written instead of them.
    ///
    /// `change` takes frames until it has enough, and appends what they become. Nothing happens while the last frames
    /// that were changed are not all written, nor to raw bytes. Once it was called, no frame goes out as it is: there is
    /// nothing to be written until it is called again.
    pub fn transform(&mut self, change: impl FnOnce(&mut Frames<'_>, &mut Vec<u8>)) {
        let is_running = self.run().is_some();
        if is_running || self.is_raw || self.is_empty() {
            return;
        }
        debug_assert_eq!(self.cursor.in_body, 0, "frames are changed whole");
        self.is_changed = true;
        let mut run = self.run.take().unwrap_or_default();
        let mut frames = self.unwritten();
        change(&mut frames, &mut run.bytes);
        let body = self.bodies.len() - frames.bodies.len();
        run.written = 0;
        run.end = Cursor { arena: frames.at, body, in_body: 0 };
        let bodies: usize = self.bodies[self.cursor.body..body].iter().map(|(_, body)| body.len()).sum();
        run.covers = frames.at - self.cursor.arena + bodies;
        self.run = Some(run);
    }

    /// The frames that were changed and are not all written.
    fn run(&self) -> Option<&Run> {
        self.run.as_deref().filter(|run| !run.bytes.is_empty())
    }

    /// The frames from the first that is neither written nor in the run that was written last.
    fn unwritten(&self) -> Frames<'_> {
        Frames { arena: &self.arena, at: self.cursor.arena, bodies: &self.bodies[self.cursor.body..] }
    }

    /// What is left to be written, if it stands in one piece: no large body is among it.
    pub fn piece(&self) -> Option<&[u8]> {
        if self.is_changed {
            return Some(self.run().map_or(&[], |run| &run.bytes[run.written..]));
        }
        (self.cursor.body == self.bodies.len()).then(|| &self.arena[self.cursor.arena..])
    }

    /// Fills `slices` with what is to be written next and returns how many it took.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        if self.is_changed {
            let (Some(run), Some(first)) = (self.run(), slices.first_mut()) else { return 0 };
            *first = IoSlice::new(&run.bytes[run.written..]);
            return 1;
        }
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
        if let Some(run) = self.run.as_deref_mut().filter(|run| !run.bytes.is_empty()) {
            run.written += n;
            if run.written == run.bytes.len() {
                run.bytes.clear();
                self.cursor = run.end;
                self.written += run.covers;
            }
            return;
        }
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
        self.written += self.covered();
        (self.run, self.is_changed) = (None, false);
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

impl Batch {
    /// How many of its own bytes are the frames whose changed form was written to the last byte.
    fn covered(&self) -> usize {
        let Some(run) = self.run() else { return 0 };
        let (mut written, mut covered) = (&run.bytes[..run.written], 0);
        for frame in self.unwritten() {
            // As with those of a batch: they were encoded on this side.
            let Ok(Some((header, n))) = Header::decode(written) else { break };
            let Some((_, rest)) = written.split_at_checked(n + header.len as usize) else { break };
            written = rest;
            let own = Header { flags: frame.flags, len: frame.body.len() as u64 };
            covered += own.encode().1 + frame.body.len();
        }
        covered
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
