//! The outbound half of a pipe: from the socket to the connection task, in wire format.
//!
//! Cost of a batch: a few uncontended locks. Messages come by the [`Writer`](super::Writer), which stages them without one;
//! only where each replaces the one before it do they come one by one. The connection task swaps the whole batch out.

use std::sync::Arc;
// Not loom's: a count that nobody acts on has no orders to explore.
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use super::lifecycle::{Effect, Input, State};
use super::sync::Mutex;
use super::{Full, Mailbox, PipeId, Signal, Wakes};
use crate::Message;
use crate::error::DisconnectReason;
use crate::wire::batch::Batch;

/// Messages on their way to one peer.
#[derive(Debug)]
pub struct Outbox {
    socket: Arc<Mailbox>,
    pipe: PipeId,
    hwm: usize,
    conflate: bool,
    inner: Mutex<Inner>,
    /// How many bytes the transport took.
    bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    batch: Batch,
    state: State,
    /// The connection task, if it sleeps.
    reader: Option<Waker>,
    /// The connection task, if it sleeps until the transport takes what is being written: messages don't wake it.
    blocked: Option<Waker>,
    /// The socket found no room and waits for the edge.
    writer_waits: bool,
    /// Why the connection is to go, while the pipe may stay.
    kick: Option<DisconnectReason>,
    /// How many of the messages that are being written count against the mark, because they were more than it when
    /// they were taken: what connections give back must not add up.
    excess: usize,
    /// What is being written was discarded: it must not come back.
    is_void: bool,
    discarded: u64,
    /// How many of those gave way to a newer message.
    conflated: u64,
    /// How many of the others were reported.
    reported: u64,
    /// How many messages were taken and not given back.
    sent: u64,
}

impl Inner {
    fn room(&self, hwm: usize) -> usize {
        if hwm == 0 { usize::MAX } else { hwm.saturating_sub(self.batch.messages() + self.excess) }
    }

    fn has_room(&self, hwm: usize) -> bool {
        self.room(hwm) > 0
    }

    fn wake_for_order(&mut self, wakes: &mut Wakes) {
        wakes.extend(self.reader.take());
        wakes.extend(self.blocked.take());
    }

    /// Whether the socket waits for room that is there again; it waits no longer.
    fn relieved(&mut self, hwm: usize) -> bool {
        let relieved = self.writer_waits && self.has_room(hwm);
        self.writer_waits &= !relieved;
        relieved
    }
}

/// What the connection task finds in an outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// A batch was swapped out.
    Batch,
    /// The connection is to go, for this reason; the pipe may go on.
    Kicked(DisconnectReason),
    /// Nothing waits and nothing will come.
    Finished,
}

impl Outbox {
    /// An outbox of `pipe`, which holds up to `hwm` messages (0: any number) and tells `socket` when there is room again.
    pub fn new(socket: Arc<Mailbox>, pipe: PipeId, hwm: usize, conflate: bool) -> Self {
        Self { socket, pipe, hwm, conflate, inner: Mutex::default(), bytes: AtomicU64::new(0) }
    }

    /// How many messages it holds at the most; 0 for any number.
    pub const fn hwm(&self) -> usize {
        self.hwm
    }

    /// Whether only the newest message is kept.
    #[inline]
    pub const fn conflates(&self) -> bool {
        self.conflate
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.inner.lock().batch.messages()
    }

    /// Whether nothing waits, not even a command.
    pub fn is_empty(&self) -> bool {
        self.inner.lock().batch.is_empty()
    }

    /// How many messages were discarded.
    pub fn discarded(&self) -> u64 {
        self.inner.lock().discarded
    }

    /// How many messages were discarded without a newer one in their place, since the last call.
    pub fn take_dropped(&self) -> u64 {
        let mut inner = self.inner.lock();
        let dropped = inner.discarded - inner.conflated;
        dropped - std::mem::replace(&mut inner.reported, dropped)
    }

    /// So many messages were dropped that waited elsewhere for this pipe's peer.
    pub fn also_dropped(&self, messages: usize) {
        self.inner.lock().discarded += messages as u64;
    }

    /// How many messages were taken to be written, and not given back.
    pub fn sent(&self) -> u64 {
        self.inner.lock().sent
    }

    /// For the connection task: so many messages went out that never waited here.
    pub fn count_sent(&self, messages: usize) {
        self.inner.lock().sent += messages as u64;
    }

    /// For the connection task: the transport took so many bytes.
    pub fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// How many bytes the transport took.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Where the pipe is in its life.
    pub fn state(&self) -> State {
        self.inner.lock().state
    }

    /// Adds a message.
    ///
    /// # Errors
    ///
    /// [`Full`] at the high-water mark, and when the pipe takes no more; at the mark the socket hears
    /// [`Signal::Writable`] when there is room again.
    #[inline]
    pub fn push(&self, message: &Message, wakes: &mut Wakes) -> Result<(), Full> {
        self.push_with(wakes, |batch| batch.push(message))
    }

    #[inline]
    fn push_with(&self, wakes: &mut Wakes, push: impl FnOnce(&mut Batch)) -> Result<(), Full> {
        let mut inner = self.inner.lock();
        if inner.state != State::Active {
            return Err(Full);
        }
        if self.conflate {
            let replaced = inner.batch.messages() as u64;
            inner.discarded += replaced;
            inner.conflated += replaced;
            inner.batch.clear();
        } else if !inner.has_room(self.hwm) {
            inner.writer_waits = true;
            return Err(Full);
        }
        push(&mut inner.batch);
        wakes.extend(inner.reader.take());
        Ok(())
    }

    /// Adds a subscription or its end. They are bounded by what the application asks for, so they know no high-water
    /// mark.
    pub fn push_subscription(&self, topic: &[u8], subscribe: bool, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        if inner.state == State::Active {
            inner.batch.push_subscription(topic, subscribe);
            wakes.extend(inner.reader.take());
        }
    }

    /// Whether a message would be taken now; if not, the socket hears [`Signal::Writable`].
    pub fn has_room(&self) -> bool {
        let mut inner = self.inner.lock();
        let room = self.conflate || inner.has_room(self.hwm);
        inner.writer_waits |= !room;
        room && inner.state == State::Active
    }

    /// For the socket's end: how many messages there is room for, at least one.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn room(&self) -> Result<usize, Full> {
        let mut inner = self.inner.lock();
        if inner.state != State::Active {
            return Err(Full);
        }
        let room = inner.room(self.hwm);
        inner.writer_waits |= room == 0;
        if room == 0 { Err(Full) } else { Ok(room) }
    }

    /// For the socket's end: adds messages that there was room for when they were staged.
    pub fn append(&self, staged: &mut Batch) {
        if staged.is_empty() {
            return;
        }
        let mut inner = self.inner.lock();
        if inner.state != State::Active {
            inner.discarded += staged.messages() as u64;
        } else if inner.batch.is_empty() {
            inner.batch.clear();
            std::mem::swap(&mut inner.batch, staged);
        } else {
            inner.batch.append(staged);
        }
        drop(inner);
        staged.clear();
    }

    /// For the socket's end: the connection task is to look.
    pub fn wake_reader(&self, wakes: &mut Wakes) {
        wakes.extend(self.inner.lock().reader.take());
    }

    /// Takes no more messages; the connection closes when what waits is written.
    pub fn drain(&self, wakes: &mut Wakes) {
        self.step(Input::Drain, wakes);
    }

    /// Drops what waits; the connection closes at once.
    pub fn close(&self, wakes: &mut Wakes) {
        self.step(Input::Close, wakes);
    }

    fn step(&self, input: Input, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        for effect in inner.state.step(input) {
            match effect {
                Effect::Discard => {
                    inner.discarded += inner.batch.messages() as u64;
                    inner.batch.clear();
                }
                Effect::WakeReader => inner.wake_for_order(wakes),
            }
        }
    }

    /// Drops what waits, and what is being written if its connection does not get to its end; and goes on.
    pub fn discard(&self, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        inner.discarded += inner.batch.messages() as u64;
        inner.batch.clear();
        inner.is_void = true;
        let room = inner.relieved(self.hwm);
        drop(inner);
        if room {
            wakes.append(self.socket.post(Signal::Writable(self.pipe)));
        }
    }

    /// Ends the connection for `reason`; the pipe stays. Of several reasons the first wins.
    pub fn kick(&self, reason: DisconnectReason, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        inner.kick.get_or_insert(reason);
        inner.wake_for_order(wakes);
    }

    /// A new connection begins: an order to end the previous one is void.
    pub fn pardon(&self) {
        self.inner.lock().kick = None;
    }

    /// For the connection task: swaps what waits for the empty `batch`, or waits.
    ///
    /// The swapped batch is on its way, so the pipe has room for as many again. The previous one is written by now.
    pub fn poll_take(&self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<Take> {
        let mut wakes = Wakes::new();
        let taken = self.poll_take_with(cx, batch, &mut wakes);
        wakes.wake();
        taken
    }

    /// As [`poll_take`](Self::poll_take), where the caller holds a lock.
    pub(super) fn poll_take_with(&self, cx: &mut Context<'_>, batch: &mut Batch, wakes: &mut Wakes) -> Poll<Take> {
        debug_assert!(batch.is_empty());
        let mut inner = self.inner.lock();
        if let Some(reason) = inner.kick.take() {
            return Poll::Ready(Take::Kicked(reason));
        }
        let taken = if !inner.batch.is_empty() {
            batch.clear();
            std::mem::swap(&mut inner.batch, batch);
            inner.sent += batch.messages() as u64;
            Poll::Ready(Take::Batch)
        } else if inner.state != State::Active {
            inner.state.step(Input::Emptied);
            Poll::Ready(Take::Finished)
        } else {
            remember(&mut inner.reader, cx);
            Poll::Pending
        };
        inner.is_void = false;
        inner.excess = batch.messages().saturating_sub(self.hwm);
        let room = inner.relieved(self.hwm);
        drop(inner);
        if room {
            wakes.append(self.socket.post(Signal::Writable(self.pipe)));
        }
        taken
    }

    /// For the connection task while the transport takes nothing: waits for an order that has no patience for what is
    /// being written, to end the connection or to close the pipe with all that is in it.
    pub fn poll_order(&self, cx: &mut Context<'_>) -> Poll<Take> {
        let mut inner = self.inner.lock();
        if let Some(reason) = inner.kick.take() {
            return Poll::Ready(Take::Kicked(reason));
        }
        if inner.state == State::Closed {
            return Poll::Ready(Take::Finished);
        }
        remember(&mut inner.blocked, cx);
        Poll::Pending
    }

    /// For the dial task while there is no connection: waits until nothing is left to dial for.
    pub fn poll_finished(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.inner.lock();
        if inner.state != State::Active && inner.batch.is_empty() {
            inner.state.step(Input::Emptied);
            return Poll::Ready(());
        }
        remember(&mut inner.reader, cx);
        Poll::Pending
    }

    /// How much memory it holds, in bytes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.inner.lock().batch.capacity()
    }

    /// For the socket's end: gives back the memory that no message needs.
    pub(super) fn shed(&self) {
        let mut inner = self.inner.lock();
        if inner.batch.is_empty() {
            inner.batch = Batch::new();
        }
    }

    /// For the connection task: gives back what the transport did not take, ahead of what has come since.
    ///
    /// Whole messages only: one that was cut in the middle is sent again from its start.
    pub fn restore(&self, batch: &mut Batch) {
        batch.rewind();
        let mut inner = self.inner.lock();
        inner.excess = 0;
        let given_back = batch.messages() as u64;
        inner.sent -= given_back;
        let is_outdated = self.conflate && inner.batch.messages() > 0;
        if inner.is_void || inner.state == State::Closed || is_outdated {
            inner.discarded += given_back;
            inner.conflated += if is_outdated { given_back } else { 0 };
            batch.clear();
        } else {
            batch.append(&inner.batch);
            std::mem::swap(&mut inner.batch, batch);
            batch.clear();
        }
        let room = inner.relieved(self.hwm);
        drop(inner);
        if room {
            self.socket.post(Signal::Writable(self.pipe)).wake();
        }
    }
}

fn remember(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}
