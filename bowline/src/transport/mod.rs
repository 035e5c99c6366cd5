//! Transports: connect and listen, nothing else.

mod ipc;
mod tcp;

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowline_proto::{Endpoint, Options};
use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// A connection, and the peer's address as it is shown.
pub(crate) type Connected = (Stream, String);

/// Connects to `endpoint`. Dropping the future gives the attempt up.
pub(crate) async fn connect(endpoint: &Endpoint, options: &Options) -> io::Result<Connected> {
    match endpoint {
        Endpoint::Tcp { host, port } => tcp::connect(host, *port, options).await,
        Endpoint::Ipc(name) => ipc::connect(name, options).await,
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Listens at `endpoint`; returns the endpoint that it came to be.
pub(crate) async fn listen(endpoint: &Endpoint, options: &Options) -> io::Result<(Listener, Endpoint)> {
    match endpoint {
        Endpoint::Tcp { host, port } => tcp::listen(host, *port, options).await,
        Endpoint::Ipc(name) => ipc::listen(name, options).await,
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// What accepts connections.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener, tcp::Settings),
    /// With the file that is to be removed at the end.
    Ipc(
        UnixListener,
        ipc::Settings,
        #[expect(dead_code, reason = "it is there to be dropped")] Option<ipc::SocketFile>,
    ),
}

impl Listener {
    /// The next connection. Dropping the future loses none.
    pub(crate) async fn accept(&self) -> io::Result<Connected> {
        match self {
            Self::Tcp(listener, settings) => {
                let (stream, address) = listener.accept().await?;
                settings.apply(&stream)?;
                Ok((Stream::Tcp(stream), address.to_string()))
            }
            Self::Ipc(listener, settings, _) => {
                let (stream, _) = listener.accept().await?;
                settings.apply(&stream)?;
                let address = ipc::peer(&stream);
                Ok((Stream::Ipc(stream), address))
            }
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

macro_rules! either {
    ($self:expr, $stream:ident => $do:expr) => {
        match $self {
            Self::Tcp($stream) => $do,
            Self::Ipc($stream) => $do,
        }
    };
}

impl Stream {
    /// The peer's address, if it has one and is still there.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok().map(|address| address.ip()),
            Self::Ipc(_) => None,
        }
    }

    /// Waits until there is something to read, or the end.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read_ready(cx))
    }

    /// As `poll_read_buf`, but what is not filled counts as drained only when the system says so: while a large body
    /// comes in pieces, the next one is mostly there when the last one has been read. A call that finds nothing costs
    /// less than the sleep that it spares.
    pub(crate) fn poll_read_bulk(&self, cx: &mut Context<'_>, buffer: &mut impl BufMut) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_readable(cx))?;
            match either!(self, stream => stream.try_read_buf(buffer)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}
