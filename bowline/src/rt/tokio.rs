//! tokio: the runtime of everything but a web page.

use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bowline_proto::time::Instant;
use tokio::runtime::Handle;
use tokio::time::Timeout;

pub(crate) use std::time::Instant as Wall;
pub(crate) use tokio::task::{AbortHandle, yield_now};
pub(crate) use tokio::time::{Sleep, sleep, timeout};

#[cfg(feature = "auth-files")]
pub(crate) use tokio::task::spawn_blocking as blocking;

/// Twice what it takes to put a thread to sleep and to wake it, with some to spare: for so long it may look whether it is
/// needed again. Streams of 64 KiB chunks made 1.3 to 1.8 times as much with it; 20 µs did less, and 100 no more.
pub(crate) const WAKING: Duration = Duration::from_micros(50);

static ORIGIN: LazyLock<tokio::time::Instant> = LazyLock::new(tokio::time::Instant::now);

/// Now, counted from the first call in this process.
pub(crate) fn now() -> Instant {
    Instant::from_origin(ORIGIN.elapsed())
}

/// The same instant for tokio's timers.
fn deadline(instant: Instant) -> tokio::time::Instant {
    // A deadline further away than the clock reaches is as good as none.
    ORIGIN.checked_add(instant.since_origin()).unwrap_or_else(|| *ORIGIN + Duration::from_secs(u32::MAX.into()))
}

/// Waits until then.
pub(crate) fn sleep_until(instant: Instant) -> Sleep {
    tokio::time::sleep_until(deadline(instant))
}

/// Lets who sleeps wait until then instead.
pub(crate) fn reset(sleep: std::pin::Pin<&mut Sleep>, instant: Instant) {
    sleep.reset(deadline(instant));
}

/// What comes of `future`, unless it takes until then.
pub(crate) fn timeout_at<F: Future>(instant: Instant, future: F) -> Timeout<F> {
    tokio::time::timeout_at(deadline(instant), future)
}

/// Starts a task here.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}

/// As [`spawn`], for a task that may be ended.
pub(crate) fn spawn_abortable(task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(task).abort_handle()
}

/// A runtime, to start tasks there from elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Home(Handle);

impl Home {
    /// The one of the caller, if it has one.
    pub(crate) fn here() -> Option<Self> {
        Handle::try_current().ok().map(Self)
    }

    /// The one of the caller, who has one.
    pub(crate) fn current() -> Self {
        Self(Handle::current())
    }

    /// Starts a task there.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.0.spawn(task));
    }

    /// Calls `act` where nobody waits for it to return. `None` if it panicked.
    pub(crate) async fn call<T: Send + 'static>(&self, act: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        self.0.spawn_blocking(act).await.ok()
    }
}

/// A seed that no peer can guess.
pub(crate) fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Counts what was done in one go as if each message had come with a [`poll_cooperate`](super::poll_cooperate) of its own:
/// the next [`poll_budget`] ends the turn if it was too much.
pub(crate) fn spend(messages: usize) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..messages / 4 {
        // Without a budget left this would ask the runtime for another turn.
        if !tokio::task::coop::has_budget_remaining() || poll_budget(&mut cx).is_pending() {
            return;
        }
    }
}

/// As [`poll_cooperate`](super::poll_cooperate), but every call counts: before many messages at once.
pub(crate) fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    std::pin::pin!(tokio::task::coop::consume_budget()).poll(cx)
}

/// Ends the turn of a task that has more to do: it goes on after all others, the one of `block_on` among them, which a
/// task that simply wakes itself would keep waiting for up to 60 turns.
pub(crate) fn poll_yield<T>(cx: &mut Context<'_>) -> Poll<T> {
    let yielded = std::pin::pin!(yield_now()).poll(cx);
    debug_assert!(yielded.is_pending(), "the first poll of it");
    Poll::Pending
}
