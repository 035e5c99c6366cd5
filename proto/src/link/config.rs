//! What a link takes from a socket's options.

use std::sync::Arc;
use std::time::Duration;

use super::heartbeat;
use crate::limits::PeerLimits;
use crate::options::{Identity, Mechanism, Options};
use crate::socket_type::SocketType;

/// The settings of one connection.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    // Shared: a socket may have a thousand connections.
    options: Arc<Options>,
    socket_type: SocketType,
    address: String,
}

impl LinkConfig {
    /// The settings for the connections of a socket of this type with these options.
    pub fn new(options: impl Into<Arc<Options>>, socket_type: SocketType) -> Self {
        Self { options: options.into(), socket_type, address: String::new() }
    }

    /// Sets the peer's address as the transport shows it: it goes into the peer's
    /// [`PeerInfo`](crate::peer::PeerInfo).
    pub fn with_address(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// The type of our socket.
    pub const fn socket_type(&self) -> SocketType {
        self.socket_type
    }

    /// The peer's address; empty if none was set.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.options.identity
    }

    pub(super) fn mechanism(&self) -> &Mechanism {
        &self.options.mechanism
    }

    pub(super) fn max_message_size(&self) -> Option<u64> {
        self.options.max_message_size
    }

    pub(super) fn limits(&self) -> &PeerLimits {
        &self.options.limits
    }

    pub(super) fn handshake_timeout(&self) -> Duration {
        self.options.handshake_timeout
    }

    pub(super) fn heartbeat(&self) -> heartbeat::Settings {
        let interval = self.options.heartbeat_interval;
        heartbeat::Settings {
            interval,
            timeout: self.options.heartbeat_timeout.or(interval).unwrap_or_default(),
            ttl: self.options.heartbeat_ttl.unwrap_or_default(),
        }
    }
}
