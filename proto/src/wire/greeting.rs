//! The greeting: 64 bytes that each peer sends first.
// RFC 37, Formal Grammar and Version Negotiation

use crate::error::ProtocolError;

/// The length of a greeting, in bytes.
pub const GREETING_LEN: usize = 64;

const SIGNATURE_FIRST: u8 = 0xff;
/// What TLS begins with: an alert or a handshake, then its major version.
const TLS_ALERT: u8 = 0x15;
const TLS_HANDSHAKE: u8 = 0x16;
const TLS_MAJOR: u8 = 3;
const SIGNATURE_LAST: u8 = 0x7f;
const SIGNATURE_LAST_AT: usize = 9;
const MAJOR_AT: usize = 10;
const MINOR_AT: usize = 11;
const MECHANISM_AT: usize = 12;
const MECHANISM_LEN: usize = 20;
const AS_SERVER_AT: usize = 32;

/// Our own version: 3.1.
const MAJOR: u8 = 3;
const MINOR: u8 = 1;

/// What a greeting says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeting {
    minor: u8,
    mechanism: [u8; MECHANISM_LEN],
    as_server: bool,
}

impl Greeting {
    /// Our greeting: ZMTP 3.1 with this mechanism. A name longer than the field, which no mechanism has, is cut.
    pub fn new(mechanism: &str, as_server: bool) -> Self {
        let mut field = [0; MECHANISM_LEN];
        for (to, from) in field.iter_mut().zip(mechanism.bytes()) {
            *to = from;
        }
        Self { minor: MINOR, mechanism: field, as_server }
    }

    /// The same greeting with another minor version, as an older peer sends it.
    #[must_use]
    pub const fn with_minor(mut self, minor: u8) -> Self {
        self.minor = minor;
        self
    }

    /// The minor version that the two peers share the grammar of: 0, or 1 and above.
    pub const fn minor(&self) -> u8 {
        self.minor
    }

    /// The mechanism's name without its padding. A peer may have sent any bytes at all.
    pub fn mechanism(&self) -> &[u8] {
        let len = self.mechanism.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        self.mechanism.get(..len).unwrap_or_default()
    }

    /// Whether the peer says that it is the server of the mechanism.
    ///
    /// libzmq leaves the field zero on both sides, so only a `true` means something.
    pub const fn as_server(&self) -> bool {
        self.as_server
    }

    /// The 64 bytes.
    pub fn encode(&self) -> [u8; GREETING_LEN] {
        let mut bytes = [0; GREETING_LEN];
        bytes[0] = SIGNATURE_FIRST;
        bytes[SIGNATURE_LAST_AT] = SIGNATURE_LAST;
        bytes[MAJOR_AT] = MAJOR;
        bytes[MINOR_AT] = self.minor;
        bytes[MECHANISM_AT..MECHANISM_AT + MECHANISM_LEN].copy_from_slice(&self.mechanism);
        bytes[AS_SERVER_AT] = u8::from(self.as_server);
        bytes
    }

    /// Reads a greeting off the beginning of `bytes`: `None` while it may still become one.
    ///
    /// Each byte is judged as soon as it is there. Whoever does not speak ZMTP is told from its first byte, without
    /// waiting for 64: an HTTP server that answers our signature with a short error would otherwise hold us until
    /// the handshake times out.
    ///
    /// # Errors
    ///
    /// `NotZmtp` for a wrong signature, `SpeaksTls` where it is the beginning of TLS, `OldVersion` for a major version before 3.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, ProtocolError> {
        // RFC 37, Version Negotiation: the padding between the two has no meaning and is not looked at
        let wrong = |at: usize, want: u8| bytes.get(at).is_some_and(|&byte| byte != want);
        match bytes {
            // One byte may as well be the length of an old identity.
            [TLS_ALERT | TLS_HANDSHAKE] => return Ok(None),
            [TLS_ALERT | TLS_HANDSHAKE, TLS_MAJOR, ..] => return Err(ProtocolError::SpeaksTls),
            _ => {}
        }
        if wrong(0, SIGNATURE_FIRST) || wrong(SIGNATURE_LAST_AT, SIGNATURE_LAST) {
            return Err(ProtocolError::NotZmtp);
        }
        // RFC 37, Version Negotiation: higher versions are valid, and we speak our own to them
        let Some(&major) = bytes.get(MAJOR_AT) else { return Ok(None) };
        if major < MAJOR {
            return Err(ProtocolError::OldVersion { major });
        }
        let Some(bytes) = bytes.first_chunk::<GREETING_LEN>() else { return Ok(None) };
        let mut mechanism = [0; MECHANISM_LEN];
        mechanism.copy_from_slice(&bytes[MECHANISM_AT..MECHANISM_AT + MECHANISM_LEN]);
        Ok(Some(Self {
            minor: if major > MAJOR { MINOR } else { bytes[MINOR_AT] },
            mechanism,
            as_server: bytes[AS_SERVER_AT] != 0,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What libzmq 4.3.5 sends for a NULL socket without an identity: its padding holds the length of an old frame.
    const LIBZMQ_NULL: &[u8; 64] = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
        \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

    #[test]
    fn our_greeting_is_that_of_the_specification() {
        let mut expected = [0; 64];
        expected[0] = 0xff;
        expected[9..12].copy_from_slice(&[0x7f, 3, 1]);
        expected[12..17].copy_from_slice(b"PLAIN");
        expected[32] = 1;
        assert_eq!(Greeting::new("PLAIN", true).encode(), expected);
    }

    #[test]
    fn the_greeting_of_libzmq_is_read() {
        let greeting = Greeting::decode(LIBZMQ_NULL).unwrap().unwrap();
        assert_eq!((greeting.minor(), greeting.mechanism(), greeting.as_server()), (1, &b"NULL"[..], false));
    }

    #[test]
    fn every_prefix_of_a_greeting_waits_for_more() {
        for len in 0..GREETING_LEN {
            assert_eq!(Greeting::decode(&LIBZMQ_NULL[..len]), Ok(None), "{len} bytes");
        }
    }

    #[test]
    fn bytes_after_the_greeting_are_left_alone() {
        let mut longer = LIBZMQ_NULL.to_vec();
        longer.extend_from_slice(b"\x04\x26\x05READY");
        assert!(Greeting::decode(&longer).unwrap().is_some());
    }

    #[test]
    fn who_does_not_speak_zmtp_is_told_from_the_first_wrong_byte() {
        for tls in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\x15\x03\x03\x00\x02\x02\x46"] {
            assert_eq!(Greeting::decode(&tls[..1]), Ok(None));
            assert_eq!(Greeting::decode(&tls[..2]), Err(ProtocolError::SpeaksTls));
            assert_eq!(Greeting::decode(tls), Err(ProtocolError::SpeaksTls));
        }
        for bytes in
            [&b"H"[..], b"\x16\x00", b"HTTP/1.1 400 Bad Request\r\n", b"\x01", b"\xff\0\0\0\0\0\0\0\0\x7e", b"\0"]
        {
            assert_eq!(Greeting::decode(bytes), Err(ProtocolError::NotZmtp), "{bytes:?}");
        }
        assert_eq!(Greeting::decode(b"\xff\0\0\0\0\0\0\0\x01\x7f"), Ok(None));
    }

    #[test]
    fn old_majors_are_refused_with_the_eleventh_byte_and_new_ones_accepted() {
        for major in 0..3 {
            let mut bytes = LIBZMQ_NULL[..10].to_vec();
            bytes.push(major);
            assert_eq!(Greeting::decode(&bytes), Err(ProtocolError::OldVersion { major }));
        }
        let mut future = *LIBZMQ_NULL;
        (future[10], future[11]) = (4, 0);
        assert_eq!(Greeting::decode(&future).unwrap().unwrap().minor(), 1, "3.1 is ours and older than 4.0");
    }

    #[test]
    fn every_minor_is_accepted() {
        for minor in 0..=255 {
            let bytes = Greeting::new("NULL", false).with_minor(minor).encode();
            assert_eq!(Greeting::decode(&bytes).unwrap().unwrap().minor(), minor);
        }
    }

    #[test]
    fn a_mechanism_of_strange_bytes_is_a_name_like_any_other() {
        let mut strange = *LIBZMQ_NULL;
        strange[12..32].fill(0xfe);
        assert_eq!(Greeting::decode(&strange).unwrap().unwrap().mechanism(), [0xfe; 20]);
        strange[12..32].fill(0);
        assert_eq!(Greeting::decode(&strange).unwrap().unwrap().mechanism(), b"");
    }
}
