//! What pipes and mailboxes promise, in every order in which the tasks that share them can meet.
//!
//! A task here sleeps until it is woken, and nothing else wakes it: a wake or an edge that is lost is a deadlock, which
//! the model checker reports. `cargo xtask test loom` runs these.

mod inbox;
mod mailbox;
mod outbox;
mod writer;

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::Notify;

use super::{Inbox, Mailbox, Outbox, PipeId, Signal, Wait, Waiting, Wakes};
use crate::Message;
use crate::message::Queue;
use crate::wire::batch::Batch;

const PIPE: PipeId = PipeId { index: 7, serial: 3 };

#[derive(Default)]
struct Sleeper(Notify);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Runs a task to its end: polls, and sleeps until it is woken.
fn run<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let sleeper = Arc::<Sleeper>::default();
    let waker = Waker::from(Arc::clone(&sleeper));
    loop {
        match poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => sleeper.0.wait(),
        }
    }
}

/// Does something with a pipe, then wakes whom that concerns.
fn with<T>(act: impl FnOnce(&mut Wakes) -> T) -> T {
    let mut wakes = Wakes::new();
    let result = act(&mut wakes);
    wakes.wake();
    result
}

/// A socket with one pipe, which knows of the pipe what edges tell, and tries it only after one, as patterns do.
#[derive(Debug)]
struct Socket {
    mailbox: Arc<Mailbox>,
    readable: bool,
    writable: bool,
    batch: Queue,
}

impl Socket {
    /// The pipe is new: it has room, and nothing to read.
    fn new(mailbox: &Arc<Mailbox>) -> Self {
        Self { mailbox: Arc::clone(mailbox), readable: false, writable: true, batch: Queue::new() }
    }

    fn process(&mut self) {
        if self.mailbox.has_signals() {
            let mut signals = Vec::new();
            self.mailbox.collect(&mut signals);
            assert!(signals.len() <= 2, "at most two edges wait for a pipe");
            for signal in signals {
                match signal {
                    Signal::Readable(_) => self.readable = true,
                    Signal::Writable(_) => self.writable = true,
                }
            }
        }
    }

    /// Tries until `act` gives something, and waits in between, in the order in which the driver does.
    fn poll<T>(&mut self, waker: &Waker, wait: &mut Wait, mut act: impl FnMut(&mut Self) -> Option<T>) -> Poll<T> {
        loop {
            self.process();
            match act(self) {
                Some(result) => return Poll::Ready(result),
                None if wait.register(waker) => return Poll::Pending,
                None => {}
            }
        }
    }

    /// Sends by `push`, which says whether there was room.
    fn send(&mut self, mut push: impl FnMut(&mut Wakes) -> bool) {
        let mut wait = self.mailbox.wait(Waiting::Send);
        run(|cx| {
            self.poll(cx.waker(), &mut wait, |socket| {
                socket.writable = socket.writable && with(&mut push);
                socket.writable.then_some(())
            })
        });
    }

    fn push(&mut self, outbox: &Outbox, body: &str) {
        self.send(|wakes| outbox.push(&body.into(), wakes).is_ok());
    }

    /// The next message; when it has come, the inbox hears that it was handed on, if `reports`.
    fn next(&mut self, inbox: &Inbox, reports: bool) -> Option<Message> {
        if self.batch.is_empty() {
            self.readable = self.readable && with(|wakes| inbox.take(&mut self.batch, wakes));
        }
        let message = self.batch.drain().next()?;
        if reports {
            with(|wakes| inbox.handed_on(1, wakes));
        }
        Some(message)
    }

    fn recv(&mut self, inbox: &Inbox, reports: bool) -> Message {
        let mut wait = self.mailbox.wait(Waiting::Recv);
        run(|cx| self.poll(cx.waker(), &mut wait, |socket| socket.next(inbox, reports)))
    }
}

/// A connection task that hands over `bodies` in one batch.
fn deliver(inbox: &Inbox, bodies: &[&str]) {
    let mut messages: Queue = bodies.iter().map(|&body| body.into()).collect();
    run(|cx| inbox.poll_deliver(cx, &mut messages));
}

/// Takes what waits until nothing does.
fn rest(inbox: &Inbox) -> Vec<Message> {
    let (mut batch, mut taken) = (Queue::new(), Vec::new());
    while with(|wakes| inbox.take(&mut batch, wakes)) {
        taken.extend(batch.drain());
    }
    taken
}

/// Tries the orders in which no more than `most` times a task is stopped where it could go on; all orders are too many.
fn model_with_preemptions(most: usize, tasks: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(most);
    builder.check(tasks);
}

fn bodies(batch: &Batch) -> Vec<String> {
    batch.frames().map(|frame| String::from_utf8_lossy(&frame.body).into_owned()).collect()
}
