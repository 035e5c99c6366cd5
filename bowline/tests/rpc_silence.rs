//! Peers that fall silent without a word, and heartbeats of real time that notice.

mod common;

use std::time::Duration;

use bowline::rpc::{CallError, Client, Outcome, Server};
use bowline::{DisconnectReason, Endpoint, Options, Reconnect};
use common::desk::DeskClient;
use common::raw::{Raw, frame};
use common::{At, Script, desk, quick};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Heartbeats that give a peer up soon.
fn impatient() -> Options {
    let interval = Some(Duration::from_millis(20));
    quick().heartbeat_interval(interval).heartbeat_timeout(interval)
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    common::within("a_silent_server_is_given_up", async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = At::Tcp.of(&listener);
        let client = Client::builder().endpoint(endpoint.as_str()).options(impatient()).connect().unwrap();
        let call = tokio::spawn(DeskClient(client.clone()).add(1, 2));
        let mut silent = Raw { stream: listener.accept().await.unwrap().0 };
        silent.shake_hands("ROUTER").await;
        match call.await.unwrap() {
            Err(CallError::ConnectionLost { outcome, reason }) => {
                assert_eq!((outcome, reason), (Outcome::MaybeExecuted, DisconnectReason::HeartbeatTimeout));
            }
            other => panic!("{other:?}"),
        }
        silent.closed().await;
    })
    .await;
}

#[tokio::test]
async fn a_silent_caller_is_given_up() {
    common::within("a_silent_caller_is_given_up", async {
        // By our own PING, and by a promise of the caller's that it does not keep.
        for (options, promise) in [(impatient(), &[][..]), (Options::new(), b"\x04PING\x00\x01ctx")] {
            let (desk, mut ear) = desk::desk();
            let server = Server::builder().service(desk).options(options).build().unwrap();
            let mut monitor = server.monitor();
            let mut caller = Raw::connect(&server.bind(At::Tcp.any()).await.unwrap()).await;
            caller.shake_hands("DEALER").await;
            caller.send(frame(0, &[&[0x28, 0][..], &desk::named("wait")].concat())).await;
            if !promise.is_empty() {
                caller.send(frame(4, promise)).await;
            }
            assert_eq!(ear.next().await, "wait begun");
            assert_eq!(monitor.loss().await, DisconnectReason::HeartbeatTimeout);
            assert_eq!(ear.next().await, "wait dropped");
            caller.closed().await;
        }
    })
    .await;
}

/// Carries bytes between one client and `to` until `hush` says so, but not before each side has heard three answers to its
/// PINGs. From then on neither hears of the other, though both connections stay; it ends when both were closed.
async fn hush_between(listener: TcpListener, to: Endpoint, hush: oneshot::Receiver<()>) {
    let mut near = listener.accept().await.unwrap().0;
    let mut far = Raw::connect(&to).await.stream;
    let (mut there, mut back, mut answers) = ([0; 1024], [0; 1024], [0; 2]);
    let count = |bytes: &[u8]| bytes.windows(5).filter(|window| window == b"\x04PONG").count();
    tokio::pin!(hush);
    let mut is_asked = false;
    while !is_asked || answers.iter().any(|&answers| answers < 3) {
        tokio::select! {
            _ = &mut hush, if !is_asked => is_asked = true,
            n = near.read(&mut there) => {
                let bytes = &there[..n.unwrap()];
                answers[0] += count(bytes);
                far.write_all(bytes).await.unwrap();
            }
            n = far.read(&mut back) => {
                let bytes = &back[..n.unwrap()];
                answers[1] += count(bytes);
                near.write_all(bytes).await.unwrap();
            }
        }
    }
    tokio::join!(Raw { stream: near }.closed(), Raw { stream: far }.closed());
}

#[tokio::test]
async fn two_that_no_longer_hear_each_other_give_each_other_up() {
    common::within("two_that_no_longer_hear_each_other_give_each_other_up", async {
        // Short, but longer than either is slow to answer.
        let options = impatient().heartbeat_timeout(Some(Duration::from_secs(2))).reconnect(Reconnect::Never);
        let (desk, mut ear) = desk::desk();
        let server = Server::builder().service(desk).options(options.clone()).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = At::Tcp.of(&listener);
        let (hush, hushed) = oneshot::channel();
        let to = server.bind(At::Tcp.any()).await.unwrap();
        let between = tokio::spawn(hush_between(listener, to, hushed));
        let client = Client::builder().endpoint(endpoint.as_str()).options(options).connect().unwrap();
        let client = desk::ready(client).await;
        let (mut at_server, mut at_client) = (server.monitor(), client.0.monitor());
        let call = tokio::spawn(client.wait());
        assert_eq!(ear.next().await, "wait begun");
        hush.send(()).unwrap();
        assert_eq!(at_server.loss().await, DisconnectReason::HeartbeatTimeout);
        assert_eq!(at_client.loss().await, DisconnectReason::HeartbeatTimeout);
        assert_eq!(ear.next().await, "wait dropped");
        match call.await.unwrap() {
            Err(CallError::ConnectionLost { outcome, reason }) => {
                assert_eq!((outcome, reason), (Outcome::MaybeExecuted, DisconnectReason::HeartbeatTimeout));
            }
            other => panic!("{other:?}"),
        }
        between.await.unwrap();
    })
    .await;
}
