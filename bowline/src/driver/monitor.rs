//! Monitors: bounded, and never in the way.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use bowline_proto::{MonitorEvent, MonitorKind};
use futures_core::Stream;
use parking_lot::Mutex;

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
///         MonitorKind::HandshakeSucceeded(peer) => {
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
            return Poll::Ready(Some(MonitorEvent { time: rt::now(), endpoint: None, connection: None, kind }));
        }
        if queue.ended {
            return Poll::Ready(None);
        }
        queue.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// All monitors of a socket.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    all: Mutex<All>,
}

#[derive(Debug, Default)]
struct All {
    queues: Vec<Weak<Mutex<Queue>>>,
    ended: bool,
}

impl Monitors {
    /// A new monitor, which hears what comes from now on.
    pub(crate) fn add(&self) -> Monitor {
        let mut all = self.all.lock();
        let queue = Arc::new(Mutex::new(Queue { ended: all.ended, ..Queue::default() }));
        all.queues.push(Arc::downgrade(&queue));
        Monitor { queue }
    }

    /// Tells every monitor; after the last event none.
    pub(crate) fn emit(&self, event: &MonitorEvent) {
        self.each(false, |queue| {
            if queue.events.len() + 1 < CAPACITY {
                queue.push(event);
            } else {
                queue.lost += 1;
            }
        });
    }

    /// Tells every monitor the last event, for which there always is room.
    pub(crate) fn end(&self, event: &MonitorEvent) {
        self.each(true, |queue| {
            queue.push(event);
            queue.ended = true;
        });
    }

    fn each(&self, end: bool, mut tell: impl FnMut(&mut Queue)) {
        let mut readers = Vec::new();
        let mut all = self.all.lock();
        if !all.ended {
            all.ended = end;
            all.queues.retain(|queue| {
                let Some(queue) = queue.upgrade() else { return false };
                let mut queue = queue.lock();
                tell(&mut queue);
                readers.extend(queue.reader.take());
                true
            });
        }
        drop(all);
        readers.into_iter().for_each(Waker::wake);
    }
}

impl Queue {
    /// Adds an event, behind the number of those that were lost before it.
    fn push(&mut self, event: &MonitorEvent) {
        if self.lost > 0 {
            let kind = MonitorKind::Lagged(std::mem::take(&mut self.lost));
            self.events.push_back(MonitorEvent { endpoint: None, connection: None, kind, ..event.clone() });
        }
        self.events.push_back(event.clone());
    }
}
