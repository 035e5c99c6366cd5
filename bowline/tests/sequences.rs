//! What a monitor hears, event by event: each with the number of its attempt and its peer.

mod common;

use std::io::ErrorKind;
use std::time::Duration;

use bowline::error::HandshakeStage;
use bowline::{
    Dealer, DisconnectReason, Mechanism, Monitor, MonitorKind, Options, Pair, PlainCredentials, Pub, Pull, Push,
    Reconnect, ReconnectStop, Router, Sub,
};
use common::raw::Raw;
use common::{At, Script, brief, quick, settle, usual, within};

/// Options of a socket that makes one attempt only.
fn once() -> Options {
    usual().reconnect(Reconnect::Never)
}

/// Why the endpoint is given up, which is the next event but for those named.
async fn stopped(monitor: &mut Monitor) -> DisconnectReason {
    match monitor.skip_to("connect_stopped").await.kind {
        MonitorKind::ConnectStopped(reason) => reason,
        other => unreachable!("{other:?}"),
    }
}

/// All events up to the end, in brief.
async fn to_the_end(monitor: &mut Monitor) -> Vec<String> {
    let mut briefs = Vec::new();
    while let Some(event) = monitor.next().await {
        briefs.push(brief(&event));
    }
    briefs
}

for_each_transport! {
    bytes async fn a_server_that_restarts_is_found_again_attempt_by_attempt(at: At) {
        let push = Push::with_options(quick());
        let mut monitor = push.monitor();
        let place = push.connect(at.place()).unwrap();
        let mut attempt = 0;
        for _ in 0..3 {
            for _ in 0..3 {
                attempt += 1;
                monitor.follow(&[&format!("connecting {attempt}"), &format!("connect_retried {attempt}")]).await;
            }
            let pull = Pull::with_options(usual());
            pull.bind(&place).await.unwrap();
            // What was under way when it came may still fail.
            loop {
                attempt += 1;
                monitor.follow(&[&format!("connecting {attempt}")]).await;
                let event = monitor.event().await;
                if event.kind.name() == "connected" {
                    break;
                }
                assert_eq!(brief(&event), format!("connect_retried {attempt}"));
            }
            monitor.follow(&[&format!("handshake_succeeded {attempt} PULL"), &format!("ready {attempt} PULL")]).await;
            pull.close().await;
            let lost = monitor.event().await;
            assert_eq!(lost.kind, MonitorKind::Disconnected(DisconnectReason::PeerClosed));
            assert_eq!(brief(&lost), format!("disconnected {attempt} PULL"));
            monitor.follow(&[&format!("connect_retried {attempt}")]).await;
        }
    }

    async fn a_name_that_nobody_is_bound_to_is_waited_for(at: At) {
        if !at.is_inproc() {
            return;
        }
        let push = Push::with_options(quick());
        let mut monitor = push.monitor();
        let place = push.connect(at.place()).unwrap();
        for attempt in 1..4 {
            monitor.follow(&[&format!("connecting {attempt}"), &format!("connect_delayed {attempt}")]).await;
            let pull = Pull::with_options(usual());
            pull.bind(&place).await.unwrap();
            let up = ["connected {}", "handshake_succeeded {} PULL", "ready {} PULL"];
            for event in up {
                monitor.follow(&[&event.replace("{}", &attempt.to_string())]).await;
            }
            pull.close().await;
            let down = ["disconnected {} PULL", "connect_retried {}"];
            for event in down {
                monitor.follow(&[&event.replace("{}", &attempt.to_string())]).await;
            }
        }
    }

    bytes async fn a_password_that_is_refused_is_told_on_both_sides_and_not_tried_again(at: At) {
        let plain = |password| PlainCredentials::new("ann", password).unwrap();
        let pull = Pull::with_options(usual().mechanism(Mechanism::PlainServer(vec![plain("secret")])));
        let push = Push::with_options(quick().mechanism(Mechanism::PlainClient(plain("guess"))));
        let (mut theirs, mut ours) = (pull.monitor(), push.monitor());
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        ours.follow(&["connecting 1", "connected 1", "handshake_failed 1"]).await;
        let refused = DisconnectReason::HandshakeRefused { reason: "400".into() };
        let stopped = ours.event().await;
        assert_eq!((brief(&stopped).as_str(), stopped.kind), ("connect_stopped 1", MonitorKind::ConnectStopped(refused)));
        push.close().await;
        assert_eq!(to_the_end(&mut ours).await, ["stopped"]);
        pull.close().await;
        assert_eq!(to_the_end(&mut theirs).await, ["listening", "accepted", "handshake_failed", "closed", "stopped"]);
    }

    bytes async fn another_mechanism_is_told_on_both_sides_and_tried_again_unless_that_stops_it(at: At) {
        let plain = PlainCredentials::new("ann", "secret").unwrap();
        let pull = Pull::with_options(usual().mechanism(Mechanism::PlainServer(vec![plain])));
        let mut theirs = pull.monitor();
        let endpoint = pull.bind(at.any()).await.unwrap();
        let push = Push::with_options(quick());
        let mut ours = push.monitor();
        push.connect(&endpoint).unwrap();
        for attempt in 1..4 {
            for event in ["connecting", "connected", "handshake_failed", "connect_retried"] {
                ours.follow(&[&format!("{event} {attempt}")]).await;
            }
        }
        push.close().await;
        theirs.follow(&["listening", "accepted", "handshake_failed", "accepted", "handshake_failed"]).await;

        let strict = Push::with_options(quick().reconnect_stop(ReconnectStop::default().protocol_error(true)));
        let mut ours = strict.monitor();
        strict.connect(&endpoint).unwrap();
        ours.follow(&["connecting 1", "connected 1", "handshake_failed 1", "connect_stopped 1"]).await;
    }

    async fn a_second_peer_of_a_pair_succeeds_in_its_handshake_and_is_never_ready(at: At) {
        let (pair, first, second) = (Pair::with_options(usual()), Pair::with_options(usual()), Pair::with_options(once()));
        let (mut ours, mut theirs) = (pair.monitor(), second.monitor());
        let endpoint = pair.bind(at.any()).await.unwrap();
        first.connect(&endpoint).unwrap();
        ours.follow(&["listening", "accepted", "handshake_succeeded PAIR", "ready PAIR"]).await;
        second.connect(&endpoint).unwrap();
        let accepted = ours.event().await;
        ours.follow(&["handshake_succeeded PAIR"]).await;
        let refused = ours.event().await;
        assert_eq!((brief(&refused).as_str(), refused.connection), ("disconnected PAIR", accepted.connection));
        assert_eq!(refused.kind, MonitorKind::Disconnected(DisconnectReason::PairTaken));
        theirs.follow(&["connecting 1", "connected 1", "handshake_succeeded 1 PAIR", "ready 1 PAIR"]).await;
        theirs.follow(&["disconnected 1 PAIR", "connect_stopped 1"]).await;
        assert_eq!((pair.peers().len(), second.is_connected()), (1, false));
        pair.close().await;
        let end = to_the_end(&mut ours).await;
        assert_eq!(end.iter().filter(|event| *event == "disconnected PAIR").count(), 1, "{end:?}");
    }

    async fn a_second_peer_of_an_identity_succeeds_in_its_handshake_and_is_never_ready(at: At) {
        let ann = |options: Options| Dealer::with_options(options.identity("ann".parse().unwrap()));
        let (router, first, second) = (Router::with_options(usual()), ann(usual()), ann(once()));
        let (mut ours, mut theirs) = (router.monitor(), second.monitor());
        let endpoint = router.bind(at.any()).await.unwrap();
        first.connect(&endpoint).unwrap();
        ours.follow(&["listening", "accepted", "handshake_succeeded DEALER", "ready DEALER"]).await;
        second.connect(&endpoint).unwrap();
        ours.follow(&["accepted", "handshake_succeeded DEALER"]).await;
        let refused = ours.event().await;
        assert_eq!(refused.kind, MonitorKind::Disconnected(DisconnectReason::IdentityTaken));
        assert_eq!(refused.peer.expect("who it was").identity, "ann");
        theirs.follow(&["connecting 1", "connected 1", "handshake_succeeded 1 ROUTER", "ready 1 ROUTER"]).await;
        theirs.follow(&["disconnected 1 ROUTER", "connect_stopped 1"]).await;
        assert_eq!(router.peers().len(), 1);
    }

    async fn an_endpoint_that_cannot_be_bound_is_told_and_leaves_nothing(at: At) {
        let (first, second) = (Pull::with_options(usual()), Pull::with_options(usual()));
        let endpoint = first.bind(at.any()).await.unwrap();
        let mut monitor = second.monitor();
        second.bind(&endpoint).await.unwrap_err();
        let failed = monitor.event().await;
        assert_eq!((failed.endpoint, failed.kind), (Some(endpoint), MonitorKind::BindFailed(ErrorKind::AddrInUse)));
        assert_eq!(second.monitor_with_snapshot().0, bowline::Snapshot::default());
        second.close().await;
        assert_eq!(to_the_end(&mut monitor).await, ["stopped"]);
    }

    async fn what_stops_an_endpoint_is_told(at: At) {
        // We do: while it is connected, and while it waits for its next attempt.
        for is_connected in [true, false] {
            let push = Push::with_options(quick());
            let mut monitor = push.monitor();
            let place = push.connect(at.place()).unwrap();
            let pull = Pull::with_options(usual());
            if is_connected {
                pull.bind(&place).await.unwrap();
                monitor.peers(1).await;
            } else {
                monitor.skip_to(if at.is_inproc() { "connect_delayed" } else { "connect_retried" }).await;
            }
            push.disconnect(&place).unwrap();
            assert_eq!(stopped(&mut monitor).await, DisconnectReason::LocalClose, "connected: {is_connected}");
        }
        // The whole socket goes, with its endpoints.
        for stops in [false, true] {
            let push = Push::with_options(usual().reconnect(Reconnect::Fixed(common::LIMIT)));
            let mut monitor = push.monitor();
            push.connect(at.place()).unwrap();
            monitor.skip_to(if at.is_inproc() { "connect_delayed" } else { "connect_retried" }).await;
            if stops {
                push.stop();
            } else {
                push.close().await;
            }
            assert_eq!(stopped(&mut monitor).await, DisconnectReason::LocalClose, "stops: {stops}");
        }
        // The policy does, for the reason that was the last.
        let (push, pull) = (Push::with_options(once()), Pull::with_options(usual()));
        let mut monitor = push.monitor();
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        monitor.peers(1).await;
        pull.close().await;
        assert_eq!(stopped(&mut monitor).await, DisconnectReason::PeerClosed);
    }

    async fn who_subscribes_to_what_is_told_with_the_peer_and_after_it_is_ready(at: At) {
        for publisher_binds in [true, false] {
            let (publisher, sub) = (Pub::with_options(quick()), Sub::with_options(quick()));
            sub.subscribe("early").unwrap();
            let mut monitor = publisher.monitor();
            let attempt = if publisher_binds {
                sub.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
                monitor.expect(&["listening", "accepted"]).await;
                ""
            } else {
                publisher.connect(sub.bind(at.any()).await.unwrap()).unwrap();
                monitor.expect(&["connecting", "connected"]).await;
                " 1"
            };
            monitor.follow(&[&format!("handshake_succeeded{attempt} SUB"), &format!("ready{attempt} SUB")]).await;
            let peer = publisher.peers()[0].connection;
            let told = |event: bowline::MonitorEvent| {
                assert_eq!(event.connection, Some(peer));
                assert_eq!(event.peer.clone().expect("who it is").socket_type.to_string(), "SUB");
                event.kind
            };
            assert_eq!(told(monitor.event().await), MonitorKind::Subscribed("early".into()));
            for _ in 0..2 {
                sub.subscribe("late").unwrap();
                // Subscriptions count, and only the first and the last of a topic are told.
                sub.subscribe("late").unwrap();
                assert_eq!(told(monitor.event().await), MonitorKind::Subscribed("late".into()));
                sub.unsubscribe("late").unwrap();
                sub.unsubscribe("late").unwrap();
                assert_eq!(told(monitor.event().await), MonitorKind::Unsubscribed("late".into()));
            }
            sub.close().await;
            monitor.follow(&[&format!("disconnected{attempt} SUB")]).await;
        }
    }
}

#[tokio::test]
async fn a_handshake_that_our_close_gives_up_has_failed() {
    within("a_handshake_that_our_close_gives_up_has_failed", async {
        let gave_up = |event: bowline::MonitorEvent| {
            let (stage, reason) = (HandshakeStage::Greeting, DisconnectReason::LocalClose);
            assert_eq!(event.kind, MonitorKind::HandshakeFailed { stage, reason });
        };
        for stops in [false, true] {
            let options = || usual().handshake_timeout(Duration::from_secs(3600));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let push = Push::with_options(options());
            let mut monitor = push.monitor();
            push.connect(At::Tcp.of(&listener)).unwrap();
            let _silent = listener.accept().await.unwrap();
            monitor.follow(&["connecting 1", "connected 1"]).await;
            end(stops, || push.stop(), push.close()).await;
            gave_up(monitor.event().await);
            let stopped = monitor.event().await.kind;
            assert_eq!(stopped, MonitorKind::ConnectStopped(DisconnectReason::LocalClose));
            assert_eq!(to_the_end(&mut monitor).await, ["stopped"]);

            let pull = Pull::with_options(options());
            let mut monitor = pull.monitor();
            let _silent = Raw::connect(&pull.bind(At::Tcp.any()).await.unwrap()).await;
            monitor.follow(&["listening", "accepted"]).await;
            end(stops, || pull.stop(), pull.close()).await;
            gave_up(monitor.skip_to("handshake_failed").await);
            assert_eq!(to_the_end(&mut monitor).await.last().map(String::as_str), Some("stopped"));
        }
    })
    .await;
}

/// Ends a socket in one way or the other.
async fn end(stops: bool, stop: impl FnOnce(), close: impl Future<Output = u64>) {
    if stops {
        stop();
        settle().await;
    } else {
        close.await;
    }
}

// A page is not told why it has not connected, and has no files.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn an_endpoint_that_ran_out_of_attempts_tells_what_the_last_one_met() {
    within("an_endpoint_that_ran_out_of_attempts_tells_what_the_last_one_met", async {
        for (at, met) in [(At::Tcp, ErrorKind::ConnectionRefused), (At::Ipc, ErrorKind::NotFound)] {
            let push = Push::with_options(quick().max_attempts(Some(2)));
            let mut monitor = push.monitor();
            push.connect(at.place()).unwrap();
            monitor.follow(&["connecting 1", "connect_retried 1", "connecting 2"]).await;
            assert_eq!(monitor.event().await.kind, MonitorKind::ConnectStopped(DisconnectReason::Io(met)));
        }
    })
    .await;
}
