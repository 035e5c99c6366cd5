//! Heartbeats: who is silent is lost, who is only slow is not.

mod common;

use std::time::Duration;

use bowline::{Dealer, DisconnectReason, Options, Pull, Push};
use common::raw::{Raw, frame};
use common::{At, Script, number, parts, quick, settle, text, within};

const INTERVAL: Duration = Duration::from_millis(20);

fn beating() -> Options {
    quick().heartbeat_interval(Some(INTERVAL)).heartbeat_timeout(Some(Duration::from_secs(20)))
}

/// Waits for that many PINGs of the socket, and answers each or none.
async fn pings(peer: &mut Raw, n: usize, answer: bool) {
    for _ in 0..n {
        let (flags, body) = peer.frame().await;
        assert!(flags == 4 && body.starts_with(b"\x04PING"), "{flags} {body:?}");
        if answer {
            let context = &body[7..];
            peer.send(frame(4, &[b"\x04PONG", context].concat())).await;
        }
    }
}

#[tokio::test]
async fn idle_peers_with_heartbeats_stay_connected() {
    within("idle_peers_with_heartbeats_stay_connected", async {
        let (server, client) = (Dealer::with_options(beating()), Dealer::with_options(beating()));
        let mut monitor = client.monitor();
        let endpoint = server.bind(At::Tcp.any()).await.unwrap();
        client.connect(&endpoint).unwrap();
        // A third peer, by hand, whose PINGs count the time.
        let mut clock = Raw::connect(&endpoint).await;
        clock.shake_hands("DEALER").await;
        monitor.peers(1).await;
        pings(&mut clock, 50, true).await;
        // The message would go by a new connection, and the monitor would have told of it.
        client.send("still here").await.unwrap();
        assert_eq!(text(&server.recv().await.unwrap()), ["still here"]);
        client.close().await;
        assert_eq!(monitor.rest().await, ["disconnected", "connect_stopped", "stopped"]);
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_lost() {
    within("a_peer_that_answers_no_ping_is_lost", async {
        let server = Dealer::with_options(beating().heartbeat_timeout(Some(INTERVAL)));
        let mut monitor = server.monitor();
        let mut silent = Raw::connect(&server.bind(At::Tcp.any()).await.unwrap()).await;
        silent.shake_hands("DEALER").await;
        monitor.peers(1).await;
        assert_eq!(monitor.loss().await, DisconnectReason::HeartbeatTimeout);
        silent.closed().await;
    })
    .await;
}

#[tokio::test]
async fn a_connecting_socket_leaves_a_silent_peer_and_tries_again() {
    within("a_connecting_socket_leaves_a_silent_peer_and_tries_again", async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Dealer::with_options(beating().heartbeat_timeout(Some(INTERVAL)));
        let mut monitor = client.monitor();
        client.connect(At::Tcp.of(&listener)).unwrap();
        for _ in 0..3 {
            let mut silent = Raw { stream: listener.accept().await.unwrap().0 };
            silent.shake_hands("DEALER").await;
            monitor.peers(1).await;
            assert_eq!(monitor.loss().await, DisconnectReason::HeartbeatTimeout);
            silent.closed().await;
        }
    })
    .await;
}

#[tokio::test]
async fn silence_alone_is_no_reason_without_a_ping() {
    within("silence_alone_is_no_reason_without_a_ping", async {
        let silent_ones = Dealer::with_options(Options::new());
        let mut monitor = silent_ones.monitor();
        let endpoint = silent_ones.bind(At::Tcp.any()).await.unwrap();
        let mut silent = Raw::connect(&endpoint).await;
        silent.shake_hands("DEALER").await;
        monitor.peers(1).await;
        // Time passes at another socket.
        let other = Dealer::with_options(beating());
        let mut clock = Raw::connect(&other.bind(At::Tcp.any()).await.unwrap()).await;
        clock.shake_hands("DEALER").await;
        pings(&mut clock, 10, true).await;
        silent.send(frame(0, b"hello")).await;
        assert_eq!(text(&silent_ones.recv().await.unwrap()), ["hello"]);
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_breaks_its_promise_to_be_heard_is_lost() {
    within("a_peer_that_breaks_its_promise_to_be_heard_is_lost", async {
        let server = Dealer::new();
        let mut monitor = server.monitor();
        let mut peer = Raw::connect(&server.bind(At::Tcp.any()).await.unwrap()).await;
        peer.shake_hands("DEALER").await;
        // A tenth of a second.
        peer.send(frame(4, b"\x04PING\x00\x01ctx")).await;
        assert_eq!(peer.frame().await, (4, b"\x04PONGctx".to_vec()));
        assert_eq!(monitor.loss().await, DisconnectReason::HeartbeatTimeout);
        peer.closed().await;
    })
    .await;
}

// A page by WebSocket takes all that comes, so no inbox of it holds up who sends.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn a_full_inbox_does_not_count_against_the_peer() {
    within("a_full_inbox_does_not_count_against_the_peer", async {
        let pull = Pull::with_options(beating().heartbeat_timeout(Some(Duration::from_millis(500))).recv_hwm(1));
        let push = Push::with_options(beating().send_hwm(1));
        let mut monitor = push.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        push.connect(&endpoint).unwrap();
        monitor.peers(1).await;
        let body = "x".repeat(1 << 20);
        let (mut sent, mut in_vain) = (0, 0);
        while in_vain < 20 {
            match push.try_send(parts([&sent.to_string(), &body])) {
                Ok(()) => (sent, in_vain) = (sent + 1, 0),
                Err(_) => in_vain += 1,
            }
            settle().await;
        }
        // Time passes at another socket: many times the timeout.
        let other = Dealer::with_options(beating());
        let mut clock = Raw::connect(&other.bind(At::Tcp.any()).await.unwrap()).await;
        clock.shake_hands("DEALER").await;
        pings(&mut clock, 60, true).await;
        for n in 0..sent {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
        push.send(parts(["still the same connection", ""])).await.unwrap();
        pull.recv().await.unwrap();
        push.close().await;
        assert_eq!(monitor.rest().await, ["disconnected", "connect_stopped", "stopped"]);
    })
    .await;
}
