//! Plain sockets of tokio.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::super::{Library, Role, Runtime, Socket};
use super::{Frames, Place, place};
use crate::Result;

#[derive(Clone)]
pub(in super::super) struct Tokio {
    runtime: Runtime,
}

impl Tokio {
    pub(in super::super) fn new(runtime: Runtime) -> Self {
        Self { runtime }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Duplex for T {}

enum Listener {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

impl Listener {
    async fn accept(&self) -> Result<Box<dyn Duplex>> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(without_delay(listener.accept().await?.0)?),
            Self::Ipc(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

fn without_delay(stream: TcpStream) -> Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(in super::super) struct Open {
    frames: Frames,
    listener: Option<Listener>,
    streams: Vec<Box<dyn Duplex>>,
}

impl Library for Tokio {
    type Socket = Open;

    fn runtime(&self) -> Runtime {
        self.runtime
    }

    async fn open(&self, role: Role) -> Result<Open> {
        Ok(Open { frames: Frames::new(role), listener: None, streams: Vec::new() })
    }
}

impl Open {
    /// All peers are there when it returns.
    async fn accept(&mut self) -> Result<()> {
        if let Some(listener) = self.listener.take() {
            for _ in 0..self.frames.role.peers {
                self.streams.push(listener.accept().await?);
            }
        }
        Ok(())
    }

    /// Writes what waits, and reads until a frame is whole.
    async fn exchange(&mut self) -> Result<()> {
        self.accept().await?;
        while self.frames.whole == 0 {
            let stream = self.streams.first_mut().ok_or("not connected")?;
            while let Some(bytes) = self.frames.take_waiting() {
                stream.write_all(bytes).await?;
            }
            let bytes = stream.read(&mut self.frames.scratch).await?;
            self.frames.arrived(bytes)?;
        }
        Ok(())
    }
}

impl Socket for Open {
    async fn bind(&mut self, endpoint: &str) -> Result<()> {
        self.listener = Some(match place(endpoint)? {
            Place::Tcp(address) => Listener::Tcp(TcpListener::bind(address).await?),
            Place::Ipc(path) => Listener::Ipc(UnixListener::bind(path)?),
        });
        Ok(())
    }

    async fn connect(&mut self, endpoint: &str) -> Result<()> {
        self.streams.push(match place(endpoint)? {
            Place::Tcp(address) => Box::new(without_delay(TcpStream::connect(address).await?)?),
            Place::Ipc(path) => Box::new(UnixStream::connect(path).await?),
        });
        Ok(())
    }

    async fn send(&mut self) -> Result<u64> {
        if !self.frames.is_stream() {
            self.frames.waiting += 1;
            return Ok(1);
        }
        self.accept().await?;
        for stream in &mut self.streams {
            stream.write_all(&self.frames.block).await?;
        }
        Ok(self.frames.of_block())
    }

    async fn recv(&mut self) -> Result<u64> {
        self.exchange().await?;
        Ok(self.frames.take_whole())
    }

    async fn echo(&mut self) -> Result<()> {
        self.exchange().await?;
        self.frames.waiting += std::mem::take(&mut self.frames.whole);
        Ok(())
    }
}
