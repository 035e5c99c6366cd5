//! Peers that break the protocol: each gets its typed reason and is gone, and a good peer goes on untouched.

mod common;

use std::time::Duration;

use bowline::auth::{Code, Refusal};
use bowline::error::HandshakeStage;
use bowline::{
    DisconnectReason, Mechanism, MonitorKind, Options, PlainCredentials, ProtocolError, Pull, Router, SocketType,
};
use common::raw::{Raw, frame, greeting, long_header, ready};
use common::scene::Scene;
use common::{At, Script, text, usual, within};

impl Scene {
    /// A peer that says this instead of a handshake fails it so.
    async fn fails(&mut self, bytes: &[u8], stage: HandshakeStage, reason: impl Into<DisconnectReason>) {
        let mut bad = Raw::connect(&self.endpoint).await;
        bad.send(bytes).await;
        let reason = reason.into();
        let failed = self.monitor.skip_to("handshake_failed").await.kind;
        assert_eq!(failed, MonitorKind::HandshakeFailed { stage, reason }, "{}", bytes.escape_ascii());
        bad.closed().await;
        self.goes_on().await;
    }

    /// A peer that says this after its handshake is lost so.
    async fn is_lost(&mut self, bytes: &[u8], reason: impl Into<DisconnectReason>) {
        let mut bad = Raw::connect(&self.endpoint).await;
        bad.shake_hands("PUSH").await;
        bad.send(bytes).await;
        assert_eq!(self.monitor.loss().await, reason.into(), "{}", bytes.escape_ascii());
        bad.closed().await;
        self.goes_on().await;
    }
}

fn with_greeting(bytes: &[u8]) -> Vec<u8> {
    [&greeting("NULL")[..], bytes].concat()
}

#[tokio::test]
async fn what_is_no_greeting_is_told_from_its_first_bytes() {
    within("what_is_no_greeting_is_told_from_its_first_bytes", async {
        let mut scene = Scene::set(Options::new()).await;
        let stage = HandshakeStage::Greeting;
        scene.fails(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", stage, ProtocolError::NotZmtp).await;
        scene.fails(b"\x16\x03\x01\x02\x00\x01", stage, ProtocolError::SpeaksTls).await;
        scene.fails(b"\n", stage, ProtocolError::NotZmtp).await;
        scene.fails(b"\xff\0\0\0\0\0\0\0\x01\x7e", stage, ProtocolError::NotZmtp).await;
        // ZMTP 1.0 begins with a frame, 2.0 with a signature and its revision.
        scene.fails(b"\x01\x00", stage, ProtocolError::NotZmtp).await;
        scene.fails(b"\xff\0\0\0\0\0\0\0\x01\x7f\x00", stage, ProtocolError::OldVersion { major: 0 }).await;
        scene.fails(b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08", stage, ProtocolError::OldVersion { major: 1 }).await;
        scene.ends().await;
    })
    .await;
}

#[tokio::test]
async fn what_does_not_fit_our_mechanism_fails() {
    within("what_does_not_fit_our_mechanism_fails", async {
        let mut scene = Scene::set(Options::new()).await;
        let stage = HandshakeStage::Greeting;
        for theirs in ["CURVE", "PLAIN", "NULLIFY", "null", ""] {
            let reason = ProtocolError::MechanismMismatch { ours: "NULL", theirs: theirs.into() };
            scene.fails(&greeting(theirs), stage, reason).await;
        }
        scene.ends().await;
    })
    .await;
}

#[tokio::test]
async fn metadata_that_make_no_peer_fail() {
    within("metadata_that_make_no_peer_fail", async {
        let mut scene = Scene::set(Options::new()).await;
        let stage = HandshakeStage::Ready;
        for theirs in [SocketType::Pull, SocketType::Sub, SocketType::Router] {
            let reason = ProtocolError::IncompatibleSocketType { ours: SocketType::Pull, theirs };
            scene.fails(&with_greeting(&ready(theirs.as_str(), None)), stage, reason).await;
        }
        let unknown = ProtocolError::UnknownSocketType("STREAM".into());
        scene.fails(&with_greeting(&ready("STREAM", None)), stage, unknown).await;
        scene.fails(&with_greeting(b"\x04\x06\x05READY"), stage, ProtocolError::NoSocketType).await;
        let malformed = ProtocolError::MalformedCommand { name: "READY" };
        scene.fails(&with_greeting(b"\x04\x0c\x05READY\x0bSocke"), stage, malformed).await;
        scene.ends().await;
    })
    .await;
}

#[tokio::test]
async fn identities_have_up_to_255_bytes_and_no_leading_zero() {
    within("identities_have_up_to_255_bytes_and_no_leading_zero", async {
        let router = Router::new();
        let mut monitor = router.monitor();
        let endpoint = router.bind(At::Tcp.any()).await.unwrap();
        for identity in [&b"\0zero"[..], &[b'x'; 256], &[b'x'; 5000]] {
            let mut bad = Raw::connect(&endpoint).await;
            bad.send(with_greeting(&ready("DEALER", Some(identity)))).await;
            assert_eq!(monitor.refusal().await, ProtocolError::InvalidIdentity.into());
            bad.closed().await;
        }
        let mut good = Raw::connect(&endpoint).await;
        good.send(with_greeting(&ready("DEALER", Some(&[b'x'; 255])))).await;
        good.send(frame(0, b"hello")).await;
        assert_eq!(text(&router.recv().await.unwrap()), ["x".repeat(255), "hello".into()]);
    })
    .await;
}

#[tokio::test]
async fn what_comes_out_of_order_in_a_handshake_fails() {
    within("what_comes_out_of_order_in_a_handshake_fails", async {
        let mut scene = Scene::set(Options::new()).await;
        let stage = HandshakeStage::Ready;
        let unexpected = |name: &str| ProtocolError::UnexpectedCommand { name: name.into() };
        scene.fails(&with_greeting(&frame(0, b"message")), stage, ProtocolError::MessageInHandshake).await;
        scene.fails(&with_greeting(&frame(4, b"\x04PING\0\0")), stage, unexpected("PING")).await;
        scene.fails(&with_greeting(&frame(4, b"\x05HELLO\x01a\x01b")), stage, unexpected("HELLO")).await;
        let refused = DisconnectReason::HandshakeRefused { reason: "go away".into() };
        scene.fails(&with_greeting(&frame(4, b"\x05ERROR\x07go away")), stage, refused).await;
        scene.fails(&with_greeting(&[0x80]), stage, ProtocolError::ReservedFlags { flags: 0x80 }).await;
        let long = ProtocolError::CommandTooLong { announced: 1 << 40 };
        scene.fails(&with_greeting(&long_header(4, 1 << 40)), stage, long).await;
        scene.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_plain_server_takes_its_commands_in_order() {
    within("a_plain_server_takes_its_commands_in_order", async {
        let ann = PlainCredentials::new("ann", "secret").unwrap();
        let pull = Pull::with_options(Options::new().mechanism(Mechanism::PlainServer(vec![ann])));
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        let unexpected = |name: &str| ProtocolError::UnexpectedCommand { name: name.into() }.into();
        let text = "unknown user or wrong password".to_owned();
        let unauthorized = DisconnectReason::Unauthorized(Refusal { code: Code::Credentials, text });
        let malformed = ProtocolError::MalformedCommand { name: "HELLO" }.into();
        let wrong: [(&[u8], DisconnectReason); 4] = [
            (b"\x08INITIATE", unexpected("INITIATE")),
            (b"\x05READY", unexpected("READY")),
            (b"\x05HELLO\x05ann", malformed),
            (b"\x05HELLO\x03ann\x05guess", unauthorized),
        ];
        for (body, reason) in wrong {
            let mut bad = Raw::connect(&endpoint).await;
            bad.send(greeting("PLAIN")).await;
            bad.send(frame(4, body)).await;
            assert_eq!(monitor.refusal().await, reason, "{}", body.escape_ascii());
            bad.closed().await;
        }
    })
    .await;
}

#[tokio::test]
async fn frames_that_must_not_be_end_the_connection() {
    within("frames_that_must_not_be_end_the_connection", async {
        let mut scene = Scene::set(Options::new()).await;
        for flags in [0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
            scene.is_lost(&[flags, 0], ProtocolError::ReservedFlags { flags }).await;
        }
        scene.is_lost(&[5, 0], ProtocolError::CommandInMessage).await;
        let within_message = [frame(1, b"more to come"), frame(4, b"\x05READY")].concat();
        scene.is_lost(&within_message, ProtocolError::CommandInMessage).await;
        scene.is_lost(&long_header(0, 1 << 63), ProtocolError::FrameLength).await;
        scene.is_lost(&long_header(0, u64::MAX), ProtocolError::FrameLength).await;
        let unexpected = ProtocolError::UnexpectedCommand { name: "SUBSCRIBE".into() };
        scene.is_lost(&frame(4, b"\x09SUBSCRIBEtopic"), unexpected).await;
        scene.is_lost(&frame(4, b"\x04PING\0"), ProtocolError::MalformedCommand { name: "PING" }).await;
        scene.is_lost(&frame(4, b""), ProtocolError::MalformedCommand { name: "?" }).await;
        scene.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_ends_within_a_message_is_truncated() {
    within("a_connection_that_ends_within_a_message_is_truncated", async {
        let mut scene = Scene::set(Options::new()).await;
        let cut: [&[u8]; 4] = [&[0], &[0, 10, b'x'], &long_header(0, 10)[..5], &[1, 1, b'x']];
        for bytes in cut {
            let mut bad = Raw::connect(&scene.endpoint).await;
            bad.shake_hands("PUSH").await;
            bad.send(bytes).await;
            drop(bad);
            assert_eq!(scene.monitor.loss().await, ProtocolError::Truncated.into(), "{bytes:?}");
            scene.goes_on().await;
        }
        // Nothing of it was received, and a connection that ends between messages just ends.
        let mut polite = Raw::connect(&scene.endpoint).await;
        polite.shake_hands("PUSH").await;
        polite.send(frame(0, b"bye")).await;
        drop(polite);
        assert_eq!(scene.monitor.loss().await, DisconnectReason::PeerClosed);
        assert_eq!(text(&scene.pull.recv().await.unwrap()), ["bye"]);
        for stage in [&b""[..], &greeting("NULL")[..32], &greeting("NULL")] {
            let mut bad = Raw::connect(&scene.endpoint).await;
            bad.send(stage).await;
            drop(bad);
            let reason = scene.monitor.refusal().await;
            assert!(matches!(reason, DisconnectReason::PeerClosed | DisconnectReason::Io(_)), "{reason:?}");
            scene.goes_on().await;
        }
        scene.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_before_it_is_read() {
    within("a_message_over_the_limit_is_refused_before_it_is_read", async {
        let limit = 100;
        let mut scene = Scene::set(Options::new().max_message_size(Some(limit))).await;
        let oversize = |announced| DisconnectReason::Oversize { announced, limit };
        scene.is_lost(&[0, 101], oversize(101)).await;
        scene.is_lost(&long_header(0, 1 << 62), oversize(1 << 62)).await;
        // For commands the limit is never less than what an honest one needs.
        scene.is_lost(&long_header(4, 1 << 62), ProtocolError::CommandTooLong { announced: 1 << 62 }).await;
        // All parts count together.
        let parts = [frame(1, &[0; 60]), vec![0, 41]].concat();
        scene.is_lost(&parts, oversize(101)).await;
        // A message of just that size is fine.
        let mut good = Raw::connect(&scene.endpoint).await;
        good.shake_hands("PUSH").await;
        good.send([frame(1, &[b'x'; 60]), frame(0, &[b'x'; 40])].concat()).await;
        assert_eq!(scene.pull.recv().await.unwrap().size(), 100);
        scene.ends().await;
    })
    .await;
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_given_up() {
    within("a_handshake_that_takes_too_long_is_given_up", async {
        let pull = Pull::with_options(Options::new().handshake_timeout(Duration::from_millis(500)));
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        let steps: [(&[u8], HandshakeStage); 3] = [
            (b"", HandshakeStage::Greeting),
            (&greeting("NULL")[..63], HandshakeStage::Greeting),
            (&greeting("NULL"), HandshakeStage::Ready),
        ];
        for (bytes, stage) in steps {
            let mut slow = Raw::connect(&endpoint).await;
            slow.send(bytes).await;
            let reason = DisconnectReason::HandshakeTimeout;
            let failed = monitor.skip_to("handshake_failed").await.kind;
            assert_eq!(failed, MonitorKind::HandshakeFailed { stage, reason });
            slow.closed().await;
        }
        // Every byte for itself, for ever: the padding of a greeting has no meaning, but it has an end.
        let mut drop_by_drop = Raw::connect(&endpoint).await;
        for byte in greeting("NULL").into_iter().cycle() {
            if tokio::io::AsyncWriteExt::write_all(&mut drop_by_drop.stream, &[byte]).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let reason = monitor.refusal().await;
        assert!(reason != DisconnectReason::LocalClose, "{reason:?}");
    })
    .await;
}

/// The pages that this process has in memory, in bytes.
#[cfg(not(target_family = "wasm"))]
fn memory() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// What the page has taken of the memory there is, in bytes.
#[cfg(target_family = "wasm")]
fn memory() -> usize {
    core::arch::wasm32::memory_size(0) << 16
}

#[tokio::test]
async fn memory_follows_what_arrives_and_not_what_is_announced() {
    within("memory_follows_what_arrives_and_not_what_is_announced", async {
        let pull = Pull::with_options(usual().max_message_size(None));
        let mut monitor = pull.monitor();
        let endpoint = pull.bind(At::Tcp.any()).await.unwrap();
        let before = memory();
        let mut liars = Vec::new();
        for _ in 0..20 {
            let mut liar = Raw::connect(&endpoint).await;
            liar.shake_hands("PUSH").await;
            liar.send(long_header(0, 1 << 62)).await;
            liar.send([0; 100]).await;
            liars.push(liar);
        }
        monitor.peers(20).await;
        // What is sent behind is read too.
        for liar in &mut liars {
            liar.send([0; 100]).await;
        }
        common::settle().await;
        let grown = memory().saturating_sub(before);
        assert!(grown < 64 << 20, "20 frames of 2^62 bytes that never came took {grown} bytes");
        drop(liars);
        for _ in 0..20 {
            assert_eq!(monitor.loss().await, ProtocolError::Truncated.into());
        }
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_reads_nothing_is_superseded_all_the_same() {
    within("a_peer_that_reads_nothing_is_superseded_all_the_same", async {
        let router = Router::with_options(Options::new().router_handover(true).router_mandatory(true));
        let mut monitor = router.monitor();
        let endpoint = router.bind(At::Tcp.any()).await.unwrap();
        let peer = async || {
            let mut peer = Raw::connect(&endpoint).await;
            peer.send(greeting("NULL")).await;
            peer.send(ready("DEALER", Some(b"x"))).await;
            peer
        };
        let _deaf = peer().await;
        monitor.peers(1).await;
        // More than the system takes without a reader: the connection waits for it in the middle of the message.
        let endless = [b"x".to_vec(), vec![0; 64 << 20]];
        router.send(endless.into_iter().collect::<bowline::Message>()).await.unwrap();
        common::settle().await;
        let _next = peer().await;
        assert_eq!(monitor.loss().await, DisconnectReason::Superseded);
    })
    .await;
}
