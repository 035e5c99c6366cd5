//! A script that is played again and again, and must leave nothing behind.

use std::sync::{Mutex, PoisonError};

use crate::census::{Census, allocated};
use crate::{Outcome, ensure, within};

/// What memory may differ by without anything having leaked, in bytes: a thread keeps one spare read buffer of 64 KiB at
/// the most, and the runtime the lists that it has made longer.
pub const SLACK: usize = (64 + 4) * 1024;

/// Runs a test that counts what this process has open: beside no other such test, on a runtime of its own.
///
/// # Errors
///
/// What the test fails with.
pub fn alone(test: impl Future<Output = Outcome>) -> Outcome {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))?.block_on(test)
}

/// Plays `script` once for what is made but once in a process, then `rounds` times. After each of these, descriptors,
/// tasks and names are what they were before it; after all, so is the memory.
///
/// # Errors
///
/// What the script fails with, or what it leaves behind.
pub fn endure<F>(rounds: usize, script: impl Fn() -> F) -> Outcome
where
    F: Future<Output = Outcome>,
{
    alone(async {
        script().await?;
        idle().await?;
        let (before, memory) = (Census::take()?, allocated());
        for round in 1..=rounds {
            script().await?;
            before.regained().await.map_err(|left| format!("round {round} left {left}"))?;
        }
        let now = allocated();
        println!("memory: {memory} bytes before {rounds} rounds, {now} after");
        ensure(now <= memory + SLACK, || format!("memory grew from {memory} to {now} bytes"))
    })
}

/// Waits until no task is left on this runtime.
///
/// # Errors
///
/// If some are left.
pub async fn idle() -> Outcome {
    let idle = async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
        Ok::<_, String>(())
    };
    within("the end of all tasks", idle).await
}
