//! NULL: no authentication and no secrecy; each side says READY.
// RFC 37, The NULL Security Mechanism

use super::{Ciphers, Handshake, Progress};
use crate::auth::Credentials;
use crate::error::{DisconnectReason, HandshakeStage, ProtocolError};
use crate::wire::command::Command;

/// Both sides are the same: neither waits for the other's READY before it sends its own, unless it judges the other.
#[derive(Debug)]
pub(super) struct Null {
    metadata: Vec<u8>,
    judges: bool,
}

impl Null {
    pub(super) const fn new(metadata: Vec<u8>, judges: bool) -> Self {
        Self { metadata, judges }
    }
}

impl Handshake for Null {
    fn stage(&self) -> HandshakeStage {
        HandshakeStage::Ready
    }

    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), DisconnectReason> {
        if !self.judges {
            Command::Ready(&self.metadata).encode(out);
        }
        Ok(())
    }

    fn handle<'a>(&mut self, body: &'a [u8], _: &mut Vec<u8>) -> Result<Progress<'a>, DisconnectReason> {
        match Command::decode(body)? {
            Command::Ready(metadata) => {
                Ok(Progress::Announced { command: "READY", metadata: metadata.into(), credentials: Credentials::Null })
            }
            other => Err(ProtocolError::UnexpectedCommand { name: other.name().to_owned() }.into()),
        }
    }

    fn admit(&mut self, out: &mut Vec<u8>) -> Option<Box<Ciphers>> {
        if self.judges {
            Command::Ready(&self.metadata).encode(out);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_goes_out_at_once_and_the_peers_ready_ends_it() {
        let (mut null, mut out) = (Null::new(b"ours".to_vec(), false), Vec::new());
        null.start(&mut out).unwrap();
        assert_eq!(out, b"\x04\x0a\x05READYours");
        let done = null.handle(b"\x05READYtheirs", &mut out).unwrap();
        let credentials = Credentials::Null;
        assert_eq!(done, Progress::Announced { command: "READY", metadata: b"theirs"[..].into(), credentials });
        assert!(null.admit(&mut out).is_none());
        assert_eq!(out.len(), 12, "READY goes out once");
    }

    #[test]
    fn who_judges_says_ready_when_the_peer_is_admitted() {
        let (mut null, mut out) = (Null::new(b"ours".to_vec(), true), Vec::new());
        null.start(&mut out).unwrap();
        null.handle(b"\x05READYtheirs", &mut out).unwrap();
        assert!(out.is_empty());
        assert!(null.admit(&mut out).is_none());
        assert_eq!(out, b"\x04\x0a\x05READYours");
    }

    #[test]
    fn other_commands_are_refused_by_name() {
        let mut null = Null::new(Vec::new(), false);
        for (body, name) in [(&b"\x07WELCOME"[..], "WELCOME"), (b"\x04PING\0\0", "PING"), (b"\x04JOIN", "JOIN")] {
            let error = null.handle(body, &mut Vec::new()).unwrap_err();
            let name = name.to_owned();
            assert_eq!(error, DisconnectReason::Protocol(ProtocolError::UnexpectedCommand { name }));
        }
    }
}
