//! Who has something to do in a world, and when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use crate::lock::Mutex;

use crate::time::Instant;

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    Application(usize),
    /// A connection by its number, and one side of it.
    Seat(u64, usize),
    Dial(usize),
}

/// Those who may have something to do now, and the times at which somebody may.
///
/// It names them; whether they really do is looked at when their turn comes.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    woken: Arc<Mutex<Vec<Task>>>,
    later: BinaryHeap<Reverse<(Instant, Task)>>,
}

impl Agenda {
    /// A flag that brings `task` here when it is raised, as it is already.
    pub(super) fn flag(&self, task: Task) -> Arc<Flag> {
        let flag = Flag { task, is_raised: AtomicBool::new(false), woken: Arc::clone(&self.woken) };
        flag.raise();
        Arc::new(flag)
    }

    /// `task` may have something to do now.
    pub(super) fn now(&self, task: Task) {
        self.woken.lock().push(task);
    }

    /// `task` may have something to do at this time.
    pub(super) fn at(&mut self, time: Instant, task: Task) {
        self.later.push(Reverse((time, task)));
    }

    /// The next time at which somebody may.
    pub(super) fn next(&self) -> Option<Instant> {
        self.later.peek().map(|Reverse((time, _))| *time)
    }

    /// Moves those whose time has come into `due`, with the time that it was.
    pub(super) fn ring(&mut self, now: Instant, due: &mut Vec<(Instant, Task)>) {
        while self.next().is_some_and(|time| time <= now) {
            due.extend(self.later.pop().map(|Reverse(entry)| entry));
        }
    }

    /// Moves those who were woken into `ready`.
    pub(super) fn collect(&self, ready: &mut Vec<Task>) {
        ready.append(&mut self.woken.lock());
    }
}

/// Whether somebody woke a task.
#[derive(Debug)]
pub(super) struct Flag {
    task: Task,
    is_raised: AtomicBool,
    woken: Arc<Mutex<Vec<Task>>>,
}

impl Flag {
    pub(super) fn raise(&self) {
        self.is_raised.store(true, Ordering::Relaxed);
        self.woken.lock().push(self.task);
    }

    pub(super) fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::Relaxed)
    }

    pub(super) fn lower(&self) -> bool {
        self.is_raised.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.raise();
    }
}
