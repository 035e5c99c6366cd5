//! `inproc://`: sockets of one process, joined without a byte in between.
//!
//! A message goes straight from `send` into the peer's inbox and can be received when `send` returns. What is left of a
//! connection is its lifecycle, the same table as for any other, so monitors see the same events.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, LazyLock, Weak};

use bowline_proto::engine::Halves;
use bowline_proto::engine::dialer::{Dialer, Next};
use bowline_proto::error::HandshakeStage;
use bowline_proto::link::lifecycle::Effects;
use bowline_proto::link::lifecycle::Lifecycle;
use bowline_proto::pipe::{Inbox, Take, Wakes};
use bowline_proto::wire::batch::Batch;
use bowline_proto::{DisconnectReason, Endpoint, MonitorKind, PeerInfo, ProtocolError};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::accept::Bound;
use super::core::Core;
use super::seat::{Ended, Seat};
use crate::rt;

/// Who is bound to which name.
static NAMES: LazyLock<Mutex<HashMap<String, Weak<Core>>>> = LazyLock::new(Mutex::default);
/// Changes whenever a name is bound.
static BOUND: LazyLock<watch::Sender<()>> = LazyLock::new(|| watch::Sender::new(()));

/// A bound name; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        NAMES.lock().remove(&self.0);
    }
}

/// Binds `name`, for which sockets may be waiting.
pub(crate) fn bind(core: &Arc<Core>, name: &str) -> io::Result<Name> {
    match NAMES.lock().entry(name.into()) {
        Entry::Occupied(_) => return Err(io::ErrorKind::AddrInUse.into()),
        Entry::Vacant(entry) => entry.insert(Arc::downgrade(core)),
    };
    Ok(Name(name.into()))
}

/// Keeps `name` bound until `unbound` or the socket is closing.
pub(crate) async fn hold(core: Arc<Core>, endpoint: Endpoint, name: Bound<Name>, unbound: CancellationToken) {
    BOUND.send_replace(());
    unbound.cancelled().await;
    let (name, closed) = name;
    drop(name);
    core.emit(Some(&endpoint), None, MonitorKind::Closed);
    drop(closed);
}

/// Connects to `name`: at once if it is bound, else when it is.
pub(crate) fn connect(core: &Arc<Core>, endpoint: Endpoint, name: String, halves: Halves) {
    let (core, bound) = (Arc::clone(core), BOUND.subscribe());
    let reason = DisconnectReason::LocalClose;
    let mut dial = Dial { core, endpoint, name, halves, inbox: None, lingers_since: None, bound, reason };
    let mut dialer = Dialer::new(dial.core.options.reconnect, rt::seed());
    let first = dialer.start();
    dial.open();
    let joined = dial.join();
    let core = Arc::clone(&dial.core);
    core.spawn(async move { dial.run(dialer, first, joined).await });
}

struct Dial {
    core: Arc<Core>,
    endpoint: Endpoint,
    name: String,
    halves: Halves,
    /// Where messages wait for the peer, and then reach it.
    inbox: Option<Arc<Inbox>>,
    /// Since when nothing but what waits there keeps the endpoint.
    lingers_since: Option<tokio::time::Instant>,
    bound: watch::Receiver<()>,
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
    async fn run(mut self, mut dialer: Dialer, mut next: Next, mut joined: Option<Side>) {
        loop {
            next = match next {
                Next::Leave => break,
                Next::Wait(delay) => {
                    self.core.emit(Some(&self.endpoint), None, MonitorKind::ConnectRetried { delay, cause: None });
                    match self.unless_over(tokio::time::sleep(delay)).await {
                        Some(()) => dialer.due(),
                        None => dialer.stop(),
                    }
                }
                Next::Connect(_) => {
                    let side = match joined.take() {
                        Some(side) => Some(side),
                        None => self.wait().await,
                    };
                    match side {
                        None => dialer.stop(),
                        Some(side) => {
                            dialer.opened();
                            let ended = side.run().await;
                            self.open();
                            if let Some(at) = ended.ready_at {
                                dialer.ready(at);
                            }
                            self.reason = ended.reason;
                            dialer.lost(ended.retry, rt::now())
                        }
                    }
                }
            };
        }
    }

    /// Gives the pipe a new inbox of the peer's to write to: messages may wait in it from now on.
    fn open(&mut self) {
        let inbox = Arc::new(Inbox::new(self.core.options.send_hwm, self.core.conflates()));
        self.inbox = Some(Arc::clone(&inbox));
        self.core.with(|engine| engine.direct(self.halves.pipe, inbox));
    }

    /// Waits until the name is bound and joins; `None` if nobody wants that any more.
    async fn wait(&mut self) -> Option<Side> {
        loop {
            self.bound.mark_unchanged();
            if let Some(side) = self.join() {
                return Some(side);
            }
            let mut bound = self.bound.clone();
            self.unless_over(bound.changed()).await?.ok()?;
        }
    }

    /// The outcome of `waiting`, unless nobody wants the endpoint any more before it is there.
    async fn unless_over<T>(&mut self, waiting: impl Future<Output = T>) -> Option<T> {
        let over = async {
            poll_fn(|cx| self.halves.outbox.poll_finished(cx)).await;
            if self.inbox.as_ref().is_some_and(|inbox| !inbox.is_empty()) {
                // What waits for the peer may still reach it, until linger is over.
                let since = self.lingers_since.get_or_insert_with(tokio::time::Instant::now);
                match self.core.options.linger {
                    Some(linger) => tokio::time::sleep(linger.saturating_sub(since.elapsed())).await,
                    None => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            biased;
            () = self.core.stop.cancelled() => None,
            () = over => None,
            outcome = waiting => Some(outcome),
        }
    }

    /// Joins with the socket that is bound to the name, if there is one.
    fn join(&mut self) -> Option<Side> {
        let binder = NAMES.lock().get(&self.name).and_then(Weak::upgrade)?;
        let inbox = self.inbox.clone()?;
        let (ours, theirs) = (&self.core, &binder);
        self.core.emit(Some(&self.endpoint), None, MonitorKind::Connecting { attempt: 1 });
        if !ours.socket_type.accepts(theirs.socket_type) {
            refuse(ours, theirs, &self.endpoint);
            return None;
        }
        // The two halves of each direction hold what the sender's and the receiver's marks allow, together.
        let hwm = |send: usize, recv: usize| if send == 0 || recv == 0 { 0 } else { send.saturating_add(recv) };
        let conflate = ours.conflates() || theirs.conflates();
        let mut wakes = Wakes::new();
        inbox.configure(hwm(ours.options.send_hwm, theirs.options.recv_hwm), conflate, &mut wakes);
        self.halves.inbox.configure(hwm(theirs.options.send_hwm, ours.options.recv_hwm), conflate, &mut wakes);
        wakes.wake();

        let gone = CancellationToken::new();
        let seat = Seat::new(Arc::clone(theirs), self.endpoint.clone(), theirs.connection_id(), None);
        let mut far = Side::new(seat.with_inbox(inbox), gone.clone());
        far.seat.direct_to(Arc::clone(&self.halves.inbox));
        let seat = Seat::new(Arc::clone(ours), self.endpoint.clone(), ours.connection_id(), Some(self.halves.clone()));
        let mut near = Side::new(seat, gone);
        self.halves.outbox.pardon();
        far.ready(peer(ours));
        near.ready(peer(theirs));
        binder.spawn_at_home(async move { drop(far.run().await) });
        Some(near)
    }
}

fn peer(core: &Core) -> PeerInfo {
    PeerInfo { identity: core.options.identity.as_bytes().clone(), ..PeerInfo::of_type(core.socket_type) }
}

fn refuse(ours: &Core, theirs: &Core, endpoint: &Endpoint) {
    for (this, other) in [(ours, theirs), (theirs, ours)] {
        let error = ProtocolError::IncompatibleSocketType { ours: this.socket_type, theirs: other.socket_type };
        let kind = MonitorKind::HandshakeFailed { stage: HandshakeStage::Ready, reason: error.into() };
        this.emit(Some(endpoint), Some(this.connection_id()), kind);
    }
}

/// One side of a connection in process.
struct Side {
    seat: Seat,
    lifecycle: Lifecycle,
    effects: Effects,
    /// Either side is gone.
    gone: CancellationToken,
}

impl Drop for Side {
    /// At the end, also when the runtime goes.
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

impl Side {
    fn new(seat: Seat, gone: CancellationToken) -> Self {
        Self { seat, lifecycle: Lifecycle::new(), effects: Effects::new(), gone }
    }

    fn ready(&mut self, peer: PeerInfo) {
        let started = self.lifecycle.start_direct(peer, &mut self.effects);
        debug_assert!(started.is_ok(), "a connection starts once");
        self.apply();
    }

    fn apply(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            if let Err(reason) = self.seat.apply(effect) {
                self.lose(reason);
            }
        }
    }

    fn lose(&mut self, reason: DisconnectReason) {
        let lost = self.lifecycle.lost(reason, &mut self.effects);
        debug_assert!(lost.is_ok(), "a joined connection is ready");
    }

    async fn run(mut self) -> Ended {
        let stop = self.seat.core().stop.clone();
        while self.seat.ended().is_none() {
            let halves = self.seat.halves().cloned();
            let order = poll_fn(|cx| match &halves {
                Some(halves) => halves.outbox.poll_take(cx, &mut Batch::new()),
                None => std::task::Poll::Ready(Take::Finished),
            });
            tokio::select! {
                biased;
                () = stop.cancelled() => self.lifecycle.close(&mut self.effects),
                order = order => match order {
                    Take::Kicked(reason) => self.lose(reason),
                    Take::Finished => self.lifecycle.close(&mut self.effects),
                    // Messages go past this outbox.
                    Take::Batch => {}
                },
                () = self.gone.cancelled() => self.lose(DisconnectReason::PeerClosed),
            }
            self.apply();
        }
        self.seat.ended().cloned().unwrap_or(Ended {
            retry: false,
            ready_at: None,
            reason: DisconnectReason::LocalClose,
        })
    }
}
