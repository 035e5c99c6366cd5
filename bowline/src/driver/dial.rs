//! The dial task: one for each dialed endpoint, for as long as somebody wants it.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bowline_proto::engine::Halves;
use bowline_proto::engine::dialer::{Dialer, Next};
use bowline_proto::link::{Entropy, LinkConfig, Role};
use bowline_proto::{ConnectionId, DisconnectReason, Endpoint, MonitorEvent, MonitorKind};

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
    next: Next,
    /// The latest attempt.
    pub(crate) connection: ConnectionId,
    attempt: u32,
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
    fn connect(&mut self, dial: &Dial) -> impl Future<Output = Outcome> + Send;

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
        self.core.with(|engine| engine.close_pipe(self.halves.pipe, false));
        let dropped = self.halves.outbox.take_dropped();
        if dropped > 0 {
            self.tell(MonitorKind::Dropped(dropped));
        }
        if let Some(attendant) = self.core.attendant() {
            attendant.gave_up(&self.reason);
        }
        self.tell(MonitorKind::ConnectStopped(self.reason.clone()));
    }
}

impl Dial {
    /// Begins the first attempt, of which the monitors hear before this returns.
    ///
    /// Boxed: its future would have room for two.
    pub(crate) fn new(core: Arc<Core>, endpoint: Endpoint, halves: Halves) -> Box<Self> {
        let mut dialer = Dialer::new(&core.options, rt::seed());
        let next = dialer.start();
        let connection = ConnectionId(0);
        let reason = DisconnectReason::LocalClose;
        let mut dial = Box::new(Self { core, endpoint, halves, dialer, next, connection, attempt: 0, reason });
        dial.follow(next, None);
        dial
    }

    pub(crate) async fn run(mut self: Box<Self>, mut reach: impl Reach) {
        loop {
            match self.next {
                Next::Leave => break,
                // Boxed: an endpoint that is connected, as most are, has no room for it.
                Next::Wait(delay) => match reach.unless_over(&self, Box::pin(wait(&self.core, delay))).await {
                    Some(why) => {
                        let next = match why {
                            Due::Delay => self.dialer.due(),
                            Due::Network => self.dialer.hurry(),
                        };
                        self.follow(next, None);
                    }
                    None => self.give_up(),
                },
                Next::Connect(_) => match reach.connect(&self).await {
                    Outcome::Over => self.give_up(),
                    Outcome::Failed(kind) => {
                        self.reason = DisconnectReason::Io(kind);
                        let next = self.dialer.failed(kind);
                        self.follow(next, Some(kind));
                    }
                    Outcome::Ended(ended) => self.lost(ended),
                },
            }
        }
    }

    /// Nobody wants the endpoint any more; what the last attempt met with is not the reason.
    fn give_up(&mut self) {
        self.reason = DisconnectReason::LocalClose;
        self.next = self.dialer.stop();
    }

    fn lost(&mut self, ended: Ended) {
        self.dialer.opened();
        if let Some(at) = ended.ready_at {
            self.dialer.ready(at);
        }
        self.reason = ended.reason;
        let next = self.dialer.lost(&self.reason, rt::now());
        self.follow(next, None);
    }

    /// Tells what comes next; `cause` is what the transport failed with.
    fn follow(&mut self, next: Next, cause: Option<io::ErrorKind>) {
        self.next = next;
        match next {
            Next::Connect(attempt) => {
                (self.connection, self.attempt) = (self.core.connection_id(), attempt);
                self.tell(MonitorKind::Connecting);
            }
            Next::Wait(delay) => self.tell(MonitorKind::ConnectRetried { delay, cause }),
            Next::Leave => {}
        }
    }

    /// Tells something of the latest attempt.
    pub(crate) fn tell(&self, kind: MonitorKind) {
        let (endpoint, connection, attempt) = (Some(self.endpoint.clone()), Some(self.connection), Some(self.attempt));
        self.core.tell_event(MonitorEvent { endpoint, connection, attempt, ..MonitorEvent::new(rt::now(), kind) });
    }

    /// The seat of the connection that the latest attempt has made.
    pub(crate) fn seat(&self) -> Seat {
        self.halves.outbox.pardon();
        Seat::new(Arc::clone(&self.core), self.connection, Some(self.halves.clone()))
    }
}

/// Why the next attempt is due.
enum Due {
    /// The delay is over.
    Delay,
    /// It was said that there is a network.
    Network,
}

/// Waits for the delay, and longer while there is no network; no longer when there is one again.
async fn wait(core: &Core, delay: Duration) -> Due {
    let (mut told, mut is_there) = (core.network(), core.network());
    let delayed = async {
        rt::sleep(delay).await;
        is_there.wait_for(|is_there| *is_there).await.is_ok()
    };
    tokio::select! {
        biased;
        // The core is there, so neither can fail.
        () = async { while told.changed().await.is_ok() && !*told.borrow_and_update() {} } => Due::Network,
        _is_there = delayed => Due::Delay,
    }
}

/// Reaches a peer over a byte stream.
#[derive(Debug)]
pub(crate) struct Wire;

impl Reach for Wire {
    async fn connect(&mut self, dial: &Dial) -> Outcome {
        // Boxed: it is over soon, while the task that it would make longer is not.
        let connecting = Box::pin(async {
            let (options, ours) = (&dial.core.options, dial.core.socket_type);
            let connecting =
                async { Ok::<_, io::Error>((transport::connect(&dial.endpoint, options, ours).await?, rt::random()?)) };
            match transport::connect_timeout(&dial.endpoint, options) {
                Some(most) => rt::timeout(most, connecting).await.unwrap_or_else(|late| Err(late.into())),
                None => connecting.await,
            }
        });
        match self.unless_over(dial, connecting).await {
            None => Outcome::Over,
            Some(Err(error)) => Outcome::Failed(error.kind()),
            Some(Ok(((stream, address), random))) => {
                let entropy = Entropy::new(random);
                Outcome::Ended(serve(dial, stream, address, entropy).await)
            }
        }
    }

    async fn over(&mut self, dial: &Dial) {
        poll_fn(|cx| dial.halves.outbox.poll_finished(cx)).await;
    }
}

/// What is needed only to begin is gone when the future is made: it lives as long as the connection.
fn serve(dial: &Dial, mut stream: Stream, address: String, entropy: Entropy) -> impl Future<Output = Ended> + use<> {
    if let Some(complaint) = stream.take_complaint() {
        dial.tell(MonitorKind::TlsNotReloaded(complaint));
    }
    dial.tell(MonitorKind::Connected { address: address.clone() });
    let config = LinkConfig::new(Arc::clone(&dial.core.options), dial.core.socket_type).with_address(address);
    let span = dial.core.observer().span.of_connection(dial.connection, Some(&dial.endpoint));
    span.around(Connection::new(dial.seat(), (config, Role::Dialer), entropy, stream).run())
}
