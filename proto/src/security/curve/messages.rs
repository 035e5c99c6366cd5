//! MESSAGE: the frame that every other frame travels in once the handshake is over.
//!
//! ```text
//! frame header | \x07MESSAGE | number (8) | tag (16) | flags (1) text ...
//!                                           ^ box: sealed from here on
//! ```
//!
//! The header's own flags are zero, as libzmq has it and its peers expect, although RFC 25 calls it a command: what the
//! frame is, the sealed flags say.

use super::cipher::{Slot, Stream};
use super::mac::TAG;
use super::{MESSAGE, array, failed, malformed, unexpected};
use crate::error::{CurveError, DisconnectReason, ProtocolError};
use crate::wire::batch::Batch;
use crate::wire::frame::{COMMAND, Header, MORE};

/// Where the number stands in a body.
const NUMBER_AT: usize = 8;
/// Where the box begins.
const BOX_AT: usize = NUMBER_AT + 8;
/// Where the text of a frame stands in the body, once it is opened; the byte before has its flags.
pub(crate) const TEXT_AT: usize = BOX_AT + TAG + 1;
/// How much longer a frame's body gets, in bytes.
pub(crate) const OVERHEAD: usize = TEXT_AT;

/// The sealed flag of a command. MORE is the same as in a header.
// libzmq writes the two lowest flags of its messages; RFC 26 knows only MORE
const SEALED_COMMAND: u8 = 0x02;

/// How much is sealed or opened in one go, in bytes: enough for many messages, little enough to stay in the cache.
const RUN: usize = 64 * 1024;
/// How many frames of that.
const RUN_FRAMES: usize = 512;

/// Both directions of one connection.
#[derive(Debug)]
pub(crate) struct Ciphers {
    pub(crate) sealer: Sealer,
    pub(crate) opener: Opener,
}

impl Ciphers {
    /// From the streams, each with the number that was used last.
    pub(super) fn new((ours, said): (Stream, u64), (theirs, heard): (Stream, u64)) -> Self {
        Self {
            sealer: Sealer { stream: ours, said, slots: Vec::new() },
            opener: Opener { stream: theirs, heard, slots: Vec::new() },
        }
    }
}

/// What leaves.
#[derive(Debug)]
pub(crate) struct Sealer {
    stream: Stream,
    said: u64,
    slots: Vec<Slot>,
}

impl Sealer {
    /// Seals the next frames of a batch.
    pub(crate) fn seal(&mut self, batch: &mut Batch) {
        batch.transform(|frames, bytes| {
            for frame in frames {
                self.put(frame.flags, &frame.body, bytes);
                if bytes.len() >= RUN || self.slots.len() >= RUN_FRAMES {
                    break;
                }
            }
            self.finish(bytes);
        });
    }

    /// What goes out as it is, and behind it these command frames, sealed.
    pub(crate) fn seal_commands(&mut self, in_clear: &[u8], mut commands: &[u8]) -> Vec<u8> {
        let mut bytes = in_clear.to_vec();
        // We encoded them ourselves, so they decode.
        while let Ok(Some((header, n))) = Header::decode(commands) {
            let Some((frame, rest)) = commands.split_at_checked(n + header.len as usize) else { break };
            self.put(header.flags, &frame[n..], &mut bytes);
            commands = rest;
        }
        self.finish(&mut bytes);
        bytes
    }

    /// Appends a frame that is still to be sealed.
    #[inline]
    fn put(&mut self, flags: u8, body: &[u8], bytes: &mut Vec<u8>) {
        let len = body.len() + OVERHEAD;
        let (header, header_len) = Header { flags: 0, len: len as u64 }.encode();
        self.said += 1;
        let nonce = self.said.to_be_bytes();
        let flags = if flags & COMMAND == 0 { flags & MORE } else { SEALED_COMMAND };
        bytes.reserve(header_len + len);
        bytes.extend_from_slice(&header[..header_len]);
        bytes.extend_from_slice(MESSAGE);
        bytes.extend_from_slice(&nonce);
        let from = bytes.len();
        bytes.extend_from_slice(&[0; TAG]);
        bytes.push(flags);
        bytes.extend_from_slice(body);
        self.slots.push(Slot { nonce, from, to: bytes.len() });
    }

    fn finish(&mut self, bytes: &mut [u8]) {
        self.stream.seal_all(&self.slots, bytes);
        self.slots.clear();
    }
}

/// What arrives.
#[derive(Debug)]
pub(crate) struct Opener {
    stream: Stream,
    heard: u64,
    slots: Vec<Slot>,
}

impl Opener {
    /// Opens the whole frames at the head of `bytes` in place. How many bytes they are, and why it went no further: for
    /// a frame that is no MESSAGE, or was altered, or is not newer than those before it.
    pub(crate) fn open(&mut self, bytes: &mut [u8]) -> (usize, Result<(), DisconnectReason>) {
        let mut at = 0;
        let mut result = Ok(());
        self.slots.clear();
        while at < RUN && self.slots.len() < RUN_FRAMES {
            match self.slot(&bytes[at..], at) {
                Ok(Some(slot)) => {
                    at = slot.to;
                    self.slots.push(slot);
                }
                Ok(None) => break,
                Err(reason) => {
                    result = Err(reason);
                    break;
                }
            }
        }
        let opened = self.stream.open_all(&self.slots, bytes);
        if opened < self.slots.len() {
            at = opened.checked_sub(1).map_or(0, |last| self.slots[last].to);
            result = Err(failed(CurveError::Message));
        }
        (at, result)
    }

    /// The frame at the head of `bytes`, which stand at `at`, if it is whole.
    fn slot(&mut self, bytes: &[u8], at: usize) -> Result<Option<Slot>, DisconnectReason> {
        let Some((header, header_len)) = Header::decode(bytes)? else { return Ok(None) };
        let len = usize::try_from(header.len).unwrap_or(usize::MAX);
        let Some(body) = bytes[header_len..].get(..len) else { return Ok(None) };
        let Some(rest) = body.strip_prefix(MESSAGE) else {
            let is_message = header.flags & COMMAND == 0;
            return Err(if is_message { failed(CurveError::ClearText) } else { unexpected(body) });
        };
        if header.flags & MORE != 0 || len < OVERHEAD {
            return Err(malformed("MESSAGE"));
        }
        let nonce = array(&rest[..8]);
        let number = u64::from_be_bytes(nonce);
        // RFC 26, The MESSAGE Command: each nonce is greater than the one before
        if number <= self.heard {
            return Err(failed(CurveError::Replayed { number, heard: self.heard }));
        }
        self.heard = number;
        Ok(Some(Slot { nonce, from: at + header_len + BOX_AT, to: at + header_len + len }))
    }

    /// The flags of a frame, from those that were sealed with it.
    pub(crate) fn flags(sealed: u8) -> Result<u8, ProtocolError> {
        match sealed {
            0 | MORE => Ok(sealed),
            SEALED_COMMAND => Ok(COMMAND),
            flags if flags == SEALED_COMMAND | MORE => Err(ProtocolError::CommandInMessage),
            flags => Err(ProtocolError::ReservedFlags { flags }),
        }
    }
}
