//! Monitors: bounded, and never in the way.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use bowline_proto::lock::Mutex;
use bowline_proto::monitor::Stage;
use bowline_proto::{MonitorEvent, MonitorKind, Snapshot, SocketType, TransportState};
use futures_core::Stream;
use tokio::sync::watch;

use crate::observe::Observer;
use crate::rt;

/// How many events wait for a slow monitor before it misses some.
const CAPACITY: usize = 1024;

/// The lifecycle events of a socket, from the moment of [`monitor`](crate::Push::monitor) on.
///
/// Up to 1024 events wait for their reader. A monitor that is read too slowly misses the ones beyond, and then hears
/// how many: [`MonitorKind::Lagged`]. It never delays the socket. The stream ends after [`MonitorKind::Stopped`].
///
/// ```
/// use bowline::{MonitorKind, Pull, Push};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pull = Pull::new();
/// let push = Push::new();
/// let mut monitor = push.monitor(); // before `connect`, to hear all of it
/// push.connect(pull.bind("tcp://127.0.0.1:*").await?)?;
///
/// while let Some(event) = monitor.next().await {
///     match event.kind {
///         MonitorKind::Ready => {
///             let peer = event.peer.expect("a connection that is ready has a peer");
///             println!("{} is ready", peer.socket_type);
///             pull.close().await;
///         }
///         MonitorKind::Disconnected(reason) => {
///             println!("lost: {reason}"); // "lost: closed by the peer"
///             push.stop();
///         }
///         other => println!("{}", other.name()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Monitor {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<MonitorEvent>,
    lost: u64,
    reader: Option<Waker>,
    ended: bool,
}

impl Monitor {
    /// The next event, or `None` after the last one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<MonitorEvent> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Monitor {
    type Item = MonitorEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<MonitorEvent>> {
        let mut queue = self.queue.lock();
        if let Some(event) = queue.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if queue.lost > 0 {
            let kind = MonitorKind::Lagged(std::mem::take(&mut queue.lost));
            return Poll::Ready(Some(MonitorEvent::new(rt::now(), kind)));
        }
        if queue.ended {
            return Poll::Ready(None);
        }
        queue.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// What a socket tells: its monitors, and the state that the events add up to.
#[derive(Debug)]
pub(crate) struct Monitors {
    all: Mutex<All>,
    state: watch::Sender<State>,
    pub(crate) observer: Observer,
}

#[derive(Debug, Default)]
struct All {
    snapshot: Snapshot,
    queues: Vec<Weak<Mutex<Queue>>>,
    /// What peers did before they were announced. As much as their inboxes hold at the most.
    early: Vec<MonitorEvent>,
    /// How many events were told.
    told: u64,
    ended: bool,
}

/// Where the events have led.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) transport: TransportState,
    /// There will be no other.
    pub(crate) is_final: bool,
    /// How many events that took.
    told: u64,
}

/// Events that were told, for all that hear them when no lock is held: those who read monitors, those who watch the
/// state, logs and metrics.
#[must_use]
pub(crate) struct Told<'a> {
    monitors: &'a Monitors,
    heard: Heard,
    state: State,
}

/// Who is to hear of what.
#[derive(Default)]
struct Heard {
    /// Each with the number of peers before it and after it.
    events: Vec<(MonitorEvent, (usize, usize))>,
    readers: Vec<Waker>,
}

impl Told<'_> {
    pub(crate) fn pass_on(self) {
        for (event, peers) in &self.heard.events {
            self.monitors.observer.hear(event, *peers);
        }
        self.monitors.state.send_if_modified(|state| {
            // Another thread may have been faster with a later state.
            if state.told > self.state.told {
                return false;
            }
            let changed = (state.transport, state.is_final) != (self.state.transport, self.state.is_final);
            *state = self.state;
            changed
        });
        self.heard.readers.into_iter().for_each(Waker::wake);
    }
}

impl Monitors {
    pub(crate) fn new(socket_type: SocketType) -> Self {
        Self { all: Mutex::default(), state: watch::Sender::default(), observer: Observer::new(socket_type) }
    }

    /// A new monitor, which hears what comes from now on, and what was before.
    pub(crate) fn add(&self) -> (Snapshot, Monitor) {
        let mut all = self.all.lock();
        let queue = Arc::new(Mutex::new(Queue { ended: all.ended, ..Queue::default() }));
        all.queues.push(Arc::downgrade(&queue));
        (all.snapshot.clone(), Monitor { queue })
    }

    /// All endpoints and connections as they are now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.all.lock().snapshot.clone()
    }

    /// The state, now and from now on.
    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Tells every monitor; after the last event none. What is known of the event's connection is added.
    pub(crate) fn tell(&self, mut event: MonitorEvent) -> Told<'_> {
        let mut heard = Heard::default();
        let mut all = self.all.lock();
        // Under the lock, so that no time is before that of an earlier event.
        event.time = rt::now();
        all.tell_in_turn(event, &mut heard);
        let state = State { transport: all.snapshot.state(), is_final: all.ended, told: all.told };
        Told { monitors: self, heard, state }
    }
}

impl All {
    /// Tells `event`, and nothing of a peer before it is ready: in process its subscriptions are there sooner.
    fn tell_in_turn(&mut self, event: MonitorEvent, heard: &mut Heard) {
        let is_known = |id| self.snapshot.connection(id).is_some_and(|known| known.stage == Stage::Ready);
        match event.kind {
            MonitorKind::Subscribed(_) | MonitorKind::Unsubscribed(_) if !event.connection.is_some_and(is_known) => {
                self.early.push(event);
            }
            MonitorKind::Ready => {
                let (time, connection) = (event.time, event.connection);
                self.tell(event, heard);
                for early in self.early.extract_if(.., |early| early.connection == connection).collect::<Vec<_>>() {
                    self.tell(MonitorEvent { time, ..early }, heard);
                }
            }
            MonitorKind::HandshakeFailed { .. } | MonitorKind::Disconnected(_) => {
                self.early.retain(|early| early.connection != event.connection);
                self.tell(event, heard);
            }
            _ => self.tell(event, heard),
        }
    }

    fn tell(&mut self, mut event: MonitorEvent, heard: &mut Heard) {
        if self.ended {
            return;
        }
        let before = self.snapshot.ready();
        self.snapshot.complete(&mut event);
        self.snapshot.apply(&event);
        (self.told, self.ended) = (self.told + 1, event.kind == MonitorKind::Stopped);
        self.queues.retain(|queue| {
            let Some(queue) = queue.upgrade() else { return false };
            let mut queue = queue.lock();
            queue.tell(&event);
            heard.readers.extend(queue.reader.take());
            true
        });
        heard.events.push((event, (before, self.snapshot.ready())));
    }
}

impl Queue {
    fn tell(&mut self, event: &MonitorEvent) {
        if event.kind == MonitorKind::Stopped {
            // The last one, for which there always is room.
            self.push(event);
            self.ended = true;
        } else if self.events.len() + 1 < CAPACITY {
            self.push(event);
        } else {
            self.lost += 1;
        }
    }

    /// Adds an event, behind the number of those that were lost before it.
    fn push(&mut self, event: &MonitorEvent) {
        if self.lost > 0 {
            let kind = MonitorKind::Lagged(std::mem::take(&mut self.lost));
            self.events.push_back(MonitorEvent::new(event.time, kind));
        }
        self.events.push_back(event.clone());
    }
}
