//! What is not delivered: told when it is dropped, and counted by `close`.

mod common;

use std::time::Duration;

use bowline::{DisconnectReason, MonitorKind, Pub, Pull, Push, Sub};
use common::{Script, brief, number, parts, quick, settle, until, usual};

const LARGE: usize = 100_000;
/// So small that several go out at once.
const SMALL: usize = 5_000;

/// A PUSH that lingers so long.
fn lingers(linger: Option<Duration>) -> Push {
    Push::with_options(quick().send_hwm(100).linger(linger))
}

/// A PULL that reads nothing until it is asked to.
fn lazy() -> Pull {
    Pull::with_options(quick().recv_hwm(1))
}

/// Sends until nothing more is taken, and says how many were.
async fn fill(push: &Push, size: usize) -> u64 {
    let body = "x".repeat(size);
    let (mut taken, mut in_vain) = (0_u64, 0);
    while in_vain < 20 {
        if push.try_send(parts([&taken.to_string(), &body])).is_ok() {
            (taken, in_vain) = (taken + 1, 0);
        } else {
            in_vain += 1;
            settle().await;
        }
    }
    taken
}

/// Receives what has reached the PULL, whose peer is gone: how many messages, in their order.
async fn drain(pull: &Pull) -> u64 {
    let mut drained = 0;
    loop {
        // All of it is read when the connection is lost.
        until(|| !pull.is_connected() || pull.peers()[0].unread > 0).await;
        match pull.try_recv() {
            Ok(message) => {
                assert_eq!(number(&message) as u64, drained);
                drained += 1;
            }
            Err(_) if pull.is_connected() => {}
            Err(_) => return drained,
        }
    }
}

for_each_transport! {
    async fn close_counts_what_waits_for_a_peer_that_never_came(at: At) {
        for (linger, messages) in [(Duration::ZERO, 0), (Duration::ZERO, 7), (Duration::from_millis(20), 7)] {
            let push = lingers(Some(linger));
            let mut monitor = push.monitor();
            push.connect(at.place()).unwrap();
            for n in 0..messages {
                push.send(n.to_string()).await.unwrap();
            }
            assert_eq!(push.close().await, messages);
            assert_eq!(push.close().await, messages, "to everybody who asks");
            let mut dropped = 0;
            while let Some(event) = monitor.next().await {
                if let MonitorKind::Dropped(n) = event.kind {
                    assert!(event.endpoint.is_some() && event.attempt.is_some());
                    dropped += n;
                }
            }
            assert_eq!(dropped, messages);
        }
    }

    async fn close_counts_the_pipes_of_all_endpoints_together(at: At) {
        let push = lingers(Some(Duration::ZERO));
        for _ in 0..3 {
            push.connect(at.place()).unwrap();
        }
        for n in 0..10 {
            push.send(n.to_string()).await.unwrap();
        }
        let (one, other) = tokio::join!(push.close(), push.close());
        assert_eq!((one, other), (10, 10));
    }

    async fn close_counts_nothing_when_all_goes_out(at: At) {
        for linger in [None, Some(common::LIMIT)] {
            let push = lingers(linger);
            let place = push.connect(at.place()).unwrap();
            for n in 0..50 {
                push.send(n.to_string()).await.unwrap();
            }
            let closing = tokio::spawn({
                let push = push.clone();
                async move { push.close().await }
            });
            settle().await;
            let pull = lazy();
            pull.bind(&place).await.unwrap();
            for n in 0..50 {
                assert_eq!(number(&pull.recv().await.unwrap()), n);
            }
            assert_eq!(closing.await.unwrap(), 0);
        }
    }

    held async fn of_what_was_sent_to_a_peer_that_does_not_read_each_message_arrives_or_is_counted(at: At) {
        for (dials, linger, size) in [(true, 0, LARGE), (false, 0, SMALL), (true, 20, SMALL), (false, 20, LARGE)] {
            let (push, pull) = (lingers(Some(Duration::from_millis(linger))), lazy());
            let mut monitor = push.monitor();
            if dials {
                push.connect(pull.bind(at.any()).await.unwrap()).unwrap();
            } else {
                pull.connect(push.bind(at.any()).await.unwrap()).unwrap();
            }
            push.wait_for_peer().await;
            let sent = fill(&push, size).await;
            let dropped = push.close().await;
            assert_eq!(dropped > 0, !at.is_inproc(), "in process all has arrived when it is sent");
            assert_eq!(drain(&pull).await + dropped, sent, "dials: {dials}, of {size} bytes");
            let mut told = 0;
            while let Some(event) = monitor.next().await {
                told += if let MonitorKind::Dropped(n) = event.kind { n } else { 0 };
            }
            assert_eq!(told, dropped);
        }
    }

    held async fn stop_drops_what_waits_and_tells_how_much(at: At) {
        let (push, pull) = (lingers(None), lazy());
        let mut monitor = push.monitor();
        pull.connect(push.bind(at.any()).await.unwrap()).unwrap();
        push.wait_for_peer().await;
        let sent = fill(&push, LARGE).await;
        push.stop();
        let dropped = push.close().await;
        assert_eq!(drain(&pull).await + dropped, sent);
        let mut told = Vec::new();
        while let Some(event) = monitor.next().await {
            if matches!(event.kind, MonitorKind::Dropped(_) | MonitorKind::Disconnected(_)) {
                told.push((brief(&event), event.kind));
            }
        }
        let lost = ("disconnected PULL".to_owned(), MonitorKind::Disconnected(DisconnectReason::LocalClose));
        let drop = ("dropped PULL".to_owned(), MonitorKind::Dropped(dropped));
        assert_eq!(told, if at.is_inproc() { vec![lost] } else { vec![drop, lost] });
    }

    held async fn what_waits_for_an_accepted_peer_goes_with_it(at: At) {
        let (push, pull) = (lingers(None), Pull::with_options(quick().recv_hwm(1).reconnect(bowline::Reconnect::Never)));
        let mut monitor = push.monitor();
        pull.connect(push.bind(at.any()).await.unwrap()).unwrap();
        monitor.peers(1).await;
        let sent = fill(&push, LARGE).await;
        push.disconnect_peer(push.peers()[0].connection).unwrap();
        let arrived = drain(&pull).await;
        let mut dropped = 0;
        if !at.is_inproc() {
            let event = monitor.event().await;
            assert_eq!(brief(&event), "dropped PULL");
            let MonitorKind::Dropped(n) = event.kind else { unreachable!() };
            dropped = n;
        }
        assert_eq!(monitor.event().await.kind, MonitorKind::Disconnected(DisconnectReason::Dismissed));
        assert_eq!(arrived + dropped, sent);
        assert_eq!(push.close().await, 0, "that was told when it happened");
    }

    held async fn what_waits_for_a_dialed_peer_stays_when_it_is_lost(at: At) {
        let (push, pull) = (lingers(None), lazy());
        let mut monitor = push.monitor();
        let place = push.connect(at.place()).unwrap();
        pull.bind(&place).await.unwrap();
        monitor.peers(1).await;
        fill(&push, LARGE).await;
        pull.stop();
        pull.close().await;
        assert_ne!(monitor.event().await.kind.name(), "dropped");
        let again = Pull::with_options(usual());
        again.bind(&place).await.unwrap();
        let closing = tokio::spawn(async move { push.close().await });
        while !closing.is_finished() {
            drop(again.try_recv());
            tokio::task::yield_now().await;
        }
        assert_eq!(closing.await.unwrap(), 0);
    }

    async fn an_endpoint_that_is_given_up_without_linger_tells_what_waited_for_it(at: At) {
        let push = lingers(Some(Duration::ZERO));
        let mut monitor = push.monitor();
        let place = push.connect(at.place()).unwrap();
        for n in 0..5 {
            push.send(n.to_string()).await.unwrap();
        }
        push.disconnect(&place).unwrap();
        let dropped = monitor.skip_to("dropped").await;
        assert_eq!((dropped.endpoint, dropped.kind), (Some(place), MonitorKind::Dropped(5)));
        assert_eq!(monitor.event().await.kind, MonitorKind::ConnectStopped(DisconnectReason::LocalClose));
        assert_eq!(push.close().await, 0);
    }

    held async fn a_publisher_that_connects_tells_of_what_waited_when_its_subscriber_is_lost(at: At) {
        let publisher = Pub::with_options(quick().send_hwm(5));
        let sub = Sub::with_options(usual().recv_hwm(1));
        sub.subscribe("").unwrap();
        let mut monitor = publisher.monitor();
        publisher.connect(sub.bind(at.any()).await.unwrap()).unwrap();
        publisher.wait_for_subscriber().await;
        monitor.skip_to("subscribed").await;
        let body = "x".repeat(LARGE);
        // More than the system takes.
        for _ in 0..200 {
            publisher.send(body.as_str()).await.unwrap();
            settle().await;
        }
        sub.stop();
        sub.close().await;
        let told = monitor.event().await;
        if at.is_inproc() {
            assert_eq!(told.kind.name(), "disconnected");
        } else {
            assert_eq!(brief(&told), "dropped 1 SUB");
        }
        assert_eq!(publisher.close().await, 0, "that was before");
        assert!(!monitor.rest().await.contains(&"dropped"));
    }
}
