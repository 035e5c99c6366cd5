//! What all connections of one socket share: the services, the deadlines, and where calls find a connection.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bowline_proto::map::Map;
use bowline_proto::mux::{Code, Settings, Side};
use bowline_proto::{ConnectionId, DisconnectReason, PeerInfo};

use super::connection::Connection;
use super::error::Unreachable;
use super::limits::Limits;
use super::registry::Registry;
use super::routes::{Balance, Routes};
use super::sync::{AtomicBool, AtomicUsize, Mutex, Notify, Ordering};
use super::timers::Timers;
use crate::driver::attendant::{Attendant, Attended};
use crate::driver::core::Core;
use crate::rt;
use crate::socket::Handle;

/// One socket with connections that carry calls.
#[derive(Debug)]
pub(super) struct Hub {
    pub(super) core: Arc<Core>,
    pub(super) side: Side,
    pub(super) settings: Settings,
    pub(super) limits: Limits,
    pub(super) registry: Registry,
    pub(super) timers: Timers,
    connections: Mutex<Map<ConnectionId, Arc<Connection>>>,
    routes: Mutex<Routes>,
    /// Where calls can go has changed.
    pub(super) changed: Notify,
    /// How many handlers are at work.
    working: AtomicUsize,
    /// Nothing new is begun.
    draining: AtomicBool,
    /// A stream or a handler has ended while the hub drains.
    settled: Notify,
}

impl Hub {
    pub(super) fn new(core: &Arc<Core>, side: Side, limits: Limits, registry: Registry, balance: Balance) -> Arc<Self> {
        let hub = Arc::new(Self {
            core: Arc::clone(core),
            side,
            settings: limits.settings(),
            limits,
            registry,
            timers: Timers::default(),
            connections: Mutex::default(),
            routes: Mutex::new(Routes::new(balance)),
            changed: Notify::new(),
            working: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            settled: Notify::new(),
        });
        let attendant: Weak<Self> = Arc::downgrade(&hub);
        core.attend(attendant);
        hub
    }

    /// A connection for a call, if there is one now.
    pub(super) fn pick(&self) -> Result<Option<Arc<Connection>>, Unreachable> {
        if self.is_over() {
            return Err(Unreachable::Closed);
        }
        self.routes.lock().pick()
    }

    /// A connection that takes calls, if there is one now. No turn passes by this.
    pub(super) fn any(&self) -> Result<Option<Arc<Connection>>, Unreachable> {
        if self.is_over() {
            return Err(Unreachable::Closed);
        }
        self.routes.lock().is_hopeful()?;
        // Not under the lock: whether one takes calls is known under its own.
        Ok(self.connections().into_iter().find(|one| one.refuses().is_none()))
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

    /// The connection of this number, while its peer is there.
    pub(super) fn connection(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.connections.lock().get(&id).cloned()
    }

    /// All connections.
    fn connections(&self) -> Vec<Arc<Connection>> {
        self.connections.lock().values().cloned().collect()
    }

    /// A stream or a handler has ended.
    pub(super) fn settled(&self) {
        if self.draining.load(Ordering::Acquire) {
            self.settled.notify_waiters();
        }
    }

    /// A handler begins its work, unless as many work as may.
    pub(super) fn works(&self) -> bool {
        let may = self.working.fetch_add(1, Ordering::AcqRel) < self.limits.handlers;
        if !may {
            self.has_worked();
        }
        may
    }

    /// A handler has done its work, or was refused.
    pub(super) fn has_worked(&self) {
        self.working.fetch_sub(1, Ordering::AcqRel);
        self.settled();
    }

    /// Whether no call is begun any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_draining() || self.core.is_closing()
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
        // A mere load might still see a handler that ends without having seen that this drains, and nobody would tell. This
        // comes before or behind its end, in one order for both.
        let has_ended = || self.working.fetch_add(0, Ordering::AcqRel) == 0;
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
        let until = rt::now() + grace;
        let _in_time = rt::timeout_at(until, self.drain()).await;
        self.core.close(Some(until - rt::now()));
        handle.close().await;
    }

    /// Lets what was sent go out, for as long as the socket lingers, and closes it.
    pub(super) async fn flush_and_close(&self, handle: &Handle) {
        match handle.options().linger {
            None => self.flush().await,
            Some(linger) => drop(rt::timeout(linger, self.flush()).await),
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

    /// The socket is closed: all that is pending ends now. What is queued may still go out.
    pub(super) fn end(&self) {
        // Who ends here must not begin anew, also where it is a parent that closes the socket.
        self.core.begin_closing();
        self.connections().iter().for_each(Connection::end);
        self.changed.notify_waiters();
    }

    /// The connection is gone, and all its calls have ended.
    pub(super) fn forget(&self, connection: &Connection) {
        self.connections.lock().remove(&connection.id);
        self.settled();
    }
}

impl Attendant for Hub {
    fn joined(self: Arc<Self>, connection: ConnectionId, peer: &Arc<PeerInfo>) -> Box<dyn Attended> {
        let connection = Connection::new(Arc::clone(&self), connection, Arc::clone(peer));
        self.connections.lock().insert(connection.id, Arc::clone(&connection));
        self.routes.lock().add(&connection);
        if self.is_draining() {
            // It came too late to be told with the others.
            connection.go_away(Code::REFUSED, "draining");
        }
        self.changed.notify_waiters();
        Box::new(connection)
    }

    fn gave_up(&self, reason: &DisconnectReason) {
        self.routes.lock().gave_up(reason);
        self.changed.notify_waiters();
    }
}
