//! What a peer says of itself, and what we see of it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::SocketType;

/// The properties that a peer sent in its READY command, other than its socket type and its identity.
pub type Properties = Vec<(String, Bytes)>;

/// A peer as the handshake left it: what it announced, and how it proved it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerInfo {
    /// The type of its socket.
    pub socket_type: SocketType,
    /// The identity that it asks to be addressed by; empty if it named none.
    pub identity: Bytes,
    /// The security mechanism of the connection: `NULL`, `PLAIN` or `CURVE`.
    pub mechanism: &'static str,
    /// The minor version of its ZMTP 3; 0 for peers that know no SUBSCRIBE, PING or ERROR in traffic.
    pub minor: u8,
    /// Its other properties.
    pub properties: Properties,
    /// Its address, as the transport shows it; empty in process.
    pub address: String,
    /// The user that it authenticated as; the client's public key, in Z85, with CURVE, unless an authenticator names another.
    pub user: Option<String>,
    /// What our authenticator says of it. The peer itself has no say in it, as it has in `properties`.
    pub metadata: Properties,
    /// The certificate that it has proved over TLS to have the key of. A server always shows one, a client only if it is
    /// asked to.
    pub certificate: Option<Arc<PeerCertificate>>,
}

/// The certificate that a peer showed in TLS, after it was found to be valid.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PeerCertificate {
    /// Whom it is for, as `CN=worker-1, O=Example`: the parts in their order, those that are not text left out.
    pub subject: String,
    /// SHA-256 of `der`: what tells it from all others.
    pub fingerprint: [u8; 32],
    /// The certificate itself, in DER, without those that lead to its root.
    pub der: Bytes,
}

impl PeerCertificate {
    /// The fingerprint as people compare it: 64 hexadecimal digits.
    pub fn fingerprint_hex(&self) -> String {
        let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
        self.fingerprint.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

impl fmt::Debug for PeerCertificate {
    /// Without `der`, which is a kilobyte of numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PeerCertificate");
        shown.field("subject", &self.subject).field("fingerprint", &self.fingerprint_hex()).finish_non_exhaustive()
    }
}

impl PeerInfo {
    /// A peer that announced nothing but its type, as those in the same process do.
    pub fn of_type(socket_type: SocketType) -> Self {
        Self {
            socket_type,
            identity: Bytes::new(),
            mechanism: "NULL",
            minor: 1,
            properties: Properties::new(),
            address: String::new(),
            user: None,
            metadata: Properties::new(),
            certificate: None,
        }
    }
}
