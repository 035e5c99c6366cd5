//! Closing over every transport: linger, nothing lost, everybody woken, nothing left behind.

mod common;

use std::time::Duration;

use bowline::{
    AnySocket, BindCause, ConnectCause, Dealer, Monitor, Pull, Push, RecvError, SendErrorKind, SocketType, Sub,
    SubscribeError,
};
use common::{At, Script, number, parts, quick, settle, text, usual, within};
#[cfg(not(target_family = "wasm"))]
use tokio::runtime::Handle;

/// Waits until the socket behind the monitor is over.
async fn over(mut monitor: Monitor) {
    assert_eq!(monitor.rest().await.pop(), Some("stopped"));
}

for_each_transport! {
    async fn close_without_linger_drops_what_waits(at: At) {
        let push = Push::with_options(quick().linger(Some(Duration::ZERO)));
        let place = push.connect(at.place()).unwrap();
        push.send("in vain").await.unwrap();
        push.close().await;
        let (pull, next) = (Pull::with_options(usual()), Push::with_options(quick()));
        pull.bind(&place).await.unwrap();
        next.connect(&place).unwrap();
        next.send("first to arrive").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["first to arrive"]);
    }

    async fn close_with_some_linger_ends_although_the_peer_never_comes(at: At) {
        let push = Push::with_options(quick().linger(Some(Duration::from_millis(30))));
        push.connect(at.place()).unwrap();
        push.send("in vain").await.unwrap();
        let began = tokio::time::Instant::now();
        push.close().await;
        assert!(began.elapsed() >= Duration::from_millis(30));
    }

    async fn close_says_how_many_messages_have_not_gone_out(at: At) {
        let push = Push::with_options(quick().linger(Some(Duration::from_millis(10))));
        push.connect(at.place()).unwrap();
        for n in 0..5 {
            push.send(n.to_string()).await.unwrap();
        }
        assert_eq!(push.close().await, 5);
        assert_eq!(push.close().await, 5);
    }

    // A page by WebSocket takes all that comes, also what nobody reads.
    #[cfg(not(target_family = "wasm"))]
    bytes async fn close_says_how_many_messages_a_peer_has_not_taken(at: At) {
        // More than the system takes; the peer has its mark, and reads no more.
        let body = bowline::Message::from(vec![0; 16 << 20]);
        for pusher_binds in [false, true] {
            let push = Push::with_options(quick().linger(Some(Duration::from_millis(10))).send_hwm(3));
            let pull = Pull::with_options(quick().recv_hwm(1));
            if pusher_binds {
                pull.connect(push.bind(at.any()).await.unwrap()).unwrap();
            } else {
                push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
            }
            push.wait_for_peer().await;
            let mut in_vain = 0;
            while in_vain < 20 {
                in_vain += 1;
                while push.try_send(body.clone()).is_ok() {
                    in_vain = 0;
                }
                settle().await;
            }
            assert!(push.close().await >= 3);
        }
    }

    async fn close_with_nothing_to_send_does_not_wait_for_a_peer(at: At) {
        let push = Push::with_options(quick().linger(None));
        push.connect(at.place()).unwrap();
        push.close().await;
        let pull = Pull::with_options(quick().linger(None));
        pull.connect(at.place()).unwrap();
        pull.bind(at.any()).await.unwrap();
        pull.close().await;
    }

    async fn a_peer_that_comes_during_linger_gets_what_waits(at: At) {
        for linger in [None, Some(common::LIMIT)] {
            let push = Push::with_options(quick().linger(linger));
            let place = push.connect(at.place()).unwrap();
            for n in 0..100 {
                push.send(n.to_string()).await.unwrap();
            }
            let closing = tokio::spawn({
                let push = push.clone();
                async move { push.close().await }
            });
            settle().await;
            assert!(!closing.is_finished());
            let pull = Pull::with_options(usual());
            pull.bind(&place).await.unwrap();
            for n in 0..100 {
                assert_eq!(number(&pull.recv().await.unwrap()), n);
            }
            closing.await.unwrap();
        }
    }

    async fn dropping_the_last_handle_sends_what_waits(at: At) {
        let push = Push::with_options(quick());
        let place = push.connect(at.place()).unwrap();
        let monitor = push.monitor();
        for n in 0..100 {
            push.send(n.to_string()).await.unwrap();
        }
        drop(push.clone());
        push.send("100").await.unwrap();
        drop(push);
        let pull = Pull::with_options(usual());
        pull.bind(&place).await.unwrap();
        for n in 0..=100 {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
        over(monitor).await;
    }

    async fn stop_ends_everything_at_once(at: At) {
        let push = Push::with_options(quick().linger(None));
        let place = push.connect(at.place()).unwrap();
        let monitor = push.monitor();
        push.send("in vain").await.unwrap();
        let closing = tokio::spawn({
            let push = push.clone();
            async move { push.close().await }
        });
        settle().await;
        push.stop();
        push.stop();
        closing.await.unwrap();
        push.close().await;
        over(monitor).await;
        let (pull, next) = (Pull::with_options(usual()), Push::with_options(quick()));
        pull.bind(&place).await.unwrap();
        next.connect(&place).unwrap();
        next.send("first to arrive").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["first to arrive"]);
    }

    held async fn a_slow_reader_at_its_mark_gets_all_although_the_sender_has_closed(at: At) {
        // libzmq issue 4660: over ipc, what waits is lost there.
        let pull = Pull::with_options(quick().recv_hwm(10));
        let endpoint = pull.bind(at.any()).await.unwrap();
        let push = Push::with_options(quick().send_hwm(10));
        push.connect(&endpoint).unwrap();
        push.wait_for_peer().await;
        let body = "x".repeat(10_000);
        let mut sent = 0;
        let mut in_vain = 0;
        while in_vain < 20 {
            if push.try_send(parts([&sent.to_string(), &body])).is_ok() {
                (sent, in_vain) = (sent + 1, 0);
            } else {
                in_vain += 1;
                settle().await;
            }
        }
        let closing = tokio::spawn(async move { push.close().await });
        settle().await;
        for n in 0..sent {
            assert_eq!(number(&pull.recv().await.unwrap()), n, "of {sent}");
            tokio::task::yield_now().await;
        }
        closing.await.unwrap();
        assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
    }

    async fn close_may_be_called_by_many_and_many_times(at: At) {
        let push = Push::with_options(quick());
        push.bind(at.any()).await.unwrap();
        let monitor = push.monitor();
        let clone = push.clone();
        tokio::join!(push.close(), push.close(), clone.close());
        push.close().await;
        push.stop();
        over(monitor).await;
        over_at_once(push.monitor()).await;
    }

    async fn after_close_every_verb_says_so(at: At) {
        for socket_type in SocketType::ALL {
            let socket = AnySocket::new(socket_type, quick());
            let endpoint = socket.bind(at.any()).await.unwrap();
            socket.close().await;
            assert_eq!(socket.send("late").await.unwrap_err().kind, SendErrorKind::Closed);
            assert_eq!(socket.try_send("late").unwrap_err().kind, SendErrorKind::Closed);
            assert_eq!(socket.recv().await, Err(RecvError::Closed));
            assert_eq!(socket.try_recv(), Err(RecvError::Closed));
            assert_eq!(socket.subscribe(""), Err(SubscribeError::Closed));
            assert_eq!(socket.unsubscribe(""), Err(SubscribeError::Closed));
            assert_eq!(socket.connect(at.place()).unwrap_err().cause, ConnectCause::Closed);
            assert!(matches!(socket.bind(at.any()).await.unwrap_err().cause, BindCause::Closed));
            // Nothing to wait for any more, and the endpoint is free.
            socket.wait_for_peer().await;
            socket.wait_for_subscriber().await;
            AnySocket::new(socket_type, quick()).bind(&endpoint).await.unwrap();
        }
    }

    async fn close_wakes_those_who_wait_in_other_tasks(at: At) {
        let dealer = Dealer::with_options(quick().send_hwm(1).linger(Some(Duration::ZERO)));
        dealer.connect(at.place()).unwrap();
        dealer.send("fills the pipe").await.unwrap();
        let receiving = tokio::spawn({
            let dealer = dealer.clone();
            async move { dealer.recv().await }
        });
        let sending = tokio::spawn({
            let dealer = dealer.clone();
            async move { dealer.send("no room").await }
        });
        let waiting = tokio::spawn({
            let dealer = dealer.clone();
            async move { dealer.wait_for_peer().await }
        });
        settle().await;
        assert!(!receiving.is_finished() && !sending.is_finished() && !waiting.is_finished());
        dealer.close().await;
        assert_eq!(receiving.await.unwrap(), Err(RecvError::Closed));
        let refused = sending.await.unwrap().unwrap_err();
        assert_eq!((refused.kind, text(&refused.message)), (SendErrorKind::Closed, vec!["no room".to_owned()]));
        waiting.await.unwrap();
    }

    // In a page nobody counts tasks.
    #[cfg(not(target_family = "wasm"))]
    async fn no_task_outlives_its_socket(at: At) {
        let before = Handle::current().metrics().num_alive_tasks();
        for round in 0..5 {
            let (pull, push) = (Pull::with_options(usual()), Push::with_options(quick()));
            let place = push.connect(at.place()).unwrap();
            push.connect(at.place()).unwrap();
            pull.bind(&place).await.unwrap();
            push.wait_for_peer().await;
            let (publisher, sub) = (bowline::Pub::with_options(usual()), Sub::with_options(usual()));
            sub.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
            sub.subscribe("").unwrap();
            publisher.wait_for_subscriber().await;
            if round % 2 == 0 {
                tokio::join!(push.close(), pull.close(), sub.close(), publisher.close());
            } else {
                tokio::join!(pull.close(), publisher.close());
                tokio::join!(push.close(), sub.close());
            }
            // What still says that it is over may be on its last step.
            settle().await;
            assert_eq!(Handle::current().metrics().num_alive_tasks(), before);
        }
    }
}

async fn over_at_once(mut monitor: Monitor) {
    assert!(monitor.next().await.is_none());
}

#[tokio::test]
async fn a_peer_that_says_nothing_does_not_hold_close_up() {
    within("a_peer_that_says_nothing_does_not_hold_close_up", async {
        let pull = Pull::with_options(usual().handshake_timeout(Duration::from_secs(3600)));
        let mut monitor = pull.monitor();
        let silent = common::raw::Raw::connect(&pull.bind(At::Tcp.any()).await.unwrap()).await;
        monitor.skip_to("accepted").await;
        pull.close().await;
        silent.closed().await;
    })
    .await;
}

// A page by WebSocket takes all that comes, also what nobody reads.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn a_reader_with_heartbeats_loses_nothing_when_the_sender_closes() {
    within("a_reader_with_heartbeats_loses_nothing_when_the_sender_closes", async {
        // Its PINGs would meet a closed socket, and the reset would take what the system has not delivered yet.
        let options = quick().recv_hwm(1).recv_buffer(Some(4096)).heartbeat_interval(Some(Duration::from_millis(20)));
        let pull = Pull::with_options(options);
        let push = Push::with_options(quick().send_buffer(Some(1 << 20)));
        push.connect(pull.bind(At::Tcp.any()).await.unwrap()).unwrap();
        push.wait_for_peer().await;
        let body = "x".repeat(1000);
        for n in 0..200 {
            push.send(parts([&n.to_string(), &body])).await.unwrap();
        }
        let mut closing = tokio::spawn(async move { push.close().await });
        // Longer than the sender waits for a silent peer.
        let early = tokio::time::timeout(Duration::from_millis(1500), &mut closing).await;
        assert!(early.is_err(), "not all is delivered");
        for n in 0..200 {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
        closing.await.unwrap();
    })
    .await;
}
