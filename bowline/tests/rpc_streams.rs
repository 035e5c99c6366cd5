//! Calls with streams of items, in one direction and in both, over every transport.

mod common;

use std::sync::atomic::Ordering;

use bowline::rpc::{Blob, CallError};
use bowline::{Dealer, Message};
use common::desk::{self, DeskError, fed, iter};
use common::usual;

for_each_transport! {
    served async fn a_stream_of_results_arrives_whole_and_in_order(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        for n in [0, 1, 10_000] {
            assert_eq!(client.count(n).collect().await.unwrap(), (0..n).collect::<Vec<_>>());
        }
    }

    served async fn a_stream_of_arguments_is_answered_once_at_its_end(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        assert_eq!(client.sum(iter([])).await.unwrap(), 0);
        assert_eq!(client.sum(iter(1..=10_000)).await.unwrap(), 50_005_000);
    }

    served async fn what_was_sent_before_the_end_is_delivered_before_the_end(at: At) {
        // Nothing is flushed by hand: the last item and the end go out together.
        let (_server, client, _ear) = desk::open(at).await;
        for n in 0..50_u64 {
            assert_eq!(client.sum(iter(0..n)).await.unwrap(), (0..n).sum::<u64>());
        }
    }

    served async fn items_go_back_and_forth_one_by_one(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        let (feed, items) = fed();
        let mut echo = client.echo(items);
        for n in 0..100 {
            feed.send(n.to_string()).unwrap();
            assert_eq!(echo.next().await.unwrap().unwrap(), n.to_string());
        }
        drop(feed);
        assert!(echo.next().await.is_none());
    }

    served async fn an_error_instead_of_a_stream_arrives_as_it_was_returned(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        let mut items = client.fail_items();
        match items.next().await {
            Some(Err(CallError::Failed(error))) => {
                assert_eq!(error, DeskError { code: 8, words: vec!["no items".into()] });
            }
            other => panic!("{other:?}"),
        }
        assert!(items.next().await.is_none());
    }

    async fn a_reader_that_stalls_holds_its_window_and_delays_nobody(at: At) {
        const SIZE: usize = 16 * 1024;
        let (_server, client, mut ear) = desk::open(at).await;
        let mut stalled = client.endless(SIZE);
        stalled.next().await.unwrap().unwrap();
        assert_eq!(ear.next().await, "endless begun");
        // Others go on at full speed past it, and so does another stream.
        for _ in 0..3 {
            assert_eq!(client.count(5_000).collect().await.unwrap().len(), 5_000);
            assert_eq!(client.add(1, 2).await.unwrap(), 3);
        }
        let made = |ear: &desk::Ear| ear.shared.made.load(Ordering::SeqCst);
        let before = made(&ear);
        for _ in 0..1_000 {
            client.add(1, 2).await.unwrap();
        }
        // The window, what the stream's sender keeps, and the one item that waits for room.
        assert!(before * SIZE <= 1_600_000 && made(&ear) == before, "{before} items were made");
        drop(stalled);
        assert_eq!(ear.next().await, "endless dropped");
    }

    async fn a_long_message_that_nobody_reads_holds_its_window_and_one_that_is_awaited_does_not(at: At) {
        let (_server, endpoint, mut ear) = desk::serve(at).await;
        let stranger = Dealer::with_options(usual());
        stranger.connect(&endpoint).unwrap();
        for (sid, method) in [(0, "swallow"), (2, "sum")] {
            stranger.send(Message::from([&[0x20, sid][..], &desk::named(method)].concat())).await.unwrap();
        }
        assert_eq!(ear.next().await, "swallow begun");
        for sid in [0, 2] {
            for _ in 0..2 {
                stranger.send(Message::from([&[0x11, sid][..], &vec![7; 30_000]].concat())).await.unwrap();
            }
        }
        // Credit for the first one would have come first.
        loop {
            match stranger.recv().await.unwrap().parts()[0][..2] {
                [0x02, 2] => break,
                [0x02, sid] => panic!("credit for {sid}"),
                _ => {}
            }
        }
    }

    served async fn a_handler_that_does_not_read_stops_its_caller_and_nobody_else(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        let made = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&made);
        let items = iter(std::iter::repeat_with(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Blob::from(vec![7; 16 * 1024])
        }));
        let call = tokio::spawn(client.swallow(items));
        assert_eq!(ear.next().await, "swallow begun");
        for _ in 0..1_000 {
            client.add(1, 2).await.unwrap();
        }
        let before = made.load(Ordering::SeqCst);
        for _ in 0..1_000 {
            client.add(1, 2).await.unwrap();
        }
        let after = made.load(Ordering::SeqCst);
        assert!(after * 16 * 1024 <= 1_600_000 && after == before, "{before}, then {after} items were made");
        call.abort();
        assert_eq!(ear.next().await, "swallow dropped");
    }

    served async fn many_streams_at_once_keep_to_themselves(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        let streams: Vec<_> = (0..100).map(|n| tokio::spawn(client.count(n * 10).collect())).collect();
        let sums: Vec<_> = (0..100_u64).map(|n| tokio::spawn(client.sum(iter(0..n)))).collect();
        for (n, stream) in (0..).zip(streams) {
            assert_eq!(stream.await.unwrap().unwrap(), (0..n * 10).collect::<Vec<u32>>());
        }
        for (n, sum) in (0..).zip(sums) {
            assert_eq!(sum.await.unwrap().unwrap(), (0..n).sum::<u64>());
        }
    }
}
