//! Frames: a header of two or nine bytes, then the body.
//!
//! ```text
//! short   +-------+--------+=====+
//!         | flags | length | body|      length: 1 byte
//!         +-------+--------+=====+
//! long    +-------+--------+=====+
//!         | flags | length | body|      length: 8 bytes, network order
//!         +-------+--------+=====+
//! flags   0 0 0 0 0 COMMAND LONG MORE   (RFC 37, Framing)
//! ```

use crate::error::ProtocolError;

/// More frames of the same message follow.
pub const MORE: u8 = 0x01;
/// The length takes eight bytes.
pub const LONG: u8 = 0x02;
/// The frame is a command, not a part of a message.
pub const COMMAND: u8 = 0x04;

/// The longest header, in bytes.
pub const HEADER_MOST: usize = 9;
/// The longest body with a short header, in bytes.
pub const SHORT_MOST: usize = 255;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// [`MORE`] and [`COMMAND`]; [`LONG`] is derived from the length.
    pub flags: u8,
    /// The length of the body in bytes.
    pub len: u64,
}

impl Header {
    /// The header at the beginning of `bytes` and its own length, or `None` while it is incomplete.
    ///
    /// # Errors
    ///
    /// [`ProtocolError::ReservedFlags`] and [`ProtocolError::CommandInMessage`] as soon as the flags are there,
    /// [`ProtocolError::FrameLength`] for a length with its highest bit set.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let Some(&flags) = bytes.first() else { return Ok(None) };
        if flags & !(MORE | LONG | COMMAND) != 0 {
            // RFC 37, Framing: bits 7-3 are reserved and must be zero
            return Err(ProtocolError::ReservedFlags { flags });
        }
        if flags & (COMMAND | MORE) == COMMAND | MORE {
            // RFC 37, Framing: for command frames the MORE bit is always zero
            return Err(ProtocolError::CommandInMessage);
        }
        if flags & LONG == 0 {
            return Ok(bytes.get(1).map(|&len| (Self { flags, len: len.into() }, 2)));
        }
        let Some(len) = bytes.get(1..HEADER_MOST).and_then(|len| len.try_into().ok()).map(u64::from_be_bytes) else {
            return Ok(None);
        };
        if len > i64::MAX as u64 {
            return Err(ProtocolError::FrameLength);
        }
        Ok(Some((Self { flags: flags & !LONG, len }, HEADER_MOST)))
    }

    /// The header's bytes and how many of them count.
    #[inline]
    pub const fn encode(self) -> ([u8; HEADER_MOST], usize) {
        if self.len <= SHORT_MOST as u64 {
            ([self.flags, self.len as u8, 0, 0, 0, 0, 0, 0, 0], 2)
        } else {
            let l = self.len.to_be_bytes();
            ([self.flags | LONG, l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7]], HEADER_MOST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_back_whatever_the_length() {
        for len in [0, 1, 255, 256, 65_536, i64::MAX as u64] {
            for flags in [0, MORE, COMMAND] {
                let header = Header { flags, len };
                let (bytes, n) = header.encode();
                assert_eq!(n, if len < 256 { 2 } else { 9 });
                assert_eq!(Header::decode(&bytes[..n]), Ok(Some((header, n))));
                for cut in 0..n {
                    assert_eq!(Header::decode(&bytes[..cut]), Ok(None));
                }
            }
        }
    }

    #[test]
    fn a_bad_flags_octet_is_refused_before_the_length_arrives() {
        assert_eq!(Header::decode(&[0x08]), Err(ProtocolError::ReservedFlags { flags: 0x08 }));
        assert_eq!(Header::decode(&[0x80]), Err(ProtocolError::ReservedFlags { flags: 0x80 }));
        assert_eq!(Header::decode(&[COMMAND | MORE]), Err(ProtocolError::CommandInMessage));
        assert_eq!(Header::decode(&[LONG, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(ProtocolError::FrameLength));
    }

    #[test]
    fn a_long_header_may_carry_a_short_length() {
        let header = Header { flags: 0, len: 3 };
        assert_eq!(Header::decode(&[LONG, 0, 0, 0, 0, 0, 0, 0, 3]), Ok(Some((header, 9))));
    }
}
