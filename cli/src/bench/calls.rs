//! A client and a server: calls that return their argument, and a stream of chunks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use bowline::Endpoint;
use bowline::rpc::{Blob, Client, Codec, Limits, Server, Stream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::latency::Latencies;
use super::{Figures, Plan, sides};
use crate::failure::Failure;

#[bowline::service(name = "bowline.bench")]
pub(crate) trait Bench {
    async fn echo(&self, body: Blob) -> Blob;
    async fn chunks(&self) -> impl Stream<Item = Blob>;
}

struct Served {
    chunk: Blob,
}

impl Bench for Served {
    async fn echo(&self, body: Blob) -> Blob {
        body
    }

    async fn chunks(&self) -> impl Stream<Item = Blob> {
        Endless(self.chunk.clone())
    }
}

/// The same item again and again.
struct Endless(Blob);

impl Stream for Endless {
    type Item = Blob;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Blob>> {
        Poll::Ready(Some(self.0.clone()))
    }
}

/// So many calls in flight; each is made again when it is answered.
pub(super) fn calls(plan: &Plan, in_flight: usize) -> Result<Figures, Failure> {
    served(plan, in_flight, async |client: BenchClient| {
        let stage = Arc::new(Stage(AtomicU8::new(Stage::WARM_UP)));
        let body = Blob::from(vec![b'x'; plan.size]);
        let mut callers = JoinSet::new();
        for _ in 0..in_flight {
            callers.spawn(keep_calling(client.clone(), body.clone(), Arc::clone(&stage)));
        }
        tokio::time::sleep(plan.warm_up).await;
        stage.begin(Stage::MEASURED);
        let begin = Instant::now();
        tokio::time::sleep(plan.time).await;
        stage.begin(Stage::OVER);
        let (time, mut latencies) = (begin.elapsed(), Latencies::default());
        while let Some(own) = callers.join_next().await {
            latencies.join(own.map_err(|error| Failure::of(&plan.endpoint, error))??);
        }
        Ok(Figures { messages: latencies.count(), time, latencies })
    })
}

/// What is measured of the calls.
struct Stage(AtomicU8);

impl Stage {
    const WARM_UP: u8 = 0;
    const MEASURED: u8 = 1;
    const OVER: u8 = 2;

    fn begin(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }

    fn now(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The latencies of the calls that were answered while it was measured.
async fn keep_calling(client: BenchClient, body: Blob, stage: Arc<Stage>) -> Result<Latencies, Failure> {
    let mut latencies = Latencies::default();
    loop {
        let asked = Instant::now();
        client.echo(body.clone()).await.map_err(|error| Failure::Error(error.to_string()))?;
        match stage.now() {
            Stage::WARM_UP => {}
            Stage::MEASURED => latencies.add(asked.elapsed()),
            _ => return Ok(latencies),
        }
    }
}

/// A stream from the server, as fast as it goes.
pub(super) fn stream(plan: &Plan) -> Result<Figures, Failure> {
    served(plan, 1, async |client: BenchClient| {
        let failed = |cause: &str| Failure::of(&plan.endpoint, cause);
        let mut chunks = client.chunks();
        let (begin, mut measured_since, mut messages) = (Instant::now(), None, 0);
        loop {
            let chunk = chunks.next().await.ok_or_else(|| failed("the stream ended"))?;
            chunk.map_err(|error| failed(&error.to_string()))?;
            let now = Instant::now();
            match measured_since {
                None if now - begin >= plan.warm_up => measured_since = Some(now),
                None => {}
                Some(since) => {
                    messages += 1;
                    if now - since >= plan.time {
                        return Ok(Figures { messages, time: now - since, latencies: Latencies::default() });
                    }
                }
            }
        }
    })
}

/// What `measure` finds with a client of a server that is on another thread.
fn served<M, F>(plan: &Plan, in_flight: usize, measure: M) -> Result<Figures, Failure>
where
    M: FnOnce(BenchClient) -> F + Send,
    F: Future<Output = Result<Figures, Failure>>,
{
    let limits = limits(plan, in_flight);
    let (tell_place, place) = oneshot::channel::<Endpoint>();
    let (tell_done, done) = oneshot::channel::<()>();
    let failed = |cause: &dyn std::fmt::Display| Failure::of(&plan.endpoint, cause);
    sides::run(
        || async move {
            let Ok(place) = place.await else { return Err(failed(&"the other side could not bind")) };
            let client = Client::builder().endpoint(place).limits(limits).codec(Codec::Raw);
            let client = client.connect().map_err(|error| failed(&error))?;
            client.wait_ready().await.map_err(|error| failed(&error))?;
            let figures = measure(BenchClient::new(client.clone())).await;
            client.close().await;
            let _ = tell_done.send(());
            figures
        },
        || async move {
            let service = BenchServer::new(Served { chunk: vec![b'x'; plan.size].into() });
            let server = Server::builder().service(service).limits(limits);
            let server = server.build().map_err(|error| failed(&error))?;
            let place = server.bind(&plan.endpoint).await.map_err(|error| failed(&error))?;
            let _ = tell_place.send(place);
            // Whether it was measured or failed, the client is gone.
            let _ = done.await;
            server.close().await;
            Ok(())
        },
    )
}

/// The defaults, and more where what is asked for has no room in them.
fn limits(plan: &Plan, in_flight: usize) -> Limits {
    let limits = Limits::default();
    limits
        .max_message(limits.max_message.max(plan.size))
        .streams(limits.streams.max(in_flight))
        .handlers(limits.handlers.max(in_flight))
}
