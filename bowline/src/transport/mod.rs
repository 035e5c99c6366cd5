//! Transports: connect and listen, nothing else.

mod ipc;
mod reason;
mod tcp;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
#[cfg_attr(not(feature = "ws"), path = "no_ws.rs")]
mod ws;

#[cfg(feature = "axum")]
pub(crate) use ws::{Consent, Mount, refusal_text};

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowline_proto::error::TlsSettingsError;
use bowline_proto::{Endpoint, Options, PeerCertificate, SocketType};
use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_util::io::poll_read_buf;

use tls::TlsStream;
use ws::WsStream;

pub(crate) use reason::{Lacking, reason, reason_after};

/// A connection, and the peer's address as it is shown.
pub(crate) type Connected = (Stream, String);

/// Whether there is all that it takes to bind `endpoint`.
pub(crate) fn check_bind(endpoint: &Endpoint, options: &Options) -> Result<(), Lacking> {
    match endpoint {
        Endpoint::Tls { .. } => tls::check_bind(options),
        Endpoint::Ws(_) => ws::check(),
        Endpoint::Wss(_) => ws::check().and_then(|()| tls::check_bind(options)),
        _ => Ok(()),
    }
}

/// Whether there is all that it takes to connect to `endpoint`.
pub(crate) fn check_connect(endpoint: &Endpoint, options: &Options) -> Result<(), Lacking> {
    match endpoint {
        Endpoint::Tls { host, .. } => tls::check_connect(host, options),
        Endpoint::Ws(_) => ws::check(),
        Endpoint::Wss(address) => ws::check().and_then(|()| tls::check_connect(&address.host, options)),
        _ => Ok(()),
    }
}

/// How long an attempt to connect may take.
pub(crate) const fn connect_timeout(_endpoint: &Endpoint, options: &Options) -> Option<Duration> {
    options.connect_timeout
}

/// Connects a socket of the type `ours` to `endpoint`. Dropping the future gives the attempt up.
pub(crate) async fn connect(endpoint: &Endpoint, options: &Options, ours: SocketType) -> io::Result<Connected> {
    match endpoint {
        Endpoint::Tcp { host, port } => tcp::connect(host, *port, options).await,
        Endpoint::Tls { host, port } => tls::connect(host, *port, options).await,
        Endpoint::Ws(address) => ws::connect(address, false, options, ours).await,
        Endpoint::Wss(address) => ws::connect(address, true, options, ours).await,
        Endpoint::Ipc(name) => ipc::connect(name, options).await,
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Listens at `endpoint` for a socket of the type `ours`; returns the endpoint that it came to be.
pub(crate) async fn listen(
    endpoint: &Endpoint,
    options: &Options,
    ours: SocketType,
) -> io::Result<(Listener, Endpoint)> {
    match endpoint {
        Endpoint::Tcp { host, port } => tcp::listen(host, *port, options).await,
        Endpoint::Tls { host, port } => tls::listen(host, *port, options).await,
        Endpoint::Ws(address) => ws::listen(address, false, options, ours).await,
        Endpoint::Wss(address) => ws::listen(address, true, options, ours).await,
        Endpoint::Ipc(name) => ipc::listen(name, options).await,
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// What accepts connections.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(tcp::Acceptor),
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "it has no values without its feature"))]
    Tls(tls::Acceptor),
    #[cfg_attr(not(feature = "ws"), expect(dead_code, reason = "it has no values without its feature"))]
    Ws(ws::Acceptor),
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
            Self::Tcp(acceptor) => {
                let (stream, address) = acceptor.accept().await?;
                Ok((Stream::Tcp(stream), address))
            }
            Self::Tls(acceptor) => {
                let (stream, address) = acceptor.accept().await?;
                Ok((Stream::Tls(Box::new(stream)), address))
            }
            Self::Ws(acceptor) => acceptor.accept().await,
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
    // Boxed: it is some kilobytes.
    Tls(Box<TlsStream>),
    #[cfg_attr(not(feature = "ws"), expect(dead_code, reason = "it has no values without its feature"))]
    Ws(Box<WsStream>),
    Ipc(UnixStream),
}

macro_rules! either {
    ($self:expr, $stream:ident => $do:expr) => {
        match $self {
            Self::Tcp($stream) => $do,
            Self::Tls($stream) => $do,
            Self::Ws($stream) => $do,
            Self::Ipc($stream) => $do,
        }
    };
}

impl Stream {
    /// The peer's address, if it has one and is still there.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok().map(|address| address.ip()),
            Self::Tls(stream) => stream.tcp().peer_addr().ok().map(|address| address.ip()),
            Self::Ws(stream) => stream.ip(),
            Self::Ipc(_) => None,
        }
    }

    /// The peer's certificate, once, after the first byte was read.
    pub(crate) fn take_certificate(&mut self) -> Option<Arc<PeerCertificate>> {
        match self {
            Self::Tls(stream) => stream.take_certificate(),
            Self::Ws(stream) => stream.take_certificate(),
            Self::Tcp(_) | Self::Ipc(_) => None,
        }
    }

    /// What was wrong with files of TLS that had changed when the connection was made, once.
    pub(crate) fn take_complaint(&mut self) -> Option<TlsSettingsError> {
        match self {
            Self::Tls(stream) => stream.take_complaint(),
            Self::Ws(stream) => stream.take_complaint(),
            Self::Tcp(_) | Self::Ipc(_) => None,
        }
    }

    /// The handshake of the link is over: the peer may send more than that takes.
    pub(crate) fn ready(&mut self) {
        if let Self::Ws(stream) = self {
            stream.ready();
        }
    }

    /// Whether a peer that takes nothing any more may have said why.
    pub(crate) const fn may_say_why(&self) -> bool {
        matches!(self, Self::Tls(_) | Self::Ws(_))
    }

    /// Says that the end is meant, as far as that goes without waiting; not where the end itself says it.
    pub(crate) fn part(&mut self) {
        match self {
            Self::Tls(stream) => stream.part(),
            Self::Ws(stream) => stream.part(),
            Self::Tcp(_) | Self::Ipc(_) => {}
        }
    }

    /// Waits until there is something to read, or the end.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(cx),
            Self::Tls(stream) => stream.poll_readable(cx),
            Self::Ws(stream) => stream.poll_readable(cx),
            Self::Ipc(stream) => stream.poll_read_ready(cx),
        }
    }

    /// As `poll_read_buf`, but what is not filled counts as drained only when the system says so: while a large body
    /// comes in pieces, the next one is mostly there when the last one has been read. A call that finds nothing costs
    /// less than the sleep that it spares.
    pub(crate) fn poll_read_bulk(&mut self, cx: &mut Context<'_>, buffer: &mut impl BufMut) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_readable(cx))?;
            let read = match self {
                Self::Tcp(stream) => stream.try_read_buf(buffer),
                Self::Ipc(stream) => stream.try_read_buf(buffer),
                // They see to that themselves.
                Self::Tls(stream) => return poll_read_buf(Pin::new(stream), cx, buffer),
                Self::Ws(stream) => return poll_read_buf(Pin::new(stream), cx, buffer),
            };
            match read {
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
