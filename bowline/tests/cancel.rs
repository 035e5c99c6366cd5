//! Futures dropped half way: nothing is lost, nothing is sent, nobody is left waiting.

mod common;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bowline::{Dealer, Pull, Push, SendErrorKind};
use common::{number, quick, settle, text, usual};

/// Counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once and drops the future.
fn glance<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// A small generator: the same choices at every run.
fn choices() -> impl Iterator<Item = u32> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state >> 8
    })
}

for_each_transport! {
    async fn a_thousand_receives_dropped_at_any_poll_lose_nothing(at: At) {
        let pull = Pull::with_options(usual());
        let endpoint = pull.bind(at.any()).await.unwrap();
        let sending = tokio::spawn(async move {
            let push = Push::with_options(usual());
            push.connect(&endpoint).unwrap();
            for n in 0..5000 {
                push.send(n.to_string()).await.unwrap();
                if n % 7 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            push.close().await;
        });
        let mut choices = choices();
        let (mut next, mut dropped) = (0, 0);
        while next < 5000 {
            // Some polls, then it is dropped; a message that it returned counts, any other must come again.
            let polls = choices.next().unwrap() % 4;
            let mut receiving = Box::pin(pull.recv());
            let mut done = None;
            for _ in 0..polls {
                done = std::future::poll_fn(|cx| Poll::Ready(receiving.as_mut().poll(cx))).await.outcome();
                if done.is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            match done {
                Some(message) => {
                    assert_eq!(number(&message.unwrap()), next);
                    next += 1;
                }
                None => dropped += 1,
            }
        }
        assert!(dropped > 1000);
        sending.await.unwrap();
    }

    async fn a_send_that_is_dropped_while_it_waits_has_sent_nothing(at: At) {
        let push = Push::with_options(quick().send_hwm(1));
        let place = push.connect(at.place()).unwrap();
        push.send("0").await.unwrap();
        for _ in 0..1000 {
            assert!(glance(push.send("never sent")).is_none());
        }
        let pull = Pull::with_options(usual());
        pull.bind(&place).await.unwrap();
        for n in 1..10 {
            push.send(n.to_string()).await.unwrap();
        }
        for n in 0..10 {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
        push.close().await;
        assert!(pull.try_recv().is_err());
    }

    async fn select_loops_lose_and_repeat_nothing(at: At) {
        let (a, b) = (Dealer::with_options(usual()), Dealer::with_options(usual()));
        b.connect(a.bind(at.any()).await.unwrap()).unwrap();
        let echo = tokio::spawn(async move {
            while let Ok(message) = b.recv().await {
                b.send(message).await.unwrap();
            }
        });
        let mut interval = tokio::time::interval(Duration::from_micros(100));
        let (mut sent, mut received) = (0, 0);
        while received < 2000 {
            tokio::select! {
                _ = interval.tick() => {}
                result = a.send(sent.to_string()), if sent < 2000 => {
                    result.unwrap();
                    sent += 1;
                }
                message = a.recv() => {
                    assert_eq!(number(&message.unwrap()), received);
                    received += 1;
                }
            }
        }
        echo.abort();
    }

    async fn a_waiter_that_is_gone_is_woken_no_more_and_the_others_are(at: At) {
        let pull = Pull::with_options(usual());
        let endpoint = pull.bind(at.any()).await.unwrap();
        let gone = Arc::new(Count::default());
        {
            let mut waiting = Box::pin(pull.recv());
            let waker = Waker::from(Arc::clone(&gone));
            assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            assert_eq!(Arc::strong_count(&gone), 2, "the socket holds the waker of who waits");
        }
        assert_eq!(Arc::strong_count(&gone), 1, "and of nobody else");
        let receiving = tokio::spawn({
            let pull = pull.clone();
            async move { pull.recv().await }
        });
        settle().await;
        let push = Push::with_options(usual());
        push.connect(&endpoint).unwrap();
        push.send("hello").await.unwrap();
        assert_eq!(text(&receiving.await.unwrap().unwrap()), ["hello"]);
        assert_eq!(gone.0.load(Ordering::SeqCst), 0);
    }

    async fn of_many_who_wait_each_gets_its_message_although_others_give_up(at: At) {
        let pull = Pull::with_options(usual());
        let endpoint = pull.bind(at.any()).await.unwrap();
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let pull = pull.clone();
                tokio::spawn(async move { pull.recv().await.unwrap() })
            })
            .collect();
        settle().await;
        let (stay, leave): (Vec<_>, Vec<_>) = waiting.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
        for (_, task) in &leave {
            task.abort();
        }
        let push = Push::with_options(usual());
        push.connect(&endpoint).unwrap();
        for n in 0..50 {
            push.send(n.to_string()).await.unwrap();
        }
        let mut seen = Vec::new();
        for (_, task) in stay {
            seen.push(number(&task.await.unwrap()));
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..50));
    }

    async fn a_bind_or_a_close_that_is_dropped_leaves_the_socket_usable_or_closing(at: At) {
        let pull = Pull::with_options(usual());
        for _ in 0..100 {
            drop(glance(pull.bind(at.any())));
        }
        let endpoint = pull.bind(at.any()).await.unwrap();
        let push = Push::with_options(quick());
        push.connect(&endpoint).unwrap();
        push.send("hello").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["hello"]);
        assert!(glance(pull.close()).is_none());
        pull.close().await;
        assert!(glance(push.close()).is_none());
        assert_eq!(push.send("late").await.unwrap_err().kind, SendErrorKind::Closed);
        push.stop();
        push.close().await;
    }
}

/// What a poll brought, if anything.
trait Outcome<T> {
    fn outcome(self) -> Option<T>;
}

impl<T> Outcome<T> for Poll<T> {
    fn outcome(self) -> Option<T> {
        match self {
            Self::Ready(done) => Some(done),
            Self::Pending => None,
        }
    }
}
