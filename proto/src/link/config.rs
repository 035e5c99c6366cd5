//! What a link takes from a socket's options.

use std::time::Duration;

use super::heartbeat;
use crate::limits::PeerLimits;
use crate::options::{Identity, Mechanism, Options};
use crate::socket_type::SocketType;

/// The settings of one connection.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    socket_type: SocketType,
    identity: Identity,
    mechanism: Mechanism,
    max_message_size: Option<u64>,
    limits: PeerLimits,
    handshake_timeout: Duration,
    heartbeat: heartbeat::Settings,
    address: String,
    /// What the authenticator is told of the socket, where there is one.
    domain: Option<String>,
}

impl LinkConfig {
    /// The settings for the connections of a socket of this type with these options.
    pub fn new(options: &Options, socket_type: SocketType) -> Self {
        let interval = options.heartbeat_interval;
        Self {
            socket_type,
            identity: options.identity.clone(),
            mechanism: options.mechanism.clone(),
            max_message_size: options.max_message_size,
            limits: options.limits,
            handshake_timeout: options.handshake_timeout,
            heartbeat: heartbeat::Settings {
                interval,
                timeout: options.heartbeat_timeout.or(interval).unwrap_or_default(),
                ttl: options.heartbeat_ttl.unwrap_or_default(),
            },
            address: String::new(),
            domain: options.authenticator.as_ref().map(|_| options.auth_domain.clone()),
        }
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

    pub(super) const fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) const fn mechanism(&self) -> &Mechanism {
        &self.mechanism
    }

    pub(super) const fn domain(&self) -> Option<&String> {
        self.domain.as_ref()
    }

    pub(super) const fn max_message_size(&self) -> Option<u64> {
        self.max_message_size
    }

    pub(super) const fn limits(&self) -> &PeerLimits {
        &self.limits
    }

    pub(super) const fn handshake_timeout(&self) -> Duration {
        self.handshake_timeout
    }

    pub(super) const fn heartbeat(&self) -> heartbeat::Settings {
        self.heartbeat
    }
}
