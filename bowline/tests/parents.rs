//! A token that owns sockets: when it is cancelled, they end, and nothing of them is left.

mod common;

use std::time::Duration;

use bowline::{
    CancellationToken, ConnectCause, Dealer, Pub, Pull, Push, RecvError, SendErrorKind, Sub, TransportState,
};
use common::{At, Script, quick, settle, text, until, usual, within};
use tokio::runtime::{Builder, Handle};

/// How many tasks the runtime of the test has.
fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

for_each_transport! {
    async fn when_the_token_is_cancelled_all_its_sockets_end_and_nothing_is_left(at: At) {
        let before = tasks();
        let parent = CancellationToken::new();
        let pull = Pull::with_parent(quick(), &parent);
        let push = Push::with_parent(quick().send_hwm(1), &parent);
        let publisher = Pub::with_parent(quick(), &parent);
        let sub = Sub::with_parent(quick(), &parent);
        let endpoint = pull.bind(at.any()).await.unwrap();
        let other = publisher.bind(at.any()).await.unwrap();
        push.connect(at.place()).unwrap();
        sub.connect(&other).unwrap();
        push.try_send("fills the pipe").unwrap();
        publisher.wait_for_peer().await;
        let monitors = [pull.monitor(), push.monitor(), publisher.monitor(), sub.monitor()];
        let mut state = sub.state();

        let receiving = tokio::spawn({
            let pull = pull.clone();
            async move { pull.recv().await }
        });
        let sending = tokio::spawn({
            let push = push.clone();
            async move { push.send("no room").await }
        });
        let waiting = tokio::spawn({
            let (pull, publisher, sub) = (pull.clone(), publisher.clone(), sub.clone());
            async move { tokio::join!(pull.wait_for_peer(), publisher.wait_for_subscriber(), sub.wait_until_idle()) }
        });
        settle().await;
        assert!(!receiving.is_finished() && !sending.is_finished() && !waiting.is_finished());
        parent.cancel();
        assert_eq!(receiving.await.unwrap(), Err(RecvError::Closed));
        assert_eq!(sending.await.unwrap().unwrap_err().kind, SendErrorKind::Closed);
        waiting.await.unwrap();
        for mut monitor in monitors {
            assert_eq!(monitor.rest().await.pop(), Some("stopped"));
        }
        while state.changed().await.is_some() {}
        assert_eq!(state.current(), TransportState::Disconnected);
        // What they had is given back.
        for endpoint in [endpoint, other] {
            Pull::with_options(usual()).bind(&endpoint).await.unwrap();
        }
        until(|| tasks() == before).await;
    }

    async fn what_waits_is_dropped_when_the_token_is_cancelled_and_close_counts_it(at: At) {
        let parent = CancellationToken::new();
        let push = Push::with_parent(quick(), &parent);
        push.connect(at.place()).unwrap();
        for n in 0..3 {
            push.send(n.to_string()).await.unwrap();
        }
        parent.cancel();
        assert_eq!(push.close().await, 3);
    }

    async fn a_socket_that_lingers_ends_with_the_token(at: At) {
        let parent = CancellationToken::new();
        let push = Push::with_parent(quick().linger(None), &parent);
        push.connect(at.place()).unwrap();
        push.send("in vain").await.unwrap();
        let closing = tokio::spawn(async move { push.close().await });
        settle().await;
        assert!(!closing.is_finished());
        parent.cancel();
        assert_eq!(closing.await.unwrap(), 1);
    }

    async fn a_socket_that_is_closed_leaves_the_token_and_its_other_sockets_alone(at: At) {
        let before = tasks();
        let parent = CancellationToken::new();
        let (first, second) = (Pull::with_parent(quick(), &parent), Pull::with_parent(quick(), &parent));
        let endpoint = second.bind(at.any()).await.unwrap();
        first.bind(at.any()).await.unwrap();
        first.close().await;
        Pull::with_parent(quick(), &parent).stop();
        drop(Pull::with_parent(quick(), &parent));
        assert!(!parent.is_cancelled());
        let push = Push::with_options(usual());
        push.connect(&endpoint).unwrap();
        push.send("still there").await.unwrap();
        assert_eq!(text(&second.recv().await.unwrap()), ["still there"]);
        push.close().await;
        second.close().await;
        until(|| tasks() == before).await;
    }

    async fn a_token_that_is_dropped_cancels_nothing(at: At) {
        let pull = Pull::with_parent(quick(), &CancellationToken::new());
        let endpoint = pull.bind(at.any()).await.unwrap();
        let push = Push::with_parent(quick(), &CancellationToken::new());
        push.connect(&endpoint).unwrap();
        push.send("hello").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["hello"]);
    }

    async fn a_socket_of_a_token_that_is_cancelled_already_is_closed_from_the_start(at: At) {
        let before = tasks();
        let parent = CancellationToken::new();
        parent.cancel();
        let dealer = Dealer::with_parent(quick(), &parent);
        assert_eq!(dealer.connect(at.place()).unwrap_err().cause, ConnectCause::Closed);
        assert!(matches!(dealer.bind(at.any()).await.unwrap_err().cause, bowline::BindCause::Closed));
        assert_eq!(dealer.try_send("late").unwrap_err().kind, SendErrorKind::Closed);
        assert_eq!(dealer.recv().await, Err(RecvError::Closed));
        dealer.wait_for_peer().await;
        assert!(dealer.monitor().next().await.is_none_or(|event| event.kind == bowline::MonitorKind::Stopped));
        assert_eq!(dealer.close().await, 0);
        until(|| tasks() == before).await;
    }
}

#[tokio::test]
async fn the_sockets_of_a_token_of_a_token_end_with_the_outer_one() {
    within("the_sockets_of_a_token_of_a_token_end_with_the_outer_one", async {
        let outer = CancellationToken::new();
        let inner = outer.child_token();
        let (kept, ended) = (Pull::with_parent(quick(), &outer), Pull::with_parent(quick(), &inner));
        inner.cancel();
        assert_eq!(ended.recv().await, Err(RecvError::Closed));
        assert_eq!(kept.try_recv(), Err(RecvError::WouldBlock));
        outer.cancel();
        assert_eq!(kept.recv().await, Err(RecvError::Closed));
    })
    .await;
}

/// Polls `future` on a runtime of its own, within the limit.
fn run<T>(runtime: &tokio::runtime::Runtime, future: impl Future<Output = T>) -> T {
    runtime.block_on(async { tokio::time::timeout(common::LIMIT, future).await.expect("it hangs") })
}

#[test]
fn a_socket_made_outside_of_a_runtime_heeds_its_token_inside_of_one() {
    for binds in [true, false] {
        let parent = CancellationToken::new();
        let pull = Pull::with_parent(quick(), &parent);
        assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        run(&runtime, async {
            if binds {
                pull.bind(At::Tcp.any()).await.unwrap();
            }
            let (received, ()) = tokio::join!(pull.recv(), async {
                settle().await;
                parent.cancel();
            });
            assert_eq!(received, Err(RecvError::Closed));
            assert_eq!(pull.close().await, 0);
        });
    }
}

#[test]
fn a_socket_made_outside_of_a_runtime_with_a_cancelled_token_is_closed() {
    let parent = CancellationToken::new();
    parent.cancel();
    let pull = Pull::with_parent(quick(), &parent);
    assert_eq!(pull.try_recv(), Err(RecvError::Closed));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    run(&runtime, async {
        assert!(pull.bind(At::Tcp.any()).await.is_err());
        assert_eq!(pull.close().await, 0);
    });
}

#[test]
fn a_token_may_be_cancelled_from_any_thread() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for _ in 0..50 {
        let parent = CancellationToken::new();
        run(&runtime, async {
            let (pull, push) = (Pull::with_parent(quick(), &parent), Push::with_parent(quick(), &parent));
            push.connect(pull.bind(At::Tcp.any()).await.unwrap()).unwrap();
            let flood = tokio::spawn(async move { while push.send("message").await.is_ok() {} });
            pull.recv().await.unwrap();
            let cancelling = std::thread::spawn(move || parent.cancel());
            while pull.recv().await.is_ok() {}
            flood.await.unwrap();
            pull.close().await;
            cancelling.join().unwrap();
        });
    }
    runtime.shutdown_timeout(Duration::from_secs(1));
}
