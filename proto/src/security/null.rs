//! NULL: no authentication and no secrecy; each side says READY.
// RFC 37, The NULL Security Mechanism

use super::{Ciphers, Handshake, Progress};
use crate::error::{DisconnectReason, HandshakeStage, ProtocolError};
use crate::wire::command::Command;

/// Both sides are the same: neither waits for the other's READY before it sends its own.
#[derive(Debug)]
pub(super) struct Null {
    metadata: Vec<u8>,
}

impl Null {
    pub(super) const fn new(metadata: Vec<u8>) -> Self {
        Self { metadata }
    }
}

impl Handshake for Null {
    fn stage(&self) -> HandshakeStage {
        HandshakeStage::Ready
    }

    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), DisconnectReason> {
        Command::Ready(&self.metadata).encode(out);
        Ok(())
    }

    fn handle<'a>(&mut self, body: &'a [u8], _: &mut Vec<u8>) -> Result<Progress<'a>, DisconnectReason> {
        match Command::decode(body)? {
            Command::Ready(metadata) => {
                Ok(Progress::Announced { command: "READY", metadata: metadata.into(), user: None })
            }
            other => Err(ProtocolError::UnexpectedCommand { name: other.name().to_owned() }.into()),
        }
    }

    fn admit(&mut self, _: &mut Vec<u8>) -> Option<Box<Ciphers>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_goes_out_at_once_and_the_peers_ready_ends_it() {
        let (mut null, mut out) = (Null::new(b"ours".to_vec()), Vec::new());
        null.start(&mut out).unwrap();
        assert_eq!(out, b"\x04\x0a\x05READYours");
        let done = null.handle(b"\x05READYtheirs", &mut out).unwrap();
        assert_eq!(done, Progress::Announced { command: "READY", metadata: b"theirs"[..].into(), user: None });
    }

    #[test]
    fn other_commands_are_refused_by_name() {
        let mut null = Null::new(Vec::new());
        for (body, name) in [(&b"\x07WELCOME"[..], "WELCOME"), (b"\x04PING\0\0", "PING"), (b"\x04JOIN", "JOIN")] {
            let error = null.handle(body, &mut Vec::new()).unwrap_err();
            let name = name.to_owned();
            assert_eq!(error, DisconnectReason::Protocol(ProtocolError::UnexpectedCommand { name }));
        }
    }
}
