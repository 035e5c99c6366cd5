//! Frames of WebSocket, as they may be and as they must not, from a peer that is a client of ours or a server. RFC 6455
#![cfg(feature = "ws")]

mod common;

use bowline::error::WsFault;
use bowline::{DisconnectReason, Endpoint, Monitor, Options, ProtocolError, Pull};
use common::web::{self, BINARY, CLOSE, FIN, PING, PONG, Side, TEXT, Web};
use common::{Script, glance, quick, settle, text, within};
use tokio::net::TcpListener;

/// A script for a peer on either side, which fails by its name when it hangs.
macro_rules! script {
    ($(#[$meta:meta])* async fn $name:ident($side:ident) $body:block) => {
        $(#[$meta])*
        #[tokio::test]
        async fn $name() {
            within(stringify!($name), async {
                for $side in Side::BOTH {
                    $body
                }
            })
            .await;
        }
    };
}

/// A frame that goes on with a message. RFC 6455, Fragmentation
const CONTINUATION: u8 = 0;

/// A PULL, and a PUSH by hand that is ready.
struct Scene {
    pull: Pull,
    monitor: Monitor,
    peer: Web,
}

impl Scene {
    async fn set(side: Side, options: Options) -> Self {
        let (pull, monitor, mut peer) = open(side, options, "ZWS2.0/NULL").await;
        peer.shake_hands().await;
        let mut scene = Self { pull, monitor, peer };
        scene.monitor.peers(1).await;
        scene
    }

    async fn hears(&mut self, expected: &[&str]) {
        assert_eq!(text(&self.pull.recv().await.unwrap()), expected);
    }

    /// What comes of these bytes: the reason that the monitor tells, and the goodbye that the peer gets.
    async fn end(mut self, bytes: &[u8]) -> (DisconnectReason, Option<Vec<u8>>) {
        self.peer.send(bytes).await;
        let reason = self.monitor.loss().await;
        (reason, self.peer.goodbye().await)
    }
}

/// A PULL, and a peer by hand whose WebSocket is open, and nothing more.
async fn open(side: Side, options: Options, subprotocol: &str) -> (Pull, Monitor, Web) {
    let pull = Pull::with_options(options);
    let monitor = pull.monitor();
    let peer = match side {
        Side::Client => Web::open(&pull.bind("ws://127.0.0.1:*").await.unwrap(), subprotocol).await,
        Side::Server => {
            let (listener, endpoint) = listen().await;
            pull.connect(&endpoint).unwrap();
            Web::serve(&listener, subprotocol).await
        }
    };
    (pull, monitor, peer)
}

async fn listen() -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("ws://{}", listener.local_addr().unwrap()).parse().unwrap();
    (listener, endpoint)
}

/// What a goodbye with this code has in it.
fn code(code: u16) -> Vec<u8> {
    code.to_be_bytes().to_vec()
}

script! {
    async fn the_fragments_of_a_message_are_one_part(side) {
        let mut scene = Scene::set(side, Options::new()).await;
        for fragments in [&["\0one, ", "two, ", "three"][..], &["\0", "", "one, two, thr", "", "e", "e"], &["", "\0one, two, three"]] {
            for (at, fragment) in fragments.iter().enumerate() {
                let opcode = if at == 0 { BINARY & !FIN } else { CONTINUATION };
                let fin = if at + 1 == fragments.len() { FIN } else { 0 };
                scene.peer.say(opcode | fin, fragment.as_bytes()).await;
            }
            scene.hears(&["one, two, three"]).await;
        }
    }
}

script! {
    async fn a_ping_in_the_midst_of_a_message_is_answered(side) {
        let mut scene = Scene::set(side, Options::new()).await;
        scene.peer.say(BINARY & !FIN, b"\0one, ").await;
        scene.peer.say(PING, b"are you there?").await;
        assert_eq!(scene.peer.next().await, (PONG, b"are you there?".to_vec()));
        assert!(glance(&mut scene.pull.recv()).await.is_none(), "half a message is none");
        scene.peer.say(CONTINUATION | FIN, b"two").await;
        scene.hears(&["one, two"]).await;
    }
}

script! {
    async fn a_ping_is_answered_with_what_it_brought(side) {
        let mut scene = Scene::set(side, Options::new()).await;
        for payload in [&b""[..], b"x", &[0xff; 125]] {
            scene.peer.say(PING, payload).await;
            assert_eq!(scene.peer.next().await, (PONG, payload.to_vec()));
        }
        // Of many at once the last has to be answered.
        let many: Vec<u8> = (0..=99).flat_map(|n| side.frame(PING, &[n])).collect();
        scene.peer.send(many).await;
        let (mut first, mut payload) = scene.peer.next().await;
        while payload != [99] {
            assert_eq!(first, PONG);
            (first, payload) = scene.peer.next().await;
        }
    }
}

script! {
    async fn a_ping_is_answered_before_the_peer_is_ready(side) {
        let (_pull, mut monitor, mut peer) = open(side, Options::new(), "ZWS2.0/NULL").await;
        peer.say(PING, b"hurry").await;
        let mut answers = [peer.next().await, peer.next().await];
        answers.sort();
        assert_eq!((answers[0].0, answers[1].clone()), (BINARY, (PONG, b"hurry".to_vec())));
        peer.say(BINARY, b"\x02\x05READY\x0bSocket-Type\0\0\0\x04PUSH").await;
        monitor.peers(1).await;
    }
}

script! {
    async fn a_pong_that_nobody_asked_for_means_nothing(side) {
        let mut scene = Scene::set(side, Options::new()).await;
        for payload in [&b""[..], b"unasked", &[0; 125]] {
            scene.peer.say(PONG, payload).await;
        }
        scene.peer.say(BINARY, b"\0go on").await;
        scene.hears(&["go on"]).await;
    }
}

script! {
    async fn frames_may_come_byte_by_byte(side) {
        let mut scene = Scene::set(side, Options::new()).await;
        let frames = [
            side.frame(BINARY, b"\x01one"),
            side.frame(PING, b"p"),
            side.frame(BINARY, &[&b"\0"[..], &[b'x'; 300]].concat()),
        ];
        for byte in frames.concat() {
            scene.peer.send([byte]).await;
            settle().await;
        }
        scene.hears(&["one", &"x".repeat(300)]).await;
        assert_eq!(scene.peer.next().await, (PONG, b"p".to_vec()));
    }
}

script! {
    async fn many_frames_may_come_in_one_write(side) {
        let mut scene = Scene::set(side, Options::new()).await;
        let numbers: Vec<u8> = (0..500).flat_map(|n| side.frame(BINARY, format!("\0{n}").as_bytes())).collect();
        scene.peer.send([numbers, side.frame(PING, b"behind"), side.frame(CLOSE, &1000_u16.to_be_bytes())].concat()).await;
        for n in 0..500 {
            scene.hears(&[&n.to_string()]).await;
        }
        assert_eq!(scene.monitor.loss().await, DisconnectReason::PeerClosed);
        // RFC 6455, Pong: whoever has got a goodbye need not answer what came before it
        assert_eq!(scene.peer.goodbye().await, Some(code(1000)));
    }
}

script! {
    async fn every_border_of_a_length_is_read(side) {
        let mut scene = Scene::set(side, Options::new()).await;
        // One byte more for the flags.
        for len in [0, 1, 124, 125, 126, 65_534, 65_535, 65_536, 300_000] {
            scene.peer.say(BINARY, &vec![0; len + 1]).await;
            let message = scene.pull.recv().await.unwrap();
            assert_eq!((message.parts().len(), message.size()), (1, len));
        }
    }
}

script! {
    async fn frames_that_must_not_be_end_the_connection(side) {
        let misbehaved = DisconnectReason::Ws(WsFault::Misbehaved);
        let (frame, half) = (|first, payload: &[u8]| side.frame(first, payload), side.frame(BINARY & !FIN, b"\0half"));
        let mut bad = vec![
            ("the mask of the wrong side", side.others(BINARY, b"\0x")),
            ("a PING with the mask of the wrong side", side.others(PING, b"x")),
            ("a continuation of nothing", frame(CONTINUATION | FIN, b"\0x")),
            ("a message within a message", [half.clone(), frame(BINARY, b"\0x")].concat()),
            ("a text within a message", [half.clone(), frame(TEXT, b"\0x")].concat()),
            ("a PING in fragments", frame(PING & !FIN, b"x")),
            ("a goodbye in fragments", frame(CLOSE & !FIN, b"\x03\xe8")),
            ("a PING of 126 bytes", frame(PING, &[0; 126])),
            ("a PONG of 126 bytes", frame(PONG, &[0; 126])),
            ("a goodbye of 126 bytes", frame(CLOSE, &[&b"\x03\xe8"[..], &[b'x'; 124]].concat())),
            ("a goodbye of one byte", frame(CLOSE, b"\x03")),
            ("a message without flags", frame(BINARY, b"")),
            ("a message without flags, in fragments", [frame(BINARY & !FIN, b""), frame(FIN, b"")].concat()),
        ];
        bad.extend([0x10, 0x20, 0x40, 0x70].map(|bits| ("reserved bits", frame(BINARY | bits, b"\0x"))));
        bad.extend([3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(|opcode| ("a reserved opcode", frame(FIN | opcode, b"\0x"))));
        // RFC 45, Framing: there are three values
        bad.extend([3, 4, 8, 0x80, 0xff].map(|flags| ("flags that there are not", frame(BINARY, &[flags, b'x']))));
        for (what, bytes) in bad {
            let end = Scene::set(side, quick()).await.end(&bytes).await;
            assert_eq!(end, (misbehaved.clone(), Some(code(1002))), "{what}: {}", bytes.escape_ascii());
        }
    }
}

script! {
    async fn text_is_refused_whatever_is_in_it(side) {
        for payload in [&b""[..], b"\0hello", "\0grüß Gott".as_bytes(), b"\0\xff\xfe"] {
            let end = Scene::set(side, quick()).await.end(&side.frame(TEXT, payload)).await;
            // RFC 6455, Status Codes: data of a type that can't be accepted
            assert_eq!(end, (WsFault::Text.into(), Some(code(1003))), "{}", payload.escape_ascii());
        }
    }
}

script! {
    async fn what_is_announced_over_the_limit_is_refused_before_it_comes(side) {
        let options = quick().max_message_size(Some(1000));
        for announced in [1002, 65_535, 65_536, 1 << 40, (1 << 63) - 1, 1 << 63, u64::MAX] {
            let end = Scene::set(side, options.clone()).await.end(&side.header(BINARY, announced)).await;
            assert_eq!(end, (WsFault::TooLong.into(), Some(code(1009))), "{announced}");
        }
        // In fragments it is their sum.
        let halves = [side.frame(BINARY & !FIN, &[0; 600]), side.frame(FIN, &[0; 600])].concat();
        let end = Scene::set(side, options.clone()).await.end(&halves).await;
        assert_eq!(end, (WsFault::TooLong.into(), Some(code(1009))));
        // In parts it is the link that adds them up.
        let parts = [side.frame(BINARY, &[1; 601]), side.frame(BINARY, &[0; 601])].concat();
        let (reason, _) = Scene::set(side, options.clone()).await.end(&parts).await;
        assert_eq!(reason, DisconnectReason::Oversize { announced: 1200, limit: 1000 });
        let mut scene = Scene::set(side, options).await;
        scene.peer.say(BINARY, &[0; 1001]).await;
        assert_eq!(scene.pull.recv().await.unwrap().size(), 1000);
    }
}

script! {
    async fn without_a_limit_an_impossible_length_is_refused_all_the_same(side) {
        for most in [None, Some(u64::MAX)] {
            for announced in [(1 << 62) + 1, 1 << 63, u64::MAX] {
                let scene = Scene::set(side, quick().max_message_size(most)).await;
                let end = scene.end(&side.header(BINARY, announced)).await;
                assert_eq!(end, (WsFault::TooLong.into(), Some(code(1009))), "{announced}");
            }
        }
    }
}

script! {
    async fn a_goodbye_is_answered_and_told_by_its_code(side) {
        let peer_closed = |code| (DisconnectReason::PeerClosed, Some(code));
        let closed = |code| (DisconnectReason::Ws(WsFault::Closed(code)), Some(code));
        let mut goodbyes = vec![peer_closed(1000), peer_closed(1001)];
        goodbyes.extend([1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999].map(closed));
        for (reason, of) in goodbyes {
            let payload = code(of.unwrap());
            let with_reason = [&payload[..], "because, that’s why".as_bytes()].concat();
            for payload in [payload, with_reason] {
                let end = Scene::set(side, quick()).await.end(&side.frame(CLOSE, &payload)).await;
                assert_eq!(end, (reason.clone(), Some(payload)), "{of:?}");
            }
        }
        // RFC 6455, Status Codes: 1005 stands for none
        let end = Scene::set(side, quick()).await.end(&side.frame(CLOSE, b"")).await;
        assert_eq!(end, (DisconnectReason::PeerClosed, Some(vec![])));
    }
}

script! {
    async fn a_goodbye_with_a_code_that_nobody_may_send_is_a_fault(side) {
        for invalid in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
            let (reason, goodbye) = Scene::set(side, quick()).await.end(&side.frame(CLOSE, &code(invalid))).await;
            assert!(matches!(reason, DisconnectReason::Ws(WsFault::Closed(1002) | WsFault::Misbehaved)), "{invalid}: {reason}");
            assert!(goodbye.is_some_and(|goodbye| goodbye.starts_with(&1002_u16.to_be_bytes())), "{invalid}");
        }
    }
}

script! {
    async fn nothing_is_read_behind_a_goodbye(side) {
        let mut scene = Scene::set(side, quick()).await;
        let last = [side.frame(BINARY, b"\0heard"), side.frame(CLOSE, b"\x03\xe8"), side.frame(BINARY, b"\0unheard")].concat();
        scene.peer.send(last).await;
        scene.hears(&["heard"]).await;
        assert_eq!(scene.monitor.loss().await, DisconnectReason::PeerClosed);
        assert!(scene.pull.try_recv().is_err());
        drop(scene.peer);
    }
}

script! {
    async fn who_goes_without_a_goodbye_is_told_as_gone(side) {
        let mut scene = Scene::set(side, quick()).await;
        scene.peer.say(BINARY, b"\0bye").await;
        drop(scene.peer);
        assert_eq!(scene.monitor.loss().await, DisconnectReason::PeerClosed);
        assert_eq!(text(&scene.pull.recv().await.unwrap()), ["bye"]);
        // Half a message of ZeroMQ is none, and the link says so.
        let mut scene = Scene::set(side, quick()).await;
        scene.peer.say(BINARY, b"\x01more to come").await;
        drop(scene.peer);
        assert_eq!(scene.monitor.loss().await, ProtocolError::Truncated.into());
        assert!(scene.pull.try_recv().is_err());
    }
}

script! {
    async fn our_goodbye_has_the_code_of_a_usual_end(side) {
        let mut scene = Scene::set(side, quick()).await;
        let closing = tokio::spawn({
            let pull = scene.pull.clone();
            async move { pull.close().await }
        });
        assert_eq!(scene.peer.next().await, (CLOSE, code(1000)));
        scene.peer.say(CLOSE, &1000_u16.to_be_bytes()).await;
        assert_eq!(scene.peer.try_next().await, None);
        drop(scene.peer);
        closing.await.unwrap();
    }
}

script! {
    async fn the_bytes_of_zmtp_may_be_cut_anywhere(side) {
        use common::raw::{frame, greeting, ready};
        let bytes = [&greeting("NULL")[..], &ready("PUSH", None), &frame(1, b"one"), &frame(0, &[b'x'; 300])].concat();
        for cut in [1, 2, 63, 64, 65, 100, bytes.len()] {
            let (pull, _monitor, mut peer) = open(side, quick(), "ZMTP3.1").await;
            for piece in bytes.chunks(cut) {
                peer.say(BINARY, piece).await;
            }
            assert_eq!(text(&pull.recv().await.unwrap()), ["one", &"x".repeat(300)], "cut by {cut}");
        }
    }
}

script! {
    async fn an_empty_message_is_nothing_where_the_bytes_are_those_of_zmtp(side) {
        use common::raw::{frame, greeting, ready};
        let (pull, _monitor, mut peer) = open(side, quick(), "ZMTP3.1").await;
        for piece in [&b""[..], &greeting("NULL"), b"", &ready("PUSH", None), b"", &frame(0, b"hello"), b""] {
            peer.say(BINARY, piece).await;
        }
        assert_eq!(text(&pull.recv().await.unwrap()), ["hello"]);
    }
}

#[tokio::test]
async fn what_comes_right_behind_the_head_is_not_lost() {
    within("what_comes_right_behind_the_head_is_not_lost", async {
        let ready = |side: Side| side.frame(BINARY, b"\x02\x05READY\x0bSocket-Type\0\0\0\x04PUSH");
        let first = |side: Side| [ready(side), side.frame(BINARY, b"\0the first")].concat();
        let pull = Pull::new();
        let endpoint = pull.bind("ws://127.0.0.1:*").await.unwrap();
        let mut client = Web::dial(&endpoint).await;
        client.send([web::request("ZWS2.0/NULL").as_bytes(), &first(Side::Client)].concat()).await;
        assert_eq!(text(&pull.recv().await.unwrap()), ["the first"]);
        let (listener, endpoint) = listen().await;
        let pull = Pull::new();
        pull.connect(&endpoint).unwrap();
        let (mut server, request) = Web::accept(&listener).await;
        server.send([web::answer(&request, "ZWS2.0/NULL").as_bytes(), &first(Side::Server)].concat()).await;
        assert_eq!(text(&pull.recv().await.unwrap()), ["the first"]);
    })
    .await;
}
