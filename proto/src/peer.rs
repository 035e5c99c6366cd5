//! What a peer says of itself, and what we see of it.

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
        }
    }
}
