//! A network for pages, which can connect and nothing else: this listens for them, and carries what comes to them, by
//! WebSocket, frame by frame, with all that a WebSocket tells of its end.
//!
//! A page says by its control connection, in text:
//! - `listen N HOST:PORT`, and hears `bound N HOST:PORT` or `failed N`;
//! - `close N`.
//!
//! It hears `came N ID HOST:PORT` of each connection that comes there, which it takes by a WebSocket to `/accept/ID`, or
//! answers with `refuse ID`.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tungstenite::handshake::derive_accept_key;

/// The subprotocol whose messages are bytes of a stream: with all others, what a message is would matter.
const BYTES: &str = "ZMTP3.1";
/// Pages send smaller messages.
const FRAME_MOST: u64 = 64 * 1024 * 1024;
/// How long one that has said goodbye is waited for.
const GOODBYE: Duration = Duration::from_secs(5);

/// First bytes of frames. RFC 6455, Base Framing Protocol
const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;

/// One side of a connection that is carried: its WebSocket is open.
pub(crate) struct Side {
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

/// What is asked for, and by whom.
pub(crate) struct Request {
    side: Side,
    path: String,
    key: String,
    has_bytes: bool,
}

/// The connections that no page has taken yet.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<HashMap<u64, oneshot::Sender<Request>>>>);

impl Waiting {
    fn add(&self) -> (u64, oneshot::Receiver<Request>) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let (take, taken) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, take);
        (id, taken)
    }

    fn remove(&self, id: &str) -> Option<oneshot::Sender<Request>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.parse().ok()?)
    }
}

/// Serves all pages that come.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let waiting = Waiting::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let waiting = waiting.clone();
        tokio::spawn(async move {
            // A page that breaks off says so to nobody.
            let _broken = page(stream, waiting).await;
        });
    }
}

async fn page(stream: TcpStream, waiting: Waiting) -> io::Result<()> {
    let request = Request::read(stream).await?;
    if request.path == "/control" {
        return control(request.open().await?, waiting).await;
    }
    match request.path.strip_prefix("/accept/").and_then(|id| waiting.remove(id)) {
        Some(take) => {
            // Whoever has come may be gone.
            let _gone = take.send(request);
            Ok(())
        }
        None => request.refuse().await,
    }
}

/// Does what a page says, until it goes; then nothing of what it has asked for is left.
async fn control(mut page: Side, waiting: Waiting) -> io::Result<()> {
    let (tell, mut told) = mpsc::channel::<String>(64);
    let mut listeners = HashMap::new();
    loop {
        tokio::select! {
            Some(text) = told.recv() => page.write(TEXT, text.as_bytes()).await?,
            // Dropped when something is told, it has taken nothing.
            buffered = page.read.fill_buf() => {
                if buffered?.is_empty() {
                    return Ok(());
                }
                let (first, said) = page.frame().await?;
                if first == CLOSE {
                    return page.write(CLOSE, &said).await;
                }
                let said = String::from_utf8_lossy(&said).into_owned();
                let words: Vec<&str> = said.split(' ').collect();
                match words[..] {
                    ["listen", n, address] => {
                        let answer = match TcpListener::bind(address).await {
                            Ok(listener) => {
                                let bound = listener.local_addr()?;
                                let mut task = JoinSet::new();
                                task.spawn(accept(listener, n.to_owned(), tell.clone(), waiting.clone()));
                                listeners.insert(n.to_owned(), task);
                                format!("bound {n} {bound}")
                            }
                            Err(_) => format!("failed {n}"),
                        };
                        page.write(TEXT, answer.as_bytes()).await?;
                    }
                    ["close", n] => {
                        if let Some(mut task) = listeners.remove(n) {
                            // Now, not some time: what the page says next relies on it.
                            task.shutdown().await;
                        }
                    }
                    ["refuse", id] => drop(waiting.remove(id)),
                    _ => return Err(io::ErrorKind::InvalidData.into()),
                }
            }
        }
    }
}

/// Brings to a page what comes at one of its places.
async fn accept(listener: TcpListener, n: String, tell: mpsc::Sender<String>, waiting: Waiting) {
    while let Ok((stream, address)) = listener.accept().await {
        let (n, tell, waiting) = (n.clone(), tell.clone(), waiting.clone());
        // It outlives the place, as connections do.
        tokio::spawn(async move {
            let near = Request::read(stream).await?;
            let (id, taken) = waiting.add();
            if tell.send(format!("came {n} {id} {address}")).await.is_err() {
                waiting.remove(&id.to_string());
            }
            match taken.await {
                Ok(far) => {
                    let (near, far) = (near.open().await?, far.open().await?);
                    carry(near, far).await;
                    io::Result::Ok(())
                }
                Err(_) => near.refuse().await,
            }
        });
    }
}

/// Carries frames between two until both have said goodbye, or one breaks off.
async fn carry(near: Side, far: Side) {
    let there = pump(near.read, far.write);
    let back = pump(far.read, near.write);
    tokio::pin!(there, back);
    let said_goodbye = tokio::select! {
        end = &mut there => end.map(|write| (write, true)),
        end = &mut back => end.map(|write| (write, false)),
    };
    // Without a goodbye both connections break off here.
    if let Some((_write, is_there)) = said_goodbye {
        let other = async { if is_there { back.await } else { there.await } };
        let _write = tokio::time::timeout(GOODBYE, other).await;
    }
}

/// Carries frames one way up to a goodbye; then the side that has heard it, which is closed when it has answered.
async fn pump(mut read: BufReader<OwnedReadHalf>, mut write: OwnedWriteHalf) -> Option<OwnedWriteHalf> {
    loop {
        let (first, payload) = frame(&mut read).await.ok()?;
        write_frame(&mut write, first, &payload).await.ok()?;
        if first == CLOSE {
            return Some(write);
        }
    }
}

/// The next frame of a client: its first byte, and its payload without the mask.
async fn frame(read: &mut BufReader<OwnedReadHalf>) -> io::Result<(u8, Vec<u8>)> {
    let first = read.read_u8().await?;
    let len = match read.read_u8().await? & 0x7f {
        126 => read.read_u16().await?.into(),
        127 => read.read_u64().await?,
        len => len.into(),
    };
    if len > FRAME_MOST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut mask = [0; 4];
    read.read_exact(&mut mask).await?;
    let mut payload = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    read.read_exact(&mut payload).await?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok((first, payload))
}

/// A frame as a server sends it.
async fn write_frame(write: &mut OwnedWriteHalf, first: u8, payload: &[u8]) -> io::Result<()> {
    let mut header = vec![first];
    match payload.len() {
        len @ ..126 => header.push(len as u8),
        len @ 126..65_536 => header.extend([&[126][..], &(len as u16).to_be_bytes()].concat()),
        len => header.extend([&[127][..], &(len as u64).to_be_bytes()].concat()),
    }
    header.extend_from_slice(payload);
    write.write_all(&header).await
}

impl Side {
    pub(crate) async fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        frame(&mut self.read).await
    }

    pub(crate) async fn write(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        write_frame(&mut self.write, first, payload).await
    }
}

impl Request {
    /// What a client asks for, which is to be a WebSocket.
    pub(crate) async fn read(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        let mut side = Side { read: BufReader::new(read), write };
        let (mut path, mut key, mut has_bytes) = (None, None, false);
        for at in 0.. {
            let mut line = String::new();
            (&mut side.read).take(8192).read_line(&mut line).await?;
            let line = line.trim_end();
            if line.is_empty() || at == 100 {
                break;
            }
            path = path.or_else(|| line.strip_prefix("GET ")?.split(' ').next().map(str::to_owned));
            if let Some((name, value)) = line.split_once(':') {
                match name.to_ascii_lowercase().as_str() {
                    "sec-websocket-key" => key = Some(value.trim().to_owned()),
                    "sec-websocket-protocol" => has_bytes |= value.split(',').any(|name| name.trim() == BYTES),
                    _ => {}
                }
            }
        }
        match (path, key) {
            (Some(path), Some(key)) => Ok(Self { side, path, key, has_bytes }),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    pub(crate) async fn open(mut self) -> io::Result<Side> {
        let accept = derive_accept_key(self.key.as_bytes());
        let protocol = if self.has_bytes { format!("Sec-WebSocket-Protocol: {BYTES}\r\n") } else { String::new() };
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{protocol}\r\n"
        );
        self.side.write.write_all(answer.as_bytes()).await?;
        Ok(self.side)
    }

    async fn refuse(mut self) -> io::Result<()> {
        self.side.write.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await
    }
}
