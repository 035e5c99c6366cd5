//! What `web/tests/throughput.mjs` measures a page against: a ROUTER by `ws://`, and beside it a plain server of WebSocket that is as
//! fast as it can be.
//!
//! `cargo build --release --features ws --example page_rates`; it prints both endpoints, and serves until it is ended. The first
//! message of a client says what becomes of the rest: `echo` sends each back, `sink 1000` answers the thousandth, and
//! `source 1000 16` sends a thousand messages of 16 bytes.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use bowline::{Message, Options, Origins, Router};
use tokio::net::TcpStream;
use tungstenite::protocol::{Role, WebSocket};
use tungstenite::{Error, Message as Frame};

/// What a client asks for.
#[derive(Clone, Copy)]
enum Task {
    Echo,
    /// So many are to come.
    Sink(usize),
    /// So many of that size are to go.
    Source(usize, usize),
}

impl Task {
    fn read(body: &[u8]) -> Option<Self> {
        let mut words = str::from_utf8(body).ok()?.split(' ');
        let number = |words: &mut std::str::Split<'_, char>| words.next()?.parse().ok();
        match words.next()? {
            "echo" => Some(Self::Echo),
            "sink" => Some(Self::Sink(number(&mut words)?)),
            "source" => Some(Self::Source(number(&mut words)?, number(&mut words)?)),
            _ => None,
        }
    }
}

/// A connection as tungstenite reads and writes it: what would wait is `WouldBlock`.
struct Carrier(TcpStream);

impl Read for Carrier {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Carrier {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A plain WebSocket. What comes with one read goes out with one write.
async fn plain(stream: TcpStream) -> Result<(), Error> {
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    let stream = tungstenite::accept(stream).map_err(|_| Error::ConnectionClosed)?.into_inner();
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let mut socket = WebSocket::from_raw_socket(Carrier(TcpStream::from_std(stream)?), Role::Server, None);
    let mut task = None;
    loop {
        match socket.read() {
            Ok(Frame::Binary(body)) => match &mut task {
                None => {
                    task = Task::read(&body);
                    if let Some(Task::Source(count, size)) = task {
                        let body = vec![0; size];
                        for _ in 0..count {
                            write(&mut socket, Frame::binary(body.clone())).await?;
                        }
                        flush(&mut socket).await?;
                    }
                }
                Some(Task::Sink(left)) => {
                    *left -= 1;
                    if *left == 0 {
                        write(&mut socket, Frame::binary(body)).await?;
                    }
                }
                Some(_) => write(&mut socket, Frame::Binary(body)).await?,
            },
            Ok(_) => {}
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                flush(&mut socket).await?;
                socket.get_ref().0.readable().await?;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn write(socket: &mut WebSocket<Carrier>, frame: Frame) -> Result<(), Error> {
    match socket.write(frame) {
        // It is in the buffer.
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => flush(socket).await,
        other => other,
    }
}

async fn flush(socket: &mut WebSocket<Carrier>) -> Result<(), Error> {
    loop {
        match socket.flush() {
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => socket.get_ref().0.writable().await?,
            other => return other,
        }
    }
}

async fn ours() -> Result<(), Box<dyn std::error::Error>> {
    // A ROUTER drops what a peer has no room for, and all is to come back.
    let router = Router::with_options(Options::new().origins(Origins::Any).send_hwm(1_000_000));
    println!("{}", router.bind("ws://127.0.0.1:0").await?);
    let (mut came, mut back) = (Vec::new(), VecDeque::<Message>::new());
    // One client at a time.
    let mut task = Task::Echo;
    loop {
        router.recv_many(&mut came, 512).await?;
        for message in came.drain(..) {
            let [name, body] = message.parts() else { continue };
            if let Some(asked) = Task::read(body) {
                task = asked;
                if let Task::Source(count, size) = task {
                    back.extend((0..count).map(|_| [name.clone(), vec![0; size].into()].into_iter().collect()));
                }
                continue;
            }
            match &mut task {
                Task::Sink(left) => {
                    *left -= 1;
                    if *left == 0 {
                        back.push_back(message);
                    }
                }
                _ => back.push_back(message),
            }
        }
        router.send_many(&mut back).await?;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("ws://{}", listener.local_addr()?);
    let accept = async {
        loop {
            let (stream, _) = listener.accept().await?;
            // Whatever ends it ends it.
            tokio::spawn(async move { _ = plain(stream).await });
        }
    };
    tokio::select! {
        failed = accept => { let failed: io::Result<()> = failed; Ok(failed?) }
        failed = ours() => failed,
    }
}
