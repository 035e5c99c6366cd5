//! What all connections of one socket share: the task that receives, the services, and where calls find a connection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bowline_proto::mux::{Code, Settings, Side};
use bowline_proto::pipe::PipeId;
use bowline_proto::{ConnectionId, DisconnectReason, Message, PeerInfo, RecvError};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::connection::{Connection, Opened};
use super::error::Unreachable;
use super::limits::Limits;
use super::registry::Registry;
use super::routes::{Balance, Routes};
use super::state::After;
use super::timers::Timers;
use crate::driver::apart::{Arrivals, Waits};
use crate::driver::attendant::Attendant;
use crate::driver::core::Core;
use crate::socket::Handle;

/// How many messages are taken at a time.
const BATCH: usize = 256;

/// One socket with connections that carry calls.
#[derive(Debug)]
pub(super) struct Hub {
    /// For what it starts.
    me: Weak<Self>,
    pub(super) core: Arc<Core>,
    pub(super) side: Side,
    pub(super) settings: Settings,
    pub(super) limits: Limits,
    pub(super) registry: Registry,
    pub(super) timers: Timers,
    inbound: Mutex<Inbound>,
    routes: Mutex<Routes>,
    /// Where calls can go has changed.
    pub(super) changed: Notify,
    /// How many handlers are at work.
    pub(super) working: AtomicUsize,
    /// Nothing new is begun.
    draining: AtomicBool,
    /// A stream or a handler has ended while the hub drains.
    settled: Notify,
}

/// What comes in. Held while messages are taken and fed to their sessions, so that each connection gets its own in
/// order, and its end after the last of them.
#[derive(Debug, Default)]
struct Inbound {
    arrivals: Arrivals,
    connections: HashMap<PipeId, Arc<Connection>>,
    /// Streams that peers have opened, to be served.
    opened: Vec<Opened>,
    /// The task that serves them, while it waits.
    server: Option<Waker>,
}

impl Hub {
    pub(super) fn new(core: &Arc<Core>, side: Side, limits: Limits, registry: Registry, balance: Balance) -> Arc<Self> {
        let hub = Arc::new_cyclic(|me: &Weak<Self>| Self {
            me: Weak::clone(me),
            core: Arc::clone(core),
            side,
            settings: limits.settings(),
            limits,
            registry,
            timers: Timers::default(),
            inbound: Mutex::default(),
            routes: Mutex::new(Routes::new(balance)),
            changed: Notify::new(),
            working: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            settled: Notify::new(),
        });
        let me: Weak<dyn Attendant> = hub.me.clone();
        core.attend(me);
        hub
    }

    /// A connection for a call, if there is one now.
    pub(super) fn pick(&self) -> Result<Option<Arc<Connection>>, Unreachable> {
        if self.draining.load(Ordering::Acquire) || self.core.closing.is_cancelled() {
            return Err(Unreachable::Closed);
        }
        self.routes.lock().pick()
    }

    /// Another connection than `one`, for a call that `refusals` of them have refused in a row.
    pub(super) fn pick_behind(&self, one: &Arc<Connection>, refusals: usize) -> Option<Arc<Connection>> {
        self.routes.lock().pick_behind(one, refusals)
    }

    /// One more endpoint is connected to.
    pub(super) fn dials(&self) {
        self.routes.lock().dials();
    }

    /// One endpoint less: it could not be connected to.
    pub(super) fn dials_less(&self) {
        self.routes.lock().dials_less();
    }

    /// The connection takes no more calls.
    pub(super) fn retire(&self, connection: &Arc<Connection>) {
        self.routes.lock().remove(connection);
        self.changed.notify_waiters();
    }

    /// Takes what has come in, or waits; true if there may be more.
    pub(super) fn poll_pump(
        &self,
        cx: &Context<'_>,
        waits: &mut Waits,
        opened: &mut Vec<Opened>,
    ) -> Poll<Result<(), RecvError>> {
        let mut after = After::default();
        let mut inbound = self.inbound.lock();
        let received = self.core.poll_recv_apart(cx, waits, &mut inbound.arrivals, BATCH, &mut after.wakes);
        if let Poll::Ready(Ok(())) = received {
            self.feed(&mut inbound, &mut after);
        }
        opened.append(&mut inbound.opened);
        if received.is_pending() {
            inbound.server = Some(cx.waker().clone());
        }
        drop(inbound);
        after.wake();
        received
    }

    /// Gives each connection what came for it.
    fn feed(&self, inbound: &mut Inbound, after: &mut After) {
        let Inbound { arrivals, connections, opened, .. } = inbound;
        let mut messages = std::mem::take(&mut arrivals.messages);
        let mut rest = messages.drain(..).peekable();
        while let Some(&(pipe, _)) = rest.peek() {
            let run = std::iter::from_fn(|| rest.next_if(|(other, _)| *other == pipe)).map(|(_, message)| message);
            self.feed_one(connections, pipe, run, after, opened);
        }
        drop(rest);
        arrivals.messages = messages;
        for pipe in arrivals.relieved.drain(..) {
            if let Some(connection) = connections.get(&pipe) {
                connection.relieved(after);
            }
        }
    }

    fn feed_one(
        &self,
        connections: &mut HashMap<PipeId, Arc<Connection>>,
        pipe: PipeId,
        run: impl Iterator<Item = Message>,
        after: &mut After,
        opened: &mut Vec<Opened>,
    ) {
        if !connections.contains_key(&pipe) {
            // In process a peer's first words may be here sooner than the peer.
            if let Some((id, peer)) = self.core.peer_of(pipe) {
                self.add(connections, pipe, id, &peer);
            }
        }
        match connections.get(&pipe) {
            Some(connection) => connection.handle(run, after, opened),
            None => run.for_each(drop),
        }
    }

    /// Adds the connection, unless it is there.
    fn add(
        &self,
        connections: &mut HashMap<PipeId, Arc<Connection>>,
        pipe: PipeId,
        id: ConnectionId,
        peer: &Arc<PeerInfo>,
    ) {
        if connections.get(&pipe).is_some_and(|known| known.id == id) {
            return;
        }
        let Some(me) = self.me.upgrade() else { return };
        let connection = Connection::new(me, pipe, id, Arc::clone(peer));
        self.routes.lock().add(&connection);
        connections.insert(pipe, connection);
    }

    /// All connections.
    fn connections(&self) -> Vec<Arc<Connection>> {
        self.inbound.lock().connections.values().cloned().collect()
    }

    /// A stream or a handler has ended.
    pub(super) fn settled(&self) {
        if self.draining.load(Ordering::Acquire) {
            self.settled.notify_waiters();
        }
    }

    /// Whether nothing new is begun.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Begins nothing new, and waits until what was begun is done.
    pub(super) async fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.changed.notify_waiters();
        for connection in self.connections() {
            connection.go_away(Code::REFUSED, "draining");
        }
        let has_ended = || self.working.load(Ordering::Acquire) == 0;
        self.settle(|| has_ended() && self.connections().iter().all(|connection| connection.is_idle())).await;
    }

    /// Begins nothing new, and waits until all that was sent has left the sessions.
    pub(super) async fn flush(&self) {
        self.draining.store(true, Ordering::Release);
        self.changed.notify_waiters();
        self.settle(|| self.connections().iter().all(|connection| connection.is_flushed())).await;
    }

    /// Lets what was begun come to its end, for at most `grace`, and closes the socket.
    pub(super) async fn drain_and_close(&self, handle: &Handle, grace: Duration) {
        let until = tokio::time::Instant::now() + grace;
        let _in_time = tokio::time::timeout_at(until, self.drain()).await;
        self.core.close(Some(until.saturating_duration_since(tokio::time::Instant::now())));
        handle.close().await;
    }

    /// Lets what was sent go out, for as long as the socket lingers, and closes it.
    pub(super) async fn flush_and_close(&self, handle: &Handle) {
        match handle.options().linger {
            None => self.flush().await,
            Some(linger) => drop(tokio::time::timeout(linger, self.flush()).await),
        }
        handle.close().await;
    }

    async fn settle(&self, is_so: impl Fn() -> bool) {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            // Before it is looked: what settles from here on is heard.
            settled.as_mut().enable();
            if is_so() {
                return;
            }
            settled.await;
        }
    }

    /// The socket is closed: nothing is received any more, so no call will hear of its end otherwise.
    pub(super) fn end(&self) {
        let mut after = After::default();
        let inbound = self.inbound.lock();
        for connection in inbound.connections.values() {
            connection.lose(&DisconnectReason::LocalClose, &mut after);
        }
        drop(inbound);
        after.wake();
        self.changed.notify_waiters();
    }
}

impl Attendant for Hub {
    fn joined(&self, pipe: PipeId, connection: ConnectionId, peer: &Arc<PeerInfo>) {
        let mut inbound = self.inbound.lock();
        self.add(&mut inbound.connections, pipe, connection, peer);
        drop(inbound);
        if self.is_draining() {
            // It came too late to be told with the others.
            self.connections().iter().filter(|known| known.id == connection).for_each(|late| {
                late.go_away(Code::REFUSED, "draining");
            });
        }
        self.changed.notify_waiters();
    }

    fn lost(&self, pipe: PipeId, connection: ConnectionId, reason: &DisconnectReason) {
        let mut after = After::default();
        let mut inbound = self.inbound.lock();
        let inbound_now = &mut *inbound;
        if inbound_now.connections.get(&pipe).is_some_and(|known| known.id == connection) {
            let mut rest = Arrivals::default();
            self.core.recv_rest(pipe, &mut rest, &mut after.wakes);
            let messages = rest.messages.into_iter().map(|(_, message)| message);
            let Inbound { connections, opened, .. } = inbound_now;
            self.feed_one(connections, pipe, messages, &mut after, opened);
            if let Some(lost) = connections.remove(&pipe) {
                lost.lose(reason, &mut after);
            }
            if !opened.is_empty() {
                after.wakes.extend(inbound_now.server.take());
            }
        }
        drop(inbound);
        after.wake();
        self.settled();
    }

    fn gave_up(&self, reason: &DisconnectReason) {
        self.routes.lock().gave_up(reason);
        self.changed.notify_waiters();
    }
}
