//! What stands in for logs and metrics that nobody wants.

#[cfg(not(feature = "tracing"))]
use bowline_proto::{ConnectionId, Endpoint};
use bowline_proto::{MonitorEvent, SocketType};

/// No span.
#[cfg(not(feature = "tracing"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span;

#[cfg(not(feature = "tracing"))]
#[expect(clippy::unused_self, reason = "the methods of the span that it stands in for")]
impl Span {
    pub(crate) fn of_socket(_: SocketType) -> Self {
        Self
    }

    pub(crate) fn of_connection(self, _: ConnectionId, _: Option<&Endpoint>) -> Self {
        self
    }

    pub(crate) fn around<F: Future>(self, task: F) -> F {
        task
    }

    pub(crate) fn hear(self, _: &MonitorEvent) {}
}

/// No counters.
#[cfg(not(feature = "metrics"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters;

#[cfg(not(feature = "metrics"))]
#[expect(clippy::unused_self, reason = "the methods of the counters that they stand in for")]
impl Counters {
    pub(crate) fn new(_: SocketType) -> Self {
        Self
    }

    pub(crate) fn sent(self, _: usize) {}

    pub(crate) fn received(self, _: usize) {}

    pub(crate) fn wrote(self, _: usize) {}

    pub(crate) fn read(self, _: usize) {}

    pub(crate) fn held(self) {}

    pub(crate) fn waited(self) {}

    pub(crate) fn hear(self, _: &MonitorEvent, _: (usize, usize)) {}
}
