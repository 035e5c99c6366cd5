//! The peers of a socket as it shows them: who they are, what has passed, what waits, and how to be rid of one.

mod common;

use std::collections::HashSet;

use bowline::{
    ConnectionId, Dealer, DisconnectReason, MonitorKind, Peer, Pub, Pull, Push, RecvError, Router, Sub, UnknownPeer,
};
use common::{Script, number, parts, quick, until, usual};

/// What both dealers show of the one peer that they have.
fn both(one: &Dealer, other: &Dealer) -> (Peer, Peer) {
    let only = |dealer: &Dealer| {
        let mut peers = dealer.peers();
        assert_eq!(peers.len(), 1, "{peers:?}");
        peers.remove(0)
    };
    (only(one), only(other))
}

/// Message counters: sent, received, unsent, unread.
fn counts(peer: &Peer) -> (u64, u64, usize, usize) {
    (peer.sent, peer.received, peer.unsent, peer.unread)
}

for_each_transport! {
    async fn a_peer_is_shown_as_it_announced_itself_while_it_is_there(at: At) {
        let router = Router::with_options(usual());
        let dealer = Dealer::with_options(quick().identity("ann".parse().unwrap()));
        let (mut bound, mut dialed) = (router.monitor(), dealer.monitor());
        assert!(router.peers().is_empty() && !router.is_connected());
        let endpoint = router.bind(at.any()).await.unwrap();
        dealer.connect(&endpoint).unwrap();

        let MonitorKind::Accepted { address } = bound.skip_to("accepted").await.kind else { unreachable!() };
        let ready = bound.skip_to("ready").await;
        let shown = &router.peers()[0];
        assert!(router.is_connected());
        assert_eq!(Some(shown.connection), ready.connection);
        assert_eq!((&shown.endpoint, shown.attempt, shown.since), (&Some(endpoint.clone()), None, ready.time));
        assert_eq!((&shown.info.identity[..], shown.info.socket_type.to_string()), (&b"ann"[..], "DEALER".into()));
        assert_eq!((shown.info.mechanism, &shown.info.address), ("NULL", &address));

        let ready = dialed.skip_to("ready").await;
        let shown = &dealer.peers()[0];
        assert_eq!(Some(shown.connection), ready.connection);
        assert_eq!((&shown.endpoint, shown.attempt, shown.since), (&Some(endpoint), Some(1), ready.time));
        assert_eq!((shown.info.identity.len(), shown.info.socket_type.to_string()), (0, "ROUTER".into()));

        dealer.close().await;
        bound.loss().await;
        assert!(router.peers().is_empty() && !router.is_connected());
        assert!(dealer.peers().is_empty() && !dealer.is_connected());
    }

    async fn peers_are_shown_oldest_first(at: At) {
        let pull = Pull::with_options(usual());
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(at.any()).await.unwrap();
        let pushes = [Push::with_options(usual()), Push::with_options(usual()), Push::with_options(usual())];
        let mut connections = Vec::new();
        for push in &pushes {
            push.connect(&endpoint).unwrap();
            connections.extend(monitor.skip_to("ready").await.connection);
        }
        assert!(pull.peers().iter().map(|peer| peer.connection).eq(connections.iter().copied()));
        pushes[1].close().await;
        monitor.loss().await;
        connections.remove(1);
        assert!(pull.peers().iter().map(|peer| peer.connection).eq(connections));
    }

    async fn messages_and_bytes_are_counted_exactly(at: At) {
        let (server, client) = (Dealer::with_options(usual()), Dealer::with_options(usual()));
        client.connect(server.bind(at.any()).await.unwrap()).unwrap();
        tokio::join!(server.wait_for_peer(), client.wait_for_peer());
        until(|| !client.peers().is_empty() && !server.peers().is_empty()).await;
        let (s, c) = both(&server, &client);
        assert_eq!((counts(&s), counts(&c)), ((0, 0, 0, 0), (0, 0, 0, 0)));
        let (bytes, back) = (c.bytes_sent, s.bytes_sent);

        for n in 0..10 {
            client.send(parts(["0123456789", &n.to_string()])).await.unwrap();
        }
        until(|| server.peers()[0].received == 10).await;
        let (s, c) = both(&server, &client);
        assert_eq!((counts(&s), counts(&c)), ((0, 10, 0, 10), (10, 0, 0, 0)));
        for left in (0..10).rev() {
            server.recv().await.unwrap();
            assert_eq!(server.peers()[0].unread, left);
        }
        for _ in 0..3 {
            server.send("abc").await.unwrap();
        }
        for _ in 0..3 {
            client.recv().await.unwrap();
        }
        let (s, c) = both(&server, &client);
        assert_eq!((counts(&s), counts(&c)), ((3, 10, 0, 0), (10, 3, 0, 0)));
        assert_eq!((c.bytes_sent, c.bytes_received), (s.bytes_received, s.bytes_sent));
        // Two frames of ten bytes and of one; a frame of three.
        let passed = if at.is_inproc() { (0, 0) } else { (10 * (12 + 3), 3 * 5) };
        assert_eq!((c.bytes_sent - bytes, s.bytes_sent - back), passed);
    }

    async fn what_comes_right_behind_the_handshake_is_counted_with_its_bytes(at: At) {
        let (server, client) = (Dealer::with_options(usual()), Dealer::with_options(quick()));
        let place = client.connect(at.place()).unwrap();
        for _ in 0..5 {
            client.send("0123456789").await.unwrap();
        }
        server.bind(&place).await.unwrap();
        for _ in 0..5 {
            server.recv().await.unwrap();
        }
        until(|| !client.peers().is_empty()).await;
        let (s, c) = both(&server, &client);
        assert_eq!((counts(&s), counts(&c)), ((0, 5, 0, 0), (5, 0, 0, 0)));
        assert_eq!((c.bytes_sent, c.bytes_received), (s.bytes_received, s.bytes_sent));
        assert_eq!(c.bytes_sent >= 64 + 5 * 12, !at.is_inproc());
    }

    async fn counters_begin_again_with_each_connection(at: At) {
        let client = Dealer::with_options(quick());
        let mut monitor = client.monitor();
        let place = client.connect(at.place()).unwrap();
        let mut bytes = None;
        for round in 0..4 {
            // Some wait for the server, and are its own when it comes.
            for _ in 0..2 {
                client.send("waits").await.unwrap();
            }
            let server = Dealer::with_options(usual());
            server.bind(&place).await.unwrap();
            let ready = monitor.skip_to("ready").await;
            client.send("comes").await.unwrap();
            for _ in 0..3 {
                server.recv().await.unwrap();
            }
            server.send("reply").await.unwrap();
            client.recv().await.unwrap();
            let (s, c) = both(&server, &client);
            assert_eq!((counts(&s), counts(&c)), ((1, 3, 0, 0), (3, 1, 0, 0)), "round {round}");
            assert_eq!((Some(c.connection), c.attempt), (ready.connection, ready.attempt));
            let passed = (c.bytes_sent, c.bytes_received);
            assert_eq!(passed, (s.bytes_received, s.bytes_sent));
            assert_eq!(*bytes.get_or_insert(passed), passed, "every round is like the first");
            server.close().await;
            monitor.loss().await;
            assert!(client.peers().is_empty());
        }
    }

    async fn what_a_full_subscriber_loses_is_counted(at: At) {
        let publisher = Pub::with_options(usual().send_hwm(2));
        let sub = Sub::with_options(usual().recv_hwm(3));
        sub.subscribe("").unwrap();
        sub.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
        publisher.wait_for_subscriber().await;
        until(|| !publisher.peers().is_empty()).await;
        let mut dropped = 0;
        for round in 1..4 {
            // All in one turn, so that nothing is written in between.
            for n in 0..10 {
                publisher.try_send(n.to_string()).unwrap();
            }
            // In process both marks count together.
            let taken = if at.is_inproc() { 5 } else { 2 };
            dropped += 10 - taken;
            assert_eq!(publisher.peers()[0].dropped, dropped);
            for n in 0..taken {
                assert_eq!(number(&sub.recv().await.unwrap()) as u64, n);
            }
            // Room is given back when the reader looks again.
            assert_eq!(sub.try_recv(), Err(RecvError::WouldBlock));
            let peer = &publisher.peers()[0];
            assert_eq!((peer.dropped, peer.sent, peer.unsent), (dropped, taken * round, 0));
        }
    }

    held async fn what_waits_for_a_peer_that_does_not_read_is_counted(at: At) {
        let pull = Pull::with_options(quick().recv_hwm(1));
        let push = Push::with_options(quick().send_hwm(100).linger(Some(std::time::Duration::ZERO)));
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        push.wait_for_peer().await;
        until(|| !push.peers().is_empty()).await;
        let body = "x".repeat(100_000);
        let (mut taken, mut in_vain) = (0, 0);
        while in_vain < 20 {
            if push.try_send(body.as_str()).is_ok() {
                (taken, in_vain) = (taken + 1, 0);
            } else {
                in_vain += 1;
                common::settle().await;
            }
            let peer = &push.peers()[0];
            assert_eq!(peer.sent + peer.unsent as u64, taken);
        }
        assert_eq!(push.peers()[0].unsent, if at.is_inproc() { 0 } else { 100 });
        assert_eq!(pull.peers()[0].unread as u64, pull.peers()[0].received);
    }

    async fn a_dismissed_peer_goes_and_comes_back_as_another_connection(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(quick()));
        let (mut bound, mut dialed) = (pull.monitor(), push.monitor());
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        dialed.peers(1).await;
        for round in 0..3 {
            let old = bound.skip_to("ready").await.connection.unwrap();
            for n in 0..100 {
                push.send((100 * round + n).to_string()).await.unwrap();
            }
            until(|| pull.peers()[0].received == 100).await;
            pull.disconnect_peer(old).unwrap();
            assert_eq!(bound.loss().await, DisconnectReason::Dismissed);
            assert_eq!(pull.disconnect_peer(old), Err(UnknownPeer(old)));
            // What it had sent is still there.
            for n in 0..100 {
                assert_eq!(number(&pull.recv().await.unwrap()), 100 * round + n);
            }
            assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
            assert_eq!(dialed.loss().await, DisconnectReason::PeerClosed);
            dialed.skip_to("ready").await;
            until(|| !pull.peers().is_empty()).await;
            assert_ne!(pull.peers()[0].connection, old);
        }
    }

    async fn an_endpoint_whose_peer_is_dismissed_connects_again(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(quick()));
        let mut monitor = push.monitor();
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        monitor.expect(&["connecting", "connected", "handshake_succeeded", "ready"]).await;
        for _ in 0..3 {
            push.disconnect_peer(push.peers()[0].connection).unwrap();
            let lost = monitor.event().await.kind;
            assert_eq!(lost, MonitorKind::Disconnected(DisconnectReason::Dismissed));
            monitor.expect(&["connect_retried", "connecting", "connected", "handshake_succeeded", "ready"]).await;
        }
        push.send("hello").await.unwrap();
        assert_eq!(common::text(&pull.recv().await.unwrap()), ["hello"]);
    }

    async fn a_policy_that_never_reconnects_holds_for_a_dismissed_peer_too(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(quick().reconnect(bowline::Reconnect::Never)));
        let mut monitor = push.monitor();
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        let peer = monitor.skip_to("ready").await.connection.unwrap();
        push.disconnect_peer(peer).unwrap();
        assert_eq!(monitor.loss().await, DisconnectReason::Dismissed);
        assert_eq!(monitor.event().await.kind, MonitorKind::ConnectStopped(DisconnectReason::Dismissed));
    }

    async fn a_peer_can_be_dismissed_only_once_and_only_while_it_is_there(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(quick().reconnect(bowline::Reconnect::Never)));
        let nobody = ConnectionId(99);
        assert_eq!(pull.disconnect_peer(nobody), Err(UnknownPeer(nobody)));
        assert_eq!(UnknownPeer(nobody).to_string(), "no peer has the connection 99");
        let mut monitor = pull.monitor();
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        let peer = monitor.skip_to("ready").await.connection.unwrap();
        assert_eq!(pull.disconnect_peer(nobody), Err(UnknownPeer(nobody)));
        // Twice while it is still there is as good as once.
        pull.disconnect_peer(peer).unwrap();
        pull.disconnect_peer(peer).unwrap();
        assert_eq!(monitor.loss().await, DisconnectReason::Dismissed);
        assert_eq!(pull.disconnect_peer(peer), Err(UnknownPeer(peer)));
        pull.close().await;
        assert_eq!(monitor.rest().await, ["closed", "stopped"]);
        assert_eq!(pull.disconnect_peer(peer), Err(UnknownPeer(peer)));
    }

    async fn a_peer_may_be_dismissed_in_the_middle_of_a_flood(at: At) {
        let (pull, push) = (Pull::with_options(quick().recv_hwm(10)), Push::with_options(quick().send_hwm(10)));
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        let flood = tokio::spawn(async move {
            for n in 0.. {
                push.send(n.to_string()).await.unwrap();
            }
        });
        let mut seen = HashSet::new();
        let mut dismissed = 0;
        while dismissed < 20 {
            for _ in 0..50 {
                let n = number(&pull.recv().await.unwrap());
                assert!(seen.insert(n), "{n} came twice");
            }
            for peer in pull.peers() {
                dismissed += usize::from(pull.disconnect_peer(peer.connection).is_ok());
            }
        }
        flood.abort();
    }
}
