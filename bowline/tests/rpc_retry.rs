//! Calls that are made again by themselves, and those that are not.

mod common;

use std::time::Duration;

use bowline::rpc::{Blob, CallError, Client, Code, Items, Limits, Never, Outcome, Retries, Server};
use bowline::{Options, Reconnect, Router, TransportState};
use common::desk::{self, DeskClient, Ear, fed};
use common::{Script, glance, quick, settle, usual};

/// A desk that is bound at `endpoint`.
async fn serve(endpoint: &str) -> (Server, Ear) {
    serve_with(endpoint, Limits::default()).await
}

async fn serve_with(endpoint: &str, limits: Limits) -> (Server, Ear) {
    let (desk, ear) = desk::desk();
    let server = Server::builder().options(usual()).service(desk).limits(limits).build().unwrap();
    server.bind(endpoint).await.unwrap();
    (server, ear)
}

/// A desk that has no time for anybody.
async fn serve_busy(endpoint: &str) -> (Server, Ear) {
    serve_with(endpoint, Limits::default().handlers(0)).await
}

fn connect_with(endpoint: &str, retries: Retries, options: Options) -> DeskClient {
    DeskClient(
        Client::builder().options(usual()).endpoint(endpoint).retries(retries).options(options).connect().unwrap(),
    )
}

fn connect(endpoint: &str) -> DeskClient {
    connect_with(endpoint, Retries::default(), quick())
}

/// A client of two servers.
async fn connect_to_two(first: &str, second: &str) -> DeskClient {
    // Whoever is lost does not come back, and nobody waits: what is made again goes to the other one.
    let options = usual().reconnect(Reconnect::Never);
    let client = Client::builder().options(options).connect().unwrap();
    let mut monitor = client.monitor();
    client.add_endpoint(first).unwrap();
    client.add_endpoint(second).unwrap();
    monitor.peers(2).await;
    DeskClient(client)
}

async fn stop(server: Server) {
    server.stop();
    server.close().await;
}

fn endless_again(client: &DeskClient) -> Items<Blob, Never> {
    client.0.server_stream(desk::idempotent("endless"), &(10_usize,))
}

for_each_transport! {
    async fn an_idempotent_call_is_made_again_when_its_server_has_come_back(at: At) {
        let place = at.place();
        let (server, mut ear) = serve(&place).await;
        let client = connect(&place);
        let call = tokio::spawn(client.again::<()>("gate"));
        assert_eq!(ear.next().await, "gate begun");
        stop(server).await;
        assert_eq!(ear.next().await, "gate dropped");
        let (_server, mut ear) = serve(&place).await;
        assert_eq!(ear.next().await, "gate begun");
        ear.shared.gate.add_permits(1);
        call.await.unwrap().unwrap();
        assert!(ear.is_silent());
    }

    async fn a_call_that_may_have_been_executed_is_not_made_again_unless_it_is_idempotent(at: At) {
        let place = at.place();
        let (server, mut ear) = serve(&place).await;
        let client = connect(&place);
        let call = tokio::spawn(client.gate());
        assert_eq!(ear.next().await, "gate begun");
        stop(server).await;
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, CallError::ConnectionLost { outcome: Outcome::MaybeExecuted, .. }), "{error}");
        let (_server, mut ear) = serve(&place).await;
        assert_eq!(client.add(1, 2).await.unwrap(), 3);
        assert!(ear.is_silent());
    }

    async fn a_client_without_retries_tells_the_first_failure_also_of_an_idempotent_call(at: At) {
        let place = at.place();
        let (server, mut ear) = serve(&place).await;
        let client = connect_with(&place, Retries::NONE, quick());
        let call = tokio::spawn(client.again::<()>("gate"));
        assert_eq!(ear.next().await, "gate begun");
        stop(server).await;
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, CallError::ConnectionLost { outcome: Outcome::MaybeExecuted, .. }), "{error}");
    }

    async fn a_call_is_made_again_at_another_server_if_there_is_one(at: At) {
        let places = [at.place(), at.place()];
        let (one, mut ear) = serve(&places[0]).await;
        let (other, mut other_ear) = serve(&places[1]).await;
        let client = connect_to_two(&places[0], &places[1]).await;
        let mut call = tokio::spawn(client.again::<()>("gate"));
        let (first, mut rest) = tokio::select! {
            told = ear.next() => { assert_eq!(told, "gate begun"); (one, other_ear) }
            told = other_ear.next() => { assert_eq!(told, "gate begun"); (other, ear) }
        };
        first.stop();
        assert_eq!(rest.next().await, "gate begun");
        assert!(glance(&mut call).await.is_none());
        rest.shared.gate.add_permits(1);
        call.await.unwrap().unwrap();
    }

    async fn what_a_busy_server_refuses_is_made_again_at_another_one_without_a_wait(at: At) {
        let places = [at.place(), at.place()];
        let (_busy, mut ear) = serve_busy(&places[0]).await;
        let (_server, _ear) = serve(&places[1]).await;
        let client = connect_to_two(&places[0], &places[1]).await;
        for n in 0..10 {
            assert_eq!(client.add(n, 1).await.unwrap(), n + 1);
        }
        assert!(ear.is_silent());
    }

    async fn what_every_server_refuses_ends_where_nobody_is_to_wait(at: At) {
        let places = [at.place(), at.place()];
        let (_one, _) = serve_busy(&places[0]).await;
        let (_two, _) = serve_busy(&places[1]).await;
        let client = connect_to_two(&places[0], &places[1]).await;
        let error = client.add(1, 2).await.unwrap_err();
        assert!(matches!(&error, CallError::Status(status) if status.code == Code::REFUSED), "{error}");
        assert_eq!(error.outcome(), Outcome::NotExecuted);
    }

    async fn what_the_only_server_refuses_is_made_again_until_it_has_time(at: At) {
        let place = at.place();
        let (_server, mut ear) = serve_with(&place, Limits::default().handlers(1)).await;
        let client = connect(&place);
        let first = tokio::spawn(client.gate());
        assert_eq!(ear.next().await, "gate begun");
        let second = tokio::spawn(client.add(1, 2));
        settle().await;
        assert!(!second.is_finished());
        ear.shared.gate.add_permits(1);
        first.await.unwrap().unwrap();
        assert_eq!(second.await.unwrap().unwrap(), 3);
    }

    async fn a_call_is_made_again_as_often_as_there_are_retries_left(at: At) {
        let place = at.place();
        let two_for_each_call = Retries::NONE.percent(200);
        let client = connect_with(&place, two_for_each_call, quick());
        let call = tokio::spawn(client.again::<()>("gate"));
        for _ in 0..3 {
            let (server, mut ear) = serve(&place).await;
            assert_eq!(ear.next().await, "gate begun");
            assert!(!call.is_finished());
            stop(server).await;
        }
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, CallError::ConnectionLost { outcome: Outcome::MaybeExecuted, .. }), "{error}");
    }

    async fn what_is_unknown_of_one_attempt_stays_unknown_whatever_the_next_one_says(at: At) {
        let place = at.place();
        let (server, mut ear) = serve(&place).await;
        let client = connect_with(&place, Retries::NONE.percent(200), quick());
        let call = tokio::spawn(client.again::<()>("gate"));
        assert_eq!(ear.next().await, "gate begun");
        stop(server).await;
        let (_server, mut ear) = serve_busy(&place).await;
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, CallError::ConnectionLost { outcome: Outcome::MaybeExecuted, .. }), "{error}");
        assert!(ear.is_silent());
    }

    async fn a_deadline_ends_a_call_that_waits_to_be_made_again_and_says_what_is_known(at: At) {
        // Long enough for the refusal to be heard first: until then it is unknown.
        let deadline = Duration::from_secs(2);
        let place = at.place();
        let (busy, _ear) = serve_busy(&place).await;
        let late = usual().reconnect(Reconnect::Fixed(Duration::from_secs(1000)));
        let client = connect_with(&place, Retries::default(), late);
        client.0.wait_ready().await.unwrap();
        match client.add(1, 2).deadline(deadline).await {
            Err(CallError::Deadline { outcome }) => assert_eq!(outcome, Outcome::NotExecuted),
            other => panic!("{other:?}"),
        }
        drop(busy);
        let place = at.place();
        let (server, mut ear) = serve(&place).await;
        let client = connect(&place);
        client.0.wait_ready().await.unwrap();
        let call = tokio::spawn(client.again::<()>("gate").deadline(deadline));
        assert_eq!(ear.next().await, "gate begun");
        stop(server).await;
        match call.await.unwrap() {
            Err(CallError::Deadline { outcome }) => assert_eq!(outcome, Outcome::MaybeExecuted),
            other => panic!("{other:?}"),
        }
    }

    async fn what_a_server_that_drains_has_not_taken_goes_to_the_next_one_with_all_its_arguments(at: At) {
        for retries in [Retries::NONE, Retries::default()] {
            let place = at.place();
            let (server, mut ear) = serve(&place).await;
            let client = connect_with(&place, retries, quick());
            client.0.wait_ready().await.unwrap();
            // Else it has nobody to say it to.
            common::until(|| server.state().current() == TransportState::Connected).await;
            server.unbind(place.as_str()).await.unwrap();
            let blob = Blob::from((0..100_000_u32).map(|n| n as u8).collect::<Vec<u8>>());
            let (mut sum, mut mirrored) = (client.add(1, 2), client.mirror(blob.clone()));
            assert!(glance(&mut sum).await.is_none());
            assert!(glance(&mut mirrored).await.is_none());
            // Nobody else has had a turn: the calls and the word that no more are taken pass each other.
            let mut drained = Box::pin(server.drain(Duration::from_secs(1000)));
            assert!(glance(&mut drained).await.is_none());
            let calls = tokio::spawn(async move { (sum.await, mirrored.await) });
            drained.await;
            let (_server, _ear) = serve(&place).await;
            let (sum, mirrored) = calls.await.unwrap();
            if retries == Retries::NONE {
                assert_eq!(sum.unwrap_err().outcome(), Outcome::NotExecuted);
                assert_eq!(mirrored.unwrap_err().outcome(), Outcome::NotExecuted);
            } else {
                assert_eq!(sum.unwrap(), 3);
                assert_eq!(mirrored.unwrap(), blob);
            }
            assert!(ear.is_silent());
        }
    }

    async fn a_call_with_items_is_made_again_until_one_of_them_is_taken(at: At) {
        let place = at.place();
        let (server, _ear) = serve(&place).await;
        let client = connect(&place);
        client.0.wait_ready().await.unwrap();
        let (feed, items) = fed();
        let mut echo: Items<String, Never> = client.0.bidirectional(desk::idempotent("echo"), &(), items);
        assert!(glance(&mut Box::pin(echo.next())).await.is_none());
        stop(server).await;
        common::until(|| !client.0.is_connected()).await;
        assert!(glance(&mut Box::pin(echo.next())).await.is_none());
        let (server, _ear) = serve(&place).await;
        feed.send("one".to_owned()).unwrap();
        assert_eq!(echo.next().await.unwrap().unwrap(), "one");
        stop(server).await;
        let (_server, _ear) = serve(&place).await;
        let end = echo.next().await;
        let maybe = Outcome::MaybeExecuted;
        assert!(matches!(&end, Some(Err(CallError::ConnectionLost { outcome, .. })) if *outcome == maybe), "{end:?}");
    }

    async fn items_that_were_handed_on_do_not_come_again(at: At) {
        let place = at.place();
        let (server, mut ear) = serve(&place).await;
        let client = connect(&place);
        let mut items = endless_again(&client);
        items.next().await.unwrap().unwrap();
        assert_eq!(ear.next().await, "endless begun");
        stop(server).await;
        let (_server, mut ear) = serve(&place).await;
        let end = loop {
            match items.next().await {
                Some(Ok(_)) => {}
                end => break end,
            }
        };
        assert!(matches!(end, Some(Err(CallError::ConnectionLost { .. }))), "{end:?}");
        client.add(1, 2).await.unwrap();
        assert!(ear.is_silent());
    }

    async fn a_client_that_is_closed_makes_nothing_again(at: At) {
        let place = at.place();
        let (_server, mut ear) = serve(&place).await;
        let client = connect(&place);
        let call = tokio::spawn(client.again::<()>("gate"));
        assert_eq!(ear.next().await, "gate begun");
        client.0.close().await;
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, CallError::ConnectionLost { outcome: Outcome::MaybeExecuted, .. }), "{error}");
    }

    // A page by WebSocket takes all that comes, also what nobody reads: every call leaves.
    #[cfg(not(target_family = "wasm"))]
    bytes async fn a_call_that_never_left_is_made_again(at: At) {
        for retries in [Retries::NONE, Retries::default()] {
            let place = at.place();
            // It never reads, so what is called waits behind what it was told before.
            let deaf = Router::with_options(usual().recv_hwm(1));
            deaf.bind(place.as_str()).await.unwrap();
            let client = connect_with(&place, retries, quick());
            client.0.wait_ready().await.unwrap();
            let long = "x".repeat(60_000);
            for _ in 0..400 {
                client.touch(&long).await.unwrap();
            }
            let mut call = client.add(1, 2);
            assert!(glance(&mut call).await.is_none());
            deaf.stop();
            deaf.close().await;
            if retries == Retries::NONE {
                let error = call.await.unwrap_err();
                assert!(matches!(error, CallError::ConnectionLost { outcome: Outcome::NotSent, .. }), "{error}");
            } else {
                let (_server, _ear) = serve(&place).await;
                assert_eq!(call.await.unwrap(), 3);
            }
        }
    }
}
