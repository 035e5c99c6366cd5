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

/// Connects to `endpoint` again and again, as the dialer says.
pub(crate) async fn run(core: Arc<Core>, endpoint: Endpoint, halves: Halves) {
    let task = Dial { core, endpoint, halves, cause: None, reason: DisconnectReason::LocalClose };
    task.run().await;
}

struct Dial {
    core: Arc<Core>,
    endpoint: Endpoint,
    halves: Halves,
    /// What made the last attempt fail, where it was the transport.
    cause: Option<io::ErrorKind>,
    /// Why the last connection went.
    reason: DisconnectReason,
}

impl Drop for Dial {
    /// Also when the runtime goes.
    fn drop(&mut self) {
        self.core.emit(Some(&self.endpoint), None, MonitorKind::ConnectStopped(self.reason.clone()));
        self.core.with(|engine| engine.close_pipe(self.halves.pipe, false));
    }
}

impl Dial {
    async fn run(mut self) {
        let mut dialer = Dialer::new(self.core.options.reconnect, rt::seed());
        let mut next = dialer.start();
        loop {
            next = match next {
                Next::Leave => break,
                Next::Wait(delay) => {
                    let cause = self.cause.take();
                    self.core.emit(Some(&self.endpoint), None, MonitorKind::ConnectRetried { delay, cause });
                    match self.unless_over(tokio::time::sleep(delay)).await {
                        Some(()) => dialer.due(),
                        None => dialer.stop(),
                    }
                }
                Next::Connect(attempt) => self.connect(&mut dialer, attempt).await,
            };
        }
    }

    async fn connect(&mut self, dialer: &mut Dialer, attempt: u32) -> Next {
        self.core.emit(Some(&self.endpoint), None, MonitorKind::Connecting { attempt });
        let options = Arc::clone(&self.core.options);
        let endpoint = self.endpoint.clone();
        let connecting = async {
            let connecting = transport::connect(&endpoint, &options);
            match options.connect_timeout {
                Some(most) => tokio::time::timeout(most, connecting).await.unwrap_or_else(|late| Err(late.into())),
                None => connecting.await,
            }
        };
        match self.unless_over(connecting).await {
            None => dialer.stop(),
            Some(Err(error)) => {
                self.cause = Some(error.kind());
                self.reason = DisconnectReason::Io(error.kind());
                dialer.failed()
            }
            Some(Ok((stream, address))) => {
                dialer.opened();
                let ended = self.serve(stream, address).await;
                if let Some(at) = ended.ready_at {
                    dialer.ready(at);
                }
                self.reason = ended.reason;
                dialer.lost(ended.retry, rt::now())
            }
        }
    }

    async fn serve(&self, stream: Stream, address: String) -> Ended {
        let connection = self.core.connection_id();
        let kind = MonitorKind::Connected { address: address.clone() };
        self.core.emit(Some(&self.endpoint), Some(connection), kind);
        self.halves.outbox.pardon();
        let config = LinkConfig::new(&self.core.options, self.core.socket_type).with_address(address);
        let seat = Seat::new(Arc::clone(&self.core), self.endpoint.clone(), connection, Some(self.halves.clone()));
        Connection::new(seat, Link::new(config, Role::Dialer), stream).run().await
    }

    /// The outcome of `waiting`, unless nobody wants the endpoint any more before it is there.
    async fn unless_over<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.core.stop.cancelled() => None,
            () = poll_fn(|cx| self.halves.outbox.poll_finished(cx)) => None,
            outcome = waiting => Some(outcome),
        }
    }
}
