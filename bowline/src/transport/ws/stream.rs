//! A WebSocket: tungstenite cuts and joins its frames, and this carries their bytes and what the link says in them.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bowline_proto::error::{TlsSettingsError, WsFault};
use bowline_proto::wire::zws::{Inward, Outward, Subprotocol};
use bowline_proto::{PeerCertificate, SocketType};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;
use tungstenite::error::Error;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig, WebSocketContext};

use super::carrier::{Carrier, Inner};
use super::upgrade::{self, Policy, Wish};
use super::{error, fault};

/// How many bytes of the link one call takes, and at the most one message of our own subprotocol carries.
const PIECE: usize = 64 * 1024;
/// The longest message of our own subprotocol that is taken; and of ZWS, before the peer is ready.
const MESSAGE_MOST: usize = 256 * 1024;
/// As much is asked for by one read, and room for it is kept.
const READ: usize = 16 * 1024;
/// So many PINGs may come while the peer takes nothing of what answers them; then nothing is read.
const PINGS_MOST: u8 = 64;

/// What an open one is made of.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) mechanism: &'static str,
    pub(super) ours: SocketType,
    /// The longest message of ZWS from a peer that is ready, with its flags.
    pub(super) message_most: usize,
}

/// A connection, from the first byte of its upgrade on. Whoever reads or writes drives the upgrade.
#[derive(Debug)]
pub(crate) struct WsStream {
    inner: Inner,
    stage: Stage,
    terms: Arc<Terms>,
    is_ready: bool,
    /// What came for the link and was not read yet.
    cut: Bytes,
    /// How many bytes of the link are on their way that are not all with the kernel yet.
    in_flight: usize,
    /// How many PINGs have come since all that we had to say was with the kernel.
    pings: u8,
}

#[derive(Debug)]
enum Stage {
    Upgrade(Box<Upgrade>),
    Open(Box<Open>),
    /// The peer has ended it.
    Over,
    Failed(WsFault),
}

#[derive(Debug)]
struct Upgrade {
    side: Side,
    /// What has come of the other side's head.
    head: BytesMut,
    /// What is to be sent of ours.
    ours: BytesMut,
    agreed: Option<Subprotocol>,
}

#[derive(Debug)]
enum Side {
    Server(Arc<Policy>),
    Client(Wish),
}

#[derive(Debug)]
struct Open {
    context: WebSocketContext,
    /// `None` where the messages are pieces of the link's bytes.
    zws: Option<(Outward, Inward)>,
}

impl WsStream {
    pub(super) fn accept(inner: Inner, policy: Arc<Policy>, terms: Arc<Terms>) -> Self {
        Self::new(inner, Side::Server(policy), BytesMut::new(), terms)
    }

    pub(super) fn connect(inner: Inner, wish: Wish, terms: Arc<Terms>) -> Self {
        let request = upgrade::request(&wish).as_bytes().into();
        Self::new(inner, Side::Client(wish), request, terms)
    }

    /// One whose upgrade somebody else has made, as a server.
    #[cfg(feature = "axum")]
    pub(super) fn upgraded(inner: Inner, subprotocol: Subprotocol, terms: Arc<Terms>) -> Self {
        let opened = Open::new(&BytesMut::new(), Role::Server, subprotocol, &terms);
        let mut stream =
            Self { inner, stage: Stage::Over, terms, is_ready: false, cut: Bytes::new(), in_flight: 0, pings: 0 };
        stream.open(opened, subprotocol);
        stream
    }

    fn new(inner: Inner, side: Side, ours: BytesMut, terms: Arc<Terms>) -> Self {
        let stage = Stage::Upgrade(Box::new(Upgrade { side, head: BytesMut::new(), ours, agreed: None }));
        Self { inner, stage, terms, is_ready: false, cut: Bytes::new(), in_flight: 0, pings: 0 }
    }

    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.inner.ip()
    }

    pub(crate) fn take_certificate(&mut self) -> Option<Arc<PeerCertificate>> {
        self.inner.take_certificate()
    }

    /// What was wrong with files of TLS that had changed when the connection was made, once.
    pub(crate) fn take_complaint(&mut self) -> Option<TlsSettingsError> {
        self.inner.take_complaint()
    }

    /// The peer is known: it may send what the options allow.
    pub(crate) fn ready(&mut self) {
        self.is_ready = true;
        if let Stage::Open(open) = &mut self.stage
            && open.zws.is_some()
        {
            let most = Some(self.terms.message_most);
            open.context.set_config(|config| (config.max_message_size, config.max_frame_size) = (most, most));
        }
    }

    /// Waits until there is something to read, or the end.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_cut(cx).map_ok(drop)
    }

    /// Says goodbye as far as that goes without waiting; nothing behind a part of a message, which counts as unsent.
    pub(crate) fn part(&mut self) {
        self.say_last(CloseCode::Normal, &mut Context::from_waker(Waker::noop()));
        self.inner.part();
    }

    fn say_last(&mut self, code: CloseCode, cx: &mut Context<'_>) {
        if let Stage::Open(open) = &mut self.stage
            && self.in_flight == 0
        {
            let reason = CloseFrame { code, reason: "".into() };
            let _as_far_as_it_goes = open.context.close(&mut Carrier::new(&mut self.inner, cx), Some(reason));
        }
    }

    /// Gives the connection up, and tells the peer why, as far as that goes without waiting.
    fn fail(&mut self, fault: WsFault, cx: &mut Context<'_>) -> io::Error {
        let code = match fault {
            WsFault::Text => CloseCode::Unsupported,
            WsFault::TooLong => CloseCode::Size,
            _ => CloseCode::Protocol,
        };
        self.say_last(code, cx);
        self.stage = Stage::Failed(fault);
        error(fault)
    }

    /// Drives the upgrade to its end; `false` if the peer closes before that, or has closed since.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            let upgrade = match &mut self.stage {
                Stage::Open(_) => return Poll::Ready(Ok(true)),
                Stage::Over => return Poll::Ready(Ok(false)),
                Stage::Failed(fault) => return Poll::Ready(Err(error(*fault))),
                Stage::Upgrade(upgrade) => upgrade,
            };
            while !upgrade.ours.is_empty() {
                let n = ready!(Pin::new(&mut self.inner).poll_write(cx, &upgrade.ours))?;
                upgrade.ours.advance(n);
            }
            ready!(Pin::new(&mut self.inner).poll_flush(cx))?;
            if let Some(subprotocol) = upgrade.agreed {
                let role = if matches!(upgrade.side, Side::Server(_)) { Role::Server } else { Role::Client };
                let opened = Open::new(&upgrade.head, role, subprotocol, &self.terms);
                self.open(opened, subprotocol);
                // Whichever direction has come so far, the other one may have been found pending before.
                cx.waker().wake_by_ref();
                return Poll::Ready(Ok(true));
            }
            upgrade.head.reserve(1024);
            if ready!(poll_read_buf(Pin::new(&mut self.inner), cx, &mut upgrade.head))? == 0 {
                self.stage = Stage::Over;
                return Poll::Ready(Ok(false));
            }
            if let Err(fault) = upgrade.look() {
                // A server's refusal goes out as far as that goes without waiting.
                let _as_far_as_it_goes = Pin::new(&mut self.inner).poll_write(cx, &upgrade.ours);
                let _as_far_as_it_goes = Pin::new(&mut self.inner).poll_flush(cx);
                return Poll::Ready(Err(self.fail(fault, cx)));
            }
        }
    }

    fn open(&mut self, opened: Open, subprotocol: Subprotocol) {
        self.stage = Stage::Open(Box::new(opened));
        if subprotocol != Subprotocol::Zmtp {
            self.cut = Bytes::copy_from_slice(&Inward::greeting(self.terms.mechanism));
        }
    }

    /// Waits for bytes for the link; `false` is the end.
    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while self.cut.is_empty() {
            if !ready!(self.poll_open(cx))? {
                return Poll::Ready(Ok(false));
            }
            if !self.cut.is_empty() {
                // It was opened just now, and the greeting comes before whatever the peer has sent behind its head.
                break;
            }
            if self.pings >= PINGS_MOST {
                // While the link's bytes are on their way whoever writes them sees to it, and wakes this task.
                ready!(if self.in_flight == 0 { self.poll_send(cx) } else { Poll::Pending })?;
            }
            let Stage::Open(open) = &mut self.stage else { continue };
            let mut carrier = Carrier::new(&mut self.inner, cx);
            carrier.holds_back = self.in_flight > 0;
            match open.context.read(&mut carrier) {
                Ok(Message::Binary(message)) => match open.cut(message) {
                    Ok(cut) => self.cut = cut,
                    Err(fault) => return Poll::Ready(Err(self.fail(fault, cx))),
                },
                Ok(Message::Ping(_)) => self.pings += 1,
                Ok(Message::Text(_)) => return Poll::Ready(Err(self.fail(WsFault::Text, cx))),
                Ok(Message::Close(close)) => return Poll::Ready(self.closed(close.map(|close| close.code), cx)),
                Ok(Message::Pong(_) | Message::Frame(_)) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(Error::Io(error)) => return Poll::Ready(Err(error)),
                Err(error) => match fault(&error) {
                    Some(fault) => return Poll::Ready(Err(self.fail(fault, cx))),
                    None => self.stage = Stage::Over,
                },
            }
        }
        Poll::Ready(Ok(true))
    }

    /// The peer has said goodbye, and gets ours.
    fn closed(&mut self, code: Option<CloseCode>, cx: &mut Context<'_>) -> io::Result<bool> {
        if let Stage::Open(open) = &mut self.stage
            && self.in_flight == 0
        {
            let _as_far_as_it_goes = open.context.flush(&mut Carrier::new(&mut self.inner, cx));
        }
        match code {
            None | Some(CloseCode::Normal | CloseCode::Away) => {
                self.stage = Stage::Over;
                Ok(false)
            }
            Some(code) => {
                let fault = WsFault::Closed(code.into());
                self.stage = Stage::Failed(fault);
                Err(error(fault))
            }
        }
    }

    /// Sends what is still to be sent.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Stage::Open(open) = &mut self.stage else { return Poll::Ready(Ok(())) };
        match open.context.flush(&mut Carrier::new(&mut self.inner, cx)) {
            Ok(()) => {
                self.pings = 0;
                Poll::Ready(Ok(()))
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(Error::Io(error)) => Poll::Ready(Err(error)),
            Err(_) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}

impl Upgrade {
    /// Looks at what has come.
    fn look(&mut self) -> Result<(), WsFault> {
        let outcome = match &self.side {
            Side::Server(policy) => upgrade::answer(&self.head, policy).map(|answer| {
                self.ours.extend_from_slice(answer.bytes.as_bytes());
                answer.outcome
            }),
            Side::Client(wish) => upgrade::agree(&self.head, wish),
        };
        if let Some(outcome) = outcome {
            let (taken, subprotocol) = outcome?;
            self.head.advance(taken);
            self.agreed = Some(subprotocol);
        }
        Ok(())
    }
}

impl Open {
    /// `came` is what has come behind the head.
    fn new(came: &BytesMut, role: Role, subprotocol: Subprotocol, terms: &Terms) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            // What is written waits for `flush`, which says when it is with the kernel.
            .write_buffer_size(usize::MAX - 1)
            .max_message_size(Some(MESSAGE_MOST))
            .max_frame_size(Some(MESSAGE_MOST));
        let context = WebSocketContext::from_partially_read(came.to_vec(), role, Some(config));
        let zws = (subprotocol != Subprotocol::Zmtp)
            .then(|| (Outward::new(subprotocol), Inward::new(subprotocol, terms.ours)));
        Self { context, zws }
    }

    /// What a message brings for the link.
    fn cut(&mut self, message: Bytes) -> Result<Bytes, WsFault> {
        let Some((_, inward)) = &mut self.zws else { return Ok(message) };
        let mut bytes = BytesMut::new();
        inward.push(&message, &mut bytes).map_err(|_| WsFault::Misbehaved)?;
        Ok(bytes.freeze())
    }

    /// Puts bytes of the link into messages; how many it took.
    fn enclose(&mut self, slices: &[IoSlice<'_>], carrier: &mut Carrier<'_, '_>) -> io::Result<usize> {
        let mut gathered = BytesMut::with_capacity(slices.iter().map(|slice| slice.len()).sum::<usize>().min(PIECE));
        for slice in slices {
            let n = slice.len().min(PIECE - gathered.len());
            gathered.extend_from_slice(&slice[..n]);
        }
        let taken = gathered.len();
        let mut written = Ok(());
        let context = &mut self.context;
        let mut write = |message: Bytes| match context.write(carrier, Message::Binary(message)) {
            // It is in the buffer, behind a PONG that can't go out now.
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => written = Err(error),
            Ok(()) => {}
        };
        match &mut self.zws {
            None => write(gathered.freeze()),
            Some((outward, _)) => {
                outward.push(&gathered, write).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            }
        }
        match written {
            Ok(()) => Ok(taken),
            Err(Error::Io(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl AsyncRead for WsStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let before = buf.filled().len();
        while buf.remaining() > 0 {
            match stream.poll_cut(cx) {
                Poll::Ready(Ok(true)) => {
                    let n = stream.cut.len().min(buf.remaining());
                    buf.put_slice(&stream.cut[..n]);
                    stream.cut.advance(n);
                    // What a peer may send changes when it is ready, which the link has to say first.
                    if !stream.is_ready {
                        break;
                    }
                }
                // What came before it is handed out first; it is found again.
                _ if buf.filled().len() > before => break,
                Poll::Ready(Ok(false)) => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WsStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    /// Is ready when the kernel has all of what was taken: a peer can read no part of a message. So if the connection ends,
    /// what was written is with the kernel, and of what was not, nothing whole. Until it is ready it is to be called with
    /// the same bytes.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        if !ready!(stream.poll_open(cx))? {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if stream.in_flight == 0 {
            ready!(stream.poll_send(cx))?;
            let Stage::Open(open) = &mut stream.stage else {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            };
            stream.in_flight = open.enclose(bufs, &mut Carrier::new(&mut stream.inner, cx))?;
        }
        let had_pings = stream.pings;
        ready!(stream.poll_send(cx))?;
        if had_pings >= PINGS_MOST {
            // Nothing was read since.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(std::mem::take(&mut stream.in_flight)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Before it is open nothing was taken, and the upgrade sends its own.
        self.get_mut().poll_send(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        stream.say_last(CloseCode::Normal, cx);
        ready!(stream.poll_send(cx))?;
        Pin::new(&mut stream.inner).poll_shutdown(cx)
    }
}
