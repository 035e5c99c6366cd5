//! Many messages in one call: the same messages, to and from the same peers, in the same order as one by one.

mod common;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bowline::{
    AnySocket, Dealer, Message, Pair, Pub, Pull, Push, RecvError, Rep, Req, Router, SendErrorKind, SocketType, Sub,
};
use common::{At, glance, number, parts, quick, settle, text, until, usual};

/// A queue of numbered messages.
fn queue(numbers: std::ops::Range<usize>) -> VecDeque<Message> {
    numbers.map(|n| n.to_string().into()).collect()
}

fn numbers(messages: &[Message]) -> Vec<usize> {
    messages.iter().map(number).collect()
}

fn names(messages: &[Message]) -> String {
    messages.iter().map(|message| text(message)[0].clone()).collect()
}

/// How many messages the peers of the socket have sent that were not received.
fn unread(pull: &Pull) -> usize {
    pull.peers().iter().map(|peer| peer.unread).sum()
}

/// A small generator: the same choices at every run.
fn choices() -> impl Iterator<Item = usize> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as usize
    })
}

for_each_transport! {
    async fn a_hundred_thousand_messages_arrive_once_and_in_order(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(usual()));
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        let sending = tokio::spawn(async move {
            let mut messages = queue(0..100_000);
            push.send_many(&mut messages).await.unwrap();
            assert!(messages.is_empty());
            push.close().await;
        });
        let (mut received, mut next) = (Vec::new(), 0);
        while next < 100_000 {
            let n = pull.recv_many(&mut received, 300).await.unwrap();
            assert!((1..=300).contains(&n) && received.len() == n, "{n}");
            for message in received.drain(..) {
                assert_eq!(number(&message), next);
                next += 1;
            }
        }
        sending.await.unwrap();
        assert_eq!(pull.try_recv_many(&mut received, 300), Err(RecvError::WouldBlock));
    }

    async fn what_is_there_is_received_and_no_more_is_waited_for(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(usual()));
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        push.send_many(&mut queue(0..7)).await.unwrap();
        until(|| unread(&pull) == 7).await;
        let mut received = Vec::new();
        assert_eq!(pull.recv_many(&mut received, 2).await, Ok(2));
        assert_eq!(pull.try_recv_many(&mut received, 1), Ok(1));
        assert_eq!(pull.recv_many(&mut received, usize::MAX).await, Ok(4));
        assert_eq!(numbers(&received), [0, 1, 2, 3, 4, 5, 6], "behind what was there");
        assert_eq!(pull.try_recv_many(&mut received, 1), Err(RecvError::WouldBlock));
        assert!(glance(&mut pull.recv_many(&mut received, 1)).await.is_none());
        assert_eq!(received.len(), 7);
        // None at all are there in any case.
        assert_eq!(pull.recv_many(&mut received, 0).await, Ok(0));
        assert_eq!(pull.try_recv_many(&mut received, 0), Ok(0));
        push.send_many(&mut VecDeque::new()).await.unwrap();
        assert_eq!(push.try_send_many(&mut VecDeque::new()), Ok(0));
    }

    async fn one_call_receives_512_messages_at_the_most(at: At) {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(usual()));
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        push.send_many(&mut queue(0..600)).await.unwrap();
        until(|| unread(&pull) == 600).await;
        let mut received = Vec::new();
        assert_eq!(pull.recv_many(&mut received, usize::MAX).await, Ok(512));
        assert_eq!(pull.try_recv_many(&mut received, usize::MAX), Ok(88));
        assert!(numbers(&received).into_iter().eq(0..600));
    }

    async fn who_waits_for_many_is_woken_by_one(at: At) {
        let pull = Pull::with_options(usual());
        let endpoint = pull.bind(at.any()).await.unwrap();
        let receiving = tokio::spawn(async move {
            let mut received = Vec::new();
            let n = pull.recv_many(&mut received, 100).await;
            (n, received)
        });
        settle().await;
        assert!(!receiving.is_finished());
        let push = Push::with_options(usual());
        push.connect(&endpoint).unwrap();
        push.send("hello").await.unwrap();
        assert_eq!(receiving.await.unwrap(), (Ok(1), vec![Message::from("hello")]));
    }

    async fn who_waits_with_many_is_told_of_the_end_and_keeps_what_was_not_sent(at: At) {
        let (push, pull) = (Push::with_options(quick().send_hwm(2)), Pull::with_options(usual()));
        push.connect(at.place()).unwrap();
        pull.bind(at.any()).await.unwrap();
        let (mut queue, mut received) = (queue(0..5), Vec::new());
        {
            let mut sending = push.send_many(&mut queue);
            let mut receiving = pull.recv_many(&mut received, 10);
            assert!(glance(&mut sending).await.is_none() && glance(&mut receiving).await.is_none());
            push.stop();
            pull.stop();
            assert_eq!(sending.await, Err(SendErrorKind::Closed));
            assert_eq!(receiving.await, Err(RecvError::Closed));
        }
        assert_eq!(numbers(&Vec::from(queue.clone())), [2, 3, 4]);
        assert!(received.is_empty());
        assert_eq!(push.send_many(&mut queue).await, Err(SendErrorKind::Closed));
        assert_eq!(push.try_send_many(&mut queue), Err(SendErrorKind::Closed));
        assert_eq!(pull.try_recv_many(&mut received, 10), Err(RecvError::Closed));
        assert_eq!(queue.len(), 3);
    }

    async fn batches_that_are_dropped_at_any_poll_lose_and_repeat_nothing(at: At) {
        const ALL: usize = 20_000;
        let pull = Pull::with_options(quick().recv_hwm(100));
        let push = Push::with_options(quick().send_hwm(100));
        push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
        let sending = tokio::spawn(async move {
            let (mut messages, mut dropped, mut choices) = (queue(0..ALL), 0, choices());
            while !messages.is_empty() {
                let mut sending = push.send_many(&mut messages);
                for _ in 0..choices.next().unwrap() % 3 {
                    if let Some(done) = glance(&mut sending).await {
                        done.unwrap();
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                drop(sending);
                dropped += 1;
                tokio::task::yield_now().await;
            }
            assert!(dropped > 10);
            push.close().await;
        });
        let (mut received, mut dropped, mut choices) = (Vec::new(), 0, choices());
        while received.len() < ALL {
            let before = received.len();
            let mut receiving = pull.recv_many(&mut received, 1 + choices.next().unwrap() % 50);
            let mut done = None;
            for _ in 0..choices.next().unwrap() % 3 {
                done = glance(&mut receiving).await;
                if done.is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            drop(receiving);
            let n = done.map_or(0, Result::unwrap);
            assert_eq!(received.len(), before + n);
            dropped += usize::from(n == 0);
            tokio::task::yield_now().await;
        }
        assert!(dropped > 10);
        assert!(numbers(&received).into_iter().eq(0..ALL));
        sending.await.unwrap();
    }

    async fn no_more_is_sent_than_the_mark_allows_and_the_rest_goes_when_there_is_room(at: At) {
        let push = Push::with_options(quick().send_hwm(10));
        let place = push.connect(at.place()).unwrap();
        let mut messages = queue(0..25);
        assert_eq!(push.try_send_many(&mut messages), Ok(10));
        assert_eq!(push.try_send_many(&mut messages), Err(SendErrorKind::WouldBlock));
        assert_eq!(numbers(&Vec::from(messages.clone())), (10..25).collect::<Vec<_>>());
        let sending = tokio::spawn(async move {
            push.send_many(&mut messages).await.unwrap();
            push.close().await;
        });
        settle().await;
        assert!(!sending.is_finished());
        let pull = Pull::with_options(usual());
        pull.bind(&place).await.unwrap();
        let mut received = Vec::new();
        while received.len() < 25 {
            pull.recv_many(&mut received, 100).await.unwrap();
        }
        assert!(numbers(&received).into_iter().eq(0..25));
        sending.await.unwrap();
    }

    async fn batches_go_to_each_peer_in_turn_and_come_from_each_in_turn(at: At) {
        let pulls = [Pull::with_options(usual()), Pull::with_options(usual()), Pull::with_options(usual())];
        let push = Push::with_options(usual());
        for pull in &pulls {
            push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
            pull.wait_for_peer().await;
        }
        push.send_many(&mut queue(0..9)).await.unwrap();
        for (first, pull) in pulls.iter().enumerate() {
            let mut received = Vec::new();
            while received.len() < 3 {
                pull.recv_many(&mut received, 100).await.unwrap();
            }
            assert_eq!(numbers(&received), [first, first + 3, first + 6]);
        }

        let pull = Pull::with_options(usual());
        let endpoint = pull.bind(at.any()).await.unwrap();
        let pushes = [Push::with_options(usual()), Push::with_options(usual()), Push::with_options(usual())];
        for (n, (name, push)) in ["a", "b", "c"].into_iter().zip(&pushes).enumerate() {
            push.connect(&endpoint).unwrap();
            push.send_many(&mut std::iter::repeat_n(Message::from(name), 3).collect()).await.unwrap();
            until(|| unread(&pull) == 3 * (n + 1)).await;
        }
        let mut received = Vec::new();
        assert_eq!(pull.recv_many(&mut received, 4).await, Ok(4));
        assert_eq!(pull.recv_many(&mut received, 100).await, Ok(5));
        assert_eq!(names(&received), "abcabcabc");
    }

    async fn a_router_stops_at_the_message_that_it_cannot_send(at: At) {
        let router = Router::with_options(usual().router_mandatory(true));
        let endpoint = router.bind(at.any()).await.unwrap();
        let dealer = Dealer::with_options(quick().identity("ann".parse().unwrap()));
        dealer.connect(&endpoint).unwrap();
        router.wait_for_peer().await;
        let all = [parts(["ann", "1"]), parts(["ann", "2"]), parts(["bob", "3"]), parts(["ann", "4"])];
        let mut messages = VecDeque::from(all.clone());
        assert_eq!(router.send_many(&mut messages).await, Err(SendErrorKind::Unroutable));
        assert_eq!(messages, &all[2..], "as they were given");
        assert_eq!(router.try_send_many(&mut messages), Err(SendErrorKind::Unroutable));
        messages[0] = Message::from("ann alone");
        assert_eq!(router.send_many(&mut messages).await, Err(SendErrorKind::NoIdentity));
        messages.pop_front();
        router.send_many(&mut messages).await.unwrap();
        let mut received = Vec::new();
        while received.len() < 3 {
            dealer.recv_many(&mut received, 10).await.unwrap();
        }
        assert_eq!(names(&received), "124");

        dealer.send_many(&mut queue(5..8)).await.unwrap();
        received.clear();
        while received.len() < 3 {
            router.recv_many(&mut received, 10).await.unwrap();
        }
        assert_eq!(received, [parts(["ann", "5"]), parts(["ann", "6"]), parts(["ann", "7"])]);
    }

    async fn requests_and_replies_keep_their_turns(at: At) {
        let rep = Rep::with_options(usual());
        let endpoint = rep.bind(at.any()).await.unwrap();
        let reqs = [Req::with_options(usual()), Req::with_options(usual())];
        for req in &reqs {
            req.connect(&endpoint).unwrap();
            let mut requests = queue(1..3);
            assert_eq!(req.send_many(&mut requests).await, Err(SendErrorKind::OutOfTurn));
            assert_eq!(req.try_send_many(&mut requests), Err(SendErrorKind::OutOfTurn));
            assert_eq!(requests.len(), 1);
        }
        until(|| rep.peers().iter().all(|peer| peer.unread == 1) && rep.peers().len() == 2).await;
        let mut received = Vec::new();
        for _ in &reqs {
            assert_eq!(rep.recv_many(&mut received, 10).await, Ok(1), "the next one comes after the reply");
            assert_eq!(rep.try_recv_many(&mut received, 10), Err(RecvError::OutOfTurn));
            let mut replies = queue(3..5);
            assert_eq!(rep.try_send_many(&mut replies), Ok(1));
            assert_eq!(rep.send_many(&mut replies).await, Err(SendErrorKind::OutOfTurn));
            assert_eq!(replies.len(), 1);
        }
        assert_eq!(numbers(&received), [1, 1]);
        for req in &reqs {
            let mut received = Vec::new();
            assert_eq!(req.recv_many(&mut received, 10).await, Ok(1));
            assert_eq!(numbers(&received), [3]);
            assert_eq!(req.recv_many(&mut received, 10).await, Err(RecvError::OutOfTurn));
        }
    }

    async fn a_pair_talks_both_ways_in_batches(at: At) {
        let (a, b) = (Pair::with_options(usual()), Pair::with_options(usual()));
        b.connect(a.bind(at.any()).await.unwrap()).unwrap();
        let talk = async |socket: &Pair| {
            let (mut messages, mut received) = (queue(0..5000), Vec::new());
            tokio::join!(
                async { socket.send_many(&mut messages).await.unwrap() },
                async {
                    while received.len() < 5000 {
                        socket.recv_many(&mut received, 1000).await.unwrap();
                    }
                }
            );
            assert!(numbers(&received).into_iter().eq(0..5000));
        };
        tokio::join!(talk(&a), talk(&b));
    }

    async fn a_publisher_of_batches_gives_the_others_their_turn(at: At) {
        let publisher = Pub::with_options(usual());
        let sub = Sub::with_options(usual());
        sub.subscribe("").unwrap();
        sub.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
        publisher.wait_for_subscriber().await;
        let receiving = tokio::spawn(async move {
            let mut received = Vec::new();
            while received.len() < 20_000 {
                sub.recv_many(&mut received, 1000).await.unwrap();
            }
            numbers(&received)
        });
        // It never waits for room; without turns for the others it would drop nearly all.
        publisher.send_many(&mut queue(0..20_000)).await.unwrap();
        assert!(receiving.await.unwrap().into_iter().eq(0..20_000));
    }
}

#[test]
fn a_type_without_the_verb_says_so() {
    let [push, pull] = [SocketType::Push, SocketType::Pull].map(|kind| AnySocket::new(kind, usual()));
    let mut messages = queue(0..2);
    assert_eq!(push.try_recv_many(&mut Vec::new(), 1), Err(RecvError::Unsupported(SocketType::Push)));
    assert_eq!(pull.try_send_many(&mut messages), Err(SendErrorKind::Unsupported(SocketType::Pull)));
    assert_eq!(messages.len(), 2);
}

/// Many tasks on many threads, at both ends of one connection.
#[cfg(not(target_family = "wasm"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_share_a_socket_and_each_message_of_their_batches_arrives_once() {
    for at in [At::Tcp, At::Ipc, At::Inproc] {
        let script = async {
            let pull = Pull::with_options(quick().recv_hwm(50));
            let push = Push::with_options(quick().send_hwm(50));
            push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
            for task in 0..8 {
                let push = push.clone();
                tokio::spawn(async move { push.send_many(&mut queue(1000 * task..1000 * (task + 1))).await });
            }
            let counted = Arc::new(AtomicUsize::new(0));
            let receivers: Vec<_> = (0..4)
                .map(|_| {
                    let (pull, counted) = (pull.clone(), Arc::clone(&counted));
                    tokio::spawn(async move {
                        let mut received = Vec::new();
                        while let Ok(n) = pull.recv_many(&mut received, 20).await {
                            counted.fetch_add(n, Ordering::SeqCst);
                        }
                        numbers(&received)
                    })
                })
                .collect();
            until(|| counted.load(Ordering::SeqCst) == 8000).await;
            pull.close().await;
            let mut all = Vec::new();
            for receiver in receivers {
                all.extend(receiver.await.unwrap());
            }
            all.sort_unstable();
            assert!(all.into_iter().eq(0..8000));
        };
        common::within("many_tasks_share_a_socket_and_each_message_of_their_batches_arrives_once", script).await;
    }
}
