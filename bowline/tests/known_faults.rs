//! Faults that messaging systems are known to have had, each shown not to be here. `docs/known-faults.md` lists them
//! all, with the tests elsewhere that cover the others.

mod common;
#[path = "known_faults/table.rs"]
mod table;

use std::collections::HashSet;
use std::time::Duration;

use bowline::auth::Code;
use bowline::{
    AnySocket, Dealer, DisconnectReason, Mechanism, MonitorKind, PlainCredentials, Pub, Pull, Push, Reconnect,
    RecvError, Rep, Req, SocketType, Sub, XSub,
};
use common::raw::{Raw, frame, greeting, ready};
use common::{At, Script, number, parts, quick, settle, text, until, usual, within};
use tokio::net::TcpListener;
#[cfg(not(target_family = "wasm"))]
use tokio::runtime::Handle;

fn plain(password: &str) -> PlainCredentials {
    PlainCredentials::new("ann", password).unwrap()
}

for_each_transport! {
    /// Seen elsewhere: what was taken but not yet written is lost at the end, except for the types that count it.
    async fn no_type_loses_what_it_was_about_to_write_when_it_is_closed(at: At) {
        use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
        for (ours, theirs) in [
            (Push, Pull), (Pub, Sub), (XPub, XSub), (XSub, XPub), (Pair, Pair), (Dealer, Dealer), (Dealer, Router),
            (Router, Dealer), (Req, Router),
        ] {
            let sender = AnySocket::new(ours, quick().send_hwm(0));
            let receiver = AnySocket::new(theirs, quick().recv_hwm(0).identity("them".parse().unwrap()));
            receiver.connect(sender.bind(at.any()).await.unwrap()).unwrap();
            if ours == Pub || ours == XPub {
                receiver.subscribe("").unwrap();
                sender.wait_for_subscriber().await;
            }
            sender.wait_for_peer().await;
            let messages = if ours == Req { 1 } else { 1000 };
            for n in 0..messages {
                let envelope: &[&str] = if ours == Router { &["them"] } else { &[] };
                let body = [n.to_string(), "x".repeat(200)];
                let message = envelope.iter().map(|part| (*part).to_owned()).chain(body);
                sender.send(message.collect::<bowline::Message>()).await.unwrap();
            }
            assert_eq!(sender.close().await, 0);
            for n in 0..messages {
                let message = receiver.recv().await.unwrap();
                let told = text(&message);
                assert_eq!(told[told.len() - 2], n.to_string(), "{ours} to {theirs}");
            }
        }
        // A reply is the last thing that its service says.
        let (rep, req) = (AnySocket::new(Rep, quick()), AnySocket::new(Req, quick()));
        req.connect(rep.bind(at.any()).await.unwrap()).unwrap();
        req.send("request").await.unwrap();
        rep.recv().await.unwrap();
        rep.send("x".repeat(1_000_000)).await.unwrap();
        let (dropped, reply) = tokio::join!(rep.close(), req.recv());
        assert_eq!((dropped, reply.unwrap().size()), (0, 1_000_000));
    }

    /// Seen elsewhere: one pump for all, so that a reader that stands still stops the others as well.
    held async fn a_subscriber_that_does_not_read_delays_no_other(at: At) {
        let publisher = Pub::with_options(quick().send_hwm(10));
        let mut monitor = publisher.monitor();
        let endpoint = publisher.bind(at.any()).await.unwrap();
        let (idle, reader) = (Sub::with_options(quick().recv_hwm(1)), Sub::with_options(quick()));
        for sub in [&idle, &reader] {
            sub.subscribe("").unwrap();
            sub.connect(&endpoint).unwrap();
            monitor.skip_to("subscribed").await;
        }
        let body = "x".repeat(100_000);
        for n in 0..200 {
            publisher.send(parts([&n.to_string(), &body])).await.unwrap();
            assert_eq!(number(&reader.recv().await.unwrap()), n);
        }
        let dropped: Vec<_> = publisher.peers().iter().map(|peer| peer.dropped > 0).collect();
        assert_eq!(dropped.iter().filter(|dropped| **dropped).count(), 1, "only the idle one lost any");
    }

    /// Seen elsewhere: a limit on what waits that holds where it is sent and is forgotten where it is received.
    async fn a_subscriber_that_wants_the_newest_only_gets_it(at: At) {
        let publisher = Pub::with_options(quick().send_hwm(0));
        let sub = Sub::with_options(quick().conflate(true));
        sub.subscribe("").unwrap();
        sub.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
        publisher.wait_for_subscriber().await;
        until(|| !sub.peers().is_empty()).await;
        for n in 0..100 {
            publisher.send(n.to_string()).await.unwrap();
        }
        until(|| sub.peers()[0].received == 100).await;
        assert_eq!(number(&sub.recv().await.unwrap()), 99);
        assert_eq!(sub.try_recv(), Err(RecvError::WouldBlock));
    }

    /// Seen elsewhere: registering a handler from within a handler waits for a lock that the caller holds.
    async fn a_handler_may_register_another(at: At) {
        let push = Push::with_options(quick());
        let (hear, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let socket = push.clone();
        push.on_state_change(move |_| {
            let hear = hear.clone();
            socket.on_state_change(move |state| {
 hear.send(state).ok();
}).unwrap();
        })
        .unwrap();
        assert_eq!(heard.recv().await, Some(bowline::TransportState::Disconnected));
        push.connect(at.place()).unwrap();
        assert_eq!(heard.recv().await, Some(bowline::TransportState::Connecting));
        push.close().await;
        let mut last = None;
        while let Some(state) = heard.recv().await {
            last = Some(state);
        }
        assert_eq!(last, Some(bowline::TransportState::Disconnected));
    }
}

/// Seen elsewhere: a peer that goes while it is being set up meets a state that does not expect it, and half of it
/// stays.
#[cfg(not(target_family = "wasm"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_goes_while_it_gets_ready_has_one_end() {
    within("a_peer_that_goes_while_it_gets_ready_has_one_end", async {
        let dealer = Dealer::with_options(usual());
        let mut monitor = dealer.monitor();
        let endpoint = dealer.bind(At::Tcp.any()).await.unwrap();
        let hello = [&greeting("NULL")[..], &ready("DEALER", None), &frame(0, b"hello")].concat();
        for cut in (0..=hello.len()).cycle().take(300) {
            let mut peer = Raw::connect(&endpoint).await;
            peer.send(&hello[..cut]).await;
            drop(peer);
            assert_eq!(monitor.skip_to("accepted").await.kind.name(), "accepted");
            let mut life = Vec::new();
            while !matches!(life.last(), Some(&"handshake_failed" | &"disconnected")) {
                life.push(monitor.event().await.kind.name());
            }
            let is_whole = life == ["handshake_succeeded", "ready", "disconnected"];
            assert!(is_whole || life == ["handshake_failed"], "{life:?} after {cut} bytes");
        }
        assert!(dealer.peers().is_empty());
        while dealer.try_recv().is_ok() {}
        let good = Dealer::with_options(usual());
        good.connect(&endpoint).unwrap();
        good.send("hello").await.unwrap();
        assert_eq!(text(&dealer.recv().await.unwrap()), ["hello"]);
    })
    .await;
}

/// Seen elsewhere: with a password the peer's version was not noted, and subscriptions failed for want of it.
#[tokio::test]
async fn subscriptions_work_behind_a_password() {
    within("subscriptions_work_behind_a_password", async {
        let publisher = Pub::with_options(usual().mechanism(Mechanism::PlainServer(vec![plain("secret")])));
        let endpoint = publisher.bind(At::Tcp.any()).await.unwrap();
        let options = || quick().mechanism(Mechanism::PlainClient(plain("secret")));
        let (sub, xsub) = (Sub::with_options(options()), XSub::with_options(options()));
        sub.connect(&endpoint).unwrap();
        sub.subscribe("a").unwrap();
        publisher.wait_for_subscriber().await;
        let peer = &publisher.peers()[0].info;
        assert_eq!((peer.mechanism, peer.minor, peer.user.as_deref()), ("PLAIN", 1, Some("ann")));
        publisher.send("a1").await.unwrap();
        assert_eq!(text(&sub.recv().await.unwrap()), ["a1"]);
        let mut monitor = publisher.monitor();
        xsub.connect(&endpoint).unwrap();
        xsub.send(&b"\x01b"[..]).await.unwrap();
        assert_eq!(monitor.skip_to("subscribed").await.kind, MonitorKind::Subscribed("b".into()));
        publisher.send("b1").await.unwrap();
        assert_eq!(text(&xsub.recv().await.unwrap()), ["b1"]);
    })
    .await;
}

/// Seen elsewhere: a client that the authenticator turns down keeps its connection for ever, and nobody is told.
// In a page nobody counts tasks.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn clients_that_are_turned_down_leave_nothing_behind() {
    within("clients_that_are_turned_down_leave_nothing_behind", async {
        let pull = Pull::with_options(usual().mechanism(Mechanism::PlainServer(vec![plain("secret")])));
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        settle().await;
        let before = Handle::current().metrics().num_alive_tasks();
        for attempt in 0..50 {
            let mut client = Raw::connect(&endpoint).await;
            client.send(greeting("PLAIN")).await;
            // A wrong password, no password, and no HELLO at all.
            let hello: &[u8] = match attempt % 3 {
                0 => b"\x05HELLO\x03ann\x05guess",
                1 => b"\x05HELLO\x03ann",
                _ => b"\x05READY",
            };
            client.send(frame(4, hello)).await;
            let reason = monitor.refusal().await;
            assert_eq!(reason.code() == Some(Code::Credentials), attempt % 3 == 0, "{reason:?}");
            client.closed().await;
        }
        assert_eq!(pull.monitor_with_snapshot().0.connections().count(), 0);
        until(|| Handle::current().metrics().num_alive_tasks() == before).await;
    })
    .await;
}

/// Seen elsewhere: a server that accepts and then drops its clients is asked again without pause, because a connection
/// counts as a success.
#[tokio::test]
async fn delays_grow_although_the_server_accepts() {
    within("delays_grow_although_the_server_accepts", async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (min, max) = (Duration::from_millis(2), Duration::from_millis(32));
        let push = Push::with_options(usual().reconnect(Reconnect::Exponential { min, max }));
        let mut monitor = push.monitor();
        push.connect(At::Tcp.of(&listener)).unwrap();
        for (base, shakes_hands) in [(2, false), (4, true), (8, false), (16, true), (32, true), (32, false)] {
            let mut server = Raw { stream: listener.accept().await.unwrap().0 };
            if shakes_hands {
                server.shake_hands("PULL").await;
            }
            drop(server);
            let MonitorKind::ConnectRetried { delay, .. } = monitor.skip_to("connect_retried").await.kind else {
                unreachable!()
            };
            let base = Duration::from_millis(base);
            assert!((base..=2 * base).contains(&delay), "{delay:?} for a base of {base:?}");
        }
    })
    .await;
}

/// Seen elsewhere: all clients of a server that restarts come back in the same moment, again and again.
#[tokio::test]
async fn clients_do_not_come_back_in_one_wave() {
    within("clients_do_not_come_back_in_one_wave", async {
        let pull = Pull::with_options(usual());
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        let delay = Duration::from_secs(60);
        let mut clients = Vec::new();
        for _ in 0..20 {
            let push = Push::with_options(usual().reconnect(Reconnect::Fixed(delay)));
            let mut monitor = push.monitor();
            push.connect(&endpoint).unwrap();
            monitor.peers(1).await;
            clients.push((push, monitor));
        }
        pull.close().await;
        let mut delays = HashSet::new();
        for (_, monitor) in &mut clients {
            let MonitorKind::ConnectRetried { delay: chosen, .. } = monitor.skip_to("connect_retried").await.kind
            else {
                unreachable!()
            };
            assert!((delay..=2 * delay).contains(&chosen));
            delays.insert(chosen.as_secs());
        }
        // Of sixty seconds to choose from, twenty clients that choose for themselves hit more than five.
        assert!(delays.len() > 5, "{delays:?}");
    })
    .await;
}

/// Seen elsewhere: the limit for a silent peer begins anew whenever something else happens, and never comes.
#[tokio::test]
async fn a_silent_peer_is_lost_at_both_ends_however_busy_we_are() {
    within("a_silent_peer_is_lost_at_both_ends_however_busy_we_are", async {
        let interval = Duration::from_millis(30);
        let options = || quick().heartbeat_interval(Some(interval)).heartbeat_timeout(Some(3 * interval));
        for dials in [false, true] {
            let push = Push::with_options(options());
            let mut monitor = push.monitor();
            let mut silent = if dials {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                push.connect(At::Tcp.of(&listener)).unwrap();
                Raw { stream: listener.accept().await.unwrap().0 }
            } else {
                Raw::connect(&push.bind(At::Tcp.any()).await.unwrap()).await
            };
            silent.shake_hands("PULL").await;
            monitor.peers(1).await;
            // It reads all that comes, and we never stop talking.
            let reading = tokio::spawn(silent.closed());
            let talking = tokio::spawn({
                let push = push.clone();
                async move {
                    while push.send("are you there?").await.is_ok() {
                        tokio::task::yield_now().await;
                    }
                }
            });
            assert_eq!(monitor.loss().await, DisconnectReason::HeartbeatTimeout, "dials: {dials}");
            push.stop();
            talking.await.unwrap();
            reading.await.unwrap();
        }
    })
    .await;
}

/// Seen elsewhere: while the application is busy with a message, nobody answers the peer's heartbeats.
#[tokio::test]
async fn heartbeats_are_answered_while_nobody_receives() {
    within("heartbeats_are_answered_while_nobody_receives", async {
        let pull = Pull::with_options(usual());
        let mut peer = Raw::connect(&pull.bind(At::Tcp.any()).await.unwrap()).await;
        peer.shake_hands("PUSH").await;
        for n in 0..100 {
            peer.send([frame(0, n.to_string().as_bytes()), frame(4, b"\x04PING\0\0ctx")].concat()).await;
            assert_eq!(peer.frame().await, (4, b"\x04PONGctx".to_vec()));
        }
        for n in 0..100 {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
    })
    .await;
}

/// Seen elsewhere: a message that is there before the connecting side is set up ends it, or is never looked at.
#[cfg(not(target_family = "wasm"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_together_with_the_handshake_is_received() {
    within("what_comes_together_with_the_handshake_is_received", async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let all = [&greeting("NULL")[..], &ready("PUSH", None), &frame(0, b"1"), &frame(0, b"2")].concat();
        let serving = tokio::spawn({
            let endpoint = At::Tcp.of(&listener);
            async move {
                for _ in 0..100 {
                    let pull = Pull::with_options(usual());
                    pull.connect(&endpoint).unwrap();
                    assert_eq!((number(&pull.recv().await.unwrap()), number(&pull.recv().await.unwrap())), (1, 2));
                    pull.stop();
                }
            }
        });
        while !serving.is_finished() {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => {
                    let mut server = Raw { stream };
                    server.send(&all).await;
                    tokio::spawn(server.closed());
                }
                () = tokio::task::yield_now() => {}
            }
        }
        serving.await.unwrap();
    })
    .await;
}

/// Seen elsewhere: a request that is sent just when the connection goes is written down for nobody, and waits for ever.
#[cfg(not(target_family = "wasm"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_meets_the_loss_of_its_server_is_answered_or_lost() {
    within("a_request_that_meets_the_loss_of_its_server_is_answered_or_lost", async {
        for at in [At::Tcp, At::Ipc, At::Inproc] {
            let req = Req::with_options(quick().reconnect(Reconnect::Fixed(Duration::from_micros(100))));
            let place = req.connect(at.place()).unwrap();
            let asking = tokio::spawn(async move {
                let (mut answered, mut lost) = (0, 0);
                while answered < 200 || lost < 5 {
                    req.send("request").await.unwrap();
                    match req.recv().await {
                        Ok(_) => answered += 1,
                        Err(error) => {
                            assert_eq!(error, RecvError::PeerLost);
                            lost += 1;
                        }
                    }
                }
            });
            for round in 0_usize.. {
                if asking.is_finished() {
                    break;
                }
                let rep = Rep::with_options(usual());
                rep.bind(&place).await.unwrap();
                for n in 0..20 + round % 7 {
                    let Ok(_) = tokio::time::timeout(Duration::from_millis(20), rep.recv()).await else { break };
                    if n < 20 {
                        rep.send("reply").await.unwrap();
                    }
                }
                rep.stop();
                rep.close().await;
            }
            asking.await.unwrap();
        }
    })
    .await;
}
