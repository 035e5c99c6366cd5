//! Plain sockets of the standard library, blocking.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};

use super::super::{Library, Role, Runtime, Socket};
use super::{Frames, Place, place};
use crate::Result;

#[derive(Clone)]
pub(in super::super) struct Blocking;

trait Duplex: Read + Write + Send {}
impl<T: Read + Write + Send> Duplex for T {}

enum Listener {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

impl Listener {
    fn accept(&self) -> Result<Box<dyn Duplex>> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(without_delay(listener.accept()?.0)?),
            Self::Ipc(listener) => Box::new(listener.accept()?.0),
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

impl Library for Blocking {
    type Socket = Open;

    fn runtime(&self) -> Runtime {
        Runtime::Threads
    }

    async fn open(&self, role: Role) -> Result<Open> {
        Ok(Open { frames: Frames::new(role), listener: None, streams: Vec::new() })
    }
}

impl Open {
    /// All peers are there when it returns.
    fn accept(&mut self) -> Result<()> {
        if let Some(listener) = self.listener.take() {
            for _ in 0..self.frames.role.peers {
                self.streams.push(listener.accept()?);
            }
        }
        Ok(())
    }

    /// Writes what waits, and reads until a frame is whole.
    fn exchange(&mut self) -> Result<()> {
        self.accept()?;
        while self.frames.whole == 0 {
            let stream = self.streams.first_mut().ok_or("not connected")?;
            while let Some(bytes) = self.frames.take_waiting() {
                stream.write_all(bytes)?;
            }
            let bytes = stream.read(&mut self.frames.scratch)?;
            self.frames.arrived(bytes)?;
        }
        Ok(())
    }
}

impl Socket for Open {
    async fn bind(&mut self, endpoint: &str) -> Result<()> {
        self.listener = Some(match place(endpoint)? {
            Place::Tcp(address) => Listener::Tcp(TcpListener::bind(address)?),
            Place::Ipc(path) => Listener::Ipc(UnixListener::bind(path)?),
        });
        Ok(())
    }

    async fn connect(&mut self, endpoint: &str) -> Result<()> {
        self.streams.push(match place(endpoint)? {
            Place::Tcp(address) => Box::new(without_delay(TcpStream::connect(address)?)?),
            Place::Ipc(path) => Box::new(UnixStream::connect(path)?),
        });
        Ok(())
    }

    async fn send(&mut self) -> Result<u64> {
        if !self.frames.is_stream() {
            self.frames.waiting += 1;
            return Ok(1);
        }
        self.accept()?;
        for stream in &mut self.streams {
            stream.write_all(&self.frames.block)?;
        }
        Ok(self.frames.of_block())
    }

    async fn recv(&mut self) -> Result<u64> {
        self.exchange()?;
        Ok(self.frames.take_whole())
    }

    async fn echo(&mut self) -> Result<()> {
        self.exchange()?;
        self.frames.waiting += std::mem::take(&mut self.frames.whole);
        Ok(())
    }
}
