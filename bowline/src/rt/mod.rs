//! The runtime: tasks, timers, what time it is, and what the tasks of a thread share.
//!
//! What the two runtimes have each in their own way stands in one file for each, with the same names: `tokio.rs` natively,
//! `web` in a page. Nobody outside of this folder can tell them apart.

#[cfg_attr(target_arch = "wasm32", path = "web/mod.rs")]
#[cfg_attr(not(target_arch = "wasm32"), path = "tokio.rs")]
mod host;

use std::cell::Cell;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use bowline_proto::time::Instant;
use bytes::BytesMut;

pub(crate) use host::{
    AbortHandle, Home, Sleep, WAKING, now, poll_budget, poll_yield, reset, seed, sleep, sleep_until, spawn,
    spawn_abortable, spend, timeout, timeout_at, yield_now,
};

#[cfg(feature = "auth-files")]
pub(crate) use host::blocking;

/// Waits until then; not at all where that is now, which tokio's timers would make a millisecond of.
pub(crate) async fn until(instant: Instant) {
    if instant > now() {
        sleep_until(instant).await;
    }
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
/// Every fourth call counts against the runtime's budget of 128, which makes a turn of about 500 messages: less than the
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
    since: Option<host::Wall>,
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
            None => self.since = Some(host::Wall::now()),
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
