//! A peer that speaks WebSocket by hand, well or badly, from either side.

use bowline::Endpoint;
use bowline::endpoint::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tungstenite::handshake::derive_accept_key;

/// First bytes of whole messages, and of control frames. RFC 6455, Base Framing Protocol
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
/// The bit that the last frame of a message has.
pub(crate) const FIN: u8 = 0x80;

/// What a PUSH says of itself. RFC 23, The READY Command
const READY: &[u8] = b"\x02\x05READY\x0bSocket-Type\0\0\0\x04PUSH";
const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

/// Which side the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// A frame as this side sends it.
    pub(crate) fn frame(self, first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = self.header(first, payload.len() as u64);
        match self {
            Self::Client => frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask)),
            Self::Server => frame.extend_from_slice(payload),
        }
        frame
    }

    /// The beginning of a frame, up to the mask.
    pub(crate) fn header(self, first: u8, len: u64) -> Vec<u8> {
        let masked = if self == Self::Client { 0x80 } else { 0 };
        let mut header = vec![first];
        match len {
            ..126 => header.push(masked + len as u8),
            126..65_536 => {
                header.push(masked + 126);
                header.extend_from_slice(&(len as u16).to_be_bytes());
            }
            _ => {
                header.push(masked + 127);
                header.extend_from_slice(&len.to_be_bytes());
            }
        }
        if self == Self::Client {
            header.extend_from_slice(&MASK);
        }
        header
    }

    /// A frame as the other side has to send it.
    pub(crate) fn others(self, first: u8, payload: &[u8]) -> Vec<u8> {
        match self {
            Self::Client => Self::Server.frame(first, payload),
            Self::Server => Self::Client.frame(first, payload),
        }
    }
}

/// A connection of the peer.
pub(crate) struct Web {
    pub(crate) side: Side,
    pub(crate) stream: TcpStream,
}

/// What a good client asks for.
pub(crate) fn request(subprotocols: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: {subprotocols}\r\n\r\n"
    )
}

/// What a good server answers to a request.
pub(crate) fn answer(request: &str, subprotocol: &str) -> String {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
    )
}

impl Web {
    /// A client, before it has said anything.
    pub(crate) async fn dial(endpoint: &Endpoint) -> Self {
        let Endpoint::Ws(address) = endpoint else { panic!("{endpoint} is not of WebSocket") };
        let Host::Ip(ip) = address.host else { panic!("{endpoint} has no address") };
        let stream = TcpStream::connect((ip, address.port)).await.expect("somebody listens");
        Self { side: Side::Client, stream }
    }

    /// A server, and what its client has asked for.
    pub(crate) async fn accept(listener: &TcpListener) -> (Self, String) {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut web = Self { side: Side::Server, stream };
        let request = web.head().await;
        (web, request)
    }

    /// A client of ours whose WebSocket is open.
    pub(crate) async fn open(endpoint: &Endpoint, subprotocol: &str) -> Self {
        let mut web = Self::dial(endpoint).await;
        web.send(request(subprotocol)).await;
        let head = web.head().await;
        assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        web
    }

    /// A server of ours whose WebSocket is open.
    pub(crate) async fn serve(listener: &TcpListener, subprotocol: &str) -> Self {
        let (mut web, request) = Self::accept(listener).await;
        web.send(answer(&request, subprotocol)).await;
        web
    }

    /// Says that it is a PUSH, and waits for the same from the other side. RFC 45, NULL
    pub(crate) async fn shake_hands(&mut self) {
        self.say(BINARY, READY).await;
        let (first, payload) = self.next().await;
        assert!(first == BINARY && payload.starts_with(b"\x02\x05READY"), "{first:#x} {}", payload.escape_ascii());
    }

    /// The lines of the other side, up to the empty one.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.read(1).await);
        }
        String::from_utf8(head).expect("text")
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the connection is there");
    }

    /// Sends one frame.
    pub(crate) async fn say(&mut self, first: u8, payload: &[u8]) {
        self.send(self.side.frame(first, payload)).await;
    }

    /// The next frame: its first byte and its payload.
    pub(crate) async fn next(&mut self) -> (u8, Vec<u8>) {
        self.try_next().await.expect("another frame")
    }

    /// The next frame, or the end.
    pub(crate) async fn try_next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut header = [0; 2];
        self.stream.read_exact(&mut header).await.ok()?;
        let [first, len] = header;
        assert_eq!(len & 0x80 != 0, self.side == Side::Server, "clients mask, and servers don't");
        let len = match len & 0x7f {
            126 => self.read(2).await,
            127 => self.read(8).await,
            len => vec![len],
        };
        let len = len.into_iter().fold(0, |len, byte| len << 8 | usize::from(byte));
        let mask = if self.side == Side::Server { self.read(4).await } else { vec![0; 4] };
        let mut payload = self.read(len).await;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Some((first, payload))
    }

    /// Reads to the end; the payload of the goodbye, if there was one.
    pub(crate) async fn goodbye(mut self) -> Option<Vec<u8>> {
        let mut goodbye = None;
        while let Some((first, payload)) = self.try_next().await {
            assert!(goodbye.is_none(), "a frame came behind the goodbye: {first:#x}");
            goodbye = (first == CLOSE).then_some(payload);
        }
        goodbye
    }

    pub(crate) async fn read(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.stream.read_exact(&mut bytes).await.expect("the connection is there");
        bytes
    }
}
