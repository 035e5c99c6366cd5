//! `inproc://`: sockets of one process, joined without a byte in between.
//!
//! A message goes straight from `send` into the peer's inbox and can be received when `send` returns. What is left of a
//! connection is its lifecycle, the same table as for any other, so monitors see the same events.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, LazyLock, Weak};
use std::task::{Context, Poll, ready};

use bowline_proto::engine::Halves;
use bowline_proto::error::HandshakeStage;
use bowline_proto::link::lifecycle::Effects;
use bowline_proto::link::lifecycle::Lifecycle;
use bowline_proto::lock::Mutex;
use bowline_proto::map::Map;
use bowline_proto::pipe::{Inbox, Take, Wakes};
use bowline_proto::time::Instant;
use bowline_proto::wire::batch::Batch;
use bowline_proto::{DisconnectReason, Endpoint, MonitorKind, PeerInfo, ProtocolError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::accept::{self, Bound};
use super::core::Core;
use super::dial::{Dial, Outcome, Reach};
use super::passage::Passage;
use super::seat::{Ended, Seat};
use crate::rt;

/// Who is bound to which name.
static NAMES: LazyLock<Mutex<Map<String, Weak<Core>>>> = LazyLock::new(Mutex::default);
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
    let mut names = NAMES.lock();
    if names.contains_key(name) {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    names.insert(name.into(), Arc::downgrade(core));
    Ok(Name(name.into()))
}

/// Keeps `name` bound until `unbound` or the socket is closing.
pub(crate) async fn hold(core: Arc<Core>, endpoint: Endpoint, name: Bound<Name>, unbound: CancellationToken) {
    BOUND.send_replace(());
    unbound.cancelled().await;
    let (name, closed) = name;
    drop(name);
    core.tell(Some(&endpoint), MonitorKind::Closed);
    drop(closed);
}

/// Connects to `name`: at once if it is bound, else when it is.
pub(crate) fn connect(core: &Arc<Core>, endpoint: Endpoint, name: String, halves: Halves) {
    let dial = Dial::new(Arc::clone(core), endpoint, halves);
    let mut reach = Direct { name, inbox: None, joined: None, lingers_since: None, bound: BOUND.subscribe() };
    reach.open(&dial);
    reach.joined = reach.join(&dial);
    core.spawn(dial.run(reach));
}

/// Reaches a socket of the same process.
struct Direct {
    name: String,
    /// Where messages wait for the peer, and then reach it.
    inbox: Option<Arc<Inbox>>,
    /// What came of the attempt that `connect` made at once.
    joined: Option<Join>,
    /// Since when nothing but what waits there keeps the endpoint.
    lingers_since: Option<Instant>,
    bound: watch::Receiver<()>,
}

impl Reach for Direct {
    async fn connect(&mut self, dial: &Dial) -> Outcome {
        let joined = match self.joined.take() {
            Some(joined) => Some(joined),
            None => self.wait(dial).await,
        };
        let ended = match joined {
            None => return Outcome::Over,
            Some(Join::Refused(reason)) => Ended { ready_at: None, reason },
            Some(Join::Joined(side)) => side.run().await,
        };
        self.open(dial);
        Outcome::Ended(ended)
    }

    async fn over(&mut self, dial: &Dial) {
        poll_fn(|cx| dial.halves.outbox.poll_finished(cx)).await;
        if self.inbox.as_ref().is_some_and(|inbox| !inbox.is_empty()) {
            // What waits for the peer may still reach it, until linger is over.
            let since = self.lingers_since.get_or_insert_with(rt::now);
            match dial.core.options.linger {
                Some(linger) => rt::sleep(linger.saturating_sub(rt::now() - *since)).await,
                None => std::future::pending().await,
            }
        }
    }
}

impl Direct {
    /// Gives the pipe a new inbox of the peer's to write to: messages may wait in it from now on.
    fn open(&mut self, dial: &Dial) {
        let inbox = Arc::new(Inbox::new(dial.core.options.send_hwm, dial.core.conflates()));
        self.inbox = Some(Arc::clone(&inbox));
        dial.core.with(|engine| engine.direct(dial.halves.pipe, inbox));
    }

    /// Waits until the name is bound and joins; `None` if nobody wants that any more.
    async fn wait(&mut self, dial: &Dial) -> Option<Join> {
        let mut is_told = false;
        loop {
            self.bound.mark_unchanged();
            if let Some(joined) = self.join(dial) {
                return Some(joined);
            }
            if !std::mem::replace(&mut is_told, true) {
                dial.tell(MonitorKind::ConnectDelayed);
            }
            let mut bound = self.bound.clone();
            self.unless_over(dial, bound.changed()).await?.ok()?;
        }
    }

    /// Joins with the socket that is bound to the name, if there is one.
    fn join(&self, dial: &Dial) -> Option<Join> {
        let binder = NAMES.lock().get(&self.name).and_then(Weak::upgrade)?;
        let inbox = self.inbox.clone()?;
        let (ours, theirs) = (&dial.core, &binder);
        let _until_it_runs = theirs.hold();
        dial.tell(MonitorKind::Connected { address: String::new() });
        let far = accept::seat(theirs, &dial.endpoint, String::new());
        if !ours.socket_type.accepts(theirs.socket_type) {
            let reason = |ours, theirs| ProtocolError::IncompatibleSocketType { ours, theirs }.into();
            far.refused(reason(theirs.socket_type, ours.socket_type));
            let reason: DisconnectReason = reason(ours.socket_type, theirs.socket_type);
            dial.seat().refused(reason.clone());
            return Some(Join::Refused(reason));
        }
        // The two halves of each direction hold what the sender's and the receiver's marks allow, together.
        let hwm = |send: usize, recv: usize| if send == 0 || recv == 0 { 0 } else { send.saturating_add(recv) };
        let conflate = ours.conflates() || theirs.conflates();
        let mut wakes = Wakes::new();
        inbox.configure(hwm(ours.options.send_hwm, theirs.options.recv_hwm), conflate, &mut wakes);
        dial.halves.inbox.configure(hwm(theirs.options.send_hwm, ours.options.recv_hwm), conflate, &mut wakes);
        wakes.wake();

        let gone = CancellationToken::new();
        let mut near = Side::new(dial.seat(), gone.clone());
        let passes = [Arc::clone(&dial.halves.inbox), Arc::clone(&inbox)];
        // Ours goes first: until it has its peer, what waits must not seem to be lost.
        near.ready(peer(theirs), passes.clone());
        if near.seat.ended().is_some() {
            far.refused(DisconnectReason::PeerClosed);
        } else {
            let mut far = Side::new(far.in_process(inbox, Arc::clone(&dial.halves.inbox)), gone);
            let [far_end, near_end] = passes;
            far.ready(peer(ours), [near_end, far_end]);
            binder.spawn_at_home(async move { drop(far.run().await) });
        }
        Some(Join::Joined(near.into()))
    }
}

fn peer(core: &Core) -> PeerInfo {
    PeerInfo { identity: core.options.identity.as_bytes().clone(), ..PeerInfo::of_type(core.socket_type) }
}

/// What came of an attempt to join.
enum Join {
    Joined(Box<Side>),
    Refused(DisconnectReason),
}

/// One side of a connection in process.
struct Side {
    seat: Seat,
    lifecycle: Lifecycle,
    effects: Effects,
    /// Either side is gone.
    gone: CancellationToken,
    /// Where messages pass that do not go by the pipes.
    passage: Option<Box<Passage>>,
}

impl Drop for Side {
    /// At the end, also when the runtime goes.
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

impl Side {
    fn new(seat: Seat, gone: CancellationToken) -> Self {
        Self { seat, lifecycle: Lifecycle::new(), effects: Effects::new(), gone, passage: None }
    }

    /// The peer is there: it writes to the first of the inboxes, and reads from the second.
    fn ready(&mut self, peer: PeerInfo, [near, far]: [Arc<Inbox>; 2]) {
        let started = self.lifecycle.start_direct(peer, &mut self.effects);
        debug_assert!(started.is_ok(), "a connection starts once");
        self.apply();
        if let (Some(halves), Some(attended)) = (self.seat.halves(), self.seat.attended()) {
            attended.pass_directly();
            self.passage = Some(Box::new(Passage::new(halves.pipe, near, far)));
        }
    }

    fn apply(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            if let Err(reason) = self.seat.apply(effect) {
                let refused = self.lifecycle.refuse(reason, &mut self.effects);
                debug_assert!(refused.is_ok(), "a joined connection is ready");
            }
        }
    }

    fn lose(&mut self, reason: DisconnectReason) {
        let lost = self.lifecycle.lost(reason, &mut self.effects);
        debug_assert!(lost.is_ok(), "a joined connection is ready");
    }

    /// Lets messages pass, until the connection is to end.
    fn poll(&mut self, cx: &mut Context<'_>, halves: Option<&Halves>) -> Poll<Take> {
        let Some(halves) = halves else { return Poll::Ready(Take::Finished) };
        // An order that has no patience goes first, the other one behind all that there is to send.
        if let Poll::Ready(order) = halves.outbox.poll_order(cx) {
            return Poll::Ready(order);
        }
        if let (Some(passage), Some(attended)) = (&mut self.passage, self.seat.attended())
            && let Err(reason) = ready!(passage.poll(cx, attended))
        {
            return Poll::Ready(Take::Kicked(reason));
        }
        halves.outbox.poll_take(cx, &mut Batch::new())
    }

    async fn run(mut self) -> Ended {
        let stop = self.seat.core().stop.clone();
        while self.seat.ended().is_none() {
            let halves = self.seat.halves().cloned();
            let gone = self.gone.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => self.lifecycle.close(HandshakeStage::Ready, &mut self.effects),
                order = poll_fn(|cx| self.poll(cx, halves.as_ref())) => match order {
                    Take::Kicked(reason) => self.lose(reason),
                    Take::Finished => self.lifecycle.close(HandshakeStage::Ready, &mut self.effects),
                    // Messages go past this outbox.
                    Take::Batch => {}
                },
                () = gone.cancelled() => {
                    if let (Some(passage), Some(attended)) = (&mut self.passage, self.seat.attended()) {
                        passage.take_rest(attended);
                    }
                    self.lose(DisconnectReason::PeerClosed);
                }
            }
            self.apply();
        }
        self.seat.ended().cloned().unwrap_or(Ended { ready_at: None, reason: DisconnectReason::LocalClose })
    }
}
