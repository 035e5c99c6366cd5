//! A server that calls its callers back, on the connections that they made.

mod common;

use bowline::UnknownPeer;
use bowline::rpc::{CallError, Client, Code, Server};
use common::desk::{self, DeskClient};
use common::{At, Script, glance, usual};

/// A client that offers a desk of its own to the server that it is connected to.
async fn both(at: At) -> (Server, DeskClient, desk::Ear, desk::Ear) {
    let (server, endpoint, ear) = desk::serve(at).await;
    let (desk, own) = desk::desk();
    let client = Client::builder().options(usual()).endpoint(endpoint).service(desk).connect().expect("an endpoint");
    (server, desk::ready(client).await, ear, own)
}

for_each_transport! {
    served async fn a_handler_calls_its_caller_and_waits_for_the_answer(at: At) {
        let (_server, client, _ear, _own) = both(at).await;
        assert_eq!(client.ask_back(20, 22).await.unwrap(), 42);
        let calls: Vec<_> = (0..500).map(|n| tokio::spawn(client.ask_back(n, 1))).collect();
        for (n, call) in (0..).zip(calls) {
            assert_eq!(call.await.unwrap().unwrap(), n + 1);
        }
    }

    async fn a_server_calls_who_has_connected_and_has_not_called(at: At) {
        let server = Server::builder().options(usual()).build().unwrap();
        let mut monitor = server.monitor();
        let endpoint = server.bind(at.any()).await.unwrap();
        let (desk, mut own) = desk::desk();
        let client = Client::builder().options(usual()).endpoint(endpoint).service(desk).connect().unwrap();
        let connection = monitor.skip_to("ready").await.connection.unwrap();
        let back = DeskClient(server.client(connection).unwrap());
        assert_eq!(back.add(1, 2).await.unwrap(), 3);
        let mut pending = back.wait();
        assert!(glance(&mut pending).await.is_none());
        assert_eq!(own.next().await, "wait begun");
        client.close().await;
        monitor.skip_to("disconnected").await;
        assert!(matches!(pending.await, Err(CallError::ConnectionLost { .. })));
        assert_eq!(server.client(connection).unwrap_err(), UnknownPeer(connection));
    }

    served async fn a_caller_that_offers_nothing_says_so(at: At) {
        let (_server, client, _ear) = desk::open(at).await;
        match client.ask_back(1, 2).await {
            Err(CallError::Failed(error)) => assert!(error.starts_with("unknown_method"), "{error}"),
            other => panic!("{other:?}"),
        }
    }

    served async fn a_call_that_is_dropped_cancels_what_its_handler_called_in_turn(at: At) {
        let (_server, client, mut ear, mut own) = both(at).await;
        let mut call = client.plain::<()>("wait_back");
        assert!(glance(&mut call).await.is_none());
        assert_eq!(ear.next().await, "wait_back begun");
        assert_eq!(own.next().await, "wait begun");
        drop(call);
        assert_eq!(ear.next().await, "wait_back dropped");
        assert_eq!(own.next().await, "wait dropped");
    }

    served async fn a_client_that_goes_while_it_is_called_back_leaves_nothing_behind(at: At) {
        let (_server, client, _ear, own) = both(at).await;
        client.ask_back(1, 2).await.unwrap();
        client.0.close().await;
        drop(own);
        let (_next, other, _ear, _own) = both(at).await;
        assert_eq!(other.ask_back(1, 2).await.unwrap(), 3);
    }
}

#[tokio::test]
async fn unknown_codes_are_kept_as_the_numbers_that_they_are() {
    assert_eq!(Code(4711).to_string(), "code 4711");
}
