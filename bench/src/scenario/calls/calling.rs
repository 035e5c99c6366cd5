//! Calls that return their argument: by many callers at once, or a number of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::super::Gauge;
use super::super::measure::{OVER, RECORD};
use super::{body_of, stay};
use crate::Result;
use crate::case::Work;
use crate::peers::{Body, CallLibrary, Caller};

/// So many callers, for ever.
pub(super) async fn many<L: CallLibrary>(library: &L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let client = library.connect(endpoint).await?;
    let all = work.case.count;
    let callers = Arc::new(Callers { client, gauge: gauge.clone(), all, latencies: Mutex::default() });
    for index in 0..all {
        let callers = callers.clone();
        library.runtime().spawn(async move { callers.gauge.report(callers.keep_calling(index).await) });
    }
    stay(library.runtime()).await
}

/// So many calls, one after the other.
pub(super) async fn some(client: &impl Caller, calls: usize) -> Result<()> {
    // Made once: its own allocations are not to be counted.
    let body = body_of(0);
    for _ in 0..calls {
        echo(client, body).await?;
    }
    Ok(())
}

/// One call; another answer than the argument is no answer.
pub(super) async fn echo(client: &impl Caller, body: Body) -> Result<()> {
    if client.echo(body).await? == body { Ok(()) } else { Err("another body came back".into()) }
}

/// Everyone who calls.
struct Callers<C> {
    client: C,
    gauge: Arc<Gauge>,
    all: usize,
    /// Of the callers that are done, each with its own.
    latencies: Mutex<Vec<Vec<u32>>>,
}

impl<C: Caller> Callers<C> {
    /// Has one call in flight, for ever, and notes how long each took while the stage says so, if it is one of those who do.
    async fn keep_calling(&self, index: usize) -> Result<()> {
        let counter = self.gauge.counter(0);
        let body = body_of(index);
        // A look at the clock, and memory of its own for each of a thousand, is a fifth of what such a call takes.
        if index % self.all.div_ceil(TIMED) != 0 {
            loop {
                echo(&self.client, body).await?;
                counter.add_one();
            }
        }
        // Room for all: growing it would be measured, too.
        let mut latencies = Some(Vec::with_capacity(ROOM / self.all));
        let mut begun = Instant::now();
        loop {
            echo(&self.client, body).await?;
            counter.add_one();
            let now = Instant::now();
            match self.gauge.stage() {
                RECORD => latencies.iter_mut().for_each(|all| all.push((now - begun).as_nanos() as u32)),
                OVER => latencies.take().into_iter().for_each(|own| self.deliver(own)),
                _ => {}
            }
            begun = now;
        }
    }

    /// Hands everybody's to the thread that measures, as soon as the last are there.
    fn deliver(&self, own: Vec<u32>) {
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        latencies.push(own);
        if latencies.len() == self.all.div_ceil(self.all.div_ceil(TIMED)) {
            self.gauge.deliver(latencies.concat());
        }
    }
}

/// How many callers note how long their calls take, at the most: every so many.
const TIMED: usize = 64;

/// How many round trips there are in a window at most.
const ROOM: usize = 1 << 21;
