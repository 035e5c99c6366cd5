//! What the sockets of a peer run on.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use crate::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// None: every call blocks its thread.
    Threads,
    /// Tokio, all tasks on the thread that began.
    CurrentThread,
    /// Tokio with a worker for each core.
    MultiThread,
}

impl Runtime {
    /// Runs `future` to its end, on a new runtime.
    pub(crate) fn block_on<F>(self, future: F) -> Result<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self {
            Self::Threads => Ok(at_once(future)),
            Self::CurrentThread => as_a_task(tokio::runtime::Builder::new_current_thread(), future),
            Self::MultiThread => as_a_task(tokio::runtime::Builder::new_multi_thread(), future),
        }
    }

    /// Runs `future` beside the caller, which runs on this runtime.
    pub(crate) fn spawn<F>(self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match self {
            Self::Threads => drop(thread::spawn(move || at_once(future))),
            Self::CurrentThread | Self::MultiThread => drop(tokio::spawn(future)),
        }
    }

    pub(crate) async fn sleep(self, time: Duration) {
        match self {
            Self::Threads => thread::sleep(time),
            Self::CurrentThread | Self::MultiThread => tokio::time::sleep(time).await,
        }
    }
}

/// A wake of the future of `block_on` costs a system call where there is one thread, and a hand-over where there are
/// more; one of a task mostly neither.
fn as_a_task<F>(mut builder: tokio::runtime::Builder, future: F) -> Result<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let runtime = builder.enable_all().build()?;
    Ok(runtime.block_on(runtime.spawn(future))?)
}

/// Runs a future whose calls block instead of being pending.
fn at_once<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a peer without a runtime waited for one"),
    }
}
