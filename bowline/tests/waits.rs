//! Waiting for peers and subscribers: again and again, by many at once, and nothing missed in between.

mod common;

use std::pin::Pin;

use bowline::{Dealer, Pub, Pull, Push, Sub};
use common::{Script, glance, quick, settle, usual};

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The three waits of a publisher.
fn waits(publisher: &Pub) -> [Waiting; 3] {
    let (a, b, c) = (publisher.clone(), publisher.clone(), publisher.clone());
    [
        Box::pin(async move { a.wait_for_peer().await }),
        Box::pin(async move { b.wait_for_subscriber().await }),
        Box::pin(async move { c.wait_until_idle().await }),
    ]
}

for_each_transport! {
    async fn peers_can_be_waited_for_again_after_every_loss(at: At) {
        let client = Dealer::with_options(quick());
        let place = client.connect(at.place()).unwrap();
        for _ in 0..20 {
            let mut waiting = Box::pin(client.wait_for_peer());
            assert!(glance(&mut waiting).await.is_none());
            let server = Dealer::with_options(usual());
            server.bind(&place).await.unwrap();
            waiting.await;
            assert!(client.is_connected());
            // There is one, so there is nothing to wait for.
            client.wait_for_peer().await;
            server.wait_for_peer().await;

            let mut idle = Box::pin(client.wait_until_idle());
            assert!(glance(&mut idle).await.is_none());
            server.close().await;
            idle.await;
            assert!(!client.is_connected());
            client.wait_until_idle().await;
        }
    }

    async fn subscribers_can_be_waited_for_again_after_every_loss(at: At) {
        let publisher = Pub::with_options(usual());
        let endpoint = publisher.bind(at.any()).await.unwrap();
        for round in 0..20 {
            let mut waiting = Box::pin(publisher.wait_for_subscriber());
            assert!(glance(&mut waiting).await.is_none(), "round {round}");
            let sub = Sub::with_options(usual());
            sub.connect(&endpoint).unwrap();
            publisher.wait_for_peer().await;
            settle().await;
            assert!(glance(&mut waiting).await.is_none(), "a peer is no subscriber yet");
            sub.subscribe("topic").unwrap();
            waiting.await;
            publisher.wait_for_subscriber().await;
            publisher.send("topic").await.unwrap();
            sub.recv().await.unwrap();
            sub.close().await;
            publisher.wait_until_idle().await;
        }
    }

    async fn a_socket_that_never_had_a_peer_waits_for_one_to_come_and_go(at: At) {
        let pull = Pull::with_options(usual());
        let mut idle = Box::pin(pull.wait_until_idle());
        let endpoint = pull.bind(at.any()).await.unwrap();
        assert!(glance(&mut idle).await.is_none());
        let push = Push::with_options(usual());
        push.connect(&endpoint).unwrap();
        pull.wait_for_peer().await;
        assert!(glance(&mut idle).await.is_none());
        push.close().await;
        idle.await;
    }

    async fn a_peer_that_comes_and_goes_between_two_polls_is_not_missed(at: At) {
        let publisher = Pub::with_options(usual());
        let mut monitor = publisher.monitor();
        let endpoint = publisher.bind(at.any()).await.unwrap();
        for _ in 0..5 {
            let mut waits = waits(&publisher);
            let before = publisher.clone();
            let [peer, subscriber, idle] = &mut waits;
            assert!(glance(peer).await.is_none() && glance(subscriber).await.is_none());
            // One that never looks while there is nobody.
            let first = Sub::with_options(usual());
            first.subscribe("a").unwrap();
            first.connect(&endpoint).unwrap();
            monitor.skip_to("subscribed").await;
            assert!(glance(idle).await.is_none());
            first.close().await;
            monitor.skip_to("disconnected").await;
            assert!(!before.is_connected());
            let second = Sub::with_options(usual());
            second.connect(&endpoint).unwrap();
            monitor.skip_to("ready").await;
            // Now there is a peer, no subscriber: each hears of what was meanwhile.
            assert!(glance(peer).await.is_some());
            assert!(glance(subscriber).await.is_some());
            assert!(glance(idle).await.is_some());
            second.close().await;
            monitor.skip_to("disconnected").await;
        }
    }

    async fn many_may_wait_and_those_that_gave_up_are_no_harm(at: At) {
        let publisher = Pub::with_options(usual());
        let endpoint = publisher.bind(at.any()).await.unwrap();
        for _ in 0..3 {
            let mut crowd: Vec<Waiting> = Vec::new();
            for n in 0..30 {
                for mut wait in waits(&publisher).into_iter().take(2) {
                    assert!(glance(&mut wait).await.is_none());
                    if n % 3 > 0 {
                        crowd.push(wait);
                    }
                }
            }
            let tasks: Vec<_> = crowd.into_iter().map(tokio::spawn).collect();
            let sub = Sub::with_options(usual());
            sub.subscribe("").unwrap();
            sub.connect(&endpoint).unwrap();
            for task in tasks {
                task.await.unwrap();
            }
            let idle: Vec<_> = (0..20)
                .map(|_| {
                    let publisher = publisher.clone();
                    tokio::spawn(async move { publisher.wait_until_idle().await })
                })
                .collect();
            settle().await;
            assert!(idle.iter().all(|task| !task.is_finished()));
            sub.close().await;
            for task in idle {
                task.await.unwrap();
            }
        }
    }

    async fn every_wait_ends_with_the_socket(at: At) {
        for stops in [false, true] {
            let publisher = Pub::with_options(usual());
            let endpoint = publisher.bind(at.any()).await.unwrap();
            let mut waits_alone = waits(&publisher);
            for wait in &mut waits_alone {
                assert!(glance(wait).await.is_none());
            }
            let sub = Sub::with_options(usual());
            sub.connect(&endpoint).unwrap();
            publisher.wait_for_peer().await;
            let [_, mut subscriber, mut idle] = waits(&publisher);
            assert!(glance(&mut subscriber).await.is_none() && glance(&mut idle).await.is_none());
            if stops {
                publisher.stop();
            } else {
                publisher.close().await;
            }
            for wait in waits_alone.into_iter().chain([subscriber, idle]).chain(waits(&publisher)) {
                wait.await;
            }
        }
    }
}
