//! Receivers that look again and again for a while: what they get is the same, and they sleep in the end.

mod common;

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bowline::{CancellationToken, Message, Pull, Push, RecvError, Rep, Req};
use common::{glance, number, quick, usual, within};
use futures_core::Stream;

/// Longer than any test: whoever looks so long never sleeps.
const ALWAYS: Duration = Duration::from_secs(3600);
/// So short that the time is over at some look, and long enough that there may be some before.
const SHORT: Duration = Duration::from_micros(200);

/// Counts how often it was woken. Outside of a runtime that is at once.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A socket that looks so long.
fn looks(time: Duration) -> Pull {
    Pull::with_options(quick().busy_poll(time))
}

/// Polls until it sleeps: it was not woken again. How many polls that took.
fn polls_until_asleep<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> usize {
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    for polls in 1.. {
        let before = count.0.load(Ordering::SeqCst);
        assert!(poll(&mut Context::from_waker(&waker)).is_pending());
        if count.0.load(Ordering::SeqCst) == before {
            return polls;
        }
    }
    unreachable!("it looks as often as it takes")
}

#[test]
fn a_receiver_sleeps_at_once_by_default() {
    let pull = Pull::with_options(usual());
    assert_eq!(pull.options().busy_poll, Duration::ZERO);
    let mut receiving = pull.recv();
    assert_eq!(polls_until_asleep(|cx| Pin::new(&mut receiving).poll(cx)), 1);
}

#[test]
fn a_receiver_that_gets_nothing_sleeps_when_the_time_is_over_and_does_not_begin_again() {
    let pull = looks(SHORT);
    let mut receiving = pull.recv();
    assert!(polls_until_asleep(|cx| Pin::new(&mut receiving).poll(cx)) > 1);
    assert_eq!(polls_until_asleep(|cx| Pin::new(&mut receiving).poll(cx)), 1, "it was woken for nothing");
    let mut messages = Vec::new();
    let mut receiving = pull.recv_many(&mut messages, 10);
    assert!(polls_until_asleep(|cx| Pin::new(&mut receiving).poll(cx)) > 1);
    assert_eq!(polls_until_asleep(|cx| Pin::new(&mut receiving).poll(cx)), 1);
    let mut stream = pull.stream();
    assert!(polls_until_asleep(|cx| Pin::new(&mut stream).poll_next(cx)) > 1);
    assert_eq!(polls_until_asleep(|cx| Pin::new(&mut stream).poll_next(cx)), 1);
}

#[test]
fn who_looks_is_in_no_list_and_who_sleeps_is() {
    let pull = looks(ALWAYS);
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut receiving = pull.recv();
    for looks in 1..1000 {
        assert!(Pin::new(&mut receiving).poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(count.0.load(Ordering::SeqCst), looks, "each look asks for the next one");
    }
    assert_eq!(Arc::strong_count(&count), 2, "nobody has to wake it");

    let pull = looks(SHORT);
    let mut receiving = pull.recv();
    while Arc::strong_count(&count) == 2 {
        assert!(Pin::new(&mut receiving).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let before = count.0.load(Ordering::SeqCst);
    pull.stop();
    assert_eq!(count.0.load(Ordering::SeqCst), before + 1);
    let ended = pin!(receiving).poll(&mut Context::from_waker(&waker));
    assert_eq!(ended, Poll::Ready(Err(RecvError::Closed)));
}

// A page has one runtime, which is always there.
#[cfg(not(target_family = "wasm"))]
#[test]
fn a_socket_without_a_runtime_that_looks_hears_of_the_end_of_its_parent() {
    let parent = CancellationToken::new();
    let pull = Pull::with_parent(quick().busy_poll(ALWAYS), &parent);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(within("a_socket_without_a_runtime_that_looks_hears_of_the_end_of_its_parent", async {
        let mut receiving = pull.recv();
        assert!(glance(&mut receiving).await.is_none());
        parent.cancel();
        assert_eq!(receiving.await, Err(RecvError::Closed));
    }));
}

for_each_transport! {
    async fn requests_and_replies_pass_between_sockets_that_look(at: At) {
        for time in [SHORT, ALWAYS] {
            let options = usual().busy_poll(time);
            let (req, rep) = (Req::with_options(options.clone()), Rep::with_options(options));
            req.connect(rep.bind(at.any()).await.unwrap()).unwrap();
            let serving = tokio::spawn(async move {
                while let Ok(request) = rep.recv().await {
                    rep.send(request).await.unwrap();
                }
            });
            for n in 0..300 {
                req.send(n.to_string()).await.unwrap();
                assert_eq!(number(&req.recv().await.unwrap()), n);
            }
            serving.abort();
        }
    }

    async fn who_looks_lets_the_others_have_their_turn(at: At) {
        // All on one thread: connections, a sender, and three that never sleep.
        let pulls = [looks(ALWAYS), looks(ALWAYS), looks(ALWAYS)];
        let push = Push::with_options(usual());
        for pull in &pulls {
            push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
            pull.wait_for_peer().await;
        }
        let receiving = pulls.map(|pull| {
            tokio::spawn(async move {
                let mut received = Vec::new();
                received.push(pull.recv().await.unwrap());
                let mut stream = pull.stream();
                received.push(std::future::poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await.unwrap().unwrap());
                while received.len() < 100 {
                    pull.recv_many(&mut received, 10).await.unwrap();
                }
                received.iter().map(number).collect::<Vec<_>>()
            })
        });
        let mut messages: VecDeque<Message> = (0..300_usize).map(|n| n.to_string().into()).collect();
        push.send_many(&mut messages).await.unwrap();
        for (first, receiving) in receiving.into_iter().enumerate() {
            assert!(receiving.await.unwrap().into_iter().eq((first..300).step_by(3)));
        }
    }

    async fn one_that_looks_hears_of_the_end_and_loses_nothing_when_it_is_dropped(at: At) {
        let pull = looks(ALWAYS);
        let push = Push::with_options(usual());
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        {
            let mut receiving = pull.recv();
            for _ in 0..10 {
                assert!(glance(&mut receiving).await.is_none());
            }
        }
        push.send("1").await.unwrap();
        assert_eq!(number(&pull.recv().await.unwrap()), 1);
        let mut receiving = pull.recv();
        assert!(glance(&mut receiving).await.is_none());
        pull.close().await;
        assert_eq!(receiving.await, Err(RecvError::Closed));
    }
}
