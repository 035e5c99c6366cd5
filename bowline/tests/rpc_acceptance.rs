//! What calls have to stand, by number: each is something that another implementation of calls did not. Where it is held
//! by a test elsewhere, [`HELD`] names it.

mod common;

use std::collections::HashSet;
use std::time::Duration;

use bowline::monitor::Stage;
use bowline::rpc::{Blob, CallError, Client, Kind, Method, Never, Outcome, Server, Unreachable};
use bowline::{DisconnectReason, Endpoint, MonitorKind, ProtocolError, Reconnect, TransportState};
use common::desk::{self, DeskClient, fed, iter};
use common::raw::{self, Raw, frame, greeting, long_header, ready};
use common::{At, Script, glance, quick, usual};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What calls have to stand, and the tests that hold it, here or in the other files.
const HELD: [(&str, &[&str]); 17] = [
    (
        "a silent peer is given up, by both sides",
        &[
            "a_silent_server_is_given_up",
            "a_silent_caller_is_given_up",
            "two_that_no_longer_hear_each_other_give_each_other_up",
        ],
    ),
    (
        "the reset of one stream costs no other one a byte",
        &[
            "a_cancelled_call_costs_no_other_one_an_item",
            "a_reset_of_one_stream_never_loses_or_reorders_a_byte_of_another",
            "how_a_conversation_is_cut_makes_no_difference",
        ],
    ),
    (
        "a cancel reaches the handler",
        &["a_call_that_is_dropped_cancels_its_handler", "a_stream_that_is_dropped_cancels_its_handler"],
    ),
    ("what was sent before the end arrives", &["what_was_sent_before_the_end_is_delivered_before_the_end"]),
    ("a handler may call its caller back", &["a_handler_calls_its_caller_and_waits_for_the_answer"]),
    ("a slow handler delays no other call", &["a_handler_that_waits_delays_no_other_call"]),
    (
        "no call hangs, wherever the connection breaks",
        &["no_call_hangs_wherever_the_connection_breaks", "every_call_keeps_its_promises"],
    ),
    (
        "what already waits when the connection is there is handled",
        &[
            "what_waits_when_a_client_connects_is_handled",
            "a_call_that_waits_when_the_connection_is_there_is_sent_at_once",
        ],
    ),
    (
        "a stalled reader holds its window, and nobody else waits",
        &[
            "a_reader_that_stalls_holds_its_window_and_delays_nobody",
            "a_stalled_reader_holds_its_window_and_nothing_else",
        ],
    ),
    (
        "nonsense ends its connection for a typed reason before it takes memory",
        &["nonsense_ends_its_connection_for_a_typed_reason", "limits_are_held_before_anything_is_kept"],
    ),
    ("typed errors arrive as they were", &["the_services_own_error_arrives_as_it_was_returned"]),
    ("the end of a connection is no end of a stream", &["an_end_without_a_last_item_is_an_error"]),
    (
        "who asks late hears how it ended",
        &["who_asks_too_late_still_hears_how_it_ended", "a_monitor_that_comes_late_hears_how_it_ends"],
    ),
    (
        "a drain ends in time",
        &[
            "a_drain_takes_no_longer_than_its_grace_whatever_is_open",
            "a_drain_ends_when_its_grace_is_over_and_not_before",
        ],
    ),
    (
        "callers come back apart, and say what may have been executed",
        &["callers_that_lose_their_server_come_back_apart", "they_come_back_apart_after_a_second"],
    ),
    (
        "fifty thousand tiny frames of one read are taken one by one",
        &[
            "fifty_thousand_tiny_calls_in_one_write_are_all_heard",
            "fifty_thousand_tiny_frames_are_taken_in_as_many_steps",
        ],
    ),
    ("it is the same over every transport", &["every_kind_of_call_works_over_every_transport"]),
];

#[test]
fn each_of_them_is_held_by_a_test_of_that_name() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders =
        ["tests", "../proto/tests", "../proto/tests/sim_calls", "../proto/src/mux/tests", "../proto/src/mux/frame"];
    let mut sources = String::new();
    for folder in folders {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                sources += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    for (at, (what, tests)) in HELD.iter().enumerate() {
        for test in *tests {
            assert!(sources.contains(&format!("fn {test}(")), "{}, {what}: there is no {test}", at + 1);
        }
    }
}

/// Carries bytes between one client and `to`, and breaks both connections when `most` of them have passed.
async fn break_after(most: usize, to: Endpoint) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = At::Tcp.of(&listener);
    tokio::spawn(async move {
        let mut near = listener.accept().await.unwrap().0;
        let mut far = raw::dial(&to).await;
        let (mut there, mut back, mut left) = ([0; 1024], [0; 1024], most);
        while left > 0 {
            let (bytes, out) = tokio::select! {
                n = near.read(&mut there) => (&there[..n.unwrap_or(0)], &mut far),
                n = far.read(&mut back) => (&back[..n.unwrap_or(0)], &mut near),
            };
            let passed = &bytes[..bytes.len().min(left)];
            if passed.is_empty() || out.write_all(passed).await.is_err() {
                return;
            }
            left -= passed.len();
        }
    });
    endpoint
}

#[tokio::test]
async fn no_call_hangs_wherever_the_connection_breaks() {
    common::within("no_call_hangs_wherever_the_connection_breaks", async {
        let (_server, server, _ear) = desk::serve(At::Tcp).await;
        let blob = Blob::from(vec![7; 3_000]);
        let (mut answered, mut lost) = (0, 0);
        // From before the greeting to behind the last answer.
        for most in (0..600).step_by(11).chain((600..12_000).step_by(401)) {
            let endpoint = break_after(most, server.clone()).await;
            let options = quick().reconnect(Reconnect::Never);
            let client = DeskClient(
                Client::builder().options(usual()).endpoint(endpoint.as_str()).options(options).connect().unwrap(),
            );
            let add = tokio::spawn(client.add(1, 2));
            let sum = tokio::spawn(client.sum(iter(1..=100)));
            let count = tokio::spawn(client.count(100).collect());
            let mirror = tokio::spawn(client.mirror(blob.clone()));
            let ends = [
                add.await.unwrap().map(|sum| assert_eq!(sum, 3)),
                sum.await.unwrap().map(|sum| assert_eq!(sum, 5050)),
                count.await.unwrap().map(|items| assert_eq!(items, (0..100).collect::<Vec<_>>())),
                mirror.await.unwrap().map(|same| assert_eq!(same, blob)),
            ];
            for end in ends {
                match end {
                    Ok(()) => answered += 1,
                    Err(CallError::ConnectionLost { .. } | CallError::Unreachable(Unreachable::GivenUp(_))) => {
                        lost += 1;
                    }
                    Err(other) => panic!("behind {most} bytes: {other:?}"),
                }
            }
        }
        assert!(answered > 20 && lost > 20, "{answered} answered, {lost} lost");
    })
    .await;
}

#[tokio::test]
async fn what_waits_when_a_client_connects_is_handled() {
    common::within("what_waits_when_a_client_connects_is_handled", async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (desk, _ear) = desk::desk();
        let endpoint = At::Tcp.of(&listener);
        let _client = Client::builder().options(usual()).endpoint(endpoint.as_str()).service(desk).connect().unwrap();
        let mut server = Raw { stream: listener.accept().await.unwrap().0 };
        // The handshake and a call of the client's own service, in one write.
        let call = frame(0, &[&[0x28, 1][..], &desk::named("add"), &[20, 22]].concat());
        server.send([&greeting("NULL")[..], &ready("ROUTER", None), &call].concat()).await;
        server.read(64).await;
        assert_eq!(server.frame().await.0, 4);
        assert_eq!(server.frame().await, (0, vec![0x09, 1, 42]));
    })
    .await;
}

#[tokio::test]
async fn nonsense_ends_its_connection_for_a_typed_reason() {
    common::within("nonsense_ends_its_connection_for_a_typed_reason", async {
        let (server, endpoint, _ear) = desk::serve(At::Tcp).await;
        let client =
            desk::ready(Client::builder().options(usual()).endpoint(endpoint.clone()).connect().unwrap()).await;
        let open = |extra: &[u8]| [&[0x68, 0][..], &desk::named("touch"), extra].concat();
        let metadata = [&[0x06, 1, 1, b'k', 0xf0, 0xa2, 0x04][..], &vec![0; 70_000]].concat();
        let nonsense = [
            // The announcement alone: nobody waits for four gibibytes, and nobody makes room for them.
            long_header(0, 4 << 30),
            [frame(1, &vec![0; 60_000]), frame(1, &vec![0; 60_000])].concat(),
            frame(0, &open(&metadata)),
            // A method that was never defined.
            frame(0, &[0x08, 0, 5, 1, 2]),
            // Data for a stream that has ended.
            [frame(0, &open(&[0x04, 1, b'x'])), frame(0, &[0x01, 0, 1])].concat(),
        ];
        for bytes in nonsense {
            let mut monitor = server.monitor();
            let mut stranger = Raw::connect(&endpoint).await;
            stranger.shake_hands("DEALER").await;
            stranger.send(&bytes).await;
            let reason = monitor.loss().await;
            let is_typed = matches!(
                reason,
                DisconnectReason::Protocol(ProtocolError::Mux { .. }) | DisconnectReason::Oversize { .. }
            );
            assert!(is_typed, "{reason}");
            stranger.closed().await;
            assert_eq!(client.add(1, 2).await.unwrap(), 3);
        }
    })
    .await;
}

#[tokio::test]
async fn fifty_thousand_tiny_calls_in_one_write_are_all_heard() {
    common::within("fifty_thousand_tiny_calls_in_one_write_are_all_heard", async {
        let (_server, endpoint, mut ear) = desk::serve(At::Tcp).await;
        let mut caller = Raw::connect(&endpoint).await;
        caller.shake_hands("DEALER").await;
        let argument = |n: u32| {
            let text = n.to_string();
            [&[text.len() as u8][..], text.as_bytes()].concat()
        };
        // One-way calls are over with their OPEN, so all of them are stream 0.
        let mut bytes = frame(0, &[&[0x68, 0][..], &desk::named("touch"), &[4], &argument(0)].concat());
        for n in 1..50_000 {
            bytes.extend(frame(0, &[&[0x48, 0, 0, 4][..], &argument(n)].concat()));
        }
        caller.send(bytes).await;
        for n in 0..50_000 {
            assert_eq!(ear.next().await, format!("touched {n}"));
        }
    })
    .await;
}

for_each_transport! {
    served async fn a_cancelled_call_costs_no_other_one_an_item(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        for taken in 0..30 {
            let whole = [(); 2].map(|()| tokio::spawn(client.count(2_000).collect()));
            let sum = tokio::spawn(client.sum(iter(0..2_000)));
            let mut cancelled = client.endless(100);
            for _ in 0..taken {
                cancelled.next().await.unwrap().unwrap();
            }
            drop(cancelled);
            for items in whole {
                assert_eq!(items.await.unwrap().unwrap(), (0..2_000).collect::<Vec<_>>(), "behind {taken} items");
            }
            assert_eq!(sum.await.unwrap().unwrap(), 1_999_000);
        }
    }

    async fn who_asks_too_late_still_hears_how_it_ended(at: At) {
        let endpoint = at.place();
        let (desk, _ear) = desk::desk();
        let server = Server::builder().options(usual()).service(desk).build().unwrap();
        server.bind(endpoint.as_str()).await.unwrap();
        let options = quick().reconnect(Reconnect::Never);
        let client = Client::builder().options(usual()).endpoint(endpoint.as_str()).options(options).connect().unwrap();
        let client = desk::ready(client).await;
        let mut state = client.0.state();
        server.stop();
        while state.changed().await != Some(TransportState::Disconnected) {}
        // Nobody had asked before it was over.
        assert_eq!(client.0.state().current(), TransportState::Disconnected);
        for late in [client.add(1, 2).await.unwrap_err(), client.wait().await.unwrap_err()] {
            let CallError::Unreachable(Unreachable::GivenUp(reason)) = late else { panic!("{late:?}") };
            assert!(matches!(reason, DisconnectReason::PeerClosed | DisconnectReason::Io(_)), "{reason}");
        }
        client.0.close().await;
        let closed = client.0.state().changed().await;
        assert_eq!((closed, client.0.state().current()), (None, TransportState::Disconnected));
        assert!(client.0.monitor().next().await.is_none_or(|event| matches!(event.kind, MonitorKind::Stopped)));
    }

    async fn a_monitor_that_comes_late_hears_how_it_ends(at: At) {
        let (server, endpoint, _ear) = desk::serve(at).await;
        let options = quick().reconnect(Reconnect::Never);
        let client = desk::ready(Client::builder().options(usual()).endpoint(endpoint).options(options).connect().unwrap()).await;
        for mut state in [client.0.state(), server.state()] {
            while state.current() != TransportState::Connected {
                state.changed().await;
            }
        }
        // All that led here was told before anybody listened.
        let sides = [client.0.monitor_with_snapshot(), server.monitor_with_snapshot()];
        server.stop();
        let mut reasons = Vec::new();
        for (mut snapshot, mut monitor) in sides {
            assert_eq!(snapshot.state(), TransportState::Connected);
            let (connection, known) = snapshot.connections().next().expect("the connection is there");
            let peer = known.peer.clone();
            assert_eq!(known.stage, Stage::Ready);
            let event = monitor.skip_to("disconnected").await;
            assert_eq!((event.connection, event.peer.is_some(), &event.peer), (Some(connection), true, &peer));
            snapshot.apply(&event);
            assert_eq!((snapshot.connections().count(), snapshot.ready()), (0, 0));
            let MonitorKind::Disconnected(reason) = event.kind else { unreachable!("{:?}", event.kind) };
            reasons.push(reason);
        }
        assert!(matches!(reasons[0], DisconnectReason::PeerClosed | DisconnectReason::Io(_)), "{}", reasons[0]);
        assert_eq!(reasons[1], DisconnectReason::LocalClose);
        // Who comes when all is over is told that it is.
        client.0.close().await;
        server.close().await;
        for (snapshot, mut monitor) in [client.0.monitor_with_snapshot(), server.monitor_with_snapshot()] {
            assert!(snapshot.is_stopped() && snapshot.connections().next().is_none());
            assert_eq!(monitor.next().await, None);
        }
    }

    bytes async fn callers_that_lose_their_server_come_back_apart(at: At) {
        let min = Duration::from_millis(20);
        let endpoint = at.place();
        let (desk, mut ear) = desk::desk();
        let server = Server::builder().options(usual()).service(desk).build().unwrap();
        server.bind(endpoint.as_str()).await.unwrap();
        let mut clients = Vec::new();
        // A browser holds back by seconds who has many connections under way.
        let many = if cfg!(target_family = "wasm") { 8 } else { 30 };
        for _ in 0..many {
            let options = usual().reconnect(Reconnect::Exponential { min, max: 10 * min });
            let client = Client::builder().options(usual()).endpoint(endpoint.as_str()).options(options).connect().unwrap();
            clients.push(desk::ready(client).await);
        }
        let mut monitors: Vec<_> = clients.iter().map(|client| client.0.monitor()).collect();
        let calls: Vec<_> = clients.iter().map(|client| tokio::spawn(client.wait())).collect();
        for _ in &calls {
            assert_eq!(ear.next().await, "wait begun");
        }
        server.stop();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap_err().outcome(), Outcome::MaybeExecuted);
        }
        let mut delays = HashSet::new();
        for monitor in &mut monitors {
            match monitor.skip_to("connect_retried").await.kind {
                MonitorKind::ConnectRetried { delay, .. } => {
                    assert!((min..=2 * min).contains(&delay), "{delay:?}");
                    delays.insert(delay);
                }
                other => unreachable!("{other:?}"),
            }
        }
        assert!(delays.len() > many * 5 / 6, "of {many} delays only {} differ", delays.len());
        let (desk, _ear) = desk::desk();
        let next = Server::builder().options(usual()).service(desk).build().unwrap();
        next.bind(endpoint.as_str()).await.unwrap();
        for client in clients {
            assert_eq!(client.add(1, 2).await.unwrap(), 3);
        }
    }

    served async fn every_kind_of_call_works_over_every_transport(at: At) {
        static NONE: Method = Method::new("Desk", "none", Kind::Unary);
        let (server, endpoint, mut ear) = desk::serve(at).await;
        let (own, _own_ear) = desk::desk();
        let client = Client::builder().options(usual()).endpoint(endpoint).service(own).connect().unwrap();
        let client = desk::ready(client).await;
        assert_eq!(client.add(20, 22).await.unwrap(), 42);
        assert_eq!(client.ask_back(20, 22).await.unwrap(), 42);
        assert_eq!(client.count(1_000).collect().await.unwrap().len(), 1_000);
        assert_eq!(client.sum(iter(1..=1_000)).await.unwrap(), 500_500);
        let (feed, items) = fed();
        let mut echo = client.echo(items);
        feed.send("there and back".to_owned()).unwrap();
        assert_eq!(echo.next().await.unwrap().unwrap(), "there and back");
        drop(feed);
        assert!(echo.next().await.is_none());
        client.touch("it").await.unwrap();
        assert_eq!(ear.next().await, "touched it");
        assert!(matches!(client.fail(&["no"]).await, Err(CallError::Failed(_))));
        let unknown = client.0.unary::<_, (), Never>(&NONE, &()).await.unwrap_err();
        assert_eq!(unknown.outcome(), Outcome::NotExecuted);
        let mut call = client.wait();
        assert!(glance(&mut call).await.is_none());
        assert_eq!(ear.next().await, "wait begun");
        drop(call);
        assert_eq!(ear.next().await, "wait dropped");
        server.drain(Duration::from_secs(1000)).await;
    }
}
