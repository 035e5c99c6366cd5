//! The runtime: what time it is, and what the tasks of a thread share. Tasks and timers are tokio's.

use std::cell::Cell;
use std::io;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bowline_proto::time::Instant;
use bytes::BytesMut;

static ORIGIN: LazyLock<tokio::time::Instant> = LazyLock::new(tokio::time::Instant::now);

/// Now, counted from the first call in this process.
pub(crate) fn now() -> Instant {
    Instant::from_origin(ORIGIN.elapsed())
}

/// The same instant for tokio's timers.
pub(crate) fn deadline(instant: Instant) -> tokio::time::Instant {
    // A deadline further away than the clock reaches is as good as none.
    ORIGIN
        .checked_add(instant.since_origin())
        .unwrap_or_else(|| *ORIGIN + std::time::Duration::from_secs(u32::MAX.into()))
}

/// Waits until then; not at all where that is now, which tokio's timers would make a millisecond of.
pub(crate) async fn until(instant: Instant) {
    if instant > now() {
        tokio::time::sleep_until(deadline(instant)).await;
    }
}

/// A seed that no peer can guess.
pub(crate) fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Bytes that nobody can guess, from the operating system.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Lets other tasks of this thread have their turn, now and then: a publisher never waits for anything else, and a
/// receiver need not if another thread sends fast enough.
///
/// Every fourth call counts against tokio's budget of 128, which makes a turn of about 500 messages: less than the
/// default high-water mark, so that a loop of sends lets its messages out before they are dropped.
#[inline]
pub(crate) fn poll_cooperate(cx: &mut Context<'_>) -> Poll<()> {
    thread_local! {
        static CALLS: Cell<u8> = const { Cell::new(0) };
    }
    let calls = CALLS.get().wrapping_add(1);
    CALLS.set(calls);
    if calls.is_multiple_of(4) { poll_budget(cx) } else { Poll::Ready(()) }
}

/// Counts what was done in one go as if each message had come with a [`poll_cooperate`] of its own: the next
/// [`poll_budget`] ends the turn if it was too much.
pub(crate) fn spend(messages: usize) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..messages / 4 {
        // Without a budget left this would ask the runtime for another turn.
        if !tokio::task::coop::has_budget_remaining() || poll_budget(&mut cx).is_pending() {
            return;
        }
    }
}

/// As [`poll_cooperate`], but every call counts: before many messages at once.
pub(crate) fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    std::pin::pin!(tokio::task::coop::consume_budget()).poll(cx)
}

/// Ends the turn of a task that has more to do: it goes on after all others, the one of `block_on` among them, which a
/// task that simply wakes itself would keep waiting for up to 60 turns.
pub(crate) fn poll_yield<T>(cx: &mut Context<'_>) -> Poll<T> {
    let yielded = std::pin::pin!(tokio::task::yield_now()).poll(cx);
    debug_assert!(yielded.is_pending(), "the first poll of it");
    Poll::Pending
}

/// The longest read buffer that is kept for the next one who reads, in bytes: more than a short message comes with, less
/// than a large one's memory, which may still be in use.
const SPARE_MOST: usize = 64 * 1024;

thread_local! {
    /// One for all connections of a thread: mostly it is still in the processor's cache.
    static SPARE: Cell<BytesMut> = Cell::new(BytesMut::new());
}

/// An empty buffer that nobody needs.
pub(crate) fn spare(mut buffer: BytesMut) {
    // One more byte than it has room for: that is there when what was read is room again, since no message refers to it.
    if buffer.try_reclaim(buffer.capacity() + 1) && buffer.capacity() <= SPARE_MOST {
        SPARE.set(buffer);
    }
}

/// A buffer for who is to read: the spare one, if there is one.
pub(crate) fn spared() -> BytesMut {
    SPARE.take()
}

/// A task that looks again for a while before it waits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BusyPoll {
    /// By the system's clock, not tokio's: what is spent is real time, and a paused clock would never end it.
    since: Option<std::time::Instant>,
    yields: bool,
}

impl BusyPoll {
    /// Ready when the time is over. Until then the task is woken again, after the other tasks and the I/O of its thread
    /// had their turn.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>, time: Duration) -> Poll<()> {
        if time.is_zero() {
            return Poll::Ready(());
        }
        match self.since {
            Some(since) if since.elapsed() >= time => return Poll::Ready(()),
            Some(_) => {}
            None => self.since = Some(std::time::Instant::now()),
        }
        // Whoever is to answer may need this very core. Not before what was sent just now is written, though; and every
        // other time, since the task of `block_on` has its turn after the I/O and before the connection that reads.
        if self.yields {
            std::thread::yield_now();
        }
        self.yields = !self.yields;
        poll_yield(cx)
    }
}
