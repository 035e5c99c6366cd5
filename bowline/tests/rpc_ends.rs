//! How calls end other than by their answer: cancelled, late, lost, or with a handler that panics.

mod common;

use std::time::Duration;

use bowline::rpc::{CallError, Client, Limits, Outcome, Retries, Server, Unreachable};
use bowline::{DisconnectReason, TransportState};
use common::desk::{self, DeskClient, fed};
use common::{At, REFUSED, Script, glance, quick, settle, usual};

for_each_transport! {
    served async fn a_call_that_is_dropped_cancels_its_handler(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        let mut call = client.wait();
        assert!(glance(&mut call).await.is_none());
        assert_eq!(ear.next().await, "wait begun");
        drop(call);
        assert_eq!(ear.next().await, "wait dropped");
        assert_eq!(client.add(1, 2).await.unwrap(), 3);
    }

    served async fn a_stream_that_is_dropped_cancels_its_handler(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        let mut items = client.endless(10);
        for _ in 0..10 {
            items.next().await.unwrap().unwrap();
        }
        assert_eq!(ear.next().await, "endless begun");
        drop(items);
        assert_eq!(ear.next().await, "endless dropped");
    }

    served async fn a_call_that_nobody_polls_is_never_sent(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        drop(client.wait());
        drop(client.touch("nothing"));
        client.touch("something").await.unwrap();
        assert_eq!(ear.next().await, "touched something");
    }

    served async fn a_deadline_ends_the_call_and_its_handler(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        client.add(1, 2).await.unwrap();
        let call = client.wait().deadline(Duration::from_millis(500));
        match call.await {
            Err(CallError::Deadline { outcome }) => assert_eq!(outcome, Outcome::MaybeExecuted),
            other => panic!("{other:?}"),
        }
        assert_eq!([ear.next().await, ear.next().await], ["wait begun", "wait dropped"]);
    }

    served async fn the_handler_knows_how_long_its_caller_waits(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        let most = Duration::from_secs(1000);
        let left: Option<Duration> = client.plain("remaining").deadline(most).await.unwrap();
        assert!(left.unwrap() <= most);
        assert_eq!(client.plain::<Option<Duration>>("remaining").await.unwrap(), None);
    }

    async fn a_call_whose_deadline_passes_while_there_is_no_server_was_not_sent(at: At) {
        let client = DeskClient(Client::builder().options(usual()).endpoint(at.place().as_str()).connect().unwrap());
        match client.add(1, 2).deadline(Duration::from_millis(20)).await {
            Err(CallError::Deadline { outcome }) => assert_eq!(outcome, Outcome::NotSent),
            other => panic!("{other:?}"),
        }
    }

    #[cfg(panic = "unwind")]
    async fn a_handler_that_panics_ends_its_call_and_nothing_else(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        let mut other = client.gate();
        assert!(glance(&mut other).await.is_none());
        assert_eq!(ear.next().await, "gate begun");
        for name in ["panic", "panic_later", "no_answer"] {
            match client.plain::<()>(name).await {
                Err(CallError::Status(status)) => assert_eq!(status.code, bowline::rpc::Code::INTERNAL, "{name}"),
                other => panic!("{other:?}"),
            }
        }
        ear.shared.gate.add_permits(1);
        other.await.unwrap();
    }

    async fn every_pending_call_ends_once_when_the_connection_is_lost(at: At) {
        let (server, client, mut ear) = desk::open(at).await;
        let calls: Vec<_> = (0..100).map(|_| tokio::spawn(client.wait())).collect();
        for _ in 0..100 {
            assert_eq!(ear.next().await, "wait begun");
        }
        server.stop();
        for call in calls {
            match call.await.unwrap() {
                Err(CallError::ConnectionLost { outcome, reason }) => {
                    assert_eq!(outcome, Outcome::MaybeExecuted);
                    assert!(matches!(reason, DisconnectReason::PeerClosed | DisconnectReason::Io(_)), "{reason}");
                }
                other => panic!("{other:?}"),
            }
        }
        for _ in 0..100 {
            assert_eq!(ear.next().await, "wait dropped");
        }
    }

    async fn an_end_without_a_last_item_is_an_error(at: At) {
        let (server, client, mut ear) = desk::open(at).await;
        let (feed, items) = fed();
        let mut echo = client.echo(items);
        feed.send("first".to_owned()).unwrap();
        assert_eq!(echo.next().await.unwrap().unwrap(), "first");
        server.stop();
        let end = loop {
            match echo.next().await {
                Some(Ok(_)) => {}
                end => break end,
            }
        };
        assert!(matches!(end, Some(Err(CallError::ConnectionLost { .. }))), "{end:?}");
        assert!(ear.is_silent());
    }

    async fn when_the_state_says_disconnected_the_lost_calls_have_failed(at: At) {
        let endpoint = at.place();
        let (desk, mut ear) = desk::desk();
        let server = Server::builder().options(usual()).service(desk).build().unwrap();
        server.bind(endpoint.as_str()).await.unwrap();
        let options = quick().reconnect(bowline::Reconnect::Never);
        let client = Client::builder().options(usual()).endpoint(endpoint.as_str()).options(options).connect().unwrap();
        let client = desk::ready(client).await;
        let mut monitor = client.0.monitor();
        let mut state = client.0.state();
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        client.0.on_state_change(move |state| told.send(state).unwrap_or_default()).unwrap();
        assert_eq!(heard.recv().await, Some(TransportState::Connected));
        let mut call = client.wait();
        assert!(glance(&mut call).await.is_none());
        assert_eq!(ear.next().await, "wait begun");
        assert_eq!(state.current(), TransportState::Connected);
        server.stop();
        while state.changed().await != Some(TransportState::Disconnected) {}
        assert!(matches!(glance(&mut call).await, Some(Err(CallError::ConnectionLost { .. }))));
        while heard.recv().await != Some(TransportState::Disconnected) {}
        monitor.skip_to("disconnected").await;
    }

    served async fn a_server_that_loses_its_caller_ends_the_handlers(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        let calls: Vec<_> = (0..10).map(|_| tokio::spawn(client.wait())).collect();
        for _ in 0..10 {
            assert_eq!(ear.next().await, "wait begun");
        }
        client.0.close().await;
        for _ in 0..10 {
            assert_eq!(ear.next().await, "wait dropped");
        }
        for call in calls {
            assert!(matches!(call.await.unwrap(), Err(CallError::ConnectionLost { .. })));
        }
    }

    async fn nothing_of_a_lost_connection_reaches_the_next_one(at: At) {
        let endpoint = at.place();
        let client = Client::builder().options(usual()).endpoint(endpoint.as_str()).options(quick()).connect().unwrap();
        let client = DeskClient(client);
        for round in 0..5 {
            let (desk, mut ear) = desk::desk();
            let server = Server::builder().options(usual()).service(desk).build().unwrap();
            server.bind(endpoint.as_str()).await.unwrap();
            // Bulk in both directions, cut in the middle.
            let bulk: Vec<_> = (0..5).map(|_| tokio::spawn(client.endless(10_000).collect())).collect();
            for _ in 0..5 {
                assert_eq!(ear.next().await, "endless begun");
            }
            assert_eq!(client.add(round, 1).await.unwrap(), round + 1);
            server.stop();
            for bulk in bulk {
                assert!(matches!(bulk.await.unwrap(), Err(CallError::ConnectionLost { .. })));
            }
            server.close().await;
        }
    }

    served async fn a_call_that_was_made_after_the_client_was_closed_is_refused(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        client.add(1, 2).await.unwrap();
        client.0.close().await;
        let error = client.add(1, 2).await.unwrap_err();
        assert!(matches!(error, CallError::Unreachable(_)), "{error}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }

    served async fn when_the_last_handle_is_dropped_the_calls_that_are_pending_fail(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        let (mut pending, given) = (client.wait(), client.wait());
        assert!(glance(&mut pending).await.is_none());
        assert_eq!(ear.next().await, "wait begun");
        drop(client.clone());
        client.add(1, 2).await.unwrap();
        drop(client);
        assert_eq!(pending.await.unwrap_err().outcome(), Outcome::MaybeExecuted);
        assert_eq!(given.await.unwrap_err().outcome(), Outcome::NotSent);
        assert_eq!(ear.next().await, "wait dropped");
        assert!(ear.is_silent());
    }

    async fn when_the_last_handle_is_dropped_a_call_that_waits_for_a_server_fails(at: At) {
        let client = DeskClient(Client::builder().options(usual()).endpoint(at.place().as_str()).connect().unwrap());
        let mut waiting = client.add(1, 2);
        assert!(glance(&mut waiting).await.is_none());
        drop(client);
        assert_eq!(waiting.await.unwrap_err().outcome(), Outcome::NotSent);
    }

    bytes async fn who_asks_once_only_hears_why_there_is_no_connection(at: At) {
        let options = usual().reconnect(bowline::Reconnect::Never);
        let client = Client::builder().options(options).endpoint(at.place().as_str()).connect().unwrap();
        match client.wait_ready().await {
            Err(Unreachable::GivenUp(DisconnectReason::Io(kind))) => {
                assert_eq!(kind, if at == At::Ipc { std::io::ErrorKind::NotFound } else { REFUSED });
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(DeskClient(client).add(1, 2).await.unwrap_err().outcome(), Outcome::NotSent);
    }

    async fn calls_beyond_what_the_server_takes_at_once_are_refused_and_not_executed(at: At) {
        let (desk, mut ear) = desk::desk();
        let server = Server::builder().options(usual()).service(desk).limits(Limits::default().handlers(2)).build().unwrap();
        let client = Client::builder().options(usual()).endpoint(server.bind(at.any()).await.unwrap()).retries(Retries::NONE);
        let client = desk::ready(client.connect().unwrap()).await;
        let mut two = [client.gate(), client.gate()];
        for call in &mut two {
            assert!(glance(call).await.is_none());
            assert_eq!(ear.next().await, "gate begun");
        }
        match client.add(1, 2).await {
            Err(error @ CallError::Status(_)) => assert_eq!(error.outcome(), Outcome::NotExecuted),
            other => panic!("{other:?}"),
        }
        ear.shared.gate.add_permits(2);
        for call in two {
            call.await.unwrap();
        }
        common::until(|| ear.shared.gate.available_permits() == 0).await;
        settle().await;
        assert_eq!(client.add(1, 2).await.unwrap(), 3);
    }
}
