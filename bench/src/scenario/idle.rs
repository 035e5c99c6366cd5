//! Very many sockets: those that connect to one PULL, and those that do nothing at all.

use std::sync::Arc;
use std::time::Duration;

use super::measure::{CONNECT, SEND};
use super::{Gauge, role, stream};
use crate::Result;
use crate::case::{Placement, Work};
use crate::peers::{Kind, Library, Runtime, Socket};

/// The PULL of all connections, or the sockets that have none.
pub(super) async fn near<L: Library>(library: L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    if work.case.placement != Placement::OneRuntime {
        return stream::pull(library, work, endpoint, gauge).await;
    }
    let runtime = library.runtime();
    // One socket less is measured than is there: a context and its threads belong to the first.
    let _first = library.open(role(work, Kind::Dealer)).await?;
    gauge.bound();
    wait_for(CONNECT, runtime, gauge).await;
    let mut sockets = Vec::with_capacity(work.case.count);
    for _ in 0..work.case.count {
        sockets.push(library.open(role(work, Kind::Dealer)).await?);
        gauge.counter(0).set(sockets.len() as u64);
    }
    loop {
        runtime.sleep(Duration::from_millis(1)).await;
    }
}

/// Connects many sockets, sends one message over each, and when told so sends on all of them as fast as it can, as so
/// many peers would: each in a task of its own. Without tasks a thousand threads would not be a program that anybody
/// writes, so there they send in turn.
pub(super) async fn push_from_many<L: Library>(
    library: L,
    work: &Work,
    endpoint: &str,
    gauge: &Arc<Gauge>,
) -> Result<()> {
    let runtime = library.runtime();
    // One socket less is measured than is there.
    let mut first = library.open(role(work, Kind::Push)).await?;
    first.connect(endpoint).await?;
    first.send().await?;
    wait_for(CONNECT, runtime, gauge).await;
    let mut sockets = Vec::with_capacity(work.case.count);
    for _ in 0..work.case.count {
        let mut socket = library.open(role(work, Kind::Push)).await?;
        socket.connect(endpoint).await?;
        sockets.push(socket);
    }
    for socket in &mut sockets {
        socket.send().await?;
    }
    wait_for(SEND, runtime, gauge).await;
    if runtime == Runtime::Threads {
        loop {
            for socket in &mut sockets {
                socket.send().await?;
            }
        }
    }
    for mut socket in sockets {
        let gauge = gauge.clone();
        runtime.spawn(async move {
            let outcome = async {
                loop {
                    socket.send().await?;
                }
            };
            gauge.report(outcome.await);
        });
    }
    loop {
        runtime.sleep(Duration::from_hours(1)).await;
    }
}

async fn wait_for(stage: u32, runtime: Runtime, gauge: &Gauge) {
    while gauge.stage() < stage {
        runtime.sleep(Duration::from_millis(1)).await;
    }
}
