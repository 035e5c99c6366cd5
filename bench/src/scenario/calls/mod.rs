//! A client and a server: many callers that share one connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::measure::{OVER, RECORD};
use super::{Gauge, Sides};
use crate::Result;
use crate::case::Work;
use crate::peers::{BODY, Body, CallLibrary, Caller, Runtime};

/// Sides that are the client and the server of a library.
#[derive(Clone)]
pub(crate) struct Calls<L>(pub(crate) L);

impl<L: CallLibrary> Sides for Calls<L> {
    fn runtime(&self) -> Runtime {
        self.0.runtime()
    }

    async fn near(self, work: Work, endpoint: String, gauge: Arc<Gauge>) -> Result<()> {
        let client = self.0.connect(&endpoint).await?;
        let callers = Arc::new(Callers { client, gauge, all: work.case.count, latencies: Mutex::default() });
        for index in 0..work.case.count {
            let callers = callers.clone();
            self.0.runtime().spawn(async move { callers.gauge.report(callers.keep_calling(index).await) });
        }
        loop {
            self.0.runtime().sleep(Duration::from_hours(1)).await;
        }
    }

    async fn far(self, _work: Work, endpoint: String, gauge: Arc<Gauge>) -> Result<()> {
        self.0.serve(&endpoint, move || gauge.bound()).await
    }
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
    /// Has one call in flight, for ever, and notes how long each took while the stage says so.
    async fn keep_calling(&self, index: usize) -> Result<()> {
        let counter = self.gauge.counter(0);
        let body = body_of(index);
        // Room for all: growing it would be measured, too.
        let mut latencies = Some(Vec::with_capacity(ROOM / self.all));
        let mut begun = Instant::now();
        loop {
            if self.client.echo(body).await? != body {
                return Err("another body came back".into());
            }
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
        if latencies.len() == self.all {
            self.gauge.deliver(latencies.concat());
        }
    }
}

/// How many round trips there are in a window at most.
const ROOM: usize = 1 << 21;

/// The body of a caller, which nobody else sends.
fn body_of(index: usize) -> Body {
    let mut body = [b'x'; BODY];
    body[..8].copy_from_slice(&(index as u64).to_le_bytes());
    body
}
