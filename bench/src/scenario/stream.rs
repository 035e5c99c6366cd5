//! Messages that go one way: PUSH to PULL, PUB to SUB.

use std::sync::Arc;
use std::time::Duration;

use super::{Gauge, role};
use crate::Result;
use crate::case::Work;
use crate::peers::{Kind, Library, Socket};

/// Receives as fast as it can, for ever.
pub(super) async fn pull<L: Library>(library: L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let mut socket = library.open(role(work, Kind::Pull)).await?;
    socket.bind(endpoint).await?;
    gauge.bound();
    count(socket, gauge, 0).await
}

/// Sends as fast as it can, for ever.
pub(super) async fn push<L: Library>(library: L, work: &Work, endpoint: &str) -> Result<()> {
    let mut socket = library.open(role(work, Kind::Push)).await?;
    socket.connect(endpoint).await?;
    loop {
        socket.send().await?;
    }
}

/// Receives as fast as it can, for ever, from the side that binds.
pub(super) async fn drain<L: Library>(library: L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let mut socket = library.open(role(work, Kind::Pull)).await?;
    socket.connect(endpoint).await?;
    count(socket, gauge, 0).await
}

/// Sends as fast as it can, for ever, to the side that connects.
pub(super) async fn pour<L: Library>(library: L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let mut socket = library.open(role(work, Kind::Push)).await?;
    socket.bind(endpoint).await?;
    gauge.bound();
    loop {
        socket.send().await?;
    }
}

/// Subscribes so many times, each in a task or thread of its own.
pub(super) async fn subscribe<L: Library>(library: L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let runtime = library.runtime();
    for index in 0..work.case.count {
        let mut socket = library.open(role(work, Kind::Sub)).await?;
        socket.connect(endpoint).await?;
        let gauge = gauge.clone();
        runtime.spawn(async move {
            let outcome = count(socket, &gauge, index).await;
            gauge.report(outcome);
        });
    }
    loop {
        runtime.sleep(Duration::from_hours(1)).await;
    }
}

/// Publishes for ever: now and then until everybody has subscribed, which the first stage says, then as fast as it can.
pub(super) async fn publish<L: Library>(library: L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let mut socket = library.open(role(work, Kind::Pub)).await?;
    socket.bind(endpoint).await?;
    gauge.bound();
    while gauge.stage() < 1 {
        socket.send().await?;
        library.runtime().sleep(Duration::from_millis(1)).await;
    }
    let (waits, ahead) = (work.peer.drops_for_slow_subscribers(), most_ahead(work.case.size));
    let mut sent = 0;
    loop {
        if waits && sent >= gauge.arrived() + ahead {
            library.runtime().sleep(Duration::from_micros(100)).await;
        } else {
            sent += socket.send().await?;
        }
    }
}

/// How far a publisher that drops instead of waiting may be ahead of its slowest subscriber, in messages: much more
/// than arrives from one acknowledgement to the next, and less than its queues hold.
fn most_ahead(size: usize) -> u64 {
    (8 * 1024 * 1024 / size as u64).clamp(64, 20_000)
}

async fn count<S: Socket>(mut socket: S, gauge: &Gauge, index: usize) -> Result<()> {
    let counter = gauge.counter(index);
    let mut count = 0;
    loop {
        count += socket.recv().await?;
        counter.set(count);
    }
}
