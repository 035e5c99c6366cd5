//! ZMTP by hand, as far as a fault needs it.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A greeting of ZMTP 3.1 with the NULL mechanism.
pub(crate) fn greeting() -> [u8; 64] {
    let mut bytes = [0; 64];
    (bytes[0], bytes[9], bytes[10], bytes[11]) = (0xff, 0x7f, 3, 1);
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

/// Greets, announces a socket of this type, and waits for the same from the other side.
pub(crate) async fn shake_hands(stream: &mut TcpStream, socket_type: &str) -> io::Result<()> {
    let mut ready = b"\x05READY\x0bSocket-Type".to_vec();
    ready.extend((socket_type.len() as u32).to_be_bytes());
    ready.extend(socket_type.as_bytes());
    let mut bytes = greeting().to_vec();
    bytes.extend([4, ready.len() as u8]);
    bytes.extend(ready);
    stream.write_all(&bytes).await?;
    let mut theirs = [0; 64 + 2];
    stream.read_exact(&mut theirs).await?;
    stream.read_exact(&mut vec![0; theirs[65].into()]).await.map(drop)
}
