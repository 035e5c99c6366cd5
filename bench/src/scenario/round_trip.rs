//! Requests and replies: REQ with REP, DEALER with ROUTER.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::measure::{OVER, RECORD};
use super::{Gauge, role};
use crate::Result;
use crate::case::Work;
use crate::peers::{Kind, Library, Socket};

/// Keeps `window` requests in flight, for ever, and notes how long each took while the stage says so.
pub(super) async fn ask<L: Library>(
    library: L,
    work: &Work,
    endpoint: &str,
    gauge: &Arc<Gauge>,
    kind: Kind,
    window: usize,
) -> Result<()> {
    let mut socket = library.open(role(work, kind)).await?;
    socket.connect(endpoint).await?;
    let counter = gauge.counter(0);
    let mut count = 0;
    // Room for all: growing it would be measured, too.
    let mut latencies = Some(Vec::with_capacity(1 << 21));
    let mut asked = VecDeque::with_capacity(window);
    while asked.len() < window {
        asked.push_back(Instant::now());
        socket.send().await?;
    }
    loop {
        count += socket.recv().await?;
        counter.set(count);
        let now = Instant::now();
        let begun = asked.pop_front().unwrap_or(now);
        match gauge.stage() {
            RECORD => latencies.iter_mut().for_each(|all| all.push((now - begun).as_nanos() as u32)),
            OVER => latencies.take().into_iter().for_each(|all| gauge.deliver(all)),
            _ => {}
        }
        asked.push_back(now);
        socket.send().await?;
    }
}

/// Sends everything back, for ever.
pub(super) async fn answer<L: Library>(
    library: L,
    work: &Work,
    endpoint: &str,
    gauge: &Arc<Gauge>,
    kind: Kind,
) -> Result<()> {
    let mut socket = library.open(role(work, kind)).await?;
    socket.bind(endpoint).await?;
    gauge.bound();
    loop {
        socket.echo().await?;
    }
}
