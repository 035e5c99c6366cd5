//! When a dialed endpoint is tried again, and when not.

use std::io;
use std::time::Duration;

use crate::auth::Code;
use crate::error::DisconnectReason;

/// When to try again after a connection failed or was lost.
///
/// Every delay gets up to as much again on top, at random, so that the clients of a restarted server do not come back
/// in one wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// One attempt only; a lost connection stays lost.
    Never,
    /// After the same delay each time.
    Fixed(Duration),
    /// After `min`, then twice as long each time up to `max`.
    Exponential {
        /// The first delay.
        min: Duration,
        /// The longest delay.
        max: Duration,
    },
}

/// What makes a dialed endpoint give up instead of trying again (`ZMQ_RECONNECT_STOP`).
///
/// ```
/// # use bowline_proto::{Options, ReconnectStop};
/// let options = Options::new().reconnect_stop(ReconnectStop::default().protocol_error(true));
/// assert!(options.reconnect_stop.refused);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReconnectStop {
    /// The peer refused us, or we refused its credentials.
    ///
    /// Default `true`: the same password won't be right the next time. libzmq gives such an endpoint up as well, and tells
    /// nobody. A refusal for now, with the code 300, is always followed by another attempt.
    pub refused: bool,
    /// The peer broke the protocol, or speaks another one; or TLS or WebSocket failed, whatever it was.
    ///
    /// Default `false`: a certificate is renewed and a root added while both sides run, and whoever listens there may be replaced by the right one (`ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED`).
    pub protocol_error: bool,
    /// Nobody listens at the address (`ZMQ_RECONNECT_STOP_CONN_REFUSED`).
    ///
    /// Default `false`: a peer may come later.
    pub connection_refused: bool,
}

impl Default for ReconnectStop {
    fn default() -> Self {
        Self { refused: true, protocol_error: false, connection_refused: false }
    }
}

impl ReconnectStop {
    /// Sets the field [`refused`](#structfield.refused).
    #[must_use]
    pub const fn refused(mut self, stops: bool) -> Self {
        self.refused = stops;
        self
    }

    /// Sets the field [`protocol_error`](#structfield.protocol_error).
    #[must_use]
    pub const fn protocol_error(mut self, stops: bool) -> Self {
        self.protocol_error = stops;
        self
    }

    /// Sets the field [`connection_refused`](#structfield.connection_refused).
    #[must_use]
    pub const fn connection_refused(mut self, stops: bool) -> Self {
        self.connection_refused = stops;
        self
    }

    /// Whether what ended for this reason is not tried again.
    pub(crate) fn applies_to(self, reason: &DisconnectReason) -> bool {
        match reason {
            DisconnectReason::LocalClose => true,
            DisconnectReason::HandshakeRefused { .. } | DisconnectReason::Unauthorized(_) => {
                self.refused && reason.code() != Some(Code::Temporary)
            }
            DisconnectReason::Protocol(_) | DisconnectReason::Tls(_) | DisconnectReason::Ws(_) => self.protocol_error,
            DisconnectReason::Io(io::ErrorKind::ConnectionRefused) => self.connection_refused,
            _ => false,
        }
    }
}
