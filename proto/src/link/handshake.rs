//! The handshake: from the first byte to the peer that the pattern may talk to.
// RFC 37, Overall Behavior

use bytes::{Buf, Bytes};

use super::config::LinkConfig;
use super::framing::{Found, Framing};
use crate::error::{DisconnectReason, HandshakeStage, ProtocolError};
use crate::options::Identity;
use crate::peer::PeerInfo;
use crate::security::{self, Ciphers, Entropy, Progress};
use crate::socket_type::SocketType;
use crate::wire::command::{self, Command};
use crate::wire::greeting::{GREETING_LEN, Greeting};
use crate::wire::metadata::{self, Walk};

/// More properties than anybody says of itself: each takes some 100 bytes of memory, ten times of what it needs on the
/// wire.
const PROPERTIES_MOST: usize = 256;

/// The handshake of one connection.
#[derive(Debug)]
pub(super) struct Handshake {
    socket_type: SocketType,
    mechanism: &'static str,
    is_server: bool,
    address: String,
    metadata_most: usize,
    security: Box<dyn security::Handshake>,
    /// The peer's greeting, once it is here.
    greeting: Option<Greeting>,
}

/// Who the peer is, and what seals the traffic with it.
type Admitted = (PeerInfo, Option<Box<Ciphers>>);

impl Handshake {
    /// Begins: our greeting goes out whole and at once, so that neither side waits for the other.
    pub(super) fn start(config: &LinkConfig, entropy: Entropy, out: &mut Vec<u8>) -> Self {
        let mechanism = config.mechanism();
        out.extend_from_slice(&Greeting::new(mechanism.name(), mechanism.is_server()).encode());
        Self {
            socket_type: config.socket_type(),
            mechanism: mechanism.name(),
            is_server: mechanism.is_server(),
            address: config.address().to_owned(),
            metadata_most: config.limits().max_metadata,
            security: security::handshake(mechanism, our_metadata(config), entropy),
            greeting: None,
        }
    }

    /// How far it came.
    pub(super) fn stage(&self) -> HandshakeStage {
        if self.greeting.is_none() { HandshakeStage::Greeting } else { self.security.stage() }
    }

    /// Reads on as far as the bytes go. The peer, once it is known and accepted, with what seals the traffic; what follows
    /// its last command stays in the buffer.
    pub(super) fn advance(
        &mut self,
        input: &mut Framing,
        out: &mut Vec<u8>,
    ) -> Result<Option<Admitted>, DisconnectReason> {
        let greeting = match self.greeting {
            Some(greeting) => greeting,
            None => match self.greet(input, out)? {
                Some(greeting) => greeting,
                None => return Ok(None),
            },
        };
        while let Found::Command(body) = input.handshake_command()? {
            if let Some(peer) = self.handle_command(greeting, &body, out)? {
                return Ok(Some(peer));
            }
        }
        Ok(None)
    }

    fn greet(&mut self, input: &mut Framing, out: &mut Vec<u8>) -> Result<Option<Greeting>, DisconnectReason> {
        let Some(greeting) = Greeting::decode(input.buffer())? else { return Ok(None) };
        // RFC 37, Authentication and Confidentiality: the names must match exactly
        if greeting.mechanism() != self.mechanism.as_bytes() {
            let theirs = greeting.mechanism().escape_ascii().to_string();
            return Err(ProtocolError::MechanismMismatch { ours: self.mechanism, theirs }.into());
        }
        if greeting.as_server() && self.is_server {
            return Err(ProtocolError::SameRole { mechanism: self.mechanism }.into());
        }
        input.buffer().advance(GREETING_LEN);
        self.greeting = Some(greeting);
        self.security.start(out)?;
        Ok(Some(greeting))
    }

    fn handle_command(
        &mut self,
        greeting: Greeting,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Admitted>, DisconnectReason> {
        if let Some(reason) = command::refusal(body)? {
            return Err(refused(reason));
        }
        match self.security.handle(body, out)? {
            Progress::Pending => Ok(None),
            Progress::Announced { command, metadata, user } => {
                let mut peer = self.peer(greeting, command, &metadata).inspect_err(|error| refuse(error, out))?;
                peer.user = user;
                Ok(Some((peer, self.security.admit(out))))
            }
        }
    }

    /// What the peer says of itself, checked.
    fn peer(&self, greeting: Greeting, command: &'static str, metadata: &[u8]) -> Result<PeerInfo, ProtocolError> {
        if metadata.len() > self.metadata_most {
            return Err(ProtocolError::MetadataTooLong { len: metadata.len(), limit: self.metadata_most });
        }
        let (mut socket_type, mut identity, mut properties) = (None, None, Vec::new());
        for property in Walk::new(metadata) {
            let (name, value) = property.map_err(|_| ProtocolError::MalformedCommand { name: command })?;
            if metadata::same_name(name, metadata::SOCKET_TYPE) {
                socket_type.get_or_insert(value);
            } else if metadata::same_name(name, metadata::IDENTITY) {
                identity.get_or_insert(value);
            } else if properties.len() == PROPERTIES_MOST {
                return Err(ProtocolError::TooManyProperties { limit: PROPERTIES_MOST });
            } else {
                properties.push((name.to_owned(), Bytes::copy_from_slice(value)));
            }
        }
        let theirs = peer_socket_type(socket_type)?;
        if !self.socket_type.accepts(theirs) {
            return Err(ProtocolError::IncompatibleSocketType { ours: self.socket_type, theirs });
        }
        // RFC 37, The Identity Property: ignored from all other types
        let identity = identity.filter(|_| theirs.has_identity()).unwrap_or_default();
        let identity = Identity::new(Bytes::copy_from_slice(identity)).map_err(|_| ProtocolError::InvalidIdentity)?;
        Ok(PeerInfo {
            socket_type: theirs,
            identity: identity.as_bytes().clone(),
            mechanism: self.mechanism,
            minor: greeting.minor(),
            properties,
            address: self.address.clone(),
            user: None,
        })
    }
}

/// The reason of an ERROR command, readable in a log whatever its bytes are.
pub(super) fn refused(reason: &[u8]) -> DisconnectReason {
    DisconnectReason::HandshakeRefused { reason: reason.escape_ascii().to_string() }
}

fn peer_socket_type(value: Option<&[u8]>) -> Result<SocketType, ProtocolError> {
    let value = value.ok_or(ProtocolError::NoSocketType)?;
    // The case of names does not matter, that of values does.
    let known = SocketType::ALL.into_iter().find(|known| known.as_str().as_bytes() == value);
    known.ok_or_else(|| {
        let shown = value.get(..64).unwrap_or(value);
        ProtocolError::UnknownSocketType(shown.escape_ascii().to_string())
    })
}

/// Tells the peer why we do not want it, where RFC 37 asks for it.
// RFC 37, The Socket-Type Property: an ERROR command, then the end. A reason is of VCHARs, which a space is not.
fn refuse(error: &ProtocolError, out: &mut Vec<u8>) {
    let reason: &[u8] = match error {
        ProtocolError::IncompatibleSocketType { .. } => b"incompatible-socket-type",
        ProtocolError::UnknownSocketType(_) => b"unknown-socket-type",
        ProtocolError::NoSocketType => b"no-socket-type",
        ProtocolError::InvalidIdentity => b"invalid-identity",
        _ => return,
    };
    Command::Error(reason).encode(out);
}

fn our_metadata(config: &LinkConfig) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    metadata::encode_property(metadata::SOCKET_TYPE, config.socket_type().as_str().as_bytes(), &mut out);
    if config.socket_type().has_identity() {
        metadata::encode_property(metadata::IDENTITY, config.identity().as_bytes(), &mut out);
    }
    out
}
