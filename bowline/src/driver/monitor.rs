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
    queues: Mutex<Vec<Weak<Mutex<Queue>>>>,
}

impl Monitors {
    /// A new monitor, which hears what comes from now on.
    pub(crate) fn add(&self, ended: bool) -> Monitor {
        let queue = Arc::new(Mutex::new(Queue { ended, ..Queue::default() }));
        self.queues.lock().push(Arc::downgrade(&queue));
        Monitor { queue }
    }

    /// Tells every monitor.
    pub(crate) fn emit(&self, event: &MonitorEvent) {
        self.each(|queue| {
            if queue.events.len() + 1 < CAPACITY {
                if queue.lost > 0 {
                    let kind = MonitorKind::Lagged(std::mem::take(&mut queue.lost));
                    queue.events.push_back(MonitorEvent { endpoint: None, connection: None, kind, ..event.clone() });
                }
                queue.events.push_back(event.clone());
            } else {
                queue.lost += 1;
            }
        });
    }

    /// No event will come any more.
    pub(crate) fn end(&self) {
        self.each(|queue| queue.ended = true);
    }

    fn each(&self, mut tell: impl FnMut(&mut Queue)) {
        let mut readers = Vec::new();
        self.queues.lock().retain(|queue| {
            let Some(queue) = queue.upgrade() else { return false };
            let mut queue = queue.lock();
            tell(&mut queue);
            readers.extend(queue.reader.take());
            true
        });
        readers.into_iter().for_each(Waker::wake);
    }
}
