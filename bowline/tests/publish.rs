//! PUB, SUB, XPUB and XSUB over every transport: prefixes, counts, and subscribers that come, go and are slow.

mod common;

use bowline::{Message, Pub, RecvError, SendErrorKind, Sub, XPub, XSub};
use common::{At, Script, number, parts, quick, text, usual, within};

/// The next subscription that the publisher hears of.
async fn heard(publisher: &XPub) -> String {
    let message = publisher.recv().await.unwrap();
    let (first, topic) = message.parts()[0].split_first().unwrap();
    format!("{}{}", if *first == 1 { '+' } else { '-' }, String::from_utf8_lossy(topic))
}

/// The next two, which come in any order.
async fn heard_two(publisher: &XPub) -> [String; 2] {
    let mut two = [heard(publisher).await, heard(publisher).await];
    two.sort();
    two
}

for_each_transport! {
    async fn subscribers_get_what_begins_with_their_topics(at: At) {
        let publisher = XPub::with_options(usual());
        let endpoint = publisher.bind(at.any()).await.unwrap();
        let (fruit, all) = (Sub::with_options(usual()), Sub::with_options(usual()));
        fruit.subscribe("app").unwrap();
        fruit.subscribe("banana").unwrap();
        fruit.connect(&endpoint).unwrap();
        assert_eq!(heard_two(&publisher).await, ["+app", "+banana"]);
        all.subscribe("").unwrap();
        all.connect(&endpoint).unwrap();
        assert_eq!(heard(&publisher).await, "+");
        let topics = ["apple", "ap", "app", "banan", "banana split", "", "cherry"];
        for topic in topics {
            publisher.send(parts([topic, "body"])).await.unwrap();
        }
        for topic in topics {
            assert_eq!(text(&all.recv().await.unwrap()), [topic, "body"]);
        }
        for topic in ["apple", "app", "banana split"] {
            assert_eq!(text(&fruit.recv().await.unwrap()), [topic, "body"]);
        }
        assert_eq!(fruit.try_recv(), Err(RecvError::WouldBlock));
    }

    async fn subscriptions_count_and_end_with_as_many_unsubscribes(at: At) {
        let publisher = XPub::with_options(usual());
        let endpoint = publisher.bind(at.any()).await.unwrap();
        let sub = Sub::with_options(usual());
        sub.connect(&endpoint).unwrap();
        sub.subscribe("a").unwrap();
        sub.subscribe("a").unwrap();
        sub.subscribe("b").unwrap();
        assert_eq!(heard_two(&publisher).await, ["+a", "+b"]);
        sub.unsubscribe("a").unwrap();
        sub.unsubscribe("never subscribed").unwrap();
        sub.unsubscribe("b").unwrap();
        assert_eq!(heard(&publisher).await, "-b");
        publisher.send("b is taken back").await.unwrap();
        publisher.send("a is still there").await.unwrap();
        assert_eq!(text(&sub.recv().await.unwrap()), ["a is still there"]);
        sub.unsubscribe("a").unwrap();
        assert_eq!(heard(&publisher).await, "-a");
        publisher.send("a is taken back").await.unwrap();
        sub.subscribe("z").unwrap();
        assert_eq!(heard(&publisher).await, "+z");
        publisher.send("z").await.unwrap();
        assert_eq!(text(&sub.recv().await.unwrap()), ["z"]);
    }

    async fn a_subscription_is_heard_of_once_for_all_subscribers_and_ends_with_the_last(at: At) {
        let publisher = XPub::with_options(usual());
        let mut monitor = publisher.monitor();
        let endpoint = publisher.bind(at.any()).await.unwrap();
        let (one, two) = (Sub::with_options(usual()), Sub::with_options(usual()));
        one.subscribe("news").unwrap();
        one.connect(&endpoint).unwrap();
        assert_eq!(heard(&publisher).await, "+news");
        two.subscribe("news").unwrap();
        two.subscribe("weather").unwrap();
        two.connect(&endpoint).unwrap();
        // Of the second "news" nothing is heard.
        assert_eq!(heard(&publisher).await, "+weather");
        one.close().await;
        monitor.loss().await;
        publisher.send("news").await.unwrap();
        assert_eq!(text(&two.recv().await.unwrap()), ["news"]);
        two.close().await;
        assert_eq!(heard_two(&publisher).await, ["-news", "-weather"]);
    }

    async fn a_verbose_publisher_hears_of_every_subscription(at: At) {
        let publisher = XPub::with_options(usual().xpub_verbose(true));
        let endpoint = publisher.bind(at.any()).await.unwrap();
        let subs = [Sub::with_options(usual()), Sub::with_options(usual())];
        for sub in &subs {
            sub.subscribe("news").unwrap();
            sub.connect(&endpoint).unwrap();
            assert_eq!(heard(&publisher).await, "+news");
        }
    }

    async fn a_pub_without_subscribers_drops_and_a_late_subscriber_gets_what_comes_then(at: At) {
        let publisher = Pub::with_options(usual());
        let endpoint = publisher.bind(at.any()).await.unwrap();
        for _ in 0..3000 {
            publisher.send("too early").await.unwrap();
        }
        let sub = Sub::with_options(usual());
        sub.connect(&endpoint).unwrap();
        sub.subscribe("").unwrap();
        publisher.wait_for_subscriber().await;
        publisher.send("in time").await.unwrap();
        assert_eq!(text(&sub.recv().await.unwrap()), ["in time"]);
    }

    async fn a_subscriber_hears_several_publishers_and_those_that_come_later(at: At) {
        let sub = Sub::with_options(quick());
        sub.subscribe("").unwrap();
        let (bound, late) = (Pub::with_options(usual()), at.place());
        sub.connect(bound.bind(at.any()).await.unwrap()).unwrap();
        sub.connect(&late).unwrap();
        let later = Pub::with_options(usual());
        later.bind(&late).await.unwrap();
        bound.wait_for_subscriber().await;
        later.wait_for_subscriber().await;
        bound.send("from the first").await.unwrap();
        later.send("from the second").await.unwrap();
        let mut both = [text(&sub.recv().await.unwrap()), text(&sub.recv().await.unwrap())];
        both.sort();
        assert_eq!(both, [["from the first"], ["from the second"]]);
    }

    async fn a_publisher_may_connect_and_a_subscriber_bind(at: At) {
        let (publisher, sub) = (Pub::with_options(quick()), Sub::with_options(usual()));
        let place = publisher.connect(at.place()).unwrap();
        sub.bind(&place).await.unwrap();
        sub.subscribe("a").unwrap();
        publisher.wait_for_subscriber().await;
        publisher.send("b").await.unwrap();
        publisher.send("a").await.unwrap();
        assert_eq!(text(&sub.recv().await.unwrap()), ["a"]);
    }

    async fn subscriptions_are_told_again_to_a_publisher_that_is_back(at: At) {
        let sub = Sub::with_options(quick());
        let place = sub.connect(at.place()).unwrap();
        sub.subscribe("a").unwrap();
        for round in 0..3 {
            let publisher = Pub::with_options(usual());
            publisher.bind(&place).await.unwrap();
            publisher.wait_for_subscriber().await;
            publisher.send(format!("a{round}")).await.unwrap();
            assert_eq!(text(&sub.recv().await.unwrap()), [format!("a{round}")]);
            publisher.close().await;
        }
    }

    async fn an_xsub_subscribes_by_messages_and_other_messages_go_upstream(at: At) {
        let (publisher, sub) = (XPub::with_options(usual()), XSub::with_options(usual()));
        sub.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
        sub.send("\u{1}a").await.unwrap();
        assert_eq!(heard(&publisher).await, "+a");
        sub.send(parts(["upstream", "message"])).await.unwrap();
        assert_eq!(text(&publisher.recv().await.unwrap()), ["upstream", "message"]);
        publisher.send("b").await.unwrap();
        publisher.send("a").await.unwrap();
        assert_eq!(text(&sub.recv().await.unwrap()), ["a"]);
        sub.send(&[0, b'a']).await.unwrap();
        assert_eq!(heard(&publisher).await, "-a");
    }

    async fn xpub_and_xsub_make_a_forwarder(at: At) {
        let (back, front) = (XSub::with_options(usual()), XPub::with_options(usual()));
        let (publisher, sub) = (Pub::with_options(usual()), Sub::with_options(usual()));
        back.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
        sub.connect(front.bind(at.any()).await.unwrap()).unwrap();
        let forwarder = tokio::spawn(async move {
            loop {
                tokio::select! {
                    Ok(message) = back.recv() => front.send(message).await.unwrap(),
                    Ok(subscription) = front.recv() => back.send(subscription).await.unwrap(),
                    else => break,
                }
            }
        });
        sub.subscribe("a").unwrap();
        publisher.wait_for_subscriber().await;
        publisher.send("a").await.unwrap();
        assert_eq!(text(&sub.recv().await.unwrap()), ["a"]);
        forwarder.abort();
    }

    async fn a_slow_subscriber_loses_messages_and_keeps_their_order(at: At) {
        let publisher = Pub::with_options(usual().send_hwm(10));
        let sub = Sub::with_options(quick().recv_hwm(10));
        sub.subscribe("").unwrap();
        sub.connect(publisher.bind(at.any()).await.unwrap()).unwrap();
        publisher.wait_for_subscriber().await;
        let body = "x".repeat(100_000);
        for n in 0..1000 {
            publisher.send(parts([&n.to_string(), &body])).await.unwrap();
        }
        let marker = tokio::spawn(async move {
            while publisher.send(parts(["1000", ""])).await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        let mut seen = Vec::new();
        while seen.last() != Some(&1000) {
            seen.push(number(&sub.recv().await.unwrap()));
        }
        assert!(seen.len() < 1000 && seen.is_sorted(), "{seen:?}");
        assert!(seen[..10].iter().copied().eq(0..10), "the oldest are kept: {seen:?}");
        marker.abort();
    }

    held async fn a_publisher_that_drops_nothing_waits_for_the_slowest_and_not_for_one_that_is_gone(at: At) {
        let publisher = XPub::with_options(usual().send_hwm(1).xpub_nodrop(true));
        let endpoint = publisher.bind(at.any()).await.unwrap();
        let (slow, quick_one) = (Sub::with_options(quick().recv_hwm(1)), Sub::with_options(quick().recv_hwm(1)));
        for sub in [&slow, &quick_one] {
            sub.subscribe("").unwrap();
            sub.connect(&endpoint).unwrap();
        }
        publisher.recv().await.unwrap();
        let mut monitor = publisher.monitor();
        // The second subscription is of the same topic, so only its connection tells that it is there.
        quick_one.subscribe("last").unwrap();
        slow.subscribe("last").unwrap();
        publisher.recv().await.unwrap();
        let body = "x".repeat(1 << 20);
        let mut sent = 0;
        let mut in_vain = 0;
        while in_vain < 50 {
            match publisher.try_send(parts([&sent.to_string(), &body])) {
                Ok(()) => (sent, in_vain) = (sent + 1, 0),
                Err(error) => {
                    assert_eq!(error.kind, SendErrorKind::WouldBlock);
                    in_vain += 1;
                    while quick_one.try_recv().is_ok() {}
                    common::settle().await;
                }
            }
            assert!(sent < 1000, "nobody is waited for");
        }
        let leaving = async {
            slow.stop();
            monitor.loss().await
        };
        let receiving = async { while text(&quick_one.recv().await.unwrap())[0] != "after" {} };
        let sending = publisher.send(Message::from("after"));
        assert!(tokio::join!(leaving, sending, receiving).1.is_ok());
    }
}

#[tokio::test]
async fn in_process_a_publisher_drops_exactly_what_is_over_both_marks() {
    within("in_process_a_publisher_drops_exactly_what_is_over_both_marks", async {
        let publisher = Pub::with_options(usual().send_hwm(3));
        let sub = Sub::with_options(usual().recv_hwm(4));
        sub.subscribe("").unwrap();
        sub.connect(publisher.bind(At::Inproc.place()).await.unwrap()).unwrap();
        for round in 0..3 {
            for n in 0..20 {
                publisher.try_send((100 * round + n).to_string()).unwrap();
            }
            for n in 0..7 {
                assert_eq!(number(&sub.try_recv().unwrap()), 100 * round + n);
            }
            assert_eq!(sub.try_recv(), Err(RecvError::WouldBlock));
        }
    })
    .await;
}
