//! The inbound half of a pipe: from the connection task, or from a socket in the same process, to the socket.
//!
//! Cost of one message: a share of one lock on each side per batch. A message counts against the high-water mark until
//! the socket has handed it on; the socket reports that in steps of half the mark, so that the writer is not woken for
//! every message.

use std::sync::Arc;
// Not loom's: a count that nobody acts on has no orders to explore.
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use super::sync::Mutex;
use super::{Mailbox, PipeId, Signal, Wakes};
use crate::Message;
use crate::message::Queue;

/// There is no room, or no reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Messages that came from one peer.
#[derive(Debug)]
pub struct Inbox {
    inner: Mutex<Inner>,
    /// How many bytes came from the transport.
    bytes: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    queue: Queue,
    /// How many messages ever came.
    received: u64,
    /// What the reader took and has not handed on yet.
    held: usize,
    hwm: usize,
    /// The bytes of the messages in the queue, of those that the reader took with its last batch, and how many there may
    /// be before no more are taken.
    weight: u64,
    held_weight: u64,
    weight_most: u64,
    conflate: bool,
    intake: Intake,
    /// How often it was severed: a writer that was there before is refused for good.
    era: u64,
    reader: Option<(Arc<Mailbox>, PipeId)>,
    /// The reader found nothing and waits for the edge.
    reader_waits: bool,
    /// Nothing has come for a while.
    is_quiet: bool,
    writer: Writer,
}

/// Whether messages are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intake {
    Open,
    /// Not until the next peer is there.
    Severed,
    /// Not any more.
    Closed,
}

/// Who waits for room.
#[derive(Debug)]
enum Writer {
    Nobody,
    /// A connection task.
    Task(Waker),
    /// A socket in the same process.
    Socket(Arc<Mailbox>, PipeId),
}

impl Inner {
    fn room(&self) -> usize {
        if self.weight + self.held_weight >= self.weight_most {
            return 0;
        }
        if self.hwm == 0 { usize::MAX } else { self.hwm.saturating_sub(self.queue.len() + self.held) }
    }

    fn shed(&mut self) {
        if self.queue.is_empty() {
            self.queue = Queue::new();
        }
    }

    /// The writer, if it waits and there is room again.
    fn relieved(&mut self) -> Writer {
        if self.room() > 0 { std::mem::replace(&mut self.writer, Writer::Nobody) } else { Writer::Nobody }
    }

    /// Tells the reader, if it waits.
    fn edge(&mut self) -> Option<(Arc<Mailbox>, PipeId)> {
        if std::mem::take(&mut self.reader_waits) { self.reader.clone() } else { None }
    }
}

impl Inbox {
    /// An inbox that holds up to `hwm` messages; 0 sets no limit.
    pub fn new(hwm: usize, conflate: bool) -> Self {
        let inner = Inner {
            queue: Queue::new(),
            received: 0,
            held: 0,
            hwm,
            weight: 0,
            held_weight: 0,
            weight_most: u64::MAX,
            conflate,
            intake: Intake::Open,
            era: 0,
            reader: None,
            reader_waits: true,
            is_quiet: false,
            writer: Writer::Nobody,
        };
        Self { inner: Mutex::new(inner), bytes: AtomicU64::new(0) }
    }

    /// Takes no more messages while those that wait have so many bytes; `None` sets no limit.
    #[must_use]
    pub fn with_most_bytes(self, most: Option<usize>) -> Self {
        // Nothing waits before the first message, which is let through in any case.
        self.inner.lock().weight_most = most.map_or(u64::MAX, |most| most.max(1) as u64);
        self
    }

    /// How many messages it holds at the most; 0 for any number.
    pub fn hwm(&self) -> usize {
        self.inner.lock().hwm
    }

    /// Whether what is delivered to it is thrown away.
    pub fn swallows(&self) -> bool {
        self.inner.lock().intake != Intake::Open
    }

    /// How many messages count against the high-water mark.
    pub fn len(&self) -> usize {
        let inner = self.inner.lock();
        inner.queue.len() + inner.held
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names the socket that reads, which hears of what waits already.
    pub fn attach_reader(&self, socket: Arc<Mailbox>, pipe: PipeId, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        inner.reader = Some((socket, pipe));
        (inner.held, inner.held_weight) = (0, 0);
        inner.reader_waits = true;
        let edge = if inner.queue.is_empty() { None } else { inner.edge() };
        drop(inner);
        post(edge, wakes);
    }

    /// Changes the high-water mark, and whether only the newest message is kept. What waits stays.
    pub fn configure(&self, hwm: usize, conflate: bool, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        (inner.hwm, inner.conflate) = (hwm, conflate);
        let writer = inner.relieved();
        drop(inner);
        writer.tell(wakes);
    }

    /// No message is taken any more; those that wait can still be read. A writer that waits hears of it.
    pub fn close(&self, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        inner.intake = Intake::Closed;
        let writer = std::mem::replace(&mut inner.writer, Writer::Nobody);
        drop(inner);
        writer.tell(wakes);
    }

    /// Takes nothing more from the peer that is there: it is not to be heard any longer, whatever it still has to say.
    pub fn sever(&self) {
        let mut inner = self.inner.lock();
        if inner.intake == Intake::Open {
            inner.intake = Intake::Severed;
        }
        inner.era += 1;
    }

    /// The next peer is there and is heard.
    pub fn join(&self) {
        let mut inner = self.inner.lock();
        if inner.intake == Intake::Severed {
            inner.intake = Intake::Open;
        }
    }

    /// What a socket in the same process shows when it writes; good until the inbox is [severed](Self::sever).
    pub fn era(&self) -> u64 {
        self.inner.lock().era
    }

    /// Forgets what waits for a reader, and says how much; what waits for one that is there already has arrived.
    pub fn discard_unclaimed(&self, wakes: &mut Wakes) -> usize {
        let mut inner = self.inner.lock();
        if inner.reader.is_some() {
            return 0;
        }
        let unclaimed = inner.queue.len();
        inner.queue.clear();
        let writer = inner.relieved();
        drop(inner);
        writer.tell(wakes);
        unclaimed
    }

    /// For the connection task: moves as many of `messages` as there is room for; ready when all are gone.
    ///
    /// A closed or severed inbox swallows them: nobody will read them.
    pub fn poll_deliver(&self, cx: &mut Context<'_>, messages: &mut Queue) -> Poll<()> {
        self.poll_deliver_weighed(cx, messages, &mut 0)
    }

    /// As [`poll_deliver`](Self::poll_deliver), of messages that have `weight` bytes, besides what a [`Queue`] itself
    /// takes for them. What is left of it is that of the messages that are left.
    pub fn poll_deliver_weighed(&self, cx: &mut Context<'_>, messages: &mut Queue, weight: &mut u64) -> Poll<()> {
        if messages.is_empty() {
            return Poll::Ready(());
        }
        let mut inner = self.inner.lock();
        if inner.intake != Intake::Open {
            *weight = 0;
            messages.clear();
            return Poll::Ready(());
        }
        inner.is_quiet = false;
        if inner.conflate {
            inner.received += messages.len() as u64;
            inner.queue.clear();
            messages.keep_newest();
            std::mem::swap(&mut inner.queue, messages);
            *weight = 0;
        } else {
            let n = inner.room().min(messages.len());
            inner.received += n as u64;
            // They came with one read, so that none of them is weighed by itself: each counts for the same share.
            let share = if n == messages.len() { *weight } else { *weight / messages.len() as u64 * n as u64 };
            *weight -= share;
            let before = inner.queue.size();
            messages.move_front(n, &mut inner.queue);
            inner.weight += share + (inner.queue.size() - before) as u64;
        }
        if !messages.is_empty() {
            inner.writer = Writer::Task(cx.waker().clone());
        }
        let edge = if inner.queue.is_empty() { None } else { inner.edge() };
        drop(inner);
        if let Some((socket, pipe)) = edge {
            socket.post(Signal::Readable(pipe)).wake();
        }
        if messages.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// For a socket in the same process: adds a message, which can be received as soon as this returns.
    ///
    /// # Errors
    ///
    /// [`Full`] at the high-water mark; `writer` hears [`Signal::Writable`] when there is room again. Also for a writer
    /// of an earlier era.
    pub fn push(
        &self,
        message: &Message,
        era: u64,
        writer: (&Arc<Mailbox>, PipeId),
        wakes: &mut Wakes,
    ) -> Result<(), Full> {
        let mut inner = self.inner.lock();
        if inner.intake == Intake::Closed || inner.era != era {
            return Err(Full);
        }
        if inner.conflate {
            inner.queue.clear();
        } else if inner.room() == 0 {
            inner.writer = Writer::Socket(Arc::clone(writer.0), writer.1);
            return Err(Full);
        }
        inner.is_quiet = false;
        inner.received += 1;
        inner.queue.push_copy(message);
        let edge = inner.edge();
        drop(inner);
        post(edge, wakes);
        Ok(())
    }

    /// Adds a message whatever the high-water mark: a subscription.
    pub fn push_beyond(&self, message: Message, era: u64, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        if inner.intake == Intake::Closed || inner.era != era {
            return;
        }
        inner.queue.push(message);
        let edge = inner.edge();
        drop(inner);
        post(edge, wakes);
    }

    /// For a socket in the same process: whether [`push`](Self::push) would take a message now.
    pub fn has_room(&self, era: u64, writer: (&Arc<Mailbox>, PipeId)) -> bool {
        let mut inner = self.inner.lock();
        if inner.intake == Intake::Closed || inner.era != era {
            return false;
        }
        let room = inner.conflate || inner.room() > 0;
        if !room {
            inner.writer = Writer::Socket(Arc::clone(writer.0), writer.1);
        }
        room
    }

    /// For the socket: swaps what waits for the empty `batch`, and whether there was anything. If not, the socket hears
    /// [`Signal::Readable`] when there is. All that it took before counts as handed on.
    pub fn take(&self, batch: &mut Queue, wakes: &mut Wakes) -> bool {
        debug_assert!(batch.is_empty());
        let mut inner = self.inner.lock();
        std::mem::swap(&mut inner.queue, batch);
        inner.held = batch.len();
        inner.held_weight = std::mem::take(&mut inner.weight);
        inner.reader_waits = batch.is_empty();
        if inner.is_quiet && batch.is_empty() {
            inner.shed();
            *batch = Queue::new();
        }
        let writer = inner.relieved();
        drop(inner);
        writer.tell(wakes);
        !batch.is_empty()
    }

    /// For the socket: nothing has come for a while, and memory that no message needs is given back; what the reader
    /// has when it has handed on the rest, too.
    pub(super) fn shed(&self) {
        let mut inner = self.inner.lock();
        inner.is_quiet = true;
        inner.shed();
    }

    /// For the socket: it handed `n` of the messages on that it took.
    pub fn handed_on(&self, n: usize, wakes: &mut Wakes) {
        let mut inner = self.inner.lock();
        inner.held = inner.held.saturating_sub(n);
        let writer = inner.relieved();
        drop(inner);
        writer.tell(wakes);
    }

    /// How much memory it holds, in bytes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.inner.lock().queue.capacity()
    }

    /// How many messages wait that no reader has taken.
    pub fn waiting(&self) -> usize {
        self.inner.lock().queue.len()
    }

    /// How many messages ever came; subscriptions in process do not count.
    pub fn received(&self) -> u64 {
        self.inner.lock().received
    }

    /// For the connection task: so many messages came that are not for this inbox.
    pub fn count_received(&self, messages: usize) {
        self.inner.lock().received += messages as u64;
    }

    /// For the connection task: so many bytes came from the transport.
    pub fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// How many bytes came from the transport.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether something waits for a reader that has yet to come.
    pub fn awaits_reader(&self) -> bool {
        let inner = self.inner.lock();
        inner.reader.is_none() && inner.intake != Intake::Closed && !inner.queue.is_empty()
    }

    /// Whether a reader found everything read and nothing will come.
    pub fn is_finished(&self) -> bool {
        let inner = self.inner.lock();
        inner.intake == Intake::Closed && inner.queue.is_empty()
    }
}

impl Writer {
    fn tell(self, wakes: &mut Wakes) {
        match self {
            Self::Nobody => {}
            Self::Task(task) => wakes.push(task),
            Self::Socket(socket, pipe) => wakes.append(socket.post(Signal::Writable(pipe))),
        }
    }
}

fn post(edge: Option<(Arc<Mailbox>, PipeId)>, wakes: &mut Wakes) {
    if let Some((socket, pipe)) = edge {
        wakes.append(socket.post(Signal::Readable(pipe)));
    }
}
