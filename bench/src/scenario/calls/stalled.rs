//! What a stream costs that nobody reads, and what others lose by it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::Gauge;
use super::{body_of, calling, chunks, stay};
use crate::Result;
use crate::case::Work;
use crate::metric::Metric;
use crate::peers::{CallLibrary, Caller as _, Produce};
use crate::usage;

/// Several callers, in turns alone and beside a stream of a GiB of which one chunk is read and no more.
pub(super) async fn compare<L: CallLibrary>(
    library: &L,
    work: &Work,
    endpoint: &str,
    gauge: &Arc<Gauge>,
) -> Result<()> {
    let client = Arc::new(library.connect(endpoint).await?);
    for index in 0..work.case.count {
        let (client, gauge) = (client.clone(), gauge.clone());
        library.runtime().spawn(async move {
            let outcome = async {
                loop {
                    calling::echo(&*client, body_of(index)).await?;
                    gauge.counter(0).add_one();
                }
            };
            gauge.report(outcome.await);
        });
    }
    let runtime = library.runtime();
    runtime.sleep(SETTLE).await;
    usage::forget_peak()?;
    let before = usage::peak()?;
    let mut rates = [0.0; 2];
    // In turns: the machine is faster in one second than in the next.
    for _ in 0..TURNS {
        rates[0] += rate(library, work, gauge).await;
        let mut stream = client.chunks(Produce::Fresh).await?;
        chunks::next(&mut stream).await?;
        runtime.sleep(SETTLE).await;
        rates[1] += rate(library, work, gauge).await;
        drop(stream);
        runtime.sleep(SETTLE).await;
    }
    let held = usage::peak()? - before;
    let [alone, beside] = rates.map(|sum| sum / f64::from(TURNS));
    gauge.deliver_values([(Metric::Held, held), (Metric::Kept, beside / alone), (Metric::Rate, beside)].into());
    stay(runtime).await
}

/// Calls per second.
async fn rate<L: CallLibrary>(library: &L, work: &Work, gauge: &Gauge) -> f64 {
    let (begun, before) = (Instant::now(), gauge.count());
    library.runtime().sleep(work.window).await;
    (gauge.count() - before) as f64 / begun.elapsed().as_secs_f64()
}

/// Until all memory that calls need has been used once, and until a stream has filled what it may or is gone.
const SETTLE: Duration = Duration::from_millis(200);

/// How often each is measured.
const TURNS: u32 = 3;
