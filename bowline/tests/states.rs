//! Whether a socket has somebody to talk to: asked for, watched, and told to handlers.

mod common;

use std::sync::mpsc;

use bowline::{
    Dealer, Mechanism, NoRuntime, PlainCredentials, Pull, Push, Reconnect, RecvError, Rep, Req, StateWatch,
    TransportState,
};
use common::{At, Script, glance, quick, text, usual, within};
#[cfg(not(target_family = "wasm"))]
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use TransportState::{Connected, Connecting, Disconnected};

/// Waits until the watch has seen this state; there may be others on the way.
async fn reaches(watch: &mut StateWatch, state: TransportState) {
    while watch.current() != state {
        watch.changed().await.expect("the socket is not over");
    }
}

/// The states that a handler of the socket hears, from now on. `None` is heard when the handler is dropped.
fn heard(socket: &Push) -> UnboundedReceiver<TransportState> {
    let (hear, heard) = unbounded_channel();
    socket
        .on_state_change(move |state| {
            hear.send(state).ok();
        })
        .unwrap();
    heard
}

for_each_transport! {
    async fn a_socket_that_connects_is_connecting_while_it_has_no_peer(at: At) {
        let push = Push::with_options(quick());
        let mut state = push.state();
        assert_eq!((state.current(), push.is_connected()), (Disconnected, false));
        let place = push.connect(at.place()).unwrap();
        assert_eq!((state.current(), push.is_connected()), (Connecting, false));
        assert_eq!(state.changed().await, Some(Connecting));
        for _ in 0..3 {
            let pull = Pull::with_options(usual());
            pull.bind(&place).await.unwrap();
            assert_eq!(state.changed().await, Some(Connected));
            assert!(push.is_connected());
            pull.close().await;
            assert_eq!(state.changed().await, Some(Connecting));
            assert!(!push.is_connected());
        }
        push.disconnect(&place).unwrap();
        assert_eq!(state.changed().await, Some(Disconnected));
        // Not the last one: it may connect again.
        push.connect(&place).unwrap();
        assert_eq!(state.changed().await, Some(Connecting));
        push.close().await;
        assert_eq!((state.changed().await, state.changed().await), (Some(Disconnected), None));
    }

    async fn a_socket_that_is_only_bound_is_disconnected_while_it_has_no_peer(at: At) {
        let pull = Pull::with_options(usual());
        let mut state = pull.state();
        let endpoint = pull.bind(at.any()).await.unwrap();
        assert_eq!((state.current(), pull.is_connected()), (Disconnected, false));
        for _ in 0..3 {
            let push = Push::with_options(usual());
            push.connect(&endpoint).unwrap();
            assert_eq!(state.changed().await, Some(Connected));
            assert!(pull.is_connected());
            push.close().await;
            assert_eq!(state.changed().await, Some(Disconnected));
            assert!(!pull.is_connected());
        }
        pull.close().await;
        assert_eq!(state.changed().await, None);
    }

    async fn any_peer_makes_it_connected_and_the_last_that_goes_ends_that(at: At) {
        let (dealer, bound) = (Dealer::with_options(quick()), Dealer::with_options(usual()));
        let mut monitor = dealer.monitor();
        let mut state = dealer.state();
        let endpoint = dealer.bind(at.any()).await.unwrap();
        let guest = Dealer::with_options(usual());
        guest.connect(&endpoint).unwrap();
        assert_eq!(state.changed().await, Some(Connected));
        let place = bound.bind(at.any()).await.unwrap();
        dealer.connect(&place).unwrap();
        monitor.peers(2).await;
        guest.close().await;
        monitor.loss().await;
        assert_eq!(state.current(), Connected);
        bound.close().await;
        assert_eq!(state.changed().await, Some(Connecting));
    }

    async fn a_watch_that_is_made_after_the_end_shows_the_end(at: At) {
        let push = Push::with_options(quick());
        push.connect(at.place()).unwrap();
        push.close().await;
        let mut late = push.state();
        assert_eq!((late.current(), late.changed().await), (Disconnected, None));
        assert_eq!((late.clone().current(), late.clone().changed().await), (Disconnected, None));
        assert!(!push.is_connected());
    }

    async fn each_watch_sees_for_itself_and_a_future_that_is_dropped_misses_nothing(at: At) {
        let push = Push::with_options(quick());
        let mut first = push.state();
        let place = push.connect(at.place()).unwrap();
        let mut second = first.clone();
        let mut third = push.state();
        assert_eq!(first.changed().await, Some(Connecting));
        assert_eq!(second.changed().await, Some(Connecting));
        for _ in 0..100 {
            assert!(glance(&mut Box::pin(third.changed())).await.is_none(), "it was made in that state");
        }
        let pull = Pull::with_options(usual());
        pull.bind(&place).await.unwrap();
        for watch in [&mut first, &mut second, &mut third] {
            assert_eq!(watch.changed().await, Some(Connected));
        }
    }

    async fn a_watch_does_not_keep_its_socket_open(at: At) {
        let push = Push::with_options(quick());
        push.connect(at.place()).unwrap();
        let mut state = push.state();
        drop(push);
        assert_eq!((state.changed().await, state.changed().await), (Some(Disconnected), None));
    }

    async fn the_state_is_up_to_date_when_a_monitor_tells_of_it(at: At) {
        let push = Push::with_options(quick());
        let (state, mut monitor) = (push.state(), push.monitor());
        let place = push.connect(at.place()).unwrap();
        for _ in 0..3 {
            let pull = Pull::with_options(usual());
            pull.bind(&place).await.unwrap();
            monitor.peers(1).await;
            assert_eq!(state.current(), Connected);
            pull.close().await;
            monitor.loss().await;
            assert_eq!(state.current(), Connecting);
        }
    }

    async fn a_policy_that_never_reconnects_ends_disconnected(at: At) {
        let push = Push::with_options(usual().reconnect(Reconnect::Never));
        let pull = Pull::with_options(usual());
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        let mut state = push.state();
        reaches(&mut state, Connected).await;
        pull.close().await;
        reaches(&mut state, Disconnected).await;
        assert!(push.try_send("nowhere to go").is_err());
    }

    bytes async fn a_socket_that_gives_up_after_so_many_attempts_is_disconnected(at: At) {
        let push = Push::with_options(quick().max_attempts(Some(3)));
        let mut monitor = push.monitor();
        let mut state = push.state();
        push.connect(at.place()).unwrap();
        for attempt in 1..3 {
            monitor.follow(&[&format!("connecting {attempt}"), &format!("connect_retried {attempt}")]).await;
        }
        monitor.follow(&["connecting 3", "connect_stopped 3"]).await;
        reaches(&mut state, Disconnected).await;
    }

    bytes async fn a_socket_whose_password_is_refused_is_disconnected(at: At) {
        let plain = |password| PlainCredentials::new("ann", password).unwrap();
        let pull = Pull::with_options(usual().mechanism(Mechanism::PlainServer(vec![plain("secret")])));
        let push = Push::with_options(quick().mechanism(Mechanism::PlainClient(plain("guess"))));
        let (mut ours, mut theirs) = (push.state(), pull.state());
        let endpoint = pull.bind(at.any()).await.unwrap();
        push.connect(&endpoint).unwrap();
        assert_eq!(ours.changed().await, Some(Connecting));
        assert_eq!(ours.changed().await, Some(Disconnected));
        pull.close().await;
        assert_eq!(theirs.changed().await, None, "it never had a peer");
    }

    async fn a_handler_hears_the_state_of_now_and_then_each_other_one(at: At) {
        let push = Push::with_options(quick());
        let mut early = heard(&push);
        assert_eq!(early.recv().await, Some(Disconnected));
        let place = push.connect(at.place()).unwrap();
        assert_eq!(early.recv().await, Some(Connecting));
        let pull = Pull::with_options(usual());
        pull.bind(&place).await.unwrap();
        assert_eq!(early.recv().await, Some(Connected));
        let mut late = heard(&push);
        assert_eq!(late.recv().await, Some(Connected));
        pull.close().await;
        assert_eq!((early.recv().await, late.recv().await), (Some(Connecting), Some(Connecting)));
        push.close().await;
        for heard in [&mut early, &mut late] {
            assert_eq!((heard.recv().await, heard.recv().await), (Some(Disconnected), None), "and it is dropped");
        }
        let mut latest = heard(&push);
        assert_eq!((latest.recv().await, latest.recv().await), (Some(Disconnected), None));
    }

    // A page has one thread, which nothing may block.
    #[cfg(not(target_family = "wasm"))]
    async fn a_handler_that_blocks_for_ever_holds_nothing_up(at: At) {
        let (push, pull) = (Push::with_options(quick()), Pull::with_options(usual()));
        let (release, released) = mpsc::channel::<()>();
        let (hear, mut entered) = unbounded_channel();
        push.on_state_change(move |state| {
            hear.send(state).ok();
            // Until the end of the test.
            released.recv().ok();
        })
        .unwrap();
        assert_eq!(entered.recv().await, Some(Disconnected));
        let mut other = heard(&push);
        assert_eq!(other.recv().await, Some(Disconnected));
        let place = push.connect(at.place()).unwrap();
        assert_eq!(other.recv().await, Some(Connecting));
        pull.bind(&place).await.unwrap();
        assert_eq!(other.recv().await, Some(Connected));
        push.send("hello").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["hello"]);
        push.close().await;
        assert_eq!((other.recv().await, other.recv().await), (Some(Disconnected), None));
        assert!(entered.try_recv().is_err(), "it is still at its first state");
        drop(release);
        assert_eq!((entered.recv().await, entered.recv().await), (None, None), "that one was the last, too");
    }

    // A page has one thread, which nothing may block.
    #[cfg(not(target_family = "wasm"))]
    async fn a_handler_may_use_its_socket_and_close_it(at: At) {
        let (push, pull) = (Push::with_options(quick()), Pull::with_options(usual()));
        let (hear, mut heard) = unbounded_channel();
        let socket = push.clone();
        push.on_state_change(move |state| {
            let peers = socket.peers().len();
            assert!(peers == usize::from(socket.is_connected()) || state != Connected);
            drop((socket.state().current(), socket.monitor_with_snapshot()));
            if state == Connected {
                socket.try_send("hello from the handler").unwrap();
                assert_eq!(Handle::current().block_on(socket.close()), 0);
            }
            hear.send((state, peers)).ok();
        })
        .unwrap();
        assert_eq!(heard.recv().await, Some((Disconnected, 0)));
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        let mut seen = Vec::new();
        while let Some((state, _)) = heard.recv().await {
            seen.push(state);
        }
        assert!(seen.ends_with(&[Connected, Disconnected]), "{seen:?}");
        assert_eq!(text(&pull.recv().await.unwrap()), ["hello from the handler"]);
        assert_eq!(push.send("late").await.unwrap_err().kind, bowline::SendErrorKind::Closed);
    }

    #[cfg(panic = "unwind")]
    async fn a_handler_that_panics_is_called_no_more_and_nothing_else_suffers(at: At) {
        let (push, pull) = (Push::with_options(quick()), Pull::with_options(usual()));
        let (hear, mut calls) = unbounded_channel();
        push.on_state_change(move |state| {
            hear.send(state).unwrap();
            assert_ne!(state, Connecting, "this panic is part of the test");
        })
        .unwrap();
        let mut other = heard(&push);
        assert_eq!((calls.recv().await, other.recv().await), (Some(Disconnected), Some(Disconnected)));
        let place = push.connect(at.place()).unwrap();
        assert_eq!((calls.recv().await, other.recv().await), (Some(Connecting), Some(Connecting)));
        assert_eq!(calls.recv().await, None, "it is dropped");
        pull.bind(&place).await.unwrap();
        assert_eq!(other.recv().await, Some(Connected));
        push.send("hello").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["hello"]);
        push.close().await;
        assert_eq!((other.recv().await, other.recv().await), (Some(Disconnected), None));
    }

    async fn what_waits_for_a_reply_has_failed_when_a_handler_hears_of_the_loss(at: At) {
        // Whoever is bound is disconnected after a loss; whoever connects is connecting.
        for (req_binds, after) in [(true, Disconnected), (false, Connecting)] {
            let (req, rep) = (Req::with_options(quick()), Rep::with_options(quick()));
            if req_binds {
                rep.connect(req.bind(at.any()).await.unwrap()).unwrap();
            } else {
                req.connect(rep.bind(at.any()).await.unwrap()).unwrap();
            }
            req.send("request").await.unwrap();
            rep.recv().await.unwrap();
            let (hear, mut heard) = unbounded_channel();
            req.on_state_change(move |state| {
 hear.send(state).ok();
}).unwrap();
            assert_eq!(heard.recv().await, Some(Connected));
            let mut receiving = Box::pin(req.recv());
            assert!(glance(&mut receiving).await.is_none());
            rep.stop();
            assert_eq!(heard.recv().await, Some(after));
            assert_eq!(glance(&mut receiving).await, Some(Err(RecvError::PeerLost)));
        }
    }
}

// A page has one thread.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn what_waits_for_a_reply_has_failed_in_every_thread_when_the_watch_shows_the_loss() {
    within("what_waits_for_a_reply_has_failed_in_every_thread_when_the_watch_shows_the_loss", async {
        for _ in 0..50 {
            let there = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let (req, rep) = (Req::with_options(usual()), Rep::with_options(quick()));
            let binding = req.clone();
            let bound = there.spawn(async move { binding.bind(At::Tcp.any()).await.unwrap() });
            rep.connect(bound.await.unwrap()).unwrap();
            req.send("request").await.unwrap();
            rep.recv().await.unwrap();
            let mut state = req.state();
            assert_eq!(state.current(), Connected);
            rep.stop();
            assert_eq!(state.changed().await, Some(Disconnected));
            assert_eq!(req.try_recv(), Err(RecvError::PeerLost));
            req.close().await;
            there.shutdown_background();
        }
    })
    .await;
}

// A page has one runtime, which is always there.
#[cfg(not(target_family = "wasm"))]
#[test]
fn a_handler_needs_a_runtime_here_or_at_the_sockets_endpoints() {
    let push = Push::with_options(usual());
    assert_eq!(push.on_state_change(|_| ()), Err(NoRuntime));
    assert_eq!(NoRuntime.to_string(), "there is no tokio runtime here");
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(push.bind(At::Tcp.any())).unwrap();
    let (hear, heard) = mpsc::channel();
    push.on_state_change(move |state| {
        hear.send(state).ok();
    })
    .unwrap();
    assert_eq!(heard.recv_timeout(common::LIMIT), Ok(Disconnected));
    runtime.block_on(push.close());
}
