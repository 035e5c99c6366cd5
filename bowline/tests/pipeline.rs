//! PUSH and PULL over every transport: in turn, fairly, and never more than the high-water marks.

mod common;

use bowline::{Options, Pull, Push, SendErrorKind};
use common::{At, Script, number, parts, quick, settle, text, usual, within};

fn hwm(send: usize, recv: usize) -> Options {
    quick().send_hwm(send).recv_hwm(recv)
}

/// How many messages are taken at once.
fn fill(push: &Push) -> usize {
    (0..100_000).take_while(|n| push.try_send(n.to_string()).is_ok()).count()
}

for_each_transport! {
    async fn messages_go_to_each_peer_in_its_turn(at: At) {
        let push = Push::with_options(usual());
        let mut monitor = push.monitor();
        let endpoint = push.bind(at.any()).await.unwrap();
        let pulls = [Pull::with_options(usual()), Pull::with_options(usual()), Pull::with_options(usual())];
        for pull in &pulls {
            pull.connect(&endpoint).unwrap();
        }
        monitor.peers(3).await;
        for n in 0..30 {
            push.send(n.to_string()).await.unwrap();
        }
        for pull in &pulls {
            let first = number(&pull.recv().await.unwrap());
            assert!(first < 3);
            for round in 1..10 {
                assert_eq!(number(&pull.recv().await.unwrap()), first + 3 * round);
            }
        }
    }

    async fn a_full_peer_is_passed_over_and_loses_nothing(at: At) {
        let push = Push::with_options(hwm(1, 1));
        let mut monitor = push.monitor();
        let endpoint = push.bind(at.any()).await.unwrap();
        let (idle, busy) = (Pull::with_options(hwm(1, 1)), Pull::with_options(hwm(1, 1)));
        idle.connect(&endpoint).unwrap();
        busy.connect(&endpoint).unwrap();
        monitor.peers(2).await;
        let body = "x".repeat(1 << 20);
        let sending = async {
            for n in 0..40 {
                push.send(parts([&n.to_string(), &body])).await.unwrap();
            }
            push.close().await;
        };
        let receiving = async {
            let mut seen = Vec::new();
            // The last ones may wait for the idle peer, which reads when nothing more comes by the busy one.
            while seen.len() < 40 {
                tokio::select! {
                    biased;
                    message = busy.recv() => seen.push(number(&message.unwrap())),
                    message = idle.recv(), if seen.len() >= 10 => seen.push(number(&message.unwrap())),
                }
            }
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..40));
        };
        tokio::join!(sending, receiving);
    }

    async fn a_flood_from_one_peer_does_not_keep_another_waiting(at: At) {
        let pull = Pull::with_options(usual());
        let endpoint = pull.bind(at.any()).await.unwrap();
        let (flood, drop) = (Push::with_options(usual()), Push::with_options(usual()));
        flood.connect(&endpoint).unwrap();
        drop.connect(&endpoint).unwrap();
        let flooding = tokio::spawn(async move {
            while flood.send("flood").await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        for n in 0..20 {
            drop.send(format!("drop {n}")).await.unwrap();
            while text(&pull.recv().await.unwrap()) != [format!("drop {n}")] {}
        }
        flooding.abort();
    }

    async fn before_a_peer_is_there_exactly_the_sending_mark_waits(at: At) {
        let push = Push::with_options(hwm(7, 1000));
        let place = push.connect(at.place()).unwrap();
        assert_eq!(fill(&push), 7);
        assert_eq!(push.try_send("one too many").unwrap_err().kind, SendErrorKind::WouldBlock);

        let pull = Pull::with_options(usual());
        pull.bind(&place).await.unwrap();
        for n in 0..7 {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
        push.send("more").await.unwrap();
        assert_eq!(text(&pull.recv().await.unwrap()), ["more"]);
    }

    held async fn a_peer_that_does_not_read_holds_the_sender_up_and_nothing_is_lost(at: At) {
        let pull = Pull::with_options(hwm(1000, 10));
        let endpoint = pull.bind(at.any()).await.unwrap();
        let push = Push::with_options(hwm(10, 1000));
        push.connect(&endpoint).unwrap();
        push.wait_for_peer().await;
        let body = "x".repeat(100_000);
        let (mut sent, mut in_vain) = (0, 0);
        while in_vain < 50 {
            if push.try_send(parts([&sent.to_string(), &body])).is_ok() {
                (sent, in_vain) = (sent + 1, 0);
            } else {
                in_vain += 1;
                settle().await;
            }
            assert!(sent < 10_000, "nothing holds the sender up");
        }
        assert!(sent >= 20);
        for n in 0..sent {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
    }

    async fn a_mark_of_zero_sets_no_limit(at: At) {
        let push = Push::with_options(hwm(0, 0));
        let place = push.connect(at.place()).unwrap();
        for n in 0..20_000 {
            push.try_send(n.to_string()).unwrap();
        }
        let pull = Pull::with_options(hwm(0, 0));
        pull.bind(&place).await.unwrap();
        for n in 0..20_000 {
            assert_eq!(number(&pull.recv().await.unwrap()), n);
        }
    }

    async fn an_immediate_socket_takes_messages_only_for_a_peer_that_is_there(at: At) {
        let push = Push::with_options(quick().immediate(true));
        let mut monitor = push.monitor();
        let place = push.connect(at.place()).unwrap();
        assert_eq!(push.try_send("nobody").unwrap_err().kind, SendErrorKind::WouldBlock);

        let first = Pull::with_options(usual());
        first.bind(&place).await.unwrap();
        push.send("first").await.unwrap();
        assert_eq!(text(&first.recv().await.unwrap()), ["first"]);
        first.close().await;
        monitor.loss().await;
        assert_eq!(push.try_send("nobody again").unwrap_err().kind, SendErrorKind::WouldBlock);

        let second = Pull::with_options(usual());
        second.bind(&place).await.unwrap();
        push.send("second").await.unwrap();
        assert_eq!(text(&second.recv().await.unwrap()), ["second"]);
    }

    async fn a_conflating_sender_keeps_the_newest_message(at: At) {
        let push = Push::with_options(quick().conflate(true));
        let place = push.connect(at.place()).unwrap();
        for n in 0..10 {
            push.send(n.to_string()).await.unwrap();
        }
        let pull = Pull::with_options(usual());
        pull.bind(&place).await.unwrap();
        assert_eq!(number(&pull.recv().await.unwrap()), 9);
        push.send("10").await.unwrap();
        assert_eq!(number(&pull.recv().await.unwrap()), 10);
    }

    async fn a_conflating_receiver_gets_on_to_the_newest_message(at: At) {
        let pull = Pull::with_options(usual().conflate(true));
        let endpoint = pull.bind(at.any()).await.unwrap();
        let push = Push::with_options(usual());
        push.connect(&endpoint).unwrap();
        push.wait_for_peer().await;
        for n in 0..100 {
            push.send(n.to_string()).await.unwrap();
        }
        let mut last = None;
        while last != Some(99) {
            let next = number(&pull.recv().await.unwrap());
            assert!(last < Some(next));
            last = Some(next);
        }
        assert!(pull.try_recv().is_err());
    }
}

#[tokio::test]
async fn in_process_exactly_both_marks_together_wait() {
    within("in_process_exactly_both_marks_together_wait", async {
        for (send, recv) in [(3, 5), (1, 1), (1, 1000), (1000, 1)] {
            let (pull, push) = (Pull::with_options(hwm(1000, recv)), Push::with_options(hwm(send, 1000)));
            let place = pull.bind(At::Inproc.place()).await.unwrap();
            push.connect(&place).unwrap();
            assert_eq!(fill(&push), send + recv);

            // The same when the sender was there first, and its own mark was reached before.
            let (pull, push) = (Pull::with_options(hwm(1000, recv)), Push::with_options(hwm(send, 1000)));
            let place = push.connect(At::Inproc.place()).unwrap();
            assert_eq!(fill(&push), send);
            let mut monitor = push.monitor();
            pull.bind(&place).await.unwrap();
            monitor.peers(1).await;
            assert_eq!(fill(&push), recv);
            // What is received makes room for as many.
            for _ in 0..send + recv {
                pull.try_recv().unwrap();
            }
            assert!(pull.try_recv().is_err());
            assert_eq!(fill(&push), send + recv);
        }
    })
    .await;
}

#[tokio::test]
async fn in_process_a_message_can_be_received_when_its_send_returns() {
    within("in_process_a_message_can_be_received_when_its_send_returns", async {
        let (pull, push) = (Pull::with_options(usual()), Push::with_options(usual()));
        let place = pull.bind(At::Inproc.place()).await.unwrap();
        push.connect(&place).unwrap();
        for n in 0..10 {
            push.try_send(n.to_string()).unwrap();
            assert_eq!(number(&pull.try_recv().unwrap()), n);
        }
    })
    .await;
}

#[tokio::test]
async fn in_process_peers_with_messages_are_read_in_turn() {
    within("in_process_peers_with_messages_are_read_in_turn", async {
        let pull = Pull::with_options(usual());
        let place = pull.bind(At::Inproc.place()).await.unwrap();
        let pushes = [Push::with_options(usual()), Push::with_options(usual()), Push::with_options(usual())];
        for (name, push) in ["a", "b", "c"].into_iter().zip(&pushes) {
            push.connect(&place).unwrap();
            for _ in 0..3 {
                push.try_send(name).unwrap();
            }
        }
        let mut order = String::new();
        while let Ok(message) = pull.try_recv() {
            order += &text(&message)[0];
        }
        assert_eq!(order, "abcabcabc");
    })
    .await;
}
