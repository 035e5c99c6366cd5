//! WebSocket spoken by hand, from either side: what a page does, and what a server sees of libzmq.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tungstenite::handshake::derive_accept_key;

use crate::{Outcome, ensure, within};

/// The first byte of a whole message of bytes. RFC 6455, Base Framing Protocol
pub const BINARY: u8 = 0x82;
/// The first byte of a goodbye.
pub const CLOSE: u8 = 0x88;
/// The first byte of a PING.
pub const PING: u8 = 0x89;
/// The first byte of a PONG.
pub const PONG: u8 = 0x8a;

/// What a client masks with. Servers take any; this one shows in a test that fails.
const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

/// One side of a WebSocket.
pub struct Web {
    stream: TcpStream,
    masks: bool,
}

impl Web {
    /// Connects to `ws://HOST:PORT[/PATH]`, and asks for these subprotocols.
    ///
    /// # Errors
    ///
    /// If nobody listens there.
    pub async fn ask(endpoint: &str, subprotocols: &str) -> Outcome<Self> {
        let at = endpoint.strip_prefix("ws://").ok_or_else(|| format!("{endpoint} is not of WebSocket"))?;
        let (host, path) = at.split_at(at.find('/').unwrap_or(at.len()));
        let path = if path.is_empty() { "/" } else { path };
        let stream = TcpStream::connect(host).await.map_err(|error| format!("{endpoint}: {error}"))?;
        let mut web = Self { stream, masks: true };
        web.bytes(
            format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Protocol: {subprotocols}\r\n\r\n"
            )
            .as_bytes(),
        )
        .await?;
        Ok(web)
    }

    /// Connects and asks for one subprotocol, and gets it.
    ///
    /// # Errors
    ///
    /// If the server answers otherwise; with its answer.
    pub async fn open(endpoint: &str, subprotocol: &str) -> Outcome<Self> {
        let mut web = Self::ask(endpoint, subprotocol).await?;
        let answer = web.head().await?;
        // RFC 6455, Opening Handshake: the answer to the key of its example
        let wanted = ["HTTP/1.1 101", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &format!("Protocol: {subprotocol}\r\n")];
        ensure(wanted.iter().all(|wanted| answer.contains(wanted)), || format!("the server answered {answer}"))?;
        Ok(web)
    }

    /// Waits for a client; it and what it asks for.
    ///
    /// # Errors
    ///
    /// If none comes in time.
    pub async fn accept(listener: &TcpListener) -> Outcome<(Self, String)> {
        let (stream, _) = within("a client of WebSocket", listener.accept()).await?;
        let mut web = Self { stream, masks: false };
        let request = web.head().await?;
        Ok((web, request))
    }

    /// Gives a client one of the subprotocols that its request asks for, with the right key.
    ///
    /// # Errors
    ///
    /// If it asks for no WebSocket, or is gone.
    pub async fn admit(&mut self, subprotocol: &str, request: &str) -> Outcome {
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
        let key = key.ok_or_else(|| format!("there is no key in {request}"))?;
        self.admit_with(subprotocol, &derive_accept_key(key.as_bytes())).await
    }

    /// Gives a client one subprotocol, with this key, which may be wrong.
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub async fn admit_with(&mut self, subprotocol: &str, key: &str) -> Outcome {
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {key}\r\nSec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
        );
        self.bytes(answer.as_bytes()).await
    }

    /// The other side's lines, up to the empty one.
    ///
    /// # Errors
    ///
    /// If they don't come.
    pub async fn head(&mut self) -> Outcome<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.read(1).await.map_err(|error| format!("{error}, after {}", head.escape_ascii()))?[0]);
        }
        String::from_utf8(head).map_err(|error| error.to_string())
    }

    /// Sends a frame with this first byte.
    ///
    /// # Errors
    ///
    /// If the other side is gone.
    pub async fn frame(&mut self, first: u8, payload: &[u8]) -> Outcome {
        let mut frame = vec![first];
        let masked = if self.masks { 0x80 } else { 0 };
        match payload.len() {
            len @ ..126 => frame.push(masked + len as u8),
            len @ 126..65_536 => {
                frame.push(masked + 126);
                frame.extend_from_slice(&(len as u16).to_be_bytes());
            }
            len => {
                frame.push(masked + 127);
                frame.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        if self.masks {
            frame.extend_from_slice(&MASK);
            frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        } else {
            frame.extend_from_slice(payload);
        }
        self.bytes(&frame).await
    }

    /// The next frame: its first byte and its payload.
    ///
    /// # Errors
    ///
    /// If the other side masks where it must not, or the other way round, or says nothing in time.
    pub async fn next(&mut self) -> Outcome<(u8, Vec<u8>)> {
        let header = self.read(2).await?;
        let (is_masked, len) = (header[1] & 0x80 != 0, header[1] & 0x7f);
        ensure(is_masked != self.masks, || format!("the mask of {header:x?} is not its side's"))?;
        let len = match len {
            126 => self.read(2).await?,
            127 => self.read(8).await?,
            len => vec![len],
        };
        let len = len.into_iter().fold(0, |len, byte| len << 8 | usize::from(byte));
        let mask = if is_masked { self.read(4).await? } else { vec![0; 4] };
        let mut payload = self.read(len).await?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Ok((header[0], payload))
    }

    /// Sends a frame of ZWS: its flags and its body. RFC 45, Framing
    ///
    /// # Errors
    ///
    /// If the other side is gone.
    pub async fn say(&mut self, flags: u8, body: &[u8]) -> Outcome {
        self.frame(BINARY, &[&[flags], body].concat()).await
    }

    /// Receives exactly this frame of ZWS.
    ///
    /// # Errors
    ///
    /// With what came instead.
    pub async fn hear(&mut self, flags: u8, body: &[u8]) -> Outcome {
        let (first, payload) = self.next().await?;
        let is_it = first == BINARY && payload.split_first() == Some((&flags, body));
        ensure(is_it, || format!("{first:#x} came with {}", payload.escape_ascii()))
    }

    /// Waits until the other side ends the connection; what it still said.
    ///
    /// # Errors
    ///
    /// If it does not in time.
    pub async fn rest(mut self) -> Outcome<Vec<u8>> {
        let mut rest = Vec::new();
        let ended = async {
            // A reset is an end too.
            self.stream.read_to_end(&mut rest).await.ok();
            Ok::<_, String>(())
        };
        within("the other side's end of a WebSocket", ended).await?;
        Ok(rest)
    }

    /// Sends these bytes as they are.
    ///
    /// # Errors
    ///
    /// If the other side is gone.
    pub async fn bytes(&mut self, bytes: &[u8]) -> Outcome {
        within("our side of a WebSocket", self.stream.write_all(bytes)).await
    }

    async fn read(&mut self, n: usize) -> Outcome<Vec<u8>> {
        let mut bytes = vec![0; n];
        within("the other side of a WebSocket", self.stream.read_exact(&mut bytes)).await?;
        Ok(bytes)
    }
}
