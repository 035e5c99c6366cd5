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

/// Several callers, first alone, then beside a stream of a GiB of which one chunk is read and no more.
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
    let alone = rate(library, work, gauge).await;
    usage::forget_peak()?;
    let before = usage::peak()?;
    let mut stream = client.chunks(Produce::Fresh).await?;
    chunks::next(&mut stream).await?;
    runtime.sleep(SETTLE).await;
    let beside = rate(library, work, gauge).await;
    let held = usage::peak()? - before;
    gauge.deliver_values([(Metric::Held, held), (Metric::Kept, beside / alone), (Metric::Rate, beside)].into());
    stay(runtime).await
}

/// Calls per second.
async fn rate<L: CallLibrary>(library: &L, work: &Work, gauge: &Gauge) -> f64 {
    let (begun, before) = (Instant::now(), gauge.count());
    library.runtime().sleep(work.window).await;
    (gauge.count() - before) as f64 / begun.elapsed().as_secs_f64()
}

/// Until all memory that calls need has been used once, and until a stream has filled what it may.
const SETTLE: Duration = Duration::from_millis(300);
