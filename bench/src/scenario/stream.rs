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
        runtime.sleep(Duration::from_secs(3600)).await;
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
    loop {
        socket.send().await?;
    }
}

async fn count<S: Socket>(mut socket: S, gauge: &Gauge, index: usize) -> Result<()> {
    let counter = gauge.counter(index);
    let mut count = 0;
    loop {
        count += socket.recv().await?;
        counter.set(count);
    }
}
