//! What a page can connect to, and what it is told where it can't.
#![cfg(target_family = "wasm")]

use std::io::ErrorKind;
use std::time::Duration;

use bowline::{BindCause, ConnectCause, Endpoint, Monitor, MonitorKind, Options, Pair, Reconnect, Req};

/// No test takes this long.
const LIMIT: Duration = Duration::from_secs(30);
/// Nobody listens there: no program of a user may.
const NOBODY: &str = "ws://127.0.0.1:1/bowline";

async fn next(monitor: &mut Monitor) -> MonitorKind {
    let next = tokio::time::timeout(LIMIT, monitor.next()).await;
    next.expect("an event comes").expect("the socket is open").kind
}

#[tokio::test]
async fn a_page_can_be_bound_to_in_process_only() {
    let pair = Pair::new();
    for endpoint in ["ws://127.0.0.1:0", "wss://127.0.0.1:0", "tcp://127.0.0.1:0", "ipc://file"] {
        let error = pair.bind(endpoint).await.unwrap_err();
        assert!(matches!(error.cause, BindCause::NoListener), "{error}");
    }
    let bound = pair.bind("inproc://page").await.unwrap();
    assert_eq!(bound, Endpoint::Inproc("page".to_owned()));
}

#[tokio::test]
async fn a_page_reaches_others_by_websocket_only() {
    let pair = Pair::new();
    for endpoint in ["tcp://127.0.0.1:1", "ipc://file"] {
        assert_eq!(pair.connect(endpoint).unwrap_err().cause, ConnectCause::NoTransport);
    }
}

#[tokio::test]
async fn where_nobody_listens_it_is_tried_again() {
    let req = Req::with_options(Options::new().reconnect(Reconnect::Fixed(Duration::from_millis(5))));
    let mut monitor = req.monitor();
    req.connect(NOBODY).unwrap();
    for _ in 0..3 {
        assert!(matches!(next(&mut monitor).await, MonitorKind::Connecting));
        let told = next(&mut monitor).await;
        let refused = matches!(told, MonitorKind::ConnectRetried { cause: Some(ErrorKind::NotConnected), .. });
        assert!(refused, "{told:?}");
    }
    req.close().await;
}

#[tokio::test]
async fn an_attempt_is_given_up_with_its_endpoint() {
    let req = Req::new();
    let mut monitor = req.monitor();
    req.connect(NOBODY).unwrap();
    assert!(matches!(next(&mut monitor).await, MonitorKind::Connecting));
    req.disconnect(NOBODY).unwrap();
    let told = next(&mut monitor).await;
    assert!(matches!(told, MonitorKind::ConnectStopped(bowline::DisconnectReason::LocalClose)), "{told:?}");
    req.close().await;
}
