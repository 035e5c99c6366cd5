//! What logs and metrics hear of a socket: the events that its monitors hear, and figures once per batch.
//!
//! Without the features `tracing` and `metrics`, `silent` stands in for them: empty types whose methods do nothing.

#[cfg(feature = "metrics")]
mod counters;
#[cfg(not(all(feature = "metrics", feature = "tracing")))]
mod silent;
#[cfg(feature = "tracing")]
mod spans;

use bowline_proto::{MonitorEvent, SocketType};

#[cfg(feature = "metrics")]
pub(crate) use counters::Counters;
#[cfg(not(feature = "metrics"))]
pub(crate) use silent::Counters;
#[cfg(not(feature = "tracing"))]
pub(crate) use silent::Span;
#[cfg(feature = "tracing")]
pub(crate) use spans::Span;

/// The logs and the metrics of one socket.
#[derive(Debug)]
pub(crate) struct Observer {
    pub(crate) span: Span,
    pub(crate) counters: Counters,
}

impl Observer {
    pub(crate) fn new(socket_type: SocketType) -> Self {
        Self { span: Span::of_socket(socket_type), counters: Counters::new(socket_type) }
    }

    /// Hears of an event, and how many peers the socket had before it and has after it; with no lock held.
    pub(crate) fn hear(&self, event: &MonitorEvent, peers: (usize, usize)) {
        self.span.hear(event);
        self.counters.hear(event, peers);
    }
}
