//! Counters of the `metrics` facade. All have the label `socket_type`; those that end for a reason have `reason`.
//!
//! | name | kind | counts |
//! |---|---|---|
//! | `bowline_peers` | gauge | peers that are ready now |
//! | `bowline_connect_attempts_total` | counter | attempts to connect |
//! | `bowline_connections_accepted_total` | counter | connections that were accepted |
//! | `bowline_connections_refused_total` | counter | connections that were over a limit and closed at once, by `reason` |
//! | `bowline_handshakes_total` | counter | handshakes that succeeded |
//! | `bowline_handshakes_failed_total` | counter | handshakes that failed, by `reason` |
//! | `bowline_disconnects_total` | counter | connections that went after their handshake, by `reason` |
//! | `bowline_endpoints_given_up_total` | counter | dialed endpoints that are not tried again, by `reason` |
//! | `bowline_messages_sent_total`, `bowline_messages_received_total` | counter | messages of connections over bytes |
//! | `bowline_bytes_sent_total`, `bowline_bytes_received_total` | counter | their bytes, with all framing |
//! | `bowline_reads_held_total` | counter | pauses in which a peer was not read from, because it was over its rate |
//! | `bowline_turns_waited_total` | counter | turns of newcomers and subscribers that had to wait, because others were served |
//! | `bowline_messages_dropped_total` | counter | unsent messages that went with their pipe |
//!
//! Cost: four additions for each batch that is read or written, none for a message.

use bowline_proto::{DisconnectReason, MonitorEvent, MonitorKind, SocketType};
use metrics::{Counter, Gauge, counter, gauge};

/// The metrics of one socket.
pub(crate) struct Counters {
    socket_type: &'static str,
    peers: Gauge,
    messages_sent: Counter,
    messages_received: Counter,
    bytes_sent: Counter,
    bytes_received: Counter,
}

impl std::fmt::Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counters").field("socket_type", &self.socket_type).finish_non_exhaustive()
    }
}

impl Counters {
    /// For a recorder that is installed by now: later ones hear nothing of this socket's traffic.
    pub(crate) fn new(socket_type: SocketType) -> Self {
        let socket_type = socket_type.as_str();
        Self {
            socket_type,
            peers: gauge!("bowline_peers", "socket_type" => socket_type),
            messages_sent: counter!("bowline_messages_sent_total", "socket_type" => socket_type),
            messages_received: counter!("bowline_messages_received_total", "socket_type" => socket_type),
            bytes_sent: counter!("bowline_bytes_sent_total", "socket_type" => socket_type),
            bytes_received: counter!("bowline_bytes_received_total", "socket_type" => socket_type),
        }
    }

    pub(crate) fn sent(&self, messages: usize) {
        self.messages_sent.increment(messages as u64);
    }

    pub(crate) fn received(&self, messages: usize) {
        self.messages_received.increment(messages as u64);
    }

    pub(crate) fn wrote(&self, bytes: usize) {
        self.bytes_sent.increment(bytes as u64);
    }

    pub(crate) fn read(&self, bytes: usize) {
        self.bytes_received.increment(bytes as u64);
    }

    pub(crate) fn held(&self) {
        counter!("bowline_reads_held_total", "socket_type" => self.socket_type).increment(1);
    }

    pub(crate) fn waited(&self) {
        counter!("bowline_turns_waited_total", "socket_type" => self.socket_type).increment(1);
    }

    pub(crate) fn hear(&self, event: &MonitorEvent, (before, after): (usize, usize)) {
        let socket_type = self.socket_type;
        let count = |name: &'static str| counter!(name, "socket_type" => socket_type).increment(1);
        let ended = |name: &'static str, reason: &DisconnectReason| {
            counter!(name, "socket_type" => socket_type, "reason" => reason.name()).increment(1);
        };
        match &event.kind {
            MonitorKind::Connecting => count("bowline_connect_attempts_total"),
            MonitorKind::Accepted { .. } => count("bowline_connections_accepted_total"),
            MonitorKind::AcceptRefused { limit, .. } => {
                let labels = [("socket_type", socket_type), ("reason", limit.name())];
                counter!("bowline_connections_refused_total", &labels).increment(1);
            }
            MonitorKind::HandshakeSucceeded => count("bowline_handshakes_total"),
            MonitorKind::HandshakeFailed { reason, .. } => ended("bowline_handshakes_failed_total", reason),
            MonitorKind::Disconnected(reason) => ended("bowline_disconnects_total", reason),
            MonitorKind::ConnectStopped(reason) => ended("bowline_endpoints_given_up_total", reason),
            MonitorKind::Dropped(messages) => {
                counter!("bowline_messages_dropped_total", "socket_type" => socket_type).increment(*messages);
            }
            _ => {}
        }
        if after > before {
            self.peers.increment(1.0);
        } else if after < before {
            self.peers.decrement(1.0);
        }
    }
}
