//! TLS on a TCP connection: rustls seals and opens, and this carries its bytes.

use std::io::{self, BufRead as _, IoSlice, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowline_proto::PeerCertificate;
use bowline_proto::error::{TlsFault, TlsSettingsError};
use bytes::{Buf, BytesMut};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::io::poll_read_buf;

use super::fault;
use crate::rt;
use crate::tls::peer_certificate;

/// How many sealed bytes one read asks for: a few of the largest records, of 16 KiB each.
const READ: usize = 64 * 1024;
/// A read that brought this many is mostly followed by more, so the next one does not ask first.
const BULK: usize = 16 * 1024;
/// What one record carries at most. RFC 8446, Record Layer
const RECORD: usize = 16 * 1024;

/// A connection, from the first byte of its handshake on. Whoever reads or writes drives the handshake.
#[derive(Debug)]
pub(crate) struct TlsStream {
    tcp: TcpStream,
    session: Connection,
    /// What has come and was not opened yet. No memory while nothing comes.
    sealed: BytesMut,
    /// The first byte of all that came: it tells what a peer speaks that does not speak TLS.
    first: Option<u8>,
    reads_bulk: bool,
    /// How many bytes are sealed of those that were to be written, and not yet all with the kernel: one record at most.
    in_record: usize,
    stage: Stage,
    demands_protocol: bool,
    certificate: Option<Arc<PeerCertificate>>,
    /// What was wrong with files that had changed when the connection was made.
    complaint: Option<TlsSettingsError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Handshake,
    Open,
    /// We have said goodbye.
    Closing,
    Failed(TlsFault),
}

impl TlsStream {
    pub(super) fn accept(
        tcp: TcpStream,
        config: Arc<ServerConfig>,
        complaint: Option<TlsSettingsError>,
    ) -> io::Result<Self> {
        let demands_protocol = !config.alpn_protocols.is_empty();
        let session = ServerConnection::new(config).map_err(|_| fault::error(TlsFault::Local))?;
        Ok(Self::new(tcp, session.into(), demands_protocol, complaint))
    }

    pub(super) fn connect(
        tcp: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        complaint: Option<TlsSettingsError>,
    ) -> io::Result<Self> {
        let demands_protocol = !config.alpn_protocols.is_empty();
        let session = ClientConnection::new(config, name).map_err(|_| fault::error(TlsFault::Local))?;
        Ok(Self::new(tcp, session.into(), demands_protocol, complaint))
    }

    fn new(
        tcp: TcpStream,
        mut session: Connection,
        demands_protocol: bool,
        complaint: Option<TlsSettingsError>,
    ) -> Self {
        session.set_buffer_limit(Some(RECORD));
        let (stage, certificate) = (Stage::Handshake, None);
        let (sealed, first, reads_bulk, in_record) = (BytesMut::new(), None, false, 0);
        Self { tcp, session, sealed, first, reads_bulk, in_record, stage, demands_protocol, certificate, complaint }
    }

    pub(crate) const fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// The peer's certificate, once, when the handshake has shown it.
    pub(crate) const fn take_certificate(&mut self) -> Option<Arc<PeerCertificate>> {
        self.certificate.take()
    }

    /// What was wrong with files that had changed when the connection was made, once.
    pub(crate) const fn take_complaint(&mut self) -> Option<TlsSettingsError> {
        self.complaint.take()
    }

    /// Waits until there may be something to read, or the end.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !ready!(self.poll_handshake(cx))? || !self.sealed.is_empty() || self.has_opened() {
            return Poll::Ready(Ok(()));
        }
        self.tcp.poll_read_ready(cx)
    }

    /// Whether there is something to be read that was opened already, or the end.
    fn has_opened(&mut self) -> bool {
        !matches!(self.session.reader().into_first_chunk(), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Says goodbye as far as that goes without waiting. A peer that does not hear it takes the end for a cut.
    pub(crate) fn part(&mut self) {
        if self.stage == Stage::Open {
            self.stage = Stage::Closing;
            self.session.send_close_notify();
        }
        self.say_last(&mut Context::from_waker(std::task::Waker::noop()));
    }

    /// Sends what rustls still has to say, as far as that goes without waiting; nothing behind a part of a record, whose
    /// messages have not been written as far as anybody knows.
    fn say_last(&mut self, cx: &mut Context<'_>) {
        if self.in_record == 0 {
            let _as_far_as_it_goes = self.poll_send(cx);
        }
    }

    /// Drives the handshake to its end; `false` if the peer closes before that.
    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        match self.stage {
            Stage::Open | Stage::Closing => return Poll::Ready(Ok(true)),
            Stage::Failed(fault) => return Poll::Ready(Err(fault::error(fault))),
            Stage::Handshake => {}
        }
        while self.session.is_handshaking() {
            ready!(self.poll_send(cx))?;
            if !self.session.wants_read() {
                // All is sent, so it is a goodbye that came.
                return Poll::Ready(Ok(false));
            }
            if self.sealed.is_empty() && ready!(self.poll_receive(cx))? == 0 {
                return Poll::Ready(Ok(false));
            }
            self.open(cx)?;
        }
        self.finish_handshake(cx)?;
        Poll::Ready(Ok(true))
    }

    fn finish_handshake(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.demands_protocol && self.session.alpn_protocol().is_none() {
            return Err(self.fail(TlsFault::NoCommonProtocol, cx));
        }
        self.certificate =
            self.session.peer_certificates().and_then(<[_]>::first).map(|first| peer_certificate(first).into());
        self.stage = Stage::Open;
        // Whichever direction has come so far, the other one may have been found pending before, and what it waits for
        // may be here already.
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Reads sealed bytes; none is the end.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.sealed.capacity() == 0 {
            self.sealed = rt::spared();
        }
        self.sealed.reserve(READ);
        let read = if self.reads_bulk { self.poll_read_bulk(cx) } else { self.poll_read_some(cx) };
        match &read {
            Poll::Pending => rt::spare(std::mem::take(&mut self.sealed)),
            Poll::Ready(read) => {
                self.reads_bulk = read.as_ref().is_ok_and(|&n| n >= BULK);
                self.first = self.first.or(self.sealed.first().copied());
            }
        }
        read
    }

    fn poll_read_some(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        poll_read_buf(Pin::new(&mut self.tcp), cx, &mut self.sealed)
    }

    fn poll_read_bulk(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.tcp.poll_read_ready(cx))?;
            match self.tcp.try_read_buf(&mut self.sealed) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
    }

    /// Opens what has come, as far as there is room for it.
    fn open(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.sealed.is_empty() && self.session.wants_read() {
            // A handshake that is too long for rustls is refused here.
            let taken = self.session.read_tls(&mut &*self.sealed).map_err(|_| self.fail(TlsFault::Misbehaved, cx))?;
            self.sealed.advance(taken);
            if let Err(error) = self.session.process_new_packets() {
                return Err(self.fail(fault::fault(&error, self.first), cx));
            }
            if taken == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Gives the connection up, and tells the peer why, as far as that goes without waiting.
    fn fail(&mut self, fault: TlsFault, cx: &mut Context<'_>) -> io::Error {
        self.stage = Stage::Failed(fault);
        self.sealed = BytesMut::new();
        self.say_last(cx);
        fault::error(fault)
    }

    /// Sends what rustls has to send.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Unbuffered { tcp: &mut self.tcp, cx }) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Moves what is opened into `buf`; whether that was the end.
    fn take_opened(&mut self, buf: &mut ReadBuf<'_>) -> io::Result<bool> {
        loop {
            let n = match self.session.reader().into_first_chunk() {
                Ok([]) => return Ok(true),
                Ok(opened) => {
                    let n = opened.len().min(buf.remaining());
                    buf.put_slice(&opened[..n]);
                    n
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(_) => return Err(fault::error(TlsFault::Truncated)),
            };
            self.session.reader().consume(n);
            if buf.remaining() == 0 {
                return Ok(false);
            }
        }
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let before = buf.filled().len();
        if !ready!(stream.poll_handshake(cx))? {
            return Poll::Ready(Ok(()));
        }
        loop {
            let is_over = match stream.take_opened(buf) {
                // What came before it is handed out first; it is found again.
                Err(error) if buf.filled().len() == before => return Poll::Ready(Err(error)),
                is_over => is_over.unwrap_or(true),
            };
            if is_over || buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if stream.sealed.is_empty() {
                if buf.filled().len() > before {
                    return Poll::Ready(Ok(()));
                }
                if ready!(stream.poll_receive(cx))? == 0 {
                    // rustls learns of the end like that.
                    stream.session.read_tls(&mut io::empty())?;
                }
            }
            if let Err(error) = stream.open(cx) {
                // A fault stays, so it is met again after what came before it.
                return if buf.filled().len() > before { Poll::Ready(Ok(())) } else { Poll::Ready(Err(error)) };
            }
        }
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    /// Seals one record, and is ready when the kernel has all of it: a peer can read no part of one. So if the connection
    /// ends, what was written is with the kernel, and of what was not, nothing arrives. Until it is ready it is to be called
    /// with the same bytes.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        if !ready!(stream.poll_handshake(cx))? {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if stream.in_record == 0 {
            ready!(stream.poll_send(cx))?;
            stream.in_record = stream.session.writer().write_vectored(bufs)?;
        }
        ready!(stream.poll_send(cx))?;
        Poll::Ready(Ok(std::mem::take(&mut stream.in_record)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if stream.stage == Stage::Handshake {
            // Nothing was taken, and the handshake sends its own.
            return Poll::Ready(Ok(()));
        }
        stream.poll_send(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        if stream.stage == Stage::Open {
            stream.stage = Stage::Closing;
            stream.session.send_close_notify();
        }
        ready!(stream.poll_send(cx))?;
        Pin::new(&mut stream.tcp).poll_shutdown(cx)
    }
}

/// The connection as rustls writes to it: what would wait is `WouldBlock`, and wakes the task later.
struct Unbuffered<'a, 'b> {
    tcp: &'a mut TcpStream,
    cx: &'a mut Context<'b>,
}

impl Unbuffered<'_, '_> {
    fn now<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
        match poll {
            Poll::Ready(done) => done,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl Write for Unbuffered<'_, '_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Self::now(Pin::new(&mut *self.tcp).poll_write(self.cx, buf))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Self::now(Pin::new(&mut *self.tcp).poll_write_vectored(self.cx, bufs))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
