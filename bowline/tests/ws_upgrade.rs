//! How a WebSocket begins, well or badly, on either side. RFC 6455, Opening Handshake
#![cfg(feature = "ws")]

mod common;

use std::collections::HashSet;
use std::time::Duration;

use bowline::error::WsFault;
use bowline::{DisconnectReason, Endpoint, Monitor, Options, Origins, Pull, Push};
use common::web::{self, BINARY, Side, Web};
use common::{Script, number, quick, settle, text, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A script, which fails by its name when it hangs.
macro_rules! script {
    (async fn $name:ident() $body:block) => {
        #[tokio::test]
        async fn $name() {
            within(stringify!($name), async $body).await;
        }
    };
}

/// What a good client asks for, in all the lines that there may be.
const GOOD: &str = "GET /zeromq HTTP/1.1\r\nHost: localhost:80\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Protocol: ZWS2.0\r\nOrigin: https://example.org\r\n\r\n";

/// Our PULL, bound at a path and open to the pages of one place, and a peer that keeps to the rules.
struct Host {
    pull: Pull,
    monitor: Monitor,
    endpoint: Endpoint,
    honest: Push,
    sent: usize,
}

impl Host {
    async fn set() -> Self {
        Self::with(Options::new()).await
    }

    async fn with(options: Options) -> Self {
        let pull = Pull::with_options(options.origins(Origins::only(["https://example.org"])));
        let mut monitor = pull.monitor();
        let endpoint = pull.bind("ws://127.0.0.1:*/zeromq").await.unwrap();
        let honest = Push::new();
        honest.connect(&endpoint).unwrap();
        monitor.peers(1).await;
        Self { pull, monitor, endpoint, honest, sent: 0 }
    }

    async fn goes_on(&mut self) {
        self.honest.send(self.sent.to_string()).await.unwrap();
        assert_eq!(number(&self.pull.recv().await.unwrap()), self.sent);
        self.sent += 1;
    }

    /// What we answer to this, and why.
    async fn refuses(&mut self, request: &[u8]) -> (String, DisconnectReason) {
        let mut client = Web::dial(&self.endpoint).await;
        client.send(request).await;
        let mut answer = Vec::new();
        // What comes behind a head that is refused may have to be answered with a reset.
        client.stream.read_to_end(&mut answer).await.ok();
        let reason = self.monitor.refusal().await;
        self.goes_on().await;
        (String::from_utf8(answer).unwrap(), reason)
    }

    /// Who asks like this is taken.
    async fn takes(&mut self, request: &str) {
        let mut client = Web::dial(&self.endpoint).await;
        client.send(request).await;
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head} to {request}");
        assert!(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
        assert!(head.contains("Sec-WebSocket-Protocol: ZWS2.0\r\n"), "{head}");
        client.say(BINARY, b"\0").await;
        client.say(BINARY, b"\0taken").await;
        assert_eq!(text(&self.pull.recv().await.unwrap()), ["taken"]);
        drop(client);
        assert_eq!(self.monitor.loss().await, DisconnectReason::PeerClosed);
    }
}

script! {
    async fn a_request_that_does_not_fit_has_its_status_and_its_fault() {
        use WsFault::{NoCommonProtocol, NotHttp, NotWebSocket, Origin, WrongPath};
        let mut host = Host::set().await;
        for (from, to, status, fault) in [
            ("GET", "POST", 405, NotWebSocket),
            ("GET", "HEAD", 405, NotWebSocket),
            ("Upgrade: websocket\r\n", "", 426, NotWebSocket),
            ("Upgrade: websocket", "Upgrade: h2c", 426, NotWebSocket),
            ("Connection: Upgrade\r\n", "", 426, NotWebSocket),
            ("Connection: Upgrade", "Connection: keep-alive", 426, NotWebSocket),
            ("Version: 13", "Version: 8", 426, NotWebSocket),
            ("Version: 13", "Version: 14", 426, NotWebSocket),
            ("Sec-WebSocket-Version: 13\r\n", "", 426, NotWebSocket),
            ("HTTP/1.1", "HTTP/1.0", 426, NotWebSocket),
            ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, NotWebSocket),
            ("Sec-WebSocket-Key: d", "Sec-WebSocket-Key: x\r\nSec-WebSocket-Key: d", 400, NotWebSocket),
            ("/zeromq", "/", 404, WrongPath),
            ("/zeromq", "/zeromq/", 404, WrongPath),
            ("/zeromq", "/ZEROMQ", 404, WrongPath),
            ("/zeromq", "/../zeromq", 404, WrongPath),
            ("/zeromq", "*", 404, WrongPath),
            ("Sec-WebSocket-Protocol: ZWS2.0\r\n", "", 400, NoCommonProtocol),
            ("Protocol: ZWS2.0", "Protocol: mqtt, chat", 400, NoCommonProtocol),
            ("Protocol: ZWS2.0", "Protocol: ZWS2.0/PLAIN, ZWS2.0/CURVE, ZWS1.0, zws2.0", 400, NoCommonProtocol),
            ("https://example.org", "https://evil.example", 403, Origin),
            ("https://example.org", "http://example.org", 403, Origin),
            ("https://example.org", "https://example.org.evil.example", 403, Origin),
            ("https://example.org", "null", 403, Origin),
            ("https://example.org", "https://example.org\r\nOrigin: https://evil.example", 403, Origin),
            ("GET /zeromq HTTP/1.1", "GET /zeromq", 400, NotHttp),
            ("GET /zeromq HTTP/1.1", "GET /zeromq HTTP/2.0", 400, NotHttp),
            ("Host: localhost:80", "no colon", 400, NotHttp),
            ("Host: localhost:80", "Host: \0", 400, NotHttp),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let (answer, reason) = host.refuses(GOOD.replace(from, to).as_bytes()).await;
            assert_eq!((answer.get(..12), reason), (Some(&*format!("HTTP/1.1 {status}")), fault.into()), "{from} to {to}");
            assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
            // RFC 6455, Server's Opening Handshake: who comes with another version is told which one there is
            assert!(status != 426 || answer.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{answer}");
        }
        for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"\xff\0\0\0\0\0\0\0\x01\x7f\x03", b"\0\0\0", b"SSH-2.0-OpenSSH_9.6\r\n"] {
            let (_, reason) = host.refuses(bytes).await;
            assert_eq!(reason, WsFault::NotHttp.into(), "{}", bytes.escape_ascii());
        }
    }
}

script! {
    async fn a_request_may_look_as_browsers_and_proxies_make_it() {
        let mut host = Host::set().await;
        for (from, to) in [
            ("", ""),
            ("Upgrade: websocket\r\nConnection: Upgrade", "uPGRADE: WebSocket\r\ncONNECTION: keep-alive, upgrade"),
            ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade"),
            ("Connection: Upgrade", "Connection:Upgrade  "),
            ("Sec-WebSocket-Protocol: ZWS2.0", "Sec-WebSocket-Protocol: chat , ZWS2.0"),
            ("Sec-WebSocket-Protocol: ZWS2.0", "sec-websocket-protocol: chat\r\nsec-websocket-protocol: ZWS2.0"),
            ("Host", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nHost"),
            ("Host", "Cookie: \u{e9}\r\nAccept-Language: de-DE,de;q=0.9\r\nHost"),
            ("https://example.org", "HTTPS://EXAMPLE.ORG"),
            ("Origin: https://example.org\r\n", ""),
            ("/zeromq", "/zeromq?token=1"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            host.takes(&GOOD.replacen(from, to, 1)).await;
        }
    }
}

script! {
    async fn a_head_may_come_byte_by_byte() {
        let mut host = Host::set().await;
        let mut client = Web::dial(&host.endpoint).await;
        client.stream.set_nodelay(true).unwrap();
        for byte in GOOD.bytes() {
            client.send([byte]).await;
            settle().await;
        }
        let head = client.head().await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        client.say(BINARY, b"\0").await;
        host.monitor.peers(1).await;
        host.goes_on().await;
    }
}

script! {
    async fn a_head_that_never_ends_is_refused_at_its_limit() {
        let mut host = Host::set().await;
        let (one_line, many_lines) = (format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(100_000)), "X: x\r\n".repeat(20_000));
        for endless in [one_line, format!("GET / HTTP/1.1\r\n{many_lines}"), "G".repeat(100_000)] {
            let mut client = Web::dial(&host.endpoint).await;
            // It is refused before all of it is there.
            client.stream.write_all(endless.as_bytes()).await.ok();
            assert_eq!(host.monitor.refusal().await, WsFault::HeadTooLong.into());
            host.goes_on().await;
        }
    }
}

script! {
    async fn a_head_that_takes_too_long_or_is_cut_is_given_up() {
        let mut host = Host::with(Options::new().handshake_timeout(Duration::from_millis(500))).await;
        for part in ["", "GET ", &GOOD[..GOOD.len() - 1]] {
            let mut client = Web::dial(&host.endpoint).await;
            client.send(part).await;
            assert_eq!(host.monitor.refusal().await, DisconnectReason::HandshakeTimeout, "{part}");
            let mut client = Web::dial(&host.endpoint).await;
            client.send(part).await;
            drop(client);
            let reason = host.monitor.refusal().await;
            assert!(matches!(reason, DisconnectReason::PeerClosed | DisconnectReason::Io(_)), "{reason} after {part}");
            host.goes_on().await;
        }
        // The upgrade alone makes no peer.
        let mut client = Web::dial(&host.endpoint).await;
        client.send(GOOD).await;
        assert_eq!(host.monitor.refusal().await, DisconnectReason::HandshakeTimeout);
    }
}

/// Our PUSH, which dials a server by hand.
async fn guest(path: &str) -> (TcpListener, Push, Monitor) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let push = Push::with_options(quick());
    let monitor = push.monitor();
    push.connect(format!("ws://{}{path}", listener.local_addr().unwrap())).unwrap();
    (listener, push, monitor)
}

script! {
    async fn our_request_is_what_a_server_wants() {
        let mut keys = HashSet::new();
        for (path, asked) in [("", "/"), ("/", "/"), ("/a/b?c=d", "/a/b?c=d")] {
            let (listener, _push, _) = guest(path).await;
            let host = listener.local_addr().unwrap();
            let (_server, request) = Web::accept(&listener).await;
            let line = |name: &str| {
                let mut lines = request.lines().filter_map(|line| line.split_once(": ")).filter(|(found, _)| *found == name);
                let (line, more) = (lines.next(), lines.next());
                assert_eq!(more, None, "{request}");
                line.map(|(_, value)| value.to_owned())
            };
            assert!(request.starts_with(&format!("GET {asked} HTTP/1.1\r\n")), "{request}");
            assert_eq!(line("Host"), Some(host.to_string()));
            assert_eq!(line("Upgrade").as_deref(), Some("websocket"));
            assert_eq!(line("Connection").as_deref(), Some("Upgrade"));
            assert_eq!(line("Sec-WebSocket-Version").as_deref(), Some("13"));
            assert_eq!(line("Sec-WebSocket-Protocol").as_deref(), Some("ZMTP3.1, ZWS2.0/NULL, ZWS2.0"));
            assert_eq!((line("Origin"), line("Sec-WebSocket-Extensions")), (None, None));
            // 16 bytes in base 64, and never the same
            let key = line("Sec-WebSocket-Key").unwrap();
            assert!(key.len() == 24 && key.ends_with("==") && keys.insert(key.clone()), "{key}");
        }
    }
}

script! {
    async fn an_answer_that_does_not_fit_has_its_fault() {
        use WsFault::{NoCommonProtocol, NotHttp, NotWebSocket, Refused};
        let (listener, _push, mut monitor) = guest("/zeromq").await;
        for (from, to, fault) in [
            ("101 Switching Protocols", "200 OK", Refused(200)),
            ("101 Switching Protocols", "301 Moved Permanently\r\nLocation: /elsewhere", Refused(301)),
            ("101 Switching Protocols", "401 Unauthorized\r\nWWW-Authenticate: Basic", Refused(401)),
            ("101 Switching Protocols", "404 Not Found", Refused(404)),
            ("101 Switching Protocols", "503 Service Unavailable", Refused(503)),
            ("101 Switching Protocols", "100 Continue", Refused(100)),
            ("Accept: ", "Accept: x", NotWebSocket),
            ("Sec-WebSocket-Accept", "X-Accept", NotWebSocket),
            ("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Accept", NotWebSocket),
            ("Upgrade: websocket\r\n", "", NotWebSocket),
            ("Upgrade: websocket", "Upgrade: h2c", NotWebSocket),
            ("Connection: Upgrade\r\n", "", NotWebSocket),
            ("Connection: Upgrade", "Connection: close", NotWebSocket),
            // RFC 6455, Client Requirements: an extension that was not asked for
            ("Upgrade: w", "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade: w", NotWebSocket),
            ("Sec-WebSocket-Protocol: ZMTP3.1\r\n", "", NoCommonProtocol),
            ("Protocol: ZMTP3.1", "Protocol: ZWS2.0/CURVE", NoCommonProtocol),
            ("Protocol: ZMTP3.1", "Protocol: zmtp3.1", NoCommonProtocol),
            ("Protocol: ZMTP3.1", "Protocol: ZMTP3.1, ZWS2.0", NoCommonProtocol),
            ("Protocol: ZMTP3.1", "Protocol: ZMTP3.1\r\nSec-WebSocket-Protocol: ZWS2.0", NoCommonProtocol),
            ("HTTP/1.1", "HTTP/9", NotHttp),
            ("HTTP/1.1", "SSH-2.0", NotHttp),
            ("HTTP/1.1 101", "\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}", NotHttp),
        ] {
            let (mut server, request) = Web::accept(&listener).await;
            let good = web::answer(&request, "ZMTP3.1");
            assert!(good.contains(from), "{from}");
            server.send(good.replacen(from, to, 1)).await;
            assert_eq!(monitor.refusal().await, fault.into(), "{from} to {to}");
        }
        // And dials again each time.
        let mut server = Web::serve(&listener, "ZWS2.0").await;
        server.say(BINARY, b"\0").await;
        monitor.peers(1).await;
    }
}

script! {
    async fn an_answer_may_come_byte_by_byte_and_look_as_servers_make_it() {
        let (listener, _push, mut monitor) = guest("").await;
        for (from, to) in [
            ("Upgrade: websocket\r\nConnection: Upgrade", "UPGRADE: WebSocket\r\nconnection: upgrade"),
            ("101 Switching Protocols", "101 Web Socket Protocol Handshake"),
            ("101 Switching Protocols", "101 "),
            ("Upgrade: w", "Server: something/1.0\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nUpgrade: w"),
        ] {
            let (mut server, request) = Web::accept(&listener).await;
            server.stream.set_nodelay(true).unwrap();
            let answer = web::answer(&request, "ZWS2.0").replacen(from, to, 1);
            for byte in answer.into_bytes().into_iter().chain(Side::Server.frame(BINARY, b"\0")) {
                server.send([byte]).await;
                settle().await;
            }
            monitor.peers(1).await;
        }
    }
}

script! {
    async fn an_answer_that_never_ends_or_is_cut_is_given_up() {
        let (listener, _push, mut monitor) = guest("").await;
        for endless in [format!("HTTP/1.1 101 x\r\nX: {}", "x".repeat(100_000)), format!("HTTP/1.1 101 x\r\n{}", "X: x\r\n".repeat(20_000))] {
            let (mut server, _) = Web::accept(&listener).await;
            server.stream.write_all(endless.as_bytes()).await.ok();
            assert_eq!(monitor.refusal().await, WsFault::HeadTooLong.into());
        }
        for part in ["", "HTTP/1.1 101 Switching"] {
            let (mut server, _) = Web::accept(&listener).await;
            server.send(part).await;
            drop(server);
            assert_eq!(monitor.refusal().await, DisconnectReason::PeerClosed, "{part}");
        }
    }
}
