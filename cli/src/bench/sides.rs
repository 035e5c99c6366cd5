//! Two threads, each with a current-thread runtime: the shape in which both sides of a scenario run.

use std::thread;

use crate::failure::{Failure, plain_io};

/// Runs both sides to their ends. What `here` gives is the result; an error of either side is an error.
pub(super) fn run<T, H, HF, T2, TF>(here: H, there: T2) -> Result<T, Failure>
where
    H: FnOnce() -> HF + Send,
    HF: Future<Output = Result<T, Failure>>,
    T2: FnOnce() -> TF + Send,
    TF: Future<Output = Result<(), Failure>>,
{
    thread::scope(|scope| {
        let there = scope.spawn(|| on_own_runtime(there));
        let here = on_own_runtime(here);
        let there = there.join().unwrap_or_else(|_| Err(Failure::Error("a side of the benchmark panicked".to_owned())));
        let value = here?;
        there?;
        Ok(value)
    })
}

fn on_own_runtime<T, F: Future<Output = Result<T, Failure>>>(side: impl FnOnce() -> F) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of("can't start", plain_io(&error)))?;
    runtime.block_on(side())
}
