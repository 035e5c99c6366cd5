//! What the application knows of its network: attempts wait while there is none, and come at once when it is back.

mod common;

use std::time::Duration;

use bowline::{Monitor, MonitorKind, Options, Pull, Push, Reconnect};
use common::At;
use futures_util::FutureExt as _;

/// Longer than any test.
const AGES: Duration = Duration::from_secs(3600);

async fn heard(monitor: &mut Monitor, wanted: impl Fn(&MonitorKind) -> bool) {
    let hear = async { while !wanted(&monitor.next().await.expect("the socket is there").kind) {} };
    tokio::time::timeout(Duration::from_secs(30), hear).await.expect("it is told within 30 s");
}

/// Where nobody listens.
async fn nowhere() -> String {
    let pull = Pull::new();
    let endpoint = pull.bind(At::Tcp.any()).await.expect("a port is free").to_string();
    pull.close().await;
    endpoint
}

#[tokio::test]
async fn a_network_that_is_back_cuts_the_delay_short() {
    let endpoint = nowhere().await;
    let push = Push::with_options(Options::new().reconnect(Reconnect::Fixed(AGES)));
    let mut monitor = push.monitor();
    push.connect(endpoint.as_str()).expect("an endpoint");
    heard(&mut monitor, |kind| matches!(kind, MonitorKind::ConnectRetried { .. })).await;

    let pull = Pull::new();
    pull.bind(endpoint.as_str()).await.expect("the port is free again");
    push.set_network(true);
    heard(&mut monitor, |kind| matches!(kind, MonitorKind::Ready)).await;
    push.stop();
}

// A page has no clock that could be moved on.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn without_a_network_no_attempt_is_made_however_long_it_takes() {
    let endpoint = nowhere().await;
    let push = Push::with_options(Options::new().reconnect(Reconnect::Fixed(Duration::from_secs(1))));
    let mut monitor = push.monitor();
    push.set_network(false);
    push.connect(endpoint.as_str()).expect("an endpoint");
    heard(&mut monitor, |kind| matches!(kind, MonitorKind::ConnectRetried { .. })).await;

    tokio::time::pause();
    tokio::time::advance(AGES).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(monitor.next().now_or_never().is_none(), "nothing is tried");

    push.set_network(true);
    let next = monitor.next().await.expect("the socket is there");
    assert_eq!(next.kind, MonitorKind::Connecting);
    push.stop();
}
