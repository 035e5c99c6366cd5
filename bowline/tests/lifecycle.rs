//! Endpoints over every transport: bound, connected, lost, found again, given up.

mod common;

use std::io::ErrorKind;
#[cfg(not(target_family = "wasm"))]
use std::os::unix::net::UnixListener;

use bowline::{
    AnySocket, BindCause, Dealer, DisconnectReason, Endpoint, MonitorKind, Pair, Pull, Push, Reconnect, RecvError,
    SocketType,
};
use common::{At, Script, number, quick, text, usual, within};

for_each_transport! {
    async fn bind_returns_an_endpoint_to_connect_to(at: At) {
        let pull = Pull::with_options(usual());
        let endpoint = pull.bind(at.any()).await.unwrap();
        if let Endpoint::Tcp { port, .. } = endpoint {
            assert_ne!(port, 0);
        }
        let push = Push::with_options(usual());
        assert_eq!(push.connect(&endpoint).unwrap(), endpoint);
        push.send("hello").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["hello"]);
    }

    async fn peers_come_in_any_order(at: At) {
        let (push, pull) = (Push::with_options(quick()), Pull::with_options(usual()));
        let place = push.connect(at.place()).unwrap();
        push.send("from before").await.unwrap();
        pull.bind(&place).await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["from before"]);

        let (push, pull) = (Push::with_options(usual()), Pull::with_options(quick()));
        let place = pull.connect(at.place()).unwrap();
        push.bind(&place).await.unwrap();
        push.send("from after").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["from after"]);
    }

    async fn a_socket_may_have_many_endpoints(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(usual()));
        let mut monitor = push.monitor();
        for _ in 0..3 {
            push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        }
        monitor.peers(3).await;
        for n in 0..9 {
            push.send(n.to_string()).await.unwrap();
        }
        let mut seen = Vec::new();
        for _ in 0..9 {
            seen.push(number(&pull.recv().await.unwrap()));
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..9));
    }

    async fn messages_wait_while_the_bound_peer_is_away(at: At) {
        let push = Push::with_options(quick());
        let mut monitor = push.monitor();
        let place = push.connect(at.place()).unwrap();
        for round in 0..3 {
            for n in 0..100 {
                push.send((100 * round + n).to_string()).await.unwrap();
            }
            let pull = Pull::with_options(usual());
            pull.bind(&place).await.unwrap();
            for n in 0..100 {
                assert_eq!(number(&pull.recv().await.unwrap()), 100 * round + n);
            }
            pull.close().await;
            assert_eq!(monitor.loss().await, DisconnectReason::PeerClosed);
        }
    }

    async fn traffic_flows_again_in_both_directions_when_the_bound_peer_is_back(at: At) {
        let client = Dealer::with_options(quick());
        let mut monitor = client.monitor();
        let place = client.connect(at.place()).unwrap();
        for round in 0..5 {
            let server = Dealer::with_options(usual());
            server.bind(&place).await.unwrap();
            monitor.peers(1).await;
            client.send(format!("ping {round}")).await.unwrap();
            assert_eq!(text(&server.recv().await.unwrap()), [format!("ping {round}")]);
            server.send(format!("pong {round}")).await.unwrap();
            assert_eq!(text(&client.recv().await.unwrap()), [format!("pong {round}")]);
            server.stop();
            server.close().await;
            monitor.loss().await;
        }
    }

    async fn traffic_flows_again_in_both_directions_when_the_connecting_peer_is_back(at: At) {
        let server = Dealer::with_options(usual());
        let mut monitor = server.monitor();
        let endpoint = server.bind(at.any()).await.unwrap();
        for round in 0..5 {
            let client = Dealer::with_options(usual());
            client.connect(&endpoint).unwrap();
            monitor.peers(1).await;
            server.send(format!("ping {round}")).await.unwrap();
            assert_eq!(text(&client.recv().await.unwrap()), [format!("ping {round}")]);
            client.send(format!("pong {round}")).await.unwrap();
            assert_eq!(text(&server.recv().await.unwrap()), [format!("pong {round}")]);
            client.close().await;
            monitor.loss().await;
        }
    }

    async fn what_a_peer_sent_before_it_went_can_be_received(at: At) {
        let pull = Pull::with_options(usual());
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(at.any()).await.unwrap();
        let push = Push::with_options(usual());
        push.connect(&endpoint).unwrap();
        for n in 0..500 {
            push.send(n.to_string()).await.unwrap();
        }
        push.close().await;
        monitor.loss().await;
        for n in 0..500 {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
        assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
    }

    async fn disconnect_sends_what_waits_and_ends_the_connection(at: At) {
        let (push, pull) = (Push::with_options(quick()), Pull::with_options(usual()));
        let mut monitor = push.monitor();
        let place = push.connect(at.place()).unwrap();
        push.send("waits").await.unwrap();
        push.disconnect(&place).unwrap();
        assert!(push.disconnect(&place).is_err());
        assert!(push.try_send("nowhere to go").is_err());
        pull.bind(&place).await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["waits"]);
        let stopped = monitor.skip_to("connect_stopped").await.kind;
        assert_eq!(stopped, MonitorKind::ConnectStopped(DisconnectReason::LocalClose));

        // And again from the start.
        push.connect(&place).unwrap();
        push.send("again").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["again"]);
    }

    async fn disconnect_gives_up_after_linger(at: At) {
        let push = Push::with_options(quick().linger(Some(std::time::Duration::from_millis(20))));
        let mut monitor = push.monitor();
        let place = push.connect(at.place()).unwrap();
        push.send("waits in vain").await.unwrap();
        push.disconnect(&place).unwrap();
        monitor.skip_to("connect_stopped").await;
        let pull = Pull::with_options(usual());
        pull.bind(&place).await.unwrap();
        push.connect(&place).unwrap();
        push.send("comes first").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["comes first"]);
    }

    async fn unbind_frees_the_endpoint_and_keeps_the_connections(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(quick()));
        let endpoint = pull.bind(at.any()).await.unwrap();
        push.connect(&endpoint).unwrap();
        push.wait_for_peer().await;
        pull.unbind(&endpoint).await.unwrap();
        assert!(pull.unbind(&endpoint).await.is_err());
        push.send("still connected").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["still connected"]);

        let other = Pull::with_options(usual());
        other.bind(&endpoint).await.unwrap();
        let newcomer = Push::with_options(usual());
        newcomer.connect(&endpoint).unwrap();
        newcomer.send("for the other").await.unwrap();
        assert_eq!(text(&other.recv().await.unwrap()), ["for the other"]);
    }

    async fn an_endpoint_in_use_cannot_be_bound_until_it_is_free(at: At) {
        let (first, second) = (Pull::with_options(usual()), Pull::with_options(usual()));
        let endpoint = first.bind(at.any()).await.unwrap();
        let mut monitor = second.monitor();
        let error = second.bind(&endpoint).await.unwrap_err();
        assert_eq!(error.endpoint, endpoint.to_string());
        assert!(matches!(error.cause, BindCause::Io(cause) if cause.kind() == ErrorKind::AddrInUse));
        assert_eq!(monitor.event().await.kind, MonitorKind::BindFailed(ErrorKind::AddrInUse));
        first.close().await;
        second.bind(&endpoint).await.unwrap();
    }

    async fn a_pair_refuses_a_second_peer_and_takes_it_when_the_first_is_gone(at: At) {
        let pair = Pair::with_options(usual());
        let mut monitor = pair.monitor();
        let endpoint = pair.bind(at.any()).await.unwrap();
        let (first, second) = (Pair::with_options(usual()), Pair::with_options(quick()));
        first.connect(&endpoint).unwrap();
        monitor.peers(1).await;
        second.connect(&endpoint).unwrap();
        assert_eq!(monitor.loss().await, DisconnectReason::PairTaken);
        first.send("still the only one").await.unwrap();
        assert_eq!(text(&pair.recv().await.unwrap()), ["still the only one"]);
        first.close().await;
        while monitor.loss().await == DisconnectReason::PairTaken {}
        monitor.peers(1).await;
        pair.send("welcome").await.unwrap();
        assert_eq!(text(&second.recv().await.unwrap()), ["welcome"]);
        second.send("thanks").await.unwrap();
        assert_eq!(text(&pair.recv().await.unwrap()), ["thanks"]);
    }

    async fn a_pair_that_waits_to_send_goes_on_with_the_first_peer_it_finds(at: At) {
        let (pair, peer) = (Pair::with_options(quick().send_hwm(1).linger(Some(std::time::Duration::ZERO))), Pair::with_options(usual()));
        pair.connect(at.place()).unwrap();
        pair.send("for nobody").await.unwrap();
        let waiting = tokio::spawn({
            let pair = pair.clone();
            async move { pair.send("for the peer").await }
        });
        let place = pair.connect(at.place()).unwrap();
        common::settle().await;
        assert!(!waiting.is_finished());
        peer.bind(&place).await.unwrap();
        waiting.await.unwrap().unwrap();
        assert_eq!(text(&peer.recv().await.unwrap()), ["for the peer"]);
    }

    async fn every_type_finds_its_peer_again(at: At) {
        for ours in SocketType::ALL {
            for theirs in SocketType::ALL.into_iter().filter(|theirs| ours.accepts(*theirs)) {
                let socket = AnySocket::new(ours, quick());
                let mut monitor = socket.monitor();
                let place = socket.connect(at.place()).unwrap();
                for _ in 0..2 {
                    let peer = AnySocket::new(theirs, usual());
                    peer.bind(&place).await.unwrap();
                    let found = monitor.skip_to("handshake_succeeded").await.peer.expect("who it is");
                    assert_eq!(found.socket_type, theirs);
                    peer.wait_for_peer().await;
                    peer.close().await;
                    monitor.loss().await;
                }
            }
        }
    }

    async fn a_socket_that_never_reconnects_stops_at_the_first_loss(at: At) {
        let push = Push::with_options(usual().reconnect(Reconnect::Never));
        let mut monitor = push.monitor();
        let pull = Pull::with_options(usual());
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        monitor.peers(1).await;
        pull.close().await;
        monitor.expect(&["disconnected", "connect_stopped"]).await;
        assert!(push.try_send("nowhere to go").is_err());
    }
}

// A page resolves no names by itself.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn a_name_that_resolves_can_be_bound_and_connected_to() {
    within("a_name_that_resolves_can_be_bound_and_connected_to", async {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(usual()));
        let Endpoint::Tcp { port, .. } = pull.bind("tcp://localhost:*").await.unwrap() else { unreachable!() };
        push.connect(format!("tcp://localhost:{port}")).unwrap();
        push.send("hello").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["hello"]);
    })
    .await;
}

// A page has no files.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn the_file_of_an_ipc_endpoint_is_there_while_it_is_bound() {
    within("the_file_of_an_ipc_endpoint_is_there_while_it_is_bound", async {
        let pull = Pull::with_options(usual());
        let place = At::Ipc.place();
        let path = place.trim_start_matches("ipc://");
        for _ in 0..2 {
            let endpoint = pull.bind(&place).await.unwrap();
            assert!(std::fs::exists(path).unwrap());
            pull.unbind(&endpoint).await.unwrap();
            assert!(!std::fs::exists(path).unwrap());
        }
        pull.bind(&place).await.unwrap();
        pull.close().await;
        assert!(!std::fs::exists(path).unwrap());
    })
    .await;
}

// A page has no files.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn an_ipc_file_that_a_dead_process_left_is_taken_over_and_nothing_else_is() {
    within("an_ipc_file_that_a_dead_process_left_is_taken_over_and_nothing_else_is", async {
        let pull = Pull::with_options(usual());
        let place = At::Ipc.place();
        let path = place.trim_start_matches("ipc://");
        // Nobody listens any more once the listener is dropped, but its file stays.
        drop(UnixListener::bind(path).unwrap());
        assert!(std::fs::exists(path).unwrap());
        let endpoint = pull.bind(&place).await.unwrap();
        pull.unbind(&endpoint).await.unwrap();

        let alive = UnixListener::bind(path).unwrap();
        assert!(pull.bind(&place).await.is_err());
        assert!(std::fs::exists(path).unwrap());
        drop(alive);
        std::fs::remove_file(path).unwrap();

        std::fs::write(path, "precious").unwrap();
        assert!(pull.bind(&place).await.is_err());
        assert_eq!(std::fs::read(path).unwrap(), b"precious");
        std::fs::remove_file(path).unwrap();
    })
    .await;
}

// In a page it is another cause: there is no transport.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn what_cannot_be_bound_or_connected_to_is_named() {
    within("what_cannot_be_bound_or_connected_to_is_named", async {
        let push = Push::with_options(usual());
        for wrong in ["tcp://127.0.0.1", "nonsense", "http://example.org", "ipc://", "inproc://", "tcp://*:70000"] {
            assert_eq!(push.bind(wrong).await.unwrap_err().endpoint, wrong);
            assert_eq!(push.connect(wrong).unwrap_err().endpoint, wrong);
        }
        for only_to_bind in ["tcp://127.0.0.1:*", "tcp://*:5555"] {
            assert!(push.connect(only_to_bind).is_err(), "{only_to_bind}");
        }
        let nowhere = push.bind("ipc:///no/such/directory/file").await.unwrap_err();
        assert!(matches!(nowhere.cause, BindCause::Io(_)), "{nowhere}");
    })
    .await;
}
