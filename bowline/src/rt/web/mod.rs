//! The runtime of a web page, of a worker, and of Node: one thread, whose tasks are jobs of JavaScript.
//!
//! Tasks run as microtasks, and those end before the next event is looked at: a task that wakes itself would keep every
//! WebSocket waiting. So what yields goes through the queue of events, see [`turns`].

mod timers;
mod turns;

use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Duration;

use bowline_proto::time::Instant;
use futures_util::future::Abortable;

pub(crate) use futures_util::future::AbortHandle;
pub(crate) use timers::Sleep;
pub(crate) use turns::{poll_budget, poll_yield, spend, yield_now};
pub(crate) use web_time::Instant as Wall;

/// A page is not put to sleep, but called when something has come: there is nothing to look for.
pub(crate) const WAKING: Duration = Duration::ZERO;

static ORIGIN: LazyLock<Wall> = LazyLock::new(Wall::now);

/// Now, counted from the first call.
pub(crate) fn now() -> Instant {
    Instant::from_origin(ORIGIN.elapsed())
}

/// Waits until then.
pub(crate) const fn sleep_until(instant: Instant) -> Sleep {
    Sleep::new(instant)
}

/// Waits for so long.
pub(crate) fn sleep(time: Duration) -> Sleep {
    sleep_until(now() + time)
}

/// Lets who sleeps wait until then instead.
pub(crate) fn reset(sleep: Pin<&mut Sleep>, instant: Instant) {
    sleep.get_mut().reset(instant);
}

/// It took too long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elapsed;

impl From<Elapsed> for io::Error {
    fn from(_: Elapsed) -> Self {
        io::ErrorKind::TimedOut.into()
    }
}

/// What comes of `future`, unless it takes until then.
pub(crate) async fn timeout_at<F: Future>(instant: Instant, future: F) -> Result<F::Output, Elapsed> {
    tokio::select! {
        biased;
        output = future => Ok(output),
        () = sleep_until(instant) => Err(Elapsed),
    }
}

/// What comes of `future`, unless it takes longer.
pub(crate) fn timeout<F: Future>(most: Duration, future: F) -> impl Future<Output = Result<F::Output, Elapsed>> {
    timeout_at(now() + most, future)
}

/// Starts a task here.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    wasm_bindgen_futures::spawn_local(task);
}

/// As [`spawn`], for a task that may be ended.
pub(crate) fn spawn_abortable(task: impl Future<Output = ()> + 'static) -> AbortHandle {
    let (handle, registration) = AbortHandle::new_pair();
    let task = Abortable::new(task, registration);
    spawn(async move {
        let _aborted = task.await;
    });
    handle
}

/// Calls `act`, now: there is no other thread.
#[cfg(feature = "auth-files")]
pub(crate) async fn blocking<T>(act: impl FnOnce() -> T) -> io::Result<T> {
    Ok(act())
}

/// A runtime: there is one, and it is everywhere.
#[derive(Clone, Debug)]
pub(crate) struct Home;

impl Home {
    #[expect(clippy::unnecessary_wraps, reason = "natively there may be none")]
    pub(crate) const fn here() -> Option<Self> {
        Some(Self)
    }

    pub(crate) const fn current() -> Self {
        Self
    }

    /// Starts a task there.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        spawn(task);
    }

    /// Calls `act`, now: there is no other thread that could wait for it.
    #[expect(clippy::unused_async, reason = "natively another thread calls it")]
    pub(crate) async fn call<T>(&self, act: impl FnOnce() -> T) -> Option<T> {
        Some(act())
    }
}

/// A seed that no peer can guess: the one that `std` has is the same for every page.
pub(crate) fn seed() -> u64 {
    // Without any chance a delay is without jitter; what has to be secret asks for itself, and fails.
    super::random().map_or(0, u64::from_ne_bytes)
}
