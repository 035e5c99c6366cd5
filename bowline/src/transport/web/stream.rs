//! A WebSocket of the page as a stream of bytes.
//!
//! Browsers let a page neither stop reading nor hear when there is room to write. So what comes is kept here until the
//! link reads it, up to a limit behind which the connection ends; and while much is on its way out, it is looked every few
//! milliseconds whether it has left.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bowline_proto::PeerCertificate;
use bowline_proto::error::{TlsSettingsError, WsFault};
use bytes::BufMut;
use fragile::Fragile;
use js_sys::{ArrayBuffer, Uint8Array};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use super::carriers;
use crate::rt::{self, Sleep};

/// The subprotocol that is asked for: the messages carry ZMTP 3.1 as it is, its greeting first, cut anywhere. Those of
/// RFC 45 with a mechanism have a `/` in their names, which browsers refuse.
const BYTES: &str = "ZMTP3.1";
/// How many bytes go into one message at the most.
const MESSAGE_MOST: usize = 256 * 1024;
/// A slice of so many bytes goes alone, without a copy on our side.
const ALONE: usize = 64 * 1024;
/// With more bytes than this on their way out no more are given to the browser: it would take any number.
const LEAVING_MOST: u32 = 1024 * 1024;
/// How long until it is looked again whether they have left.
const LOOK_AGAIN: Duration = Duration::from_millis(4);
/// How many bytes are kept that nobody reads: those of a peer that sends while our inbox is full. A browser has no limit,
/// and no way to tell the peer.
const UNREAD_MOST: usize = 64 * 1024 * 1024;

/// The code of an end that is meant.
const DONE: u16 = 1000;
/// The code that stands for an end without one.
const ABNORMAL: u16 = 1006;

/// A connection.
///
/// What belongs to JavaScript never leaves its thread: there is only one that runs tasks.
#[derive(Debug)]
pub(crate) struct Stream(Fragile<Socket>);

/// A WebSocket; closed when it is dropped, also while it is connecting.
#[derive(Debug)]
struct Socket {
    socket: WebSocket,
    state: Rc<RefCell<State>>,
    /// Until it is looked again whether what was sent has left.
    pause: Option<Sleep>,
    has_parted: bool,
    /// What the browser calls, for as long as the socket is there.
    _hears:
        (Closure<dyn FnMut()>, Closure<dyn FnMut()>, Closure<dyn FnMut(MessageEvent)>, Closure<dyn FnMut(CloseEvent)>),
}

/// What the browser has told of it.
#[derive(Debug, Default)]
struct State {
    is_open: bool,
    /// What has come and was not read.
    received: VecDeque<Uint8Array>,
    /// How much of the first of them was read.
    taken: u32,
    unread: usize,
    end: Option<End>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// How it ended; the first end counts.
#[derive(Clone, Copy, Debug)]
enum End {
    Clean,
    Fault(WsFault),
}

impl From<u16> for End {
    fn from(code: u16) -> Self {
        match code {
            // 1005 stands for a code that the peer did not give.
            DONE | 1001 | 1005 => Self::Clean,
            // RFC 6455, Reserved Status Codes: no peer sends it
            1006 => Self::Fault(WsFault::Cut),
            code => Self::Fault(WsFault::Closed(code)),
        }
    }
}

impl Stream {
    /// Connects to a URL. Dropping the future gives the attempt up.
    pub(super) async fn connect(url: &str) -> io::Result<Self> {
        let stream = Self(Fragile::new(Socket::new(url).map_err(|error| refusal(&error))?));
        poll_fn(|cx| stream.0.get().poll_open(cx)).await?;
        Ok(stream)
    }

    /// The peer's address: a browser tells none.
    #[expect(clippy::unused_self, reason = "streams of other transports know it")]
    pub(crate) const fn ip(&self) -> Option<IpAddr> {
        None
    }

    /// The peer's certificate: that is the browser's business.
    #[expect(clippy::unused_self, reason = "streams of other transports have one")]
    pub(crate) const fn take_certificate(&mut self) -> Option<Arc<PeerCertificate>> {
        None
    }

    /// What was wrong with files of TLS: there are none.
    #[expect(clippy::unused_self, reason = "streams of other transports have them")]
    pub(crate) const fn take_complaint(&mut self) -> Option<TlsSettingsError> {
        None
    }

    /// Whether a peer that takes nothing any more may have said why: what came before the end is still there.
    #[expect(clippy::unused_self, reason = "streams of other transports differ")]
    pub(crate) const fn may_say_why(&self) -> bool {
        true
    }

    /// The handshake of the link is over.
    #[expect(clippy::unused_self, reason = "streams of other transports take more from then on")]
    pub(crate) const fn ready(&mut self) {}

    /// Says that the end is meant.
    pub(crate) fn part(&mut self) {
        self.0.get_mut().part();
    }

    /// Waits until there is something to read, or the end.
    pub(crate) fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.get_mut().poll_readable(cx).map(Ok)
    }

    /// Reads all that fits, and has come.
    pub(crate) fn poll_read_bulk(&mut self, cx: &mut Context<'_>, buffer: &mut impl BufMut) -> Poll<io::Result<usize>> {
        poll_read_buf(Pin::new(self), cx, buffer)
    }
}

impl Socket {
    fn new(url: &str) -> Result<Self, JsValue> {
        let socket = match carriers::made(url) {
            Some(made) => made?,
            None => WebSocket::new_with_str(url, BYTES)?,
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let state = Rc::new(RefCell::new(State::default()));
        let open = {
            let (state, socket) = (Rc::clone(&state), socket.clone());
            Closure::<dyn FnMut()>::new(move || State::opened(&state, &socket.protocol()))
        };
        let failed = {
            let state = Rc::clone(&state);
            Closure::<dyn FnMut()>::new(move || State::failed(&state))
        };
        let message = {
            let (state, socket) = (Rc::clone(&state), socket.clone());
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                if State::received(&state, &event.data()).is_err() {
                    close(&socket, None);
                }
            })
        };
        let closed = {
            let state = Rc::clone(&state);
            Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| State::ended(&state, event.code().into()))
        };
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        socket.set_onerror(Some(failed.as_ref().unchecked_ref()));
        Ok(Self { socket, state, pause: None, has_parted: false, _hears: (open, failed, message, closed) })
    }

    fn poll_open(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        {
            let state = self.state.borrow();
            match state.end {
                _ if state.is_open => return Poll::Ready(Ok(())),
                // No browser says why.
                Some(_) => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
                None => {}
            }
        }
        let _former = self.state.borrow_mut().reader.replace(cx.waker().clone());
        Poll::Pending
    }

    fn poll_readable(&self, cx: &Context<'_>) -> Poll<()> {
        {
            let state = self.state.borrow();
            if !state.received.is_empty() || state.end.is_some() {
                return Poll::Ready(());
            }
        }
        let _former = self.state.borrow_mut().reader.replace(cx.waker().clone());
        Poll::Pending
    }

    fn poll_read(&self, cx: &Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_readable(cx));
        let mut state = self.state.borrow_mut();
        match state.end {
            Some(End::Fault(fault)) if state.received.is_empty() => return Poll::Ready(Err(io::Error::other(fault))),
            _ => state.read(buffer),
        }
        Poll::Ready(Ok(()))
    }

    /// Ready when the browser should be given more to send.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.state.borrow().end {
            Some(End::Clean) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Some(End::Fault(fault)) => return Poll::Ready(Err(io::Error::other(fault))),
            None => {}
        }
        if self.socket.ready_state() != WebSocket::OPEN {
            // What is sent now would vanish without a word; the end is about to be told, and says why.
            let _former = self.state.borrow_mut().writer.replace(cx.waker().clone());
            return Poll::Pending;
        }
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(Pin::new(pause).poll(cx));
                self.pause = None;
            }
            if self.socket.buffered_amount() <= LEAVING_MOST {
                return Poll::Ready(Ok(()));
            }
            self.pause = Some(rt::sleep(LOOK_AGAIN));
        }
    }

    /// Sends what stands first in `slices`, as one message.
    fn poll_send(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(cx))?;
        let mut slices = slices.iter().filter(|slice| !slice.is_empty()).peekable();
        let Some(first) = slices.next() else { return Poll::Ready(Ok(0)) };
        if first.len() >= ALONE || slices.peek().is_none() {
            return Poll::Ready(self.send(&first[..first.len().min(MESSAGE_MOST)]));
        }
        GATHERED.with_borrow_mut(|gathered| {
            gathered.clear();
            gathered.extend_from_slice(first);
            for slice in slices {
                let n = slice.len().min(MESSAGE_MOST - gathered.len());
                gathered.extend_from_slice(&slice[..n]);
            }
            Poll::Ready(self.send(gathered))
        })
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send_with_u8_array(bytes).map(|()| bytes.len()).map_err(|error| refusal(&error))
    }

    fn part(&mut self) {
        if !std::mem::replace(&mut self.has_parted, true) {
            close(&self.socket, Some(DONE));
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Some that are no browser's end the process when nobody hears of an error, as of an attempt that is given up.
        NOBODY.with(|nobody| self.socket.set_onerror(Some(nobody.as_ref().unchecked_ref())));
        if !self.has_parted {
            close(&self.socket, None);
        }
    }
}

thread_local! {
    /// Hears of errors and does nothing.
    static NOBODY: Closure<dyn FnMut()> = Closure::new(|| {});
    /// Where small slices become one message, which JavaScript copies.
    static GATHERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Closes it; does nothing if it is closed already.
fn close(socket: &WebSocket, code: Option<u16>) {
    let closed = code.map_or_else(|| socket.close(), |code| socket.close_with_code(code));
    debug_assert!(closed.is_ok(), "only a code can be wrong");
}

/// What JavaScript has against it.
fn refusal(error: &JsValue) -> io::Error {
    let name = error.dyn_ref().map(|error: &js_sys::Error| String::from(error.name()));
    let kind = match name.as_deref() {
        Some("SyntaxError") => io::ErrorKind::InvalidInput,
        // A page that came by https must not use ws://.
        Some("SecurityError") => io::ErrorKind::PermissionDenied,
        // There is no WebSocket, as in Node 20 without `--experimental-websocket`.
        Some("ReferenceError") => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::Other,
    };
    kind.into()
}

/// Whether the link speaks to a peer that has agreed on `protocol`, as it is: a subprotocol that carries something else than
/// bytes of the link is to be translated from here on.
fn agreed(protocol: &str) -> Result<(), WsFault> {
    if protocol == BYTES { Ok(()) } else { Err(WsFault::NoCommonProtocol) }
}

impl State {
    fn opened(state: &RefCell<Self>, protocol: &str) {
        {
            let mut state = state.borrow_mut();
            state.is_open = true;
            if let Err(fault) = agreed(protocol) {
                state.end.get_or_insert(End::Fault(fault));
            }
        }
        Self::wake(state);
    }

    /// A message has come.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and ends the connection.
    fn received(state: &RefCell<Self>, data: &JsValue) -> Result<(), WsFault> {
        let received = {
            let mut state = state.borrow_mut();
            if state.end.is_some() {
                return Ok(());
            }
            let received = state.keep(data);
            if let Err(fault) = received {
                (state.unread, state.taken) = (0, 0);
                state.received.clear();
                state.end = Some(End::Fault(fault));
            }
            received
        };
        Self::wake(state);
        received
    }

    /// Nobody says with what. A connection that there was has its end told as well; in Node an attempt has not.
    fn failed(state: &RefCell<Self>) {
        let is_open = state.borrow().is_open;
        if !is_open {
            Self::ended(state, ABNORMAL.into());
        }
    }

    fn ended(state: &RefCell<Self>, end: End) {
        state.borrow_mut().end.get_or_insert(end);
        Self::wake(state);
    }

    /// Wakes who waits, once for all that comes until it looks.
    fn wake(state: &RefCell<Self>) {
        let (reader, writer) = {
            let mut state = state.borrow_mut();
            // A writer waits for the end only.
            let writer = if state.end.is_some() { state.writer.take() } else { None };
            (state.reader.take(), writer)
        };
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }

    fn keep(&mut self, data: &JsValue) -> Result<(), WsFault> {
        let bytes = Uint8Array::new(data.dyn_ref::<ArrayBuffer>().ok_or(WsFault::Text)?);
        self.unread += bytes.length() as usize;
        if self.unread > UNREAD_MOST {
            return Err(WsFault::Overrun);
        }
        // One of no bytes would be the end of the stream.
        if bytes.length() > 0 {
            self.received.push_back(bytes);
        }
        Ok(())
    }

    /// Reads as much as there is room for.
    fn read(&mut self, buffer: &mut ReadBuf<'_>) {
        while buffer.remaining() > 0
            && let Some(first) = self.received.front()
        {
            let left = first.length() - self.taken;
            let n = left.min(u32::try_from(buffer.remaining()).unwrap_or(u32::MAX));
            first.subarray(self.taken, self.taken + n).copy_to(buffer.initialize_unfilled_to(n as usize));
            buffer.advance(n as usize);
            self.unread -= n as usize;
            self.taken += n;
            if n == left {
                self.received.pop_front();
                self.taken = 0;
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.get_mut().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.get_mut().poll_send(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.get_mut().poll_send(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// What was written is the browser's to send.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The browser closes it behind what was written.
    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.get_mut().part();
        Poll::Ready(Ok(()))
    }
}
