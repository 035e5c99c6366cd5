//! CURVE: both sides prove who they are, and all that passes is sealed.
//!
//! ```text
//! client   HELLO ->            INITIATE ->          MESSAGE <-> MESSAGE
//! server          <- WELCOME              <- READY
//! ```
//!
//! The client's short-term key travels in HELLO, the server's in WELCOME, and the traffic is sealed with the secret that
//! these two make: whoever steals the permanent keys later can't read what was recorded before. INITIATE carries the
//! client's permanent key, and a voucher sealed with it for its short-term key.
// RFC 25, RFC 26

mod boxes;
mod cipher;
mod client;
mod mac;
mod messages;
mod salsa;
mod server;

pub(super) use client::Client;
pub(crate) use messages::{Ciphers, OVERHEAD, Opener, Sealer, TEXT_AT};
pub(super) use server::Server;

use std::borrow::Cow;

use crate::error::{CurveError, DisconnectReason, ProtocolError};
use crate::wire::frame::{COMMAND, Header};

const HELLO: &[u8] = b"\x05HELLO";
const WELCOME: &[u8] = b"\x07WELCOME";
const INITIATE: &[u8] = b"\x08INITIATE";
const READY: &[u8] = b"\x05READY";
const MESSAGE: &[u8] = b"\x07MESSAGE";

/// What the nonces of each kind of box begin with.
const HELLO_NONCE: &[u8; 16] = b"CurveZMQHELLO---";
const WELCOME_NONCE: &[u8; 8] = b"WELCOME-";
const COOKIE_NONCE: &[u8; 8] = b"COOKIE--";
const INITIATE_NONCE: &[u8; 16] = b"CurveZMQINITIATE";
const VOUCH_NONCE: &[u8; 8] = b"VOUCH---";
const READY_NONCE: &[u8; 16] = b"CurveZMQREADY---";
const CLIENT_NONCE: &[u8; 16] = b"CurveZMQMESSAGEC";
const SERVER_NONCE: &[u8; 16] = b"CurveZMQMESSAGES";

/// The version of `CurveZMQ`: 1.0.
const VERSION: &[u8] = &[1, 0];
/// What makes HELLO longer than its answer, so that nobody sends to a third party through us more than he sends us.
const PADDING: &[u8] = &[0; 72];
/// What the client proves its short-term key with.
const SIGNED: &[u8] = &[0; 64];
/// The length of a cookie, with its nonce.
const COOKIE: usize = 16 + 80;
/// The length of a voucher, with its nonce.
const VOUCHER: usize = 16 + 80;

/// The fields of a command, taken off one by one.
struct Fields<'a> {
    command: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], DisconnectReason> {
        let (field, rest) = self.rest.split_at_checked(n).ok_or_else(|| malformed(self.command))?;
        self.rest = rest;
        Ok(field)
    }

    fn key(&mut self) -> Result<[u8; 32], DisconnectReason> {
        self.take(32).map(array)
    }

    fn number(&mut self) -> Result<[u8; 8], DisconnectReason> {
        self.take(8).map(array)
    }

    fn end(&self) -> Result<(), DisconnectReason> {
        if self.rest.is_empty() { Ok(()) } else { Err(malformed(self.command)) }
    }
}

/// Bytes of a length that was checked.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

fn malformed(name: &'static str) -> DisconnectReason {
    ProtocolError::MalformedCommand { name }.into()
}

/// What a command that has no place here is.
fn unexpected(body: &[u8]) -> DisconnectReason {
    let name = body.split_first().and_then(|(&len, rest)| rest.get(..usize::from(len)));
    match name.filter(|name| !name.is_empty() && name.iter().all(u8::is_ascii_graphic)) {
        Some(name) => ProtocolError::UnexpectedCommand { name: name.escape_ascii().to_string() }.into(),
        None => malformed("?"),
    }
}

fn failed(error: CurveError) -> DisconnectReason {
    ProtocolError::Curve(error).into()
}

/// Appends a command frame of these pieces.
fn put(pieces: &[&[u8]], out: &mut Vec<u8>) {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    let (header, header_len) = Header { flags: COMMAND, len: len as u64 }.encode();
    out.extend_from_slice(&header[..header_len]);
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

/// Metadata that were sealed.
fn opened<'a>(text: &[u8]) -> Cow<'a, [u8]> {
    Cow::Owned(text.to_vec())
}
