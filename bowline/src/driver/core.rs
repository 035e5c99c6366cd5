//! What the handles and the tasks of one socket share.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowline_proto::engine::Engine;
use bowline_proto::lock::{Mutex, MutexGuard};
use bowline_proto::pattern::News;
use bowline_proto::pipe::{Mailbox, PipeId, Wait, Waiting, Wakes};
use bowline_proto::{
    ConnectionId, Endpoint, Message, MonitorEvent, MonitorKind, Options, RecvError, SendErrorKind, SocketType,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::admission::Admission;
use super::attendant::Attendant;
use super::monitor::{Monitors, Told};
use crate::observe::Observer;
use crate::rt::{self, AbortHandle, BusyPoll, Home};

/// One socket: its engine under a short lock, its monitors, and the tasks that belong to it.
#[derive(Debug)]
pub(crate) struct Core {
    engine: Mutex<Engine>,
    mailbox: Arc<Mailbox>,
    pub(crate) socket_type: SocketType,
    pub(crate) options: Arc<Options>,
    pub(crate) monitors: Monitors,
    /// Counts every task of the socket.
    tracker: TaskTracker,
    /// The application closed it: nothing new is accepted.
    pub(crate) closing: CancellationToken,
    /// It has been told so: looking here takes no lock.
    is_closing: AtomicBool,
    /// Every task ends at once.
    pub(crate) stop: CancellationToken,
    /// Every task has ended.
    ended: CancellationToken,
    /// The runtime of the first endpoint, for what is left to do when the last handle is dropped elsewhere.
    runtime: Mutex<Option<Home>>,
    next_connection: AtomicU64,
    /// The peers that have dialed us.
    pub(crate) admission: Arc<Admission>,
    /// Unsent messages that went with their pipes since the socket is closing.
    dropped: AtomicU64,
    hears_subscriptions: AtomicBool,
    heeds_parent: AtomicBool,
    /// Whether there is a network, as far as the application says. Told anew it is a reason to try again.
    /// Made when somebody wants to know, which few sockets do: it is some hundred bytes.
    network: OnceLock<watch::Sender<bool>>,
    /// Who deals with each peer by itself, if anybody does.
    attendant: OnceLock<Weak<dyn Attendant>>,
}

impl Core {
    /// A new socket, which is stopped when `parent` is cancelled.
    pub(crate) fn new(socket_type: SocketType, options: Options, parent: Option<&CancellationToken>) -> Arc<Self> {
        let options = Arc::new(options);
        Self::with_engine(Engine::new(socket_type, Arc::clone(&options)), options, parent)
    }

    /// As [`new`](Self::new), for an [attendant](Self::attend) who deals with what connections carry.
    pub(crate) fn apart(socket_type: SocketType, options: Options, parent: Option<&CancellationToken>) -> Arc<Self> {
        let options = Arc::new(options);
        Self::with_engine(Engine::apart(socket_type, Arc::clone(&options)), options, parent)
    }

    fn with_engine(engine: Engine, options: Arc<Options>, parent: Option<&CancellationToken>) -> Arc<Self> {
        let socket_type = engine.socket_type();
        let stop = parent.map_or_else(CancellationToken::new, CancellationToken::child_token);
        let core = Arc::new(Self {
            mailbox: Arc::clone(engine.mailbox()),
            engine: Mutex::new(engine),
            socket_type,
            admission: Arc::new(Admission::new(Arc::clone(&options))),
            options,
            monitors: Monitors::new(socket_type),
            tracker: TaskTracker::new(),
            closing: stop.child_token(),
            is_closing: AtomicBool::new(false),
            stop,
            ended: CancellationToken::new(),
            runtime: Mutex::default(),
            next_connection: AtomicU64::new(1),
            dropped: AtomicU64::new(0),
            hears_subscriptions: AtomicBool::new(!socket_type.is_subscribed_to()),
            heeds_parent: AtomicBool::new(parent.is_none()),
            network: OnceLock::new(),
            attendant: OnceLock::new(),
        });
        core.heed_parent();
        core
    }

    /// Lets the end of the parent end the socket, as soon as there is a runtime for that.
    fn heed_parent(self: &Arc<Self>) {
        if self.heeds_parent.load(Ordering::Relaxed) {
            return;
        }
        if self.stop.is_cancelled() {
            self.heeds_parent.store(true, Ordering::Relaxed);
            return self.stop();
        }
        let Some(runtime) = Home::here() else { return };
        if !self.heeds_parent.swap(true, Ordering::Relaxed) {
            let core = Arc::clone(self);
            let heed = async move {
                tokio::select! {
                    biased;
                    () = core.stop.cancelled() => core.stop(),
                    () = core.closing.cancelled() => {}
                }
            };
            runtime.spawn(self.tracker.track_future(heed));
        }
    }

    /// Does something with the engine, then wakes whom that concerns, with no lock held.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Engine) -> T) -> T {
        let mut engine = self.engine.lock();
        let result = act(&mut engine);
        // Mostly nobody sleeps.
        if !engine.is_quiet() {
            self.pass_on(engine);
        }
        result
    }

    /// From now on this one deals with what connections carry. Before the first endpoint, and once.
    pub(crate) fn attend(&self, attendant: Weak<dyn Attendant>) {
        let attended = self.attendant.set(attendant);
        debug_assert!(attended.is_ok(), "a socket has one attendant");
    }

    /// Who deals with what connections carry, if anybody does.
    pub(crate) fn attendant(&self) -> Option<Arc<dyn Attendant>> {
        self.attendant.get().and_then(Weak::upgrade)
    }

    #[cold]
    fn pass_on(&self, mut engine: MutexGuard<'_, Engine>) {
        // News are put down under the lock, so that they keep their order; whoever hears them is woken without it.
        let told: Vec<_> = engine
            .take_news()
            .into_iter()
            .map(|(connection, news)| {
                let kind = match news {
                    News::Subscribed(topic) => MonitorKind::Subscribed(topic),
                    News::Unsubscribed(topic) => MonitorKind::Unsubscribed(topic),
                };
                self.monitors.tell(MonitorEvent { connection: Some(connection), ..MonitorEvent::new(rt::now(), kind) })
            })
            .collect();
        let wakes = engine.take_wakes();
        drop(engine);
        told.into_iter().for_each(Told::pass_on);
        wakes.wake();
    }

    /// As [`with`](Self::with) for what may have to wait: registers `wait` under the same lock, so that no edge between
    /// the two is missed. `act` returns `None` to wait.
    pub(crate) fn poll_with<T>(
        &self,
        cx: &Context<'_>,
        wait: &mut Wait,
        mut act: impl FnMut(&mut Engine) -> Option<T>,
    ) -> Poll<T> {
        self.with(|engine| {
            loop {
                match act(engine) {
                    Some(result) => return Poll::Ready(result),
                    None if wait.register(cx.waker()) => return Poll::Pending,
                    // An edge has come, which `act` may not look at by itself.
                    None => engine.process(),
                }
            }
        })
    }

    /// For a receiver that found nothing: ready when it has looked for as long as the options say, and is to wait.
    pub(crate) fn poll_busy(self: &Arc<Self>, cx: &mut Context<'_>, looking: &mut BusyPoll) -> Poll<()> {
        self.heed_parent();
        looking.poll_over(cx, self.options.busy_poll)
    }

    pub(crate) fn wait(self: &Arc<Self>, waiting: Waiting) -> Wait {
        self.heed_parent();
        self.mailbox.wait(waiting)
    }

    #[inline(never)]
    pub(crate) fn try_send(&self, message: &mut Message) -> Result<(), SendErrorKind> {
        self.with(|engine| engine.try_send(message))
    }

    pub(crate) fn try_recv(&self, into: &mut Message) -> Result<(), RecvError> {
        self.with(|engine| engine.try_recv_into(into))
    }

    pub(crate) fn poll_send(
        &self,
        cx: &Context<'_>,
        wait: &mut Wait,
        message: &mut Message,
    ) -> Poll<Result<(), SendErrorKind>> {
        self.poll_with(cx, wait, |engine| match engine.try_send(message) {
            Err(SendErrorKind::WouldBlock) => None,
            done => Some(done),
        })
    }

    pub(crate) fn poll_recv(
        &self,
        cx: &Context<'_>,
        wait: &mut Wait,
        into: &mut Message,
    ) -> Poll<Result<(), RecvError>> {
        self.poll_with(cx, wait, |engine| match engine.try_recv_into(into) {
            Err(RecvError::WouldBlock) => None,
            done => Some(done),
        })
    }

    /// Takes as many messages as there is room for from the front, up to a batch, and says how many.
    pub(crate) fn try_send_many(&self, messages: &mut VecDeque<Message>) -> Result<usize, SendErrorKind> {
        let sent = self.with(|engine| engine.try_send_many(messages))?;
        // Not under the lock: a body may be of the application's own making, and so is what its end does.
        messages.drain(..sent);
        Ok(sent)
    }

    pub(crate) fn try_recv_many(&self, messages: &mut Vec<Message>, most: usize) -> Result<usize, RecvError> {
        self.with(|engine| engine.try_recv_many(messages, most))
    }

    pub(crate) fn poll_send_many(
        &self,
        cx: &Context<'_>,
        wait: &mut Wait,
        messages: &mut VecDeque<Message>,
    ) -> Poll<Result<usize, SendErrorKind>> {
        let sent = ready!(self.poll_with(cx, wait, |engine| match engine.try_send_many(messages) {
            Err(SendErrorKind::WouldBlock) => None,
            done => Some(done),
        }))?;
        messages.drain(..sent);
        Poll::Ready(Ok(sent))
    }

    pub(crate) fn poll_recv_many(
        &self,
        cx: &Context<'_>,
        wait: &mut Wait,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, RecvError>> {
        self.poll_with(cx, wait, |engine| match engine.try_recv_many(messages, most) {
            Err(RecvError::WouldBlock) => None,
            done => Some(done),
        })
    }

    /// Says whether there is a network, to all endpoints that wait for their next attempt.
    pub(crate) fn set_network(&self, is_there: bool) {
        self.told_of_network().send_replace(is_there);
    }

    /// Whether there is a network, and each time that it is said again.
    pub(crate) fn network(&self) -> watch::Receiver<bool> {
        self.told_of_network().subscribe()
    }

    fn told_of_network(&self) -> &watch::Sender<bool> {
        self.network.get_or_init(|| watch::Sender::new(true))
    }

    /// Whether its pipes keep only their newest message.
    pub(crate) fn conflates(&self) -> bool {
        self.options.conflate && self.socket_type.conflates()
    }

    pub(crate) fn connection_id(&self) -> ConnectionId {
        ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed))
    }

    /// What logs and metrics hear.
    pub(crate) fn observer(&self) -> &Observer {
        &self.monitors.observer
    }

    /// Tells the monitors of something that is not about a connection.
    pub(crate) fn tell(&self, endpoint: Option<&Endpoint>, kind: MonitorKind) {
        self.tell_event(MonitorEvent { endpoint: endpoint.cloned(), ..MonitorEvent::new(rt::now(), kind) });
    }

    /// Tells the monitors of something that happened to a connection that they have heard of.
    pub(crate) fn tell_of(&self, connection: ConnectionId, kind: MonitorKind) {
        self.tell_event(MonitorEvent { connection: Some(connection), ..MonitorEvent::new(rt::now(), kind) });
    }

    pub(crate) fn tell_event(&self, event: MonitorEvent) {
        if let (MonitorKind::Dropped(messages), true) = (&event.kind, self.closing.is_cancelled()) {
            self.dropped.fetch_add(*messages, Ordering::Relaxed);
        }
        self.monitors.tell(event).pass_on();
    }

    /// Puts the end of the socket off while this is held: whoever is about to start a task that tells of its own end.
    pub(crate) fn hold(&self) -> TaskTrackerToken {
        self.tracker.token()
    }

    /// Starts a task that belongs to the socket, on the runtime of the caller.
    pub(crate) fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.lock().get_or_insert_with(Home::current);
        self.heed_parent();
        rt::spawn(self.tracker.track_future(task));
        if !self.hears_subscriptions.swap(true, Ordering::Relaxed) {
            let core = Arc::clone(self);
            rt::spawn(self.tracker.track_future(async move { core.hear_subscriptions().await }));
        }
    }

    /// As [`spawn`](Self::spawn), for a task that may be ended before the socket is.
    pub(crate) fn spawn_abortable(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        rt::spawn_abortable(self.tracker.track_future(task))
    }

    /// As [`spawn`](Self::spawn), but on the socket's own runtime: another socket is the caller.
    pub(crate) fn spawn_at_home(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self.home() {
            Some(home) => home.spawn(self.tracker.track_future(task)),
            None => rt::spawn(self.tracker.track_future(task)),
        }
    }

    /// The runtime of the first endpoint.
    pub(crate) fn home(&self) -> Option<Home> {
        self.runtime.lock().clone()
    }

    /// A publisher's pipes are read although nobody calls `recv`: subscriptions come by them.
    async fn hear_subscriptions(&self) {
        let mut wait = self.mailbox.wait(Waiting::Recv);
        poll_fn(|cx| {
            self.poll_with(cx, &mut wait, |engine| {
                engine.process();
                engine.state().is_over().then_some(())
            })
        })
        .await;
    }

    /// Closes the socket: unsent messages have `linger` to go out (`None`: all the time they need), then every task
    /// ends. Returns at once; [`ended`](Self::ended) waits.
    pub(crate) fn close(self: &Arc<Self>, linger: Option<Duration>) {
        if self.with(Engine::close) {
            self.begin_closing();
            self.wind_down(linger);
        }
    }

    /// Nothing new is accepted from now on.
    pub(crate) fn begin_closing(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.closing.cancel();
    }

    /// Whether the application has closed it.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// Gives up a dialed endpoint: what waits in its pipe has the socket's linger to go out.
    pub(crate) fn hang_up(self: &Arc<Self>, pipe: PipeId) {
        let outbox = self.with(|engine| {
            let outbox = engine.pipes().get(pipe).map(|pipe| Arc::clone(pipe.outbox()));
            engine.close_pipe(pipe, true);
            outbox
        });
        if let (Some(outbox), Some(linger)) = (outbox, self.options.linger) {
            let core = Arc::clone(self);
            self.spawn_at_home(async move {
                tokio::select! {
                    biased;
                    () = core.closing.cancelled() => {}
                    () = rt::sleep(linger) => {
                        let mut wakes = Wakes::new();
                        outbox.close(&mut wakes);
                        wakes.wake();
                    }
                }
            });
        }
    }

    /// Ends every task; unsent messages are dropped.
    pub(crate) fn stop(self: &Arc<Self>) {
        // First, so that whatever is dropped from here on is counted.
        self.begin_closing();
        let was_open = self.with(|engine| {
            let was_open = !engine.state().is_over();
            engine.stop();
            was_open
        });
        self.stop.cancel();
        if was_open {
            self.wind_down(Some(Duration::ZERO));
        }
    }

    fn wind_down(self: &Arc<Self>, linger: Option<Duration>) {
        self.tracker.close();
        let end = End(Arc::clone(self));
        // The runtime that is here is alive for sure; the one of the endpoints may be gone, and its tasks with it.
        let runtime = Home::here().or_else(|| self.home());
        match runtime {
            // Not one of the tasks that it waits for; it ends after the last of them.
            Some(runtime) => runtime.spawn(async move { end.0.linger(linger).await }),
            // No endpoint was ever bound or connected, so there is nothing to wait for.
            None => drop(end),
        }
    }

    async fn linger(&self, linger: Option<Duration>) {
        let over = async {
            match linger {
                Some(linger) => rt::sleep(linger).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.tracker.wait() => {}
            () = self.stop.cancelled() => {}
            () = over => {}
        }
        self.stop.cancel();
        self.tracker.wait().await;
    }

    /// Waits until every task has ended; how many unsent messages the end has cost.
    pub(crate) async fn ended(&self) -> u64 {
        self.ended.cancelled().await;
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The end of a socket comes when this is dropped: after the last of its tasks, or when the runtime goes.
struct End(Arc<Core>);

impl Drop for End {
    fn drop(&mut self) {
        let Self(core) = self;
        core.stop.cancel();
        core.with(Engine::finish);
        core.tell(None, MonitorKind::Stopped);
        core.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use bowline_proto::pipe::{PipeId, Signal};

    use super::*;

    #[test]
    fn a_waiter_that_looks_at_no_edges_sleeps_all_the_same_when_one_has_come() {
        let core = Core::new(SocketType::Pull, Options::default(), None);
        let wakes = core.mailbox.post(Signal::Readable(PipeId { index: 7, serial: 7 }));
        assert!(wakes.is_empty());
        let mut wait = core.wait(Waiting::Peers);
        let cx = Context::from_waker(Waker::noop());
        let waited = core.poll_with(&cx, &mut wait, |engine| (engine.peer_count() > 0).then_some(()));
        assert!(waited.is_pending());
    }
}
