//! Framing: whole messages and commands out of the bytes that arrived.
// RFC 37, Framing

use bytes::{Buf, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::error::{DisconnectReason, ProtocolError};
use crate::limits::PeerLimits;
use crate::message::{Message, Part, Queue};
use crate::security::{OVERHEAD, Opener, TEXT_AT};
use crate::wire::frame::{COMMAND, Header, MORE};

/// What a command of a handshake may have besides metadata, in bytes: its name, and what a mechanism puts around them.
const HANDSHAKE_COMMAND_MORE: u64 = 1024;

/// So long commands may be in any case, in bytes, however small messages have to be.
const COMMAND_ALWAYS: u64 = 64 * 1024;

/// How much room a driver should offer to one read at first, in bytes: most connections never need more.
const READ_LEAST: usize = 8 * 1024;

/// How little it becomes where that is thousands of messages or parts: what one read brings is one turn.
const READ_CRUMBS: usize = 1024;

/// How far that grows while reads fill it.
const READ_BATCH: usize = 256 * 1024;

/// How far where the rate of messages is limited: what one read brings comes at once, whatever the rate.
const READ_PACED: usize = READ_LEAST;

/// How much it should offer at the most, whatever length a frame announces: memory follows what arrives.
const READ_MOST: usize = 1024 * 1024;

/// How many messages make a read large enough: more at a time only wait, and leave the processor's cache meanwhile.
const MESSAGES_ENOUGH: usize = 256;

/// The read side of a link: a buffer that the driver fills, and the messages cut out of it.
#[derive(Debug)]
pub(super) struct Framing {
    buffer: BytesMut,
    /// How much of the buffer was there when it was last looked at.
    seen: usize,
    /// How much room the next read should have, if no longer frame waits for it.
    room: usize,
    /// How far that may grow.
    room_most: usize,
    /// The last read took all of it.
    is_filled: bool,
    /// The last read brought little for that.
    scant: bool,
    /// How much of the frame at the head of the buffer is still to come.
    missing: usize,
    limit: Option<u64>,
    /// Empty parts count nothing towards the size, and would fill the memory one header at a time.
    parts_most: usize,
    /// The peer has proved nothing yet, so it gets a memory that holds any honest command of a handshake and no more.
    handshake_command_most: u64,
    /// Mostly one, an envelope; and a message of many takes its memory with it.
    parts: SmallVec<[Part; 1]>,
    parts_size: u64,
    inbound: Queue,
    /// The commands and the parts that were not the last of their message, since it was last asked for.
    pieces: usize,
    /// How many bytes at the head of the buffer are opened, and why those behind them can't be.
    opened: usize,
    failure: Option<DisconnectReason>,
    /// The bytes of what came into `inbound` since it was last asked for, but for short messages.
    weight: u64,
}

/// What a look at the buffer found.
#[derive(Debug)]
pub(super) enum Found {
    /// A command, without its header.
    Command(Bytes),
    /// The rest is incomplete.
    Incomplete,
}

impl Framing {
    pub(super) fn new(limit: Option<u64>, limits: &PeerLimits) -> Self {
        Self {
            buffer: BytesMut::new(),
            seen: 0,
            room: READ_LEAST,
            room_most: if limits.max_rate.is_some() { READ_PACED } else { READ_BATCH },
            is_filled: false,
            scant: false,
            missing: 0,
            limit,
            parts_most: limits.max_parts.unwrap_or(usize::MAX).max(1),
            handshake_command_most: (limits.max_metadata as u64).saturating_add(HANDSHAKE_COMMAND_MORE),
            parts: SmallVec::new(),
            parts_size: 0,
            inbound: Queue::new(),
            pieces: 0,
            opened: 0,
            failure: None,
            weight: 0,
        }
    }

    pub(super) const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    pub(super) const fn inbound(&mut self) -> &mut Queue {
        &mut self.inbound
    }

    /// How many bytes the messages have that came into [`inbound`](Self::inbound) since the last call. Those of one
    /// short part count nothing: what they take is in the message itself.
    pub(super) fn take_weight(&mut self) -> u64 {
        std::mem::take(&mut self.weight)
    }

    /// How many commands and parts were cut since the last call that no message ended with: they take time as messages do.
    pub(super) fn take_pieces(&mut self) -> usize {
        std::mem::take(&mut self.pieces)
    }

    pub(super) fn has_inbound(&self) -> bool {
        !self.inbound.is_empty()
    }

    /// Whether the peer stopped in the middle of a frame or of a message.
    pub(super) fn is_within_message(&self) -> bool {
        !self.buffer.is_empty() || !self.parts.is_empty()
    }

    /// How much room the next read should have.
    pub(super) fn read_room(&self) -> usize {
        self.missing.min(READ_MOST).max(self.room)
    }

    /// Whether the last read took all the room.
    #[inline]
    pub(super) const fn was_filled(&self) -> bool {
        self.is_filled
    }

    /// Whether bytes arrived since [`done`](Self::done).
    pub(super) fn has_grown(&self) -> bool {
        self.buffer.len() > self.seen
    }

    /// How many bytes have arrived and how many messages and pieces wait, before the next look at the buffer.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.buffer.len() - self.seen.min(self.buffer.len()), self.inbound.len() + self.pieces)
    }

    /// All that could be read was read, since this progress.
    pub(super) fn done(&mut self, (arrived, waiting): (usize, usize)) {
        let messages = self.inbound.len() + self.pieces - waiting;
        self.is_filled = arrived >= self.room;
        // One small read among large ones is the end of what the peer wrote at once.
        let was_scant = std::mem::replace(&mut self.scant, arrived < self.room / 4);
        if arrived >= self.room && messages < MESSAGES_ENOUGH {
            self.room = (self.room * 2).min(self.room_most);
        } else if messages >= 4 * MESSAGES_ENOUGH {
            self.room = (self.room / 2).max(READ_CRUMBS);
        } else if was_scant && self.scant {
            self.room = (self.room / 2).max(READ_LEAST).min(self.room);
        }
        self.seen = self.buffer.len();
    }

    /// Forgets what did not become a message.
    pub(super) fn discard(&mut self) {
        self.buffer = BytesMut::new();
        self.parts = SmallVec::new();
        (self.seen, self.missing, self.parts_size) = (0, 0, 0);
        (self.opened, self.failure) = (0, None);
    }

    /// The next command of a handshake, without its header.
    pub(super) fn handshake_command(&mut self) -> Result<Found, DisconnectReason> {
        let Some((header, header_len)) = self.header()? else { return Ok(Found::Incomplete) };
        if header.flags & COMMAND == 0 {
            return Err(ProtocolError::MessageInHandshake.into());
        }
        self.command(header, header_len, self.handshake_command_most)
    }

    /// Cuts messages until a command turns up or the bytes run out.
    ///
    /// Cost: of a message of one part of up to 40 bytes, `cut_small` looks at two bytes; all of a read are then copied at once.
    /// Any other frame takes one `Header::decode` and, when its body is longer than 40 bytes, one reference count on
    /// the buffer: about 35 ns.
    pub(super) fn cut(&mut self) -> Result<Found, DisconnectReason> {
        loop {
            if self.parts.is_empty() {
                self.cut_small();
            }
            let Some((header, header_len)) = self.header()? else { return Ok(Found::Incomplete) };
            if header.flags & COMMAND != 0 {
                self.pieces += 1;
                return self.command(header, header_len, self.command_most());
            }
            self.check_size(header.len)?;
            let Some(body) = self.body(header, header_len) else { return Ok(Found::Incomplete) };
            self.add(header.flags & MORE != 0, body);
        }
    }

    /// As [`cut`](Self::cut), of a peer whose frames are sealed.
    pub(super) fn cut_sealed(&mut self, opener: &mut Opener) -> Result<Found, DisconnectReason> {
        loop {
            if self.opened == 0 && !self.open(opener)? {
                return Ok(Found::Incomplete);
            }
            let Some((header, header_len)) = self.header()? else { return Ok(Found::Incomplete) };
            let (text_at, len) = (header_len + TEXT_AT, header.len - OVERHEAD as u64);
            let flags = Opener::flags(self.buffer[text_at - 1])?;
            if flags & COMMAND == 0 {
                self.check_size(len)?;
            } else if len > self.command_most() {
                return Err(ProtocolError::CommandTooLong { announced: len }.into());
            }
            self.opened -= text_at + len as usize;
            let text = Header { flags, len };
            if flags & COMMAND != 0 {
                self.pieces += 1;
                return Ok(self.take(text, text_at).map_or(Found::Incomplete, |body| Found::Command(body.freeze())));
            }
            let Some(body) = self.body(text, text_at) else { return Ok(Found::Incomplete) };
            self.add(flags & MORE != 0, body);
        }
    }

    /// Opens what is whole. Whether that is anything.
    fn open(&mut self, opener: &mut Opener) -> Result<bool, DisconnectReason> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let (len, result) = opener.open(&mut self.buffer);
        if len > 0 {
            (self.opened, self.failure) = (len, result.err());
            return Ok(true);
        }
        result?;
        // What it is, only the opened frame will say: so much may be a command, or the rest of a message.
        if let Some((header, header_len)) = self.header()? {
            let most = self.command_most().saturating_add(OVERHEAD as u64);
            if header.len > most {
                let (announced, limit) = (header.len - OVERHEAD as u64, self.limit.unwrap_or(u64::MAX));
                return Err(DisconnectReason::Oversize { announced, limit });
            }
            let end = usize::try_from(header.len).unwrap_or(usize::MAX).saturating_add(header_len);
            self.missing = end.saturating_sub(self.buffer.len());
        }
        Ok(false)
    }

    /// The longest command in traffic: PINGs must get through however small messages have to be.
    fn command_most(&self) -> u64 {
        self.limit.unwrap_or(u64::MAX).max(COMMAND_ALWAYS)
    }

    /// Adds a part, the last of its message or one of more.
    #[inline]
    fn add(&mut self, more: bool, body: Part) {
        if more {
            self.pieces += 1;
            self.parts_size += body.len() as u64;
            self.parts.push(body);
        } else if self.parts.is_empty() {
            self.weight += body.len() as u64;
            self.inbound.push(body.into());
        } else {
            self.weight += self.parts_size + (body.len() + self.parts.len() * size_of::<Part>()) as u64;
            self.parts_size = 0;
            self.inbound.push(std::mem::take(&mut self.parts).into_iter().chain([body]).collect());
        }
    }

    /// The messages of one inline part at the head of the buffer: tens of millions a second come this way, so they are left as
    /// they are, and moved as one piece.
    fn cut_small(&mut self) {
        let most = self.limit.map_or(Part::INLINE, |limit| limit.min(Part::INLINE as u64) as usize);
        let used = self.inbound.push_frames(&self.buffer, most);
        self.buffer.advance(used);
    }

    fn header(&mut self) -> Result<Option<(Header, usize)>, DisconnectReason> {
        self.missing = 0;
        Ok(Header::decode(&self.buffer)?)
    }

    fn command(&mut self, header: Header, header_len: usize, most: u64) -> Result<Found, DisconnectReason> {
        if header.len > most {
            return Err(ProtocolError::CommandTooLong { announced: header.len }.into());
        }
        Ok(self.take(header, header_len).map_or(Found::Incomplete, |body| Found::Command(body.freeze())))
    }

    /// The body at the head of the buffer as a part, if it is there to its last byte.
    fn body(&mut self, header: Header, header_len: usize) -> Option<Part> {
        if header.len > Part::INLINE as u64 {
            return Some(self.take(header, header_len)?.freeze().into());
        }
        let end = header_len + header.len as usize;
        let part = Part::copy_from_slice(self.buffer.get(header_len..end)?);
        self.buffer.advance(end);
        Some(part)
    }

    /// Splits the frame at the head off the buffer, if it is there to its last byte, and drops its header.
    fn take(&mut self, header: Header, header_len: usize) -> Option<BytesMut> {
        // A length that does not fit the address space cannot be in the buffer either.
        let end = usize::try_from(header.len).unwrap_or(usize::MAX).saturating_add(header_len);
        if self.buffer.len() < end {
            self.missing = end - self.buffer.len();
            return None;
        }
        let mut frame = self.buffer.split_to(end);
        frame.advance(header_len);
        Some(frame)
    }

    /// Judges a message by the header of its next frame, before any of the body is waited for.
    fn check_size(&self, next: u64) -> Result<(), DisconnectReason> {
        if self.parts.len() >= self.parts_most {
            return Err(DisconnectReason::TooManyParts { limit: self.parts_most });
        }
        let Some(limit) = self.limit else { return Ok(()) };
        let announced = self.parts_size.saturating_add(next);
        if announced > limit {
            return Err(DisconnectReason::Oversize { announced, limit });
        }
        Ok(())
    }

    /// Adds a message that did not come as one.
    pub(super) fn push(&mut self, message: Message) {
        self.weight += message.size() as u64;
        self.inbound.push(message);
    }

    /// Whether a message has begun and not ended.
    pub(super) fn is_between_parts(&self) -> bool {
        !self.parts.is_empty()
    }
}
