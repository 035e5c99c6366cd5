//! The connection below a WebSocket, and how tungstenite reads from it and writes to it.

use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowline_proto::PeerCertificate;
use bowline_proto::error::TlsSettingsError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::transport::tls::TlsStream;

/// What a WebSocket is carried by.
#[derive(Debug)]
pub(super) enum Inner {
    Tcp(TcpStream),
    Tls(Box<TlsStream>),
    #[cfg(feature = "axum")]
    Upgraded(Upgraded),
}

/// What a server of HTTP has left us.
#[cfg(feature = "axum")]
pub(crate) type Upgraded = hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>;

impl Inner {
    pub(super) fn ip(&self) -> Option<IpAddr> {
        let tcp = match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.tcp(),
            // Its server knows.
            #[cfg(feature = "axum")]
            Self::Upgraded(_) => return None,
        };
        tcp.peer_addr().ok().map(|address| address.ip())
    }

    pub(super) fn take_certificate(&mut self) -> Option<Arc<PeerCertificate>> {
        if let Self::Tls(stream) = self { stream.take_certificate() } else { None }
    }

    pub(super) fn take_complaint(&mut self) -> Option<TlsSettingsError> {
        if let Self::Tls(stream) = self { stream.take_complaint() } else { None }
    }

    pub(super) fn part(&mut self) {
        if let Self::Tls(stream) = self {
            stream.part();
        }
    }
}

macro_rules! either {
    ($self:expr, $stream:ident => $do:expr) => {
        match $self.get_mut() {
            Self::Tcp($stream) => $do,
            Self::Tls($stream) => $do,
            #[cfg(feature = "axum")]
            Self::Upgraded($stream) => $do,
        }
    };
}

impl AsyncRead for Inner {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Inner {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

/// The connection as tungstenite uses it: what would wait is `WouldBlock`, and wakes the task later.
pub(super) struct Carrier<'a, 'b> {
    inner: &'a mut Inner,
    cx: &'a mut Context<'b>,
    /// Nothing is to be written now.
    pub(super) holds_back: bool,
}

impl<'a, 'b> Carrier<'a, 'b> {
    pub(super) const fn new(inner: &'a mut Inner, cx: &'a mut Context<'b>) -> Self {
        Self { inner, cx, holds_back: false }
    }
}

fn now<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl Read for Carrier<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        now(Pin::new(&mut *self.inner).poll_read(self.cx, &mut buf))?;
        Ok(buf.filled().len())
    }
}

impl Write for Carrier<'_, '_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.holds_back {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        now(Pin::new(&mut *self.inner).poll_write(self.cx, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        now(Pin::new(&mut *self.inner).poll_flush(self.cx))
    }
}
