//! Spans and events of `tracing`, target `bowline`: a span for each socket, and one within it for each connection.
//!
//! Events are at level DEBUG; what loses messages or gives up an endpoint is a WARN.

use std::sync::atomic::{AtomicU64, Ordering};

use bowline_proto::{ConnectionId, DisconnectReason, Endpoint, MonitorEvent, MonitorKind, SocketType};
use tracing::field::{debug, display};
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Level, debug_span};

/// The span of a socket or of a connection, in which its tasks run.
#[derive(Clone, Debug)]
pub(crate) struct Span(tracing::Span);

impl Span {
    pub(crate) fn of_socket(socket_type: SocketType) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        // A socket outlives the call that made it, so its span is a root of its own.
        Self(debug_span!(target: "bowline", parent: None, "socket", r#type = socket_type.as_str(), id))
    }

    /// The span of a connection of this socket.
    pub(crate) fn of_connection(&self, id: ConnectionId, endpoint: Option<&Endpoint>) -> Self {
        let endpoint = endpoint.map(display);
        Self(debug_span!(target: "bowline", parent: &self.0, "connection", id = id.0, endpoint))
    }

    /// Lets a task run in this span.
    pub(crate) fn around<F: Future>(&self, task: F) -> Instrumented<F> {
        task.instrument(self.0.clone())
    }

    pub(crate) fn hear(&self, event: &MonitorEvent) {
        macro_rules! log {
            ($level:expr) => {
                if tracing::enabled!(target: "bowline", $level) {
                    let MonitorEvent { endpoint, connection, attempt, peer, kind, .. } = event;
                    let (endpoint, connection) = (endpoint.as_ref().map(display), connection.map(|id| id.0));
                    let peer = peer.as_ref().map(|peer| peer.socket_type.as_str());
                    let (event, detail) = (kind.name(), debug(kind));
                    tracing::event!(
                        target: "bowline", parent: &self.0, $level, event, endpoint, connection, attempt, peer, detail
                    );
                }
            };
        }
        if is_trouble(&event.kind) { log!(Level::WARN) } else { log!(Level::DEBUG) }
    }
}

/// Whether an operator should look at it: something is lost, or will not be tried again.
fn is_trouble(kind: &MonitorKind) -> bool {
    match kind {
        MonitorKind::ConnectStopped(reason) => *reason != DisconnectReason::LocalClose,
        MonitorKind::Dropped(_) | MonitorKind::BindFailed(_) | MonitorKind::AcceptFailed(_) => true,
        _ => false,
    }
}
