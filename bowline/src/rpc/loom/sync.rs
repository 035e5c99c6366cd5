//! What stands in for the locks and signals of others, on top of loom's: the same promises, and no more.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// loom's mutex in the shape of ours: without poisoning.
#[derive(Debug, Default)]
pub(in crate::rpc) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(in crate::rpc) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(in crate::rpc) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().expect("loom's mutex is never poisoned")
    }
}

/// tokio's `Notify`, of which loom has none.
#[derive(Debug, Default)]
pub(in crate::rpc) struct Notify(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// Somebody was to be notified, and nobody waited.
    permit: bool,
    /// How often all were notified.
    rounds: u64,
    next: u64,
    queue: VecDeque<(u64, Option<Waker>)>,
    /// Those that were notified one by one and have not looked since.
    notified: Vec<u64>,
}

/// Waits to be notified, from `enable` or the first poll on; of a notification for all it hears from the beginning.
#[derive(Debug)]
pub(in crate::rpc) struct Notified<'a> {
    notify: &'a Notify,
    rounds: u64,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    None,
    Waiting(u64),
    Done,
}

impl Notify {
    pub(in crate::rpc) fn new() -> Self {
        Self::default()
    }

    pub(in crate::rpc) fn notified(&self) -> Notified<'_> {
        Notified { notify: self, rounds: self.0.lock().rounds, place: Place::None }
    }

    pub(in crate::rpc) fn notify_one(&self) {
        let mut waiting = self.0.lock();
        let first = waiting.queue.pop_front();
        match &first {
            Some((id, _)) => waiting.notified.push(*id),
            None => waiting.permit = true,
        }
        drop(waiting);
        if let Some((_, Some(waker))) = first {
            waker.wake();
        }
    }

    pub(in crate::rpc) fn notify_waiters(&self) {
        let mut waiting = self.0.lock();
        waiting.rounds += 1;
        let all = std::mem::take(&mut waiting.queue);
        drop(waiting);
        all.into_iter().filter_map(|(_, waker)| waker).for_each(Waker::wake);
    }
}

impl Notified<'_> {
    pub(in crate::rpc) fn enable(mut self: Pin<&mut Self>) -> bool {
        self.look(None)
    }

    fn look(&mut self, waker: Option<&Waker>) -> bool {
        let mut waiting = self.notify.0.lock();
        let is_notified = match self.place {
            Place::Done => true,
            _ if waiting.rounds != self.rounds => true,
            Place::None if std::mem::take(&mut waiting.permit) => true,
            Place::None => {
                waiting.next += 1;
                let id = waiting.next;
                waiting.queue.push_back((id, waker.cloned()));
                self.place = Place::Waiting(id);
                false
            }
            Place::Waiting(id) => {
                if let Some((_, known)) = waiting.queue.iter_mut().find(|(known, _)| *known == id) {
                    *known = waker.cloned();
                }
                waiting.notified.contains(&id)
            }
        };
        if is_notified {
            if let Place::Waiting(id) = self.place {
                waiting.notified.retain(|known| *known != id);
            }
            self.place = Place::Done;
        }
        is_notified
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.look(Some(cx.waker())) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Notified<'_> {
    /// A notification of one goes to the next one, if it was not heard.
    fn drop(&mut self) {
        let Place::Waiting(id) = self.place else { return };
        let mut waiting = self.notify.0.lock();
        waiting.queue.retain(|(known, _)| *known != id);
        let was_notified = waiting.notified.contains(&id);
        waiting.notified.retain(|known| *known != id);
        drop(waiting);
        if was_notified {
            self.notify.notify_one();
        }
    }
}
