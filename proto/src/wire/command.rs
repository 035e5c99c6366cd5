//! Commands: the frames that peers exchange below the application.
// RFC 37, Commands; RFC 24 for those of PLAIN

use super::frame::{COMMAND, Header};
use crate::error::ProtocolError;

/// The longest context of a PING, in bytes.
// RFC 37, Connection Heartbeating
pub const PING_CONTEXT_MOST: usize = 16;

/// How the PLAIN server of libzmq 4.3.5 spells the beginning of an ERROR: the octet 5 and the E have become one.
const MISSPELT_ERROR: &[u8] = b"^RROR";

/// A command, borrowed from the frame that it came in or the values that it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Ends the handshake with our metadata (encoded).
    Ready(&'a [u8]),
    /// Refuses the peer, with a reason for its log.
    Error(&'a [u8]),
    /// Adds a subscription.
    Subscribe(&'a [u8]),
    /// Takes a subscription back.
    Cancel(&'a [u8]),
    /// Asks for a sign of life.
    Ping {
        /// For how long we promise to stay silent at the most, in tenths of seconds; 0 promises nothing.
        ttl: u16,
        /// What the PONG shall carry back.
        context: &'a [u8],
    },
    /// A sign of life, with the context of the PING.
    Pong(&'a [u8]),
    /// The PLAIN client's credentials.
    Hello {
        /// Up to 255 bytes.
        username: &'a [u8],
        /// Up to 255 bytes.
        password: &'a [u8],
    },
    /// The PLAIN server admits the client.
    Welcome,
    /// The PLAIN client's metadata (encoded).
    Initiate(&'a [u8]),
    /// A command of another name.
    Unknown {
        /// The name: printable, and up to 255 bytes.
        name: &'a str,
    },
}

impl<'a> Command<'a> {
    /// Reads the body of a command frame.
    ///
    /// # Errors
    ///
    /// `MalformedCommand` with the name of the command, or with `?` where that cannot be read.
    pub fn decode(body: &'a [u8]) -> Result<Self, ProtocolError> {
        if let Some(reason) = refusal(body)? {
            return Ok(Self::Error(reason));
        }
        let (name, data) = string(body).ok_or(malformed("?"))?;
        Ok(match name {
            b"READY" => Self::Ready(data),
            b"SUBSCRIBE" => Self::Subscribe(data),
            b"CANCEL" => Self::Cancel(data),
            b"PING" => {
                let (ttl, context) = data.split_first_chunk::<2>().ok_or(malformed("PING"))?;
                Self::Ping { ttl: u16::from_be_bytes(*ttl), context: checked_context(context, "PING")? }
            }
            b"PONG" => Self::Pong(checked_context(data, "PONG")?),
            b"HELLO" => {
                let (username, rest) = string(data).ok_or(malformed("HELLO"))?;
                Self::Hello { username, password: last_string(rest).ok_or(malformed("HELLO"))? }
            }
            b"WELCOME" if data.is_empty() => Self::Welcome,
            b"WELCOME" => return Err(malformed("WELCOME")),
            b"INITIATE" => Self::Initiate(data),
            // RFC 37: command-name-char = ALPHA; extensions also use digits and hyphens, and a log must stay readable
            _ if !name.is_empty() && name.iter().all(u8::is_ascii_graphic) => {
                Self::Unknown { name: std::str::from_utf8(name).map_err(|_| malformed("?"))? }
            }
            _ => return Err(malformed("?")),
        })
    }

    /// The name on the wire.
    pub const fn name(&self) -> &'a str {
        match self {
            Self::Ready(_) => "READY",
            Self::Error(_) => "ERROR",
            Self::Subscribe(_) => "SUBSCRIBE",
            Self::Cancel(_) => "CANCEL",
            Self::Ping { .. } => "PING",
            Self::Pong(_) => "PONG",
            Self::Hello { .. } => "HELLO",
            Self::Welcome => "WELCOME",
            Self::Initiate(_) => "INITIATE",
            Self::Unknown { name } => name,
        }
    }

    /// Appends the whole frame. Strings longer than their length octet can say are cut, which only a reason can be.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut body = Vec::with_capacity(64);
        self.encode_body(&mut body);
        let (header, len) = Header { flags: COMMAND, len: body.len() as u64 }.encode();
        out.extend_from_slice(&header[..len]);
        out.extend_from_slice(&body);
    }

    /// Appends the body of the frame.
    pub fn encode_body(&self, out: &mut Vec<u8>) {
        put_string(self.name().as_bytes(), out);
        match *self {
            Self::Ready(data)
            | Self::Subscribe(data)
            | Self::Cancel(data)
            | Self::Pong(data)
            | Self::Initiate(data) => {
                out.extend_from_slice(data);
            }
            Self::Error(reason) => put_string(reason, out),
            Self::Ping { ttl, context } => {
                out.extend_from_slice(&ttl.to_be_bytes());
                out.extend_from_slice(context);
            }
            Self::Hello { username, password } => {
                put_string(username, out);
                put_string(password, out);
            }
            Self::Welcome | Self::Unknown { .. } => {}
        }
    }
}

/// The reason, if this is the body of an ERROR command: all mechanisms have that one alike.
///
/// # Errors
///
/// `MalformedCommand` for an ERROR that cannot be read.
pub fn refusal(body: &[u8]) -> Result<Option<&[u8]>, ProtocolError> {
    let reason = body.strip_prefix(b"\x05ERROR").or_else(|| body.strip_prefix(MISSPELT_ERROR));
    reason.map(|reason| last_string(reason).ok_or(malformed("ERROR"))).transpose()
}

const fn malformed(name: &'static str) -> ProtocolError {
    ProtocolError::MalformedCommand { name }
}

fn checked_context<'a>(context: &'a [u8], name: &'static str) -> Result<&'a [u8], ProtocolError> {
    if context.len() > PING_CONTEXT_MOST { Err(malformed(name)) } else { Ok(context) }
}

/// A string with its length octet, and what follows it.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(len))
}

/// A string that nothing may follow.
fn last_string(bytes: &[u8]) -> Option<&[u8]> {
    string(bytes).filter(|(_, rest)| rest.is_empty()).map(|(string, _)| string)
}

fn put_string(string: &[u8], out: &mut Vec<u8>) {
    let string = string.get(..usize::from(u8::MAX)).unwrap_or(string);
    out.push(string.len() as u8);
    out.extend_from_slice(string);
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: &[(Command<'_>, &[u8])] = &[
        (Command::Ready(b"\x01a\0\0\0\0"), b"\x04\x0c\x05READY\x01a\0\0\0\0"),
        (Command::Error(b"400"), b"\x04\x0a\x05ERROR\x03400"),
        (Command::Subscribe(b"a"), b"\x04\x0b\x09SUBSCRIBEa"),
        (Command::Cancel(b""), b"\x04\x07\x06CANCEL"),
        (Command::Ping { ttl: 300, context: b"hi" }, b"\x04\x09\x04PING\x01\x2chi"),
        (Command::Pong(b"hi"), b"\x04\x07\x04PONGhi"),
        (Command::Hello { username: b"admin", password: b"" }, b"\x04\x0d\x05HELLO\x05admin\0"),
        (Command::Welcome, b"\x04\x08\x07WELCOME"),
        (Command::Initiate(b""), b"\x04\x09\x08INITIATE"),
    ];

    #[test]
    fn every_command_has_its_bytes_and_is_read_back() {
        for (command, bytes) in COMMANDS {
            let mut out = Vec::new();
            command.encode(&mut out);
            assert_eq!(out, *bytes, "{command:?}");
            assert_eq!(Command::decode(&bytes[2..]).as_ref(), Ok(command));
        }
    }

    #[test]
    fn the_error_of_libzmqs_plain_server_is_understood() {
        assert_eq!(Command::decode(b"^RROR\x03400"), Ok(Command::Error(b"400")));
        assert_eq!(Command::decode(b"^RROR\x04400"), Err(malformed("ERROR")));
    }

    #[test]
    fn a_long_command_has_a_long_frame() {
        let mut out = Vec::new();
        let topic = [b'x'; 300];
        Command::Subscribe(&topic).encode(&mut out);
        assert_eq!(&out[..19], b"\x06\0\0\0\0\0\0\x01\x36\x09SUBSCRIBE");
        assert_eq!(Command::decode(&out[9..]), Ok(Command::Subscribe(&topic)));
    }

    #[test]
    fn malformed_commands_are_named_as_far_as_they_can_be_read() {
        let table: &[(&[u8], &str)] = &[
            (b"", "?"),
            (b"\0", "?"),
            (b"\x05READ", "?"),
            (b"\x02\x01\x02", "?"),
            (b"\x02a b", "?"),
            (b"\x02\xff\xff", "?"),
            (b"\x05ERROR", "ERROR"),
            (b"\x05ERROR\x04abc", "ERROR"),
            (b"\x05ERROR\x02abc", "ERROR"),
            (b"\x04PING", "PING"),
            (b"\x04PING\0", "PING"),
            (b"\x04PING\0\0sixteen bytes and", "PING"),
            (b"\x04PONGsixteen bytes and", "PONG"),
            (b"\x05HELLO", "HELLO"),
            (b"\x05HELLO\x05admi", "HELLO"),
            (b"\x05HELLO\x05admin", "HELLO"),
            (b"\x05HELLO\x05admin\x06secre", "HELLO"),
            (b"\x05HELLO\x05admin\x05secret", "HELLO"),
            (b"\x07WELCOME!", "WELCOME"),
        ];
        for (body, name) in table {
            assert_eq!(Command::decode(body), Err(malformed(name)), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn names_are_case_sensitive_and_others_are_unknown() {
        assert_eq!(Command::decode(b"\x05ready"), Ok(Command::Unknown { name: "ready" }));
        assert_eq!(Command::decode(b"\x04JOINgroup"), Ok(Command::Unknown { name: "JOIN" }));
    }

    #[test]
    fn a_reason_too_long_is_cut() {
        let mut out = Vec::new();
        Command::Error(&[b'x'; 300]).encode(&mut out);
        assert_eq!(Command::decode(&out[9..]), Ok(Command::Error(&[b'x'; 255])));
    }
}
