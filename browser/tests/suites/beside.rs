//! A page and the sockets of another process, which is built natively: by WebSocket, as in use.

use std::time::Duration;

use bowline::error::WsFault;
use bowline::{
    AnySocket, DisconnectReason, Message, MonitorKind, Options, Pull, Push, SocketType, Sub, TransportState,
};
use web_time::Instant;

use crate::shared::native::{BesideClient, How, Stranger, beside};
use crate::shared::{Script, glance, parts, quick, text, within};

fn how(socket_type: SocketType) -> How {
    How { socket_type: socket_type.to_string(), ..How::default() }
}

async fn bind(beside: &BesideClient, how: How) -> (u32, String) {
    beside.bind(how, None).await.expect("it is bound")
}

/// What the page has taken of the memory there is, in bytes.
fn memory() -> usize {
    core::arch::wasm32::memory_size(0) << 16
}

/// A message of three parts, the second of that many bytes.
fn large(size: u32) -> Vec<Vec<u8>> {
    let body = (0..size).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    vec![b"first".to_vec(), body, Vec::new()]
}

fn is_same(message: &[Vec<u8>], expected: &[Vec<u8>]) {
    assert_eq!(message.len(), expected.len());
    assert!(message == expected, "another message of {} bytes", expected[1].len());
}

fn bodies(message: &Message) -> Vec<Vec<u8>> {
    message.parts().iter().map(|part| part.to_vec()).collect()
}

const SIZES: [u32; 9] = [0, 1, 255, 256, 8_191, 65_535, 65_536, 262_144, 1_000_000];

#[tokio::test]
async fn messages_of_every_size_go_to_all_types_that_take_some() {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Router, Sub, XPub, XSub};
    within("messages_of_every_size_go_to_all_types_that_take_some", async {
        let beside = beside().await;
        for (ours, theirs) in [
            (Push, Pull),
            (Pub, Sub),
            (XPub, Sub),
            (Pub, XSub),
            (Pair, Pair),
            (Dealer, Dealer),
            (Dealer, Router),
            (XSub, XPub),
        ] {
            let (number, place) = bind(&beside, how(theirs)).await;
            let socket = AnySocket::new(ours, quick());
            socket.connect(place.as_str()).unwrap();
            match theirs {
                Sub => beside.subscribe(number).await.unwrap(),
                XSub => beside.send(number, vec![vec![1]]).await.unwrap(),
                _ => socket.wait_for_peer().await,
            }
            if matches!(theirs, Sub | XSub) {
                socket.wait_for_subscriber().await;
            }
            for size in SIZES {
                let message = large(size);
                socket.send(message.iter().cloned().collect::<Message>()).await.unwrap();
                let mut came = beside.recv(number).await.unwrap();
                if theirs == Router {
                    came.remove(0);
                }
                is_same(&came, &message);
            }
            socket.close().await;
            beside.close(number).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn messages_of_every_size_come_from_all_types_that_send_some() {
    use SocketType::{Dealer, Pair, Pub, Pull, Push, Sub, XPub, XSub};
    within("messages_of_every_size_come_from_all_types_that_send_some", async {
        let beside = beside().await;
        for (ours, theirs) in
            [(Pull, Push), (Sub, Pub), (Sub, XPub), (XSub, Pub), (Pair, Pair), (Dealer, Dealer), (XPub, XSub)]
        {
            let (number, place) = bind(&beside, how(theirs)).await;
            let socket = AnySocket::new(ours, quick());
            socket.connect(place.as_str()).unwrap();
            beside.event(number, "ready".to_owned()).await.unwrap();
            match ours {
                Sub => socket.subscribe("").unwrap(),
                XSub => socket.send(&b"\x01"[..]).await.unwrap(),
                _ => {}
            }
            if matches!(ours, Sub | XSub) && theirs == Pub {
                beside.subscribed(number).await.unwrap();
            } else if theirs == XPub {
                assert_eq!(beside.recv(number).await.unwrap(), [[1]]);
            }
            for size in SIZES {
                let message = large(size);
                beside.send(number, message.clone()).await.unwrap();
                is_same(&bodies(&socket.recv().await.unwrap()), &message);
            }
            socket.close().await;
            beside.close(number).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn requests_and_replies_go_both_ways() {
    use SocketType::{Dealer, Rep, Req, Router};
    within("requests_and_replies_go_both_ways", async {
        let beside = beside().await;
        for theirs in [Rep, Router] {
            let (number, place) = bind(&beside, how(theirs)).await;
            let req = AnySocket::new(Req, quick());
            req.connect(place.as_str()).unwrap();
            for n in 0..100 {
                req.send(n.to_string()).await.unwrap();
                // As a ROUTER it has to name who asked, which is what it has been told.
                let request = beside.recv(number).await.unwrap();
                beside.send(number, request).await.unwrap();
                assert_eq!(text(&req.recv().await.unwrap()), [n.to_string()]);
            }
            req.close().await;
            beside.close(number).await.unwrap();
        }
        for (ours, theirs) in [(Rep, Req), (Rep, Dealer), (Router, Req), (Router, Dealer)] {
            let (number, place) = bind(&beside, how(theirs)).await;
            let socket = AnySocket::new(ours, quick());
            socket.connect(place.as_str()).unwrap();
            for n in 0..100_u8 {
                let envelope = if theirs == Dealer { vec![Vec::new()] } else { Vec::new() };
                let request = [envelope, vec![vec![n]]].concat();
                beside.send(number, request.clone()).await.unwrap();
                let asked = socket.recv().await.unwrap();
                assert_eq!(bodies(&asked).last(), Some(&vec![n]));
                socket.send(asked).await.unwrap();
                assert_eq!(beside.recv(number).await.unwrap(), request);
            }
            socket.close().await;
            beside.close(number).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_flood_comes_whole_and_goes_whole() {
    within("a_flood_comes_whole_and_goes_whole", async {
        let beside = beside().await;
        let (number, place) = bind(&beside, how(SocketType::Push)).await;
        let pull = Pull::with_options(quick());
        pull.connect(place.as_str()).unwrap();
        let flood = tokio::spawn(beside.flood(number, 50_000, 16));
        let mut received = Vec::new();
        while received.len() < 50_000 {
            pull.recv_many(&mut received, 1_000).await.unwrap();
        }
        flood.await.unwrap().unwrap();
        assert!(received.iter().all(|message| message.parts()[0] == [7; 16][..]));
        pull.close().await;
        beside.close(number).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_goes_and_comes_back_is_told_and_found_and_subscribed_to_again() {
    within("a_peer_that_goes_and_comes_back_is_told_and_found_and_subscribed_to_again", async {
        let beside = beside().await;
        let (mut number, place) = bind(&beside, how(SocketType::Pub)).await;
        let sub = Sub::with_options(quick());
        let (mut monitor, mut state) = (sub.monitor(), sub.state());
        assert_eq!(state.current(), TransportState::Disconnected);
        sub.subscribe("").unwrap();
        sub.connect(place.as_str()).unwrap();
        monitor.expect(&["connecting", "connected", "handshake_succeeded", "ready"]).await;
        for round in 0..3 {
            assert_eq!(state.current(), TransportState::Connected);
            beside.subscribed(number).await.unwrap();
            beside.send(number, vec![vec![round]]).await.unwrap();
            assert_eq!(bodies(&sub.recv().await.unwrap()), [[round]]);
            beside.close(number).await.unwrap();
            assert_eq!(monitor.event().await.kind, MonitorKind::Disconnected(DisconnectReason::PeerClosed));
            monitor.expect(&["connect_retried"]).await;
            assert_eq!(state.current(), TransportState::Connecting);
            number = beside.bind(how(SocketType::Pub), Some(place.clone())).await.unwrap().0;
            monitor.skip_to("ready").await;
        }
        sub.close().await;
        assert!(beside.event(number, "disconnected".to_owned()).await.unwrap().contains("PeerClosed"));
        beside.close(number).await.unwrap();
    })
    .await;
}

/// Heartbeats that give a peer up after so long.
fn beating(time: Duration) -> Options {
    quick().heartbeat_interval(Some(time)).heartbeat_timeout(Some(time))
}

#[tokio::test]
async fn a_silent_peer_is_given_up_again_and_again() {
    within("a_silent_peer_is_given_up_again_and_again", async {
        let place = beside().await.stranger(Stranger::IsSilent).await.unwrap();
        let push = Push::with_options(beating(Duration::from_millis(50)));
        let mut monitor = push.monitor();
        push.connect(place.as_str()).unwrap();
        for _ in 0..3 {
            monitor.peers(1).await;
            assert_eq!(monitor.loss().await, DisconnectReason::HeartbeatTimeout);
        }
        push.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_page_that_stands_still_is_given_up_and_comes_back() {
    within("a_page_that_stands_still_is_given_up_and_comes_back", async {
        let beside = beside().await;
        let heartbeat = Some(Duration::from_secs(1));
        let (number, place) = bind(&beside, How { heartbeat, ..how(SocketType::Pull) }).await;
        let push = Push::with_options(quick());
        let mut monitor = push.monitor();
        push.connect(place.as_str()).unwrap();
        monitor.peers(1).await;
        // As a handler of an event that does not return.
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(4) {}
        assert_eq!(beside.event(number, "disconnected".to_owned()).await.unwrap(), "Disconnected(HeartbeatTimeout)");
        let told = monitor.loss().await;
        assert!(matches!(told, DisconnectReason::PeerClosed | DisconnectReason::Ws(_)), "{told:?}");
        push.send("here again").await.unwrap();
        assert_eq!(beside.recv(number).await.unwrap(), [b"here again"]);
        push.close().await;
        beside.close(number).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn how_the_other_side_ends_a_connection_is_a_typed_reason() {
    within("how_the_other_side_ends_a_connection_is_a_typed_reason", async {
        let beside = beside().await;
        for (how, reason) in [
            (Stranger::Closes(1000), DisconnectReason::PeerClosed),
            (Stranger::Closes(1001), DisconnectReason::PeerClosed),
            (Stranger::Closes(1002), DisconnectReason::Ws(WsFault::Closed(1002))),
            (Stranger::Closes(1009), DisconnectReason::Ws(WsFault::Closed(1009))),
            (Stranger::Closes(1011), DisconnectReason::Ws(WsFault::Closed(1011))),
            (Stranger::Closes(4711), DisconnectReason::Ws(WsFault::Closed(4711))),
            (Stranger::BreaksOff, DisconnectReason::Ws(WsFault::Cut)),
        ] {
            let push = Push::with_options(quick());
            let mut monitor = push.monitor();
            push.connect(beside.stranger(how).await.unwrap().as_str()).unwrap();
            monitor.peers(1).await;
            assert_eq!(monitor.loss().await, reason, "{how:?}");
            // Whatever it was, it is tried again.
            monitor.peers(1).await;
            push.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_holds_the_page_up_and_nothing_is_lost() {
    within("a_peer_that_does_not_read_holds_the_page_up_and_nothing_is_lost", async {
        let beside = beside().await;
        let (number, place) = bind(&beside, How { hwm: Some(1), ..how(SocketType::Pull) }).await;
        let push = Push::with_options(quick().send_hwm(10));
        push.connect(place.as_str()).unwrap();
        push.wait_for_peer().await;
        let before = memory();
        let body = "x".repeat(64 * 1024);
        let mut sent = 0;
        loop {
            let message = parts([&sent.to_string(), &body]);
            // What the systems of both sides keep is full when there was no room for long.
            let Ok(taken) = tokio::time::timeout(Duration::from_secs(1), push.send(message)).await else { break };
            taken.unwrap();
            sent += 1;
        }
        assert!(sent > 10 && sent < 1_000, "{sent} messages of 64 KiB were taken");
        let mut waiting = push.send(parts([&sent.to_string(), &body]));
        assert!(glance(&mut waiting).await.is_none(), "it waits");
        let grown = memory() - before;
        assert!(grown < 16 << 20, "the page took {grown} bytes for {sent} messages");
        for n in 0..sent {
            assert_eq!(beside.recv(number).await.unwrap()[0], n.to_string().into_bytes());
        }
        waiting.await.unwrap();
        assert_eq!(beside.recv(number).await.unwrap()[0], sent.to_string().into_bytes());
        push.close().await;
        beside.close(number).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_a_page_does_not_read_is_kept_up_to_a_limit() {
    within("what_a_page_does_not_read_is_kept_up_to_a_limit", async {
        let beside = beside().await;
        let (number, place) = bind(&beside, how(SocketType::Push)).await;
        let pull = Pull::with_options(quick().recv_hwm(1).reconnect(bowline::Reconnect::Never));
        let mut monitor = pull.monitor();
        pull.connect(place.as_str()).unwrap();
        monitor.peers(1).await;
        let before = memory();
        // Far more than that.
        let flood = tokio::spawn(beside.flood(number, 2_000, 64 * 1024));
        // The other side hears of it at once, and the page with the next message that it receives.
        beside.event(number, "disconnected".to_owned()).await.unwrap();
        let grown = memory() - before;
        assert!(grown < 16 << 20, "the page took {grown} bytes");
        let mut received = 0;
        let loss = monitor.loss();
        tokio::pin!(loss);
        let reason = loop {
            tokio::select! {
                reason = &mut loss => break reason,
                Ok(_) = pull.recv() => received += 1,
            }
        };
        assert_eq!(reason, DisconnectReason::Ws(WsFault::Overrun));
        assert!(received < 100, "{received} messages of 64 KiB were kept");
        pull.close().await;
        beside.close(number).await.unwrap();
        flood.await.unwrap().unwrap();
    })
    .await;
}
