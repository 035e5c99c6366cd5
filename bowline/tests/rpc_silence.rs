//! Peers that fall silent without a word, and heartbeats that notice.
//!
//! From the moment of silence on the clock goes by itself from one instant that is waited for to the next. It would not wait
//! for what is on its way, but nothing is, so how long it takes is exact.

mod common;

use std::time::Duration;

use bowline::rpc::{CallError, Client, Outcome, Server};
use bowline::{DisconnectReason, Endpoint, Options, Reconnect};
use common::desk::DeskClient;
use common::raw::{Raw, frame};
use common::{At, Script, desk, quick};
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// A page has no clock that goes by itself: there it takes its time.
const IN_A_PAGE: bool = cfg!(target_family = "wasm");
const INTERVAL: Duration = Duration::from_millis(if IN_A_PAGE { 500 } else { 10_000 });
const TIMEOUT: Duration = Duration::from_millis(if IN_A_PAGE { 1_000 } else { 30_000 });

/// Heartbeats that give a peer up `TIMEOUT` after a PING that was due.
fn watchful() -> Options {
    quick().heartbeat_interval(Some(INTERVAL)).heartbeat_timeout(Some(TIMEOUT))
}

/// The silence of a peer.
struct Silence(Instant);

impl Silence {
    fn begins() -> Self {
        #[cfg(not(target_family = "wasm"))]
        tokio::time::pause();
        Self(Instant::now())
    }

    /// It is over, and was noticed in time: timers count in milliseconds.
    fn lasted(self, least: Duration, most: Duration) {
        let took = self.0.elapsed();
        #[cfg(not(target_family = "wasm"))]
        tokio::time::resume();
        assert!(IN_A_PAGE || least <= took && took <= most + Duration::from_millis(1), "{took:?}");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    common::within("a_silent_server_is_given_up", async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = At::Tcp.of(&listener);
        let client = Client::builder().endpoint(endpoint.as_str()).options(watchful()).connect().unwrap();
        let call = tokio::spawn(DeskClient(client.clone()).add(1, 2));
        let mut silent = Raw { stream: listener.accept().await.unwrap().0 };
        silent.shake_hands("ROUTER").await;
        assert!(silent.frame().await.1.ends_with(&[1, 2]), "the call");
        let silence = Silence::begins();
        match call.await.unwrap() {
            Err(CallError::ConnectionLost { outcome, reason }) => {
                assert_eq!((outcome, reason), (Outcome::MaybeExecuted, DisconnectReason::HeartbeatTimeout));
            }
            other => panic!("{other:?}"),
        }
        silence.lasted(TIMEOUT, INTERVAL + TIMEOUT);
        silent.closed().await;
    })
    .await;
}

#[tokio::test]
async fn a_silent_caller_is_given_up() {
    common::within("a_silent_caller_is_given_up", async {
        // By our own PING, and by a promise of the caller's that it does not keep.
        let tenths: u8 = if IN_A_PAGE { 1 } else { 255 };
        let promised = Duration::from_millis(100 * u64::from(tenths));
        let ping = [b"\x04PING\x00", &[tenths][..], b"ctx"].concat();
        for (options, promise, [least, most]) in
            [(watchful(), &[][..], [TIMEOUT, INTERVAL + TIMEOUT]), (Options::new(), &ping, [Duration::ZERO, promised])]
        {
            let (desk, mut ear) = desk::desk();
            let server = Server::builder().service(desk).options(options).build().unwrap();
            let mut monitor = server.monitor();
            let mut caller = Raw::connect(&server.bind(At::Tcp.any()).await.unwrap()).await;
            caller.shake_hands("DEALER").await;
            caller.send(frame(0, &[&[0x28, 0][..], &desk::named("wait")].concat())).await;
            if !promise.is_empty() {
                caller.send(frame(4, promise)).await;
                assert_eq!(caller.frame().await.1, b"\x04PONGctx");
            }
            assert_eq!(ear.next().await, "wait begun");
            let silence = Silence::begins();
            assert_eq!(monitor.loss().await, DisconnectReason::HeartbeatTimeout);
            silence.lasted(least, most);
            assert_eq!(ear.next().await, "wait dropped");
            caller.closed().await;
        }
    })
    .await;
}

/// Carries bytes between one client and `to` until `hush` says so. From then on neither hears of the other, though both
/// connections stay; it ends when both were closed.
async fn hush_between(listener: TcpListener, to: Endpoint, mut hush: oneshot::Receiver<()>) {
    let mut near = listener.accept().await.unwrap().0;
    let mut far = Raw::connect(&to).await.stream;
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => panic!("nobody has hung up"),
        _ = &mut hush => {}
    }
    tokio::join!(Raw { stream: near }.closed(), Raw { stream: far }.closed());
}

#[tokio::test]
async fn two_that_no_longer_hear_each_other_give_each_other_up() {
    common::within("two_that_no_longer_hear_each_other_give_each_other_up", async {
        let options = watchful().reconnect(Reconnect::Never);
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
        let silence = Silence::begins();
        assert_eq!(at_server.loss().await, DisconnectReason::HeartbeatTimeout);
        assert_eq!(at_client.loss().await, DisconnectReason::HeartbeatTimeout);
        silence.lasted(TIMEOUT, INTERVAL + TIMEOUT);
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
