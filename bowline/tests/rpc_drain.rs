//! Servers and clients that come to their end without a loss.

mod common;

use std::time::Duration;

use bowline::rpc::{CallError, Client, Outcome, Server};
use common::raw::{Raw, frame};
use common::{At, desk, glance, quick, usual};
use tokio::io::AsyncReadExt;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(1000);

for_each_transport! {
    async fn a_server_that_drains_answers_what_it_has_begun(at: At) {
        let (server, client, mut ear) = desk::open(at).await;
        let mut call = client.gate();
        assert!(glance(&mut call).await.is_none());
        assert_eq!(ear.next().await, "gate begun");
        let draining = server.clone();
        let drained = tokio::spawn(async move { draining.drain(LONG).await });
        common::until(|| !client.0.is_connected()).await;
        assert!(!drained.is_finished());
        ear.shared.gate.add_permits(1);
        call.await.unwrap();
        drained.await.unwrap();
    }

    async fn a_drain_takes_no_longer_than_its_grace_whatever_is_open(at: At) {
        let (server, client, mut ear) = desk::open(at).await;
        let mut call = client.wait();
        assert!(glance(&mut call).await.is_none());
        assert_eq!(ear.next().await, "wait begun");
        let mut idle = client.echo(desk::fed().1);
        assert!(glance(&mut Box::pin(idle.next())).await.is_none());
        server.drain(Duration::from_millis(50)).await;
        assert_eq!(ear.next().await, "wait dropped");
        assert!(matches!(call.await, Err(CallError::ConnectionLost { .. })));
    }

    async fn calls_go_to_the_next_server_while_the_first_one_drains(at: At) {
        let endpoint = at.place();
        let (desk, mut ear) = desk::desk();
        let first = Server::builder().options(usual()).service(desk).build().unwrap();
        first.bind(endpoint.as_str()).await.unwrap();
        let client = Client::builder().options(usual()).endpoint(endpoint.as_str()).options(quick()).connect().unwrap();
        let client = desk::ready(client).await;
        let mut call = client.gate();
        assert!(glance(&mut call).await.is_none());
        assert_eq!(ear.next().await, "gate begun");
        let draining = first.clone();
        let drained = tokio::spawn(async move { draining.drain(LONG).await });
        common::until(|| !client.0.is_connected()).await;
        let next = tokio::spawn(client.add(1, 2));
        ear.shared.gate.add_permits(1);
        call.await.unwrap();
        drained.await.unwrap();
        let (desk, _ear) = desk::desk();
        let second = Server::builder().options(usual()).service(desk).build().unwrap();
        second.bind(endpoint.as_str()).await.unwrap();
        assert_eq!(next.await.unwrap().unwrap(), 3);
    }

    async fn a_client_that_drains_waits_for_its_calls_and_begins_no_more(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        let mut call = client.gate();
        assert!(glance(&mut call).await.is_none());
        assert_eq!(ear.next().await, "gate begun");
        let draining = client.0.clone();
        let drained = tokio::spawn(async move { draining.drain(LONG).await });
        common::settle().await;
        let error = client.add(1, 2).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
        assert!(!drained.is_finished());
        ear.shared.gate.add_permits(1);
        call.await.unwrap();
        drained.await.unwrap();
    }

    served async fn one_way_calls_are_out_when_the_client_has_closed(at: At) {
        let (_server, client, mut ear) = desk::open(at).await;
        client.0.wait_ready().await.unwrap();
        for n in 0..2_000 {
            client.touch(&n.to_string()).await.unwrap();
        }
        client.0.close().await;
        for n in 0..2_000 {
            assert_eq!(ear.next().await, format!("touched {n}"));
        }
    }
}

// A page has no clock that goes by itself.
#[cfg(not(target_family = "wasm"))]
#[tokio::test]
async fn a_drain_ends_when_its_grace_is_over_and_not_before() {
    common::within("a_drain_ends_when_its_grace_is_over_and_not_before", async {
        let grace = Duration::from_secs(30);
        for at in [At::Inproc, At::Tcp] {
            let (server, client, mut ear) = desk::open(at).await;
            let call = tokio::spawn(client.wait());
            assert_eq!(ear.next().await, "wait begun");
            tokio::time::pause();
            let begun = tokio::time::Instant::now();
            server.drain(grace).await;
            let took = begun.elapsed();
            tokio::time::resume();
            assert!((grace..=grace + Duration::from_millis(1)).contains(&took), "{took:?} over {at:?}");
            assert_eq!(ear.next().await, "wait dropped");
            assert!(matches!(call.await.unwrap(), Err(CallError::ConnectionLost { .. })));
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_closed_begins_nothing_more() {
    common::within("a_server_that_is_closed_begins_nothing_more", async {
        let (server, endpoint, mut ear) = desk::serve(At::Tcp).await;
        let mut caller = Raw::connect(&endpoint).await;
        caller.shake_hands("DEALER").await;
        // As many calls as there may be in one write: more than are taken in one turn.
        let mut calls = frame(0, &[&[0x28, 0][..], &desk::named("gate")].concat());
        for stream in 1..1024_u16 {
            let sid = 2 * stream;
            let sid = if sid < 128 { vec![sid as u8] } else { vec![sid as u8 | 0x80, (sid >> 7) as u8] };
            calls.extend(frame(0, &[&[0x08][..], &sid, &[0]].concat()));
        }
        caller.send(calls).await;
        assert_eq!(ear.next().await, "gate begun");
        // The first ones are at work, and the others have come.
        let closed = tokio::spawn(async move { server.close().await });
        let (mut refused, mut flags) = (0, vec![0]);
        while caller.stream.read_exact(&mut flags).await.is_ok() {
            let len = caller.read(1).await[0];
            let answer = caller.read(len.into()).await;
            // RESET, and why: those that are at work end without an answer.
            let is_refused = answer.ends_with(b"\x06closed");
            assert!(
                answer[0] == 3 && (is_refused || answer.ends_with(b"\x07the handler gave no answer")),
                "{answer:?}"
            );
            refused += usize::from(is_refused);
        }
        drop(caller);
        closed.await.unwrap();
        let mut begun = 1;
        while let Some(told) = ear.now() {
            begun += usize::from(told == "gate begun");
        }
        assert!(refused > 0, "all of them were begun");
        assert_eq!(begun + refused, 1024, "each of them is at work or refused");
    })
    .await;
}

#[tokio::test]
async fn a_drain_is_over_when_the_last_call_that_came_too_late_is() {
    common::within("a_drain_is_over_when_the_last_call_that_came_too_late_is", async {
        let (server, endpoint, mut ear) = desk::serve(At::Tcp).await;
        let mut caller = Raw::connect(&endpoint).await;
        caller.shake_hands("DEALER").await;
        caller.send(frame(0, &[&[0x28, 0][..], &desk::named("gate")].concat())).await;
        assert_eq!(ear.next().await, "gate begun");
        let drained = tokio::spawn(async move { server.drain(LONG).await });
        assert_eq!(caller.frame().await.1[0], 4, "GOAWAY");
        // The first of several pieces: when it is refused, its other direction goes on.
        caller.send(frame(0, &[&[0x30, 2][..], &desk::named("mirror"), &[7; 100]].concat())).await;
        assert_eq!(caller.frame().await.1[..2], [3, 2], "RESET");
        ear.shared.gate.add_permits(1);
        assert_eq!(caller.frame().await.1[..2], [9, 0], "the answer");
        assert!(!drained.is_finished());
        // Now that ends as well, of which no handler is to be told.
        caller.send(frame(0, &[3, 2, 0])).await;
        caller.closed().await;
        drained.await.unwrap();
        assert!(ear.is_silent());
    })
    .await;
}
