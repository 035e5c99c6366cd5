//! A peer that speaks ZMTP by hand, well or badly.

use bowline::Endpoint;
use bowline::endpoint::Host;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A greeting of ZMTP 3.1 with this mechanism.
pub(crate) fn greeting(mechanism: &str) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[11] = 1;
    bytes[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
    bytes
}

/// A READY command with the socket type and, if there is one, an identity.
pub(crate) fn ready(socket_type: &str, identity: Option<&[u8]>) -> Vec<u8> {
    let mut body = b"\x05READY".to_vec();
    let mut property = |name: &str, value: &[u8]| {
        body.push(name.len() as u8);
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(&(value.len() as u32).to_be_bytes());
        body.extend_from_slice(value);
    };
    property("Socket-Type", socket_type.as_bytes());
    if let Some(identity) = identity {
        property("Identity", identity);
    }
    frame(4, &body)
}

/// A frame, short or long.
pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let short = u8::try_from(body.len());
    let mut frame = short.map_or_else(|_| long_header(flags, body.len() as u64), |len| vec![flags, len]);
    frame.extend_from_slice(body);
    frame
}

/// The header of a long frame.
pub(crate) fn long_header(flags: u8, len: u64) -> Vec<u8> {
    let mut header = vec![flags | 2];
    header.extend_from_slice(&len.to_be_bytes());
    header
}

/// A connection to where somebody listens; in a page it is one of WebSocket, and all the same.
pub(crate) async fn dial(endpoint: &Endpoint) -> TcpStream {
    let (host, port) = match endpoint {
        Endpoint::Tcp { host, port } => (host, *port),
        Endpoint::Ws(address) if cfg!(target_family = "wasm") => (&address.host, address.port),
        _ => panic!("{endpoint} is not tcp"),
    };
    let Host::Ip(ip) = host else { panic!("{endpoint} has no address") };
    TcpStream::connect((*ip, port)).await.expect("somebody listens")
}

/// A peer on a TCP connection.
pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
}

impl Raw {
    pub(crate) async fn connect(endpoint: &Endpoint) -> Self {
        Self { stream: dial(endpoint).await }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the connection is there");
    }

    /// Greets and announces itself, and waits for the same from the other side.
    pub(crate) async fn shake_hands(&mut self, socket_type: &str) {
        self.send(greeting("NULL")).await;
        self.send(ready(socket_type, None)).await;
        self.read(64).await;
        let (flags, body) = self.frame().await;
        assert!(flags == 4 && body.starts_with(b"\x05READY"), "{flags} {body:?}");
    }

    pub(crate) async fn read(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.stream.read_exact(&mut bytes).await.expect("the connection is there");
        bytes
    }

    /// The next frame: its flags, without LONG, and its body.
    pub(crate) async fn frame(&mut self) -> (u8, Vec<u8>) {
        let flags = self.read(1).await[0];
        let len = if flags & 2 == 0 {
            self.read(1).await[0].into()
        } else {
            u64::from_be_bytes(self.read(8).await.try_into().expect("eight bytes"))
        };
        (flags & !2, self.read(usize::try_from(len).expect("it fits")).await)
    }

    /// Waits until the other side closes, in peace or with a reset.
    pub(crate) async fn closed(mut self) {
        let mut nowhere = [0; 4096];
        while self.stream.read(&mut nowhere).await.is_ok_and(|n| n > 0) {}
    }
}
