//! What a call waits for when the connection is full of something else.

use std::sync::Arc;
use std::time::Instant;

use super::super::Gauge;
use super::{body_of, calling, chunks, stay};
use crate::Result;
use crate::case::Work;
use crate::metric::Metric;
use crate::peers::{CHUNK, CallLibrary, Caller, Produce};
use crate::stats::percentile;

/// One call at a time, first alone, then beside a stream that goes as fast as it can.
pub(super) async fn compare<L: CallLibrary>(
    library: &L,
    work: &Work,
    endpoint: &str,
    gauge: &Arc<Gauge>,
) -> Result<()> {
    let client = library.connect(endpoint).await?;
    gauge.counter(0).add_one();
    let idle = slow_calls(&client, work).await?;
    let mut stream = client.chunks(Produce::Shared).await?;
    let counted = gauge.clone();
    library.runtime().spawn(async move {
        let outcome = async {
            loop {
                chunks::next(&mut stream).await?;
                counted.counter(0).add_one();
            }
        };
        counted.report(outcome.await);
    });
    let (before, begun) = (gauge.count(), Instant::now());
    let beside = slow_calls(&client, work).await?;
    let bytes = (gauge.count() - before) as f64 * CHUNK as f64;
    gauge.deliver_values(
        [
            (Metric::Slower, beside / idle),
            (Metric::P99, beside),
            (Metric::Bytes, bytes / begun.elapsed().as_secs_f64()),
        ]
        .into(),
    );
    stay(library.runtime()).await
}

/// In how many microseconds 99 of 100 calls are answered.
async fn slow_calls(client: &impl Caller, work: &Work) -> Result<f64> {
    let mut latencies = Vec::with_capacity(1 << 16);
    let begun = Instant::now();
    let mut asked = begun;
    while asked - begun < work.warm_up + work.window {
        calling::echo(client, body_of(0)).await?;
        let now = Instant::now();
        if asked - begun >= work.warm_up {
            latencies.push((now - asked).as_nanos() as u32);
        }
        asked = now;
    }
    Ok(f64::from(percentile(&mut latencies, 0.99).ok_or("not one call was answered")?) / 1e3)
}
