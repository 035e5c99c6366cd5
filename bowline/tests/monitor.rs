//! Monitors: which events come, in which order, with which reasons.

mod common;

use std::io::ErrorKind;
use std::time::Duration;

use bowline::auth::Code;
use bowline::error::HandshakeStage;
use bowline::{
    DisconnectReason, Mechanism, Monitor, MonitorKind, PlainCredentials, ProtocolError, Pub, Pull, Push, Reconnect,
};
use common::{At, Script, endpoint_of, quick, settle, usual, within};

fn plain(username: &str, password: &str) -> PlainCredentials {
    PlainCredentials::new(username, password).unwrap()
}

/// The next event is a loss or a stop for this reason.
async fn gone(monitor: &mut Monitor, kind: MonitorKind) {
    assert_eq!(monitor.event().await.kind, kind);
}

for_each_transport! {
    bytes async fn a_bound_socket_tells_of_each_connection_from_accept_to_end(at: At) {
        let pull = Pull::with_options(usual());
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(at.any()).await.unwrap();
        let listening = monitor.event().await;
        assert_eq!((listening.kind.name(), endpoint_of(&listening)), ("listening", endpoint.clone()));
        let mut previous = None;
        for _ in 0..3 {
            let push = Push::with_options(usual());
            push.connect(&endpoint).unwrap();
            let accepted = monitor.event().await;
            assert_eq!((accepted.kind.name(), endpoint_of(&accepted)), ("accepted", endpoint.clone()));
            let known = monitor.event().await;
            assert_eq!((known.kind.name(), known.connection), ("handshake_succeeded", accepted.connection));
            let ready = monitor.event().await;
            assert_eq!((ready.kind.name(), ready.connection), ("ready", accepted.connection));
            // No connection has the number of an earlier one.
            assert!(accepted.connection > previous);
            previous = accepted.connection;
            push.close().await;
            let lost = monitor.event().await;
            assert_eq!((lost.kind, lost.connection), (MonitorKind::Disconnected(DisconnectReason::PeerClosed), previous));
            assert!(listening.time <= accepted.time && accepted.time <= ready.time && ready.time <= lost.time);
        }
        pull.close().await;
        assert_eq!(monitor.rest().await, ["closed", "stopped"]);
    }

    bytes async fn a_connecting_socket_tells_of_each_attempt_and_of_its_end(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(quick()));
        let mut monitor = push.monitor();
        let endpoint = pull.bind(at.any()).await.unwrap();
        push.connect(&endpoint).unwrap();
        monitor.expect(&["connecting", "connected", "handshake_succeeded", "ready"]).await;
        pull.close().await;
        gone(&mut monitor, MonitorKind::Disconnected(DisconnectReason::PeerClosed)).await;
        monitor.expect(&["connect_retried", "connecting", "connect_retried"]).await;
        push.close().await;
        assert_eq!(monitor.rest().await.split_off_last(), ["connect_stopped", "stopped"]);

        let (pull, push) = (Pull::with_options(usual()), Push::with_options(usual()));
        let mut monitor = push.monitor();
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        monitor.skip_to("ready").await;
        push.close().await;
        gone(&mut monitor, MonitorKind::Disconnected(DisconnectReason::LocalClose)).await;
        gone(&mut monitor, MonitorKind::ConnectStopped(DisconnectReason::LocalClose)).await;
        assert_eq!(monitor.rest().await, ["stopped"]);
    }

    async fn socket_types_that_do_not_go_together_fail_the_handshake_on_both_sides(at: At) {
        let (publisher, push) = (Pub::with_options(usual()), Push::with_options(quick()));
        let (mut ours, mut theirs) = (publisher.monitor(), push.monitor());
        push.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
        for (monitor, us, them) in [
            (&mut ours, bowline::SocketType::Pub, bowline::SocketType::Push),
            (&mut theirs, bowline::SocketType::Push, bowline::SocketType::Pub),
        ] {
            let event = monitor.skip_to("handshake_failed").await.kind;
            let reason = ProtocolError::IncompatibleSocketType { ours: us, theirs: them }.into();
            let refused = DisconnectReason::HandshakeRefused { reason: "incompatible-socket-type".into() };
            let MonitorKind::HandshakeFailed { stage, reason: told } = event else { unreachable!() };
            assert_eq!(stage, HandshakeStage::Ready);
            // Whoever reads the other's READY first sees for itself; the other may be told instead.
            assert!(told == reason || told == refused, "{told:?}");
        }
    }

    async fn stopped_is_the_last_event_and_the_end(at: At) {
        let push = Push::with_options(quick());
        let mut early = push.monitor();
        push.bind(at.any()).await.unwrap();
        push.connect(at.place()).unwrap();
        let mut late = push.monitor();
        push.close().await;
        assert_eq!(early.rest().await.pop(), Some("stopped"));
        assert_eq!(late.rest().await.pop(), Some("stopped"));
        assert!(early.next().await.is_none());
        assert!(push.monitor().next().await.is_none());
    }
}

/// The last two of many.
trait Last {
    fn split_off_last(self) -> Vec<&'static str>;
}

impl Last for Vec<&'static str> {
    fn split_off_last(mut self) -> Vec<&'static str> {
        self.split_off(self.len().saturating_sub(2))
    }
}

#[tokio::test]
async fn in_process_the_same_events_come() {
    within("in_process_the_same_events_come", async {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(quick()));
        let (mut bound, mut connected) = (pull.monitor(), push.monitor());
        let place = pull.bind(At::Inproc.place()).await.unwrap();
        push.connect(&place).unwrap();
        bound.expect(&["listening", "accepted", "handshake_succeeded", "ready"]).await;
        connected.expect(&["connecting", "connected", "handshake_succeeded", "ready"]).await;
        pull.close().await;
        assert_eq!(bound.rest().await.len(), 3);
        gone(&mut connected, MonitorKind::Disconnected(DisconnectReason::PeerClosed)).await;
        connected.expect(&["connect_retried"]).await;
        push.close().await;
        assert_eq!(connected.rest().await, ["connect_stopped", "stopped"]);
    })
    .await;
}

#[tokio::test]
async fn a_refused_port_is_tried_again_after_growing_delays() {
    within("a_refused_port_is_tried_again_after_growing_delays", async {
        let (min, max) = (Duration::from_millis(2), Duration::from_millis(16));
        let push = Push::with_options(usual().reconnect(Reconnect::Exponential { min, max }));
        let mut monitor = push.monitor();
        push.connect(At::Tcp.place()).unwrap();
        for (number, base) in (1..).zip([2, 4, 8, 16, 16]) {
            let connecting = monitor.event().await;
            assert_eq!((connecting.kind, connecting.attempt), (MonitorKind::Connecting, Some(number)));
            let MonitorKind::ConnectRetried { delay, cause } = monitor.event().await.kind else {
                panic!("it was to be tried again")
            };
            assert_eq!(cause, Some(common::REFUSED));
            let base = Duration::from_millis(base);
            assert!((base..=2 * base).contains(&delay), "{delay:?} for a base of {base:?}");
        }
    })
    .await;
}

// A page has no files.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn a_missing_ipc_file_is_tried_again_until_it_is_there() {
    within("a_missing_ipc_file_is_tried_again_until_it_is_there", async {
        let push = Push::with_options(quick());
        let mut monitor = push.monitor();
        let place = push.connect(At::Ipc.place()).unwrap();
        monitor.expect(&["connecting"]).await;
        let retried = monitor.event().await.kind;
        assert!(matches!(retried, MonitorKind::ConnectRetried { cause: Some(ErrorKind::NotFound), .. }), "{retried:?}");
        let pull = Pull::with_options(usual());
        pull.bind(&place).await.unwrap();
        monitor.peers(1).await;
    })
    .await;
}

#[tokio::test]
async fn plain_admits_who_knows_a_password_and_says_who_it_is() {
    within("plain_admits_who_knows_a_password_and_says_who_it_is", async {
        let users = vec![plain("ann", "secret"), plain("bob", "")];
        let pull = Pull::with_options(usual().mechanism(Mechanism::PlainServer(users)));
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        for (user, password) in [("ann", "secret"), ("bob", "")] {
            let push = Push::with_options(quick().mechanism(Mechanism::PlainClient(plain(user, password))));
            push.connect(&endpoint).unwrap();
            let peer = monitor.skip_to("handshake_succeeded").await.peer.expect("who it is");
            assert_eq!((peer.mechanism, peer.user.as_deref()), ("PLAIN", Some(user)));
            push.send("hello").await.unwrap();
            assert_eq!(common::text(&pull.recv().await.unwrap()), ["hello"]);
        }
    })
    .await;
}

#[tokio::test]
async fn plain_refuses_who_knows_none_and_that_one_asks_no_more() {
    within("plain_refuses_who_knows_none_and_that_one_asks_no_more", async {
        let users = vec![plain("ann", "secret")];
        let pull = Pull::with_options(usual().mechanism(Mechanism::PlainServer(users)));
        let mut server = pull.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        let push = Push::with_options(quick().mechanism(Mechanism::PlainClient(plain("ann", "guess"))));
        let mut client = push.monitor();
        push.connect(&endpoint).unwrap();
        let refusal = server.refusal().await;
        assert_eq!((refusal.name(), refusal.code()), ("unauthorized", Some(Code::Credentials)));
        client.expect(&["connecting", "connected"]).await;
        let refused = DisconnectReason::HandshakeRefused { reason: "400".into() };
        let stage = HandshakeStage::Security;
        gone(&mut client, MonitorKind::HandshakeFailed { stage, reason: refused.clone() }).await;
        gone(&mut client, MonitorKind::ConnectStopped(refused)).await;
        assert!(push.try_send("nobody").is_err());

        // Mechanisms that differ are a failure too, on both sides, and may be put right: it is tried again.
        let null = Push::with_options(quick());
        let mut client = null.monitor();
        null.connect(&endpoint).unwrap();
        let mismatch = |ours, theirs: &str| ProtocolError::MechanismMismatch { ours, theirs: theirs.into() }.into();
        assert_eq!(server.refusal().await, mismatch("PLAIN", "NULL"));
        assert_eq!(client.refusal().await, mismatch("NULL", "PLAIN"));
        client.expect(&["connect_retried"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_monitor_that_lags_hears_how_much_it_missed_and_still_the_last_event() {
    within("a_monitor_that_lags_hears_how_much_it_missed_and_still_the_last_event", async {
        let push = Push::with_options(usual());
        let (mut slow, mut fast) = (push.monitor(), push.monitor());
        let mut all = 0;
        for _ in 0..1000 {
            let endpoint = push.bind(At::Inproc.place()).await.unwrap();
            push.unbind(endpoint).await.unwrap();
            fast.expect(&["listening", "closed"]).await;
            all += 2;
        }
        push.close().await;
        let (mut heard, mut missed, mut last) = (0, 0, String::new());
        while let Some(event) = slow.next().await {
            match event.kind {
                MonitorKind::Lagged(n) => missed += n,
                kind => {
                    heard += 1;
                    kind.name().clone_into(&mut last);
                }
            }
        }
        assert!(missed > 0 && heard > 1000, "{missed} {heard}");
        assert_eq!(heard + missed, all + 1);
        assert_eq!(last, "stopped");
        assert_eq!(fast.rest().await, ["stopped"]);
    })
    .await;
}

#[tokio::test]
async fn a_monitor_that_nobody_reads_holds_nothing_up() {
    within("a_monitor_that_nobody_reads_holds_nothing_up", async {
        let pull = Pull::with_options(usual());
        let _never_read = pull.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        for n in 0..600 {
            let push = Push::with_options(usual());
            push.connect(&endpoint).unwrap();
            push.send(n.to_string()).await.unwrap();
            assert_eq!(common::number(&pull.recv().await.unwrap()), n);
            drop(push);
        }
        settle().await;
    })
    .await;
}
