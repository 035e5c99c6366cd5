//! The dial task: one for each dialed endpoint, for as long as somebody wants it.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use bowline_proto::engine::Halves;
use bowline_proto::engine::dialer::{Dialer, Next};
use bowline_proto::link::{Link, LinkConfig, Role};
use bowline_proto::{DisconnectReason, Endpoint, MonitorKind};

use super::connection::Connection;
use super::core::Core;
use super::seat::{Ended, Seat};
use crate::rt;
use crate::transport::{self, Stream};

/// A dialed endpoint: connected to again and again, as the dialer says. Given up when it is dropped, also with the
/// runtime.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) core: Arc<Core>,
    pub(crate) endpoint: Endpoint,
    pub(crate) halves: Halves,
    dialer: Dialer,
    /// Why the last connection went, or could not be made.
    reason: DisconnectReason,
}

/// What came of an attempt.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// There was a connection; it came to its end.
    Ended(Ended),
    /// The transport could not connect.
    Failed(io::ErrorKind),
    /// Nobody wants the endpoint any more.
    Over,
}

/// How the peer at an endpoint is reached.
pub(crate) trait Reach: Send {
    /// Makes a connection and serves it to its end.
    fn connect(&mut self, dial: &Dial, attempt: u32) -> impl Future<Output = Outcome> + Send;

    /// Waits until nothing is left to dial for.
    fn over(&mut self, dial: &Dial) -> impl Future<Output = ()> + Send;

    /// The outcome of `waiting`, unless nobody wants the endpoint any more before it is there.
    fn unless_over<T: Send>(
        &mut self,
        dial: &Dial,
        waiting: impl Future<Output = T> + Send,
    ) -> impl Future<Output = Option<T>> + Send {
        async {
            tokio::select! {
                biased;
                () = dial.core.stop.cancelled() => None,
                () = self.over(dial) => None,
                outcome = waiting => Some(outcome),
            }
        }
    }
}

impl Drop for Dial {
    fn drop(&mut self) {
        self.core.emit(Some(&self.endpoint), None, MonitorKind::ConnectStopped(self.reason.clone()));
        self.core.with(|engine| engine.close_pipe(self.halves.pipe, false));
    }
}

impl Dial {
    pub(crate) fn new(core: Arc<Core>, endpoint: Endpoint, halves: Halves) -> Self {
        let dialer = Dialer::new(&core.options, rt::seed());
        Self { core, endpoint, halves, dialer, reason: DisconnectReason::LocalClose }
    }

    pub(crate) async fn run(mut self, mut reach: impl Reach) {
        let mut cause = None;
        let mut next = self.dialer.start();
        loop {
            next = match next {
                Next::Leave => break,
                Next::Wait(delay) => {
                    let cause = cause.take();
                    self.core.emit(Some(&self.endpoint), None, MonitorKind::ConnectRetried { delay, cause });
                    match reach.unless_over(&self, tokio::time::sleep(delay)).await {
                        Some(()) => self.dialer.due(),
                        None => self.dialer.stop(),
                    }
                }
                Next::Connect(attempt) => match reach.connect(&self, attempt).await {
                    Outcome::Over => self.dialer.stop(),
                    Outcome::Failed(kind) => {
                        cause = Some(kind);
                        self.reason = DisconnectReason::Io(kind);
                        self.dialer.failed(kind)
                    }
                    Outcome::Ended(ended) => self.lost(ended),
                },
            };
        }
    }

    fn lost(&mut self, ended: Ended) -> Next {
        self.dialer.opened();
        if let Some(at) = ended.ready_at {
            self.dialer.ready(at);
        }
        self.reason = ended.reason;
        self.dialer.lost(&self.reason, rt::now())
    }
}

/// Reaches a peer over a byte stream.
#[derive(Debug)]
pub(crate) struct Wire;

impl Reach for Wire {
    async fn connect(&mut self, dial: &Dial, attempt: u32) -> Outcome {
        dial.core.emit(Some(&dial.endpoint), None, MonitorKind::Connecting { attempt });
        let connecting = async {
            let options = &dial.core.options;
            let connecting = transport::connect(&dial.endpoint, options);
            match options.connect_timeout {
                Some(most) => tokio::time::timeout(most, connecting).await.unwrap_or_else(|late| Err(late.into())),
                None => connecting.await,
            }
        };
        match self.unless_over(dial, connecting).await {
            None => Outcome::Over,
            Some(Err(error)) => Outcome::Failed(error.kind()),
            Some(Ok((stream, address))) => Outcome::Ended(serve(dial, stream, address).await),
        }
    }

    async fn over(&mut self, dial: &Dial) {
        poll_fn(|cx| dial.halves.outbox.poll_finished(cx)).await;
    }
}

async fn serve(dial: &Dial, stream: Stream, address: String) -> Ended {
    let core = &dial.core;
    let connection = core.connection_id();
    core.emit(Some(&dial.endpoint), Some(connection), MonitorKind::Connected { address: address.clone() });
    dial.halves.outbox.pardon();
    let config = LinkConfig::new(&core.options, core.socket_type).with_address(address);
    let seat = Seat::new(Arc::clone(core), dial.endpoint.clone(), connection, Some(dial.halves.clone()));
    Connection::new(seat, Link::new(config, Role::Dialer), stream).run().await
}
