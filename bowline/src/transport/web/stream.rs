//! A WebSocket of the page as a stream of bytes.
//!
//! Browsers let a page neither stop reading nor hear when there is room to write. So what comes is kept here until the
//! link reads it, up to a limit behind which the connection ends; and while much is on its way out, it is looked every few
//! milliseconds whether it has left.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowline_proto::error::TlsSettingsError;
use bowline_proto::wire::zws::Subprotocol;
use bowline_proto::{PeerCertificate, SocketType};
use bytes::BufMut;
use fragile::Fragile;
use js_sys::{Array, Uint8Array};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use super::carriers;
use super::heard::{DONE, End, Heard};
use super::translation::Translation;
use crate::rt::{self, Sleep};

/// How many bytes go into one message at the most.
const MESSAGE_MOST: usize = 256 * 1024;
/// A slice of so many bytes goes alone: it is not copied to others first.
const ALONE: usize = 64 * 1024;
/// With more bytes than this on their way out no more are given to the browser: it would take any number.
const LEAVING_MOST: u32 = 1024 * 1024;
/// How long until it is looked again whether they have left.
const LOOK_AGAIN: Duration = Duration::from_millis(4);

/// A connection.
///
/// What belongs to JavaScript never leaves its thread: there is only one that runs tasks.
#[derive(Debug)]
pub(crate) struct Stream(Fragile<Socket>);

/// A WebSocket; closed when it is dropped, also while it is connecting.
#[derive(Debug)]
struct Socket {
    socket: WebSocket,
    heard: Rc<RefCell<Heard>>,
    /// `None` where the messages are pieces of the link's bytes.
    translation: Option<Box<Translation>>,
    /// Until it is looked again whether what was sent has left.
    pause: Option<Sleep>,
    has_parted: bool,
    /// What the browser calls, for as long as the socket is there.
    _hears:
        (Closure<dyn FnMut()>, Closure<dyn FnMut()>, Closure<dyn FnMut(MessageEvent)>, Closure<dyn FnMut(CloseEvent)>),
}

impl Stream {
    /// Connects to a URL, as a socket of this type. Dropping the future gives the attempt up.
    pub(super) async fn connect(url: &str, mechanism: &'static str, ours: SocketType) -> io::Result<Self> {
        let mut stream = Self(Fragile::new(Socket::new(url, mechanism).map_err(|error| refusal(&error))?));
        let agreed = poll_fn(|cx| Heard::poll_open(&stream.0.get().heard, cx)).await?;
        stream.0.get_mut().translation = agreed
            .filter(|&subprotocol| subprotocol != Subprotocol::Zmtp)
            .map(|subprotocol| Box::new(Translation::new(subprotocol, mechanism, ours)));
        Ok(stream)
    }

    /// What has come to the page, open already, and was not heard before.
    #[cfg(feature = "hosted")]
    pub(super) fn accepted(socket: WebSocket) -> Self {
        let socket = Socket::of(socket, "");
        Heard::opened(&socket.heard, Some(Subprotocol::Zmtp));
        Self(Fragile::new(socket))
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
    fn new(url: &str, mechanism: &'static str) -> Result<Self, JsValue> {
        let socket = match carriers::made(url) {
            Some(made) => made?,
            None => WebSocket::new_with_str_sequence(url, &wishes(mechanism))?,
        };
        Ok(Self::of(socket, mechanism))
    }

    fn of(socket: WebSocket, mechanism: &'static str) -> Self {
        socket.set_binary_type(BinaryType::Arraybuffer);
        let heard = Rc::new(RefCell::new(Heard::default()));
        let open = {
            let (heard, socket) = (Rc::clone(&heard), socket.clone());
            let agreed = move || Subprotocol::named(&socket.protocol(), mechanism);
            Closure::<dyn FnMut()>::new(move || Heard::opened(&heard, agreed()))
        };
        let failed = {
            let heard = Rc::clone(&heard);
            Closure::<dyn FnMut()>::new(move || Heard::failed(&heard))
        };
        let message = {
            let (heard, socket) = (Rc::clone(&heard), socket.clone());
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                if Heard::received(&heard, &event.data()).is_err() {
                    close(&socket, None);
                }
            })
        };
        let closed = {
            let heard = Rc::clone(&heard);
            Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| Heard::ended(&heard, event.code()))
        };
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        socket.set_onerror(Some(failed.as_ref().unchecked_ref()));
        let _hears = (open, failed, message, closed);
        Self { socket, heard, translation: None, pause: None, has_parted: false, _hears }
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(translation) = &self.translation else { return Heard::poll_readable(&self.heard, cx) };
        if self.has_parted {
            // libzmq answers no goodbye in this subprotocol: what went before it is all that is waited for.
            return self.poll_left(cx, 0);
        }
        if translation.is_readable() { Poll::Ready(()) } else { Heard::poll_readable(&self.heard, cx) }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_readable(cx));
        if self.has_parted && self.translation.is_some() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let mut heard = self.heard.borrow_mut();
        let read = match &mut self.translation {
            Some(translation) => translation.read(&mut heard, buffer),
            None => {
                heard.read(buffer);
                Ok(())
            }
        };
        if let Err(fault) = read {
            heard.fail(fault);
            close(&self.socket, None);
        }
        match heard.last() {
            // What came before it is handed out first; it is found again.
            Some(End::Fault(fault)) if buffer.filled().len() == before => Poll::Ready(Err(io::Error::other(fault))),
            _ => Poll::Ready(Ok(())),
        }
    }

    /// Ready when the browser should be given more to send.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_over = self.heard.borrow().is_over();
        if is_over || self.socket.ready_state() != WebSocket::OPEN {
            // What is sent now would vanish without a word; the end is about to be told, and says why.
            return Poll::Ready(Err(match ready!(Heard::poll_end(&self.heard, cx)) {
                End::Clean => io::ErrorKind::BrokenPipe.into(),
                End::Fault(fault) => io::Error::other(fault),
            }));
        }
        self.poll_left(cx, LEAVING_MOST).map(Ok)
    }

    /// Ready when no more than `most` bytes are on their way out, or nothing goes any more.
    fn poll_left(&mut self, cx: &mut Context<'_>, most: u32) -> Poll<()> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(Pin::new(pause).poll(cx));
                self.pause = None;
            }
            if self.socket.buffered_amount() <= most || self.heard.borrow().is_over() {
                return Poll::Ready(());
            }
            self.pause = Some(rt::sleep(LOOK_AGAIN));
        }
    }

    /// Sends what stands first in `slices`: as one message, unless it is to be translated.
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

    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let socket = &self.socket;
        // A copy: Node's WebSocket asks the array for its length again when it has left, and one that lies in this module's
        // memory has none any more when that has grown meanwhile. What is on its way would be more and more, and never less.
        let send = |message: &[u8]| socket.send_with_js_u8_array(&Uint8Array::from(message));
        let sent = match &mut self.translation {
            Some(translation) => translation.push(bytes, send),
            None => send(bytes),
        };
        sent.map(|()| bytes.len()).map_err(|error| refusal(&error))
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

/// What a server is asked for, the best first. Names with a `/`, as those of RFC 45 with a mechanism, a browser refuses.
fn wishes(mechanism: &str) -> JsValue {
    Subprotocol::known(mechanism)
        .filter(|(_, name)| !name.contains('/'))
        .map(|(_, name)| JsValue::from(name))
        .collect::<Array>()
        .into()
}

/// What JavaScript has against it.
fn refusal(error: &JsValue) -> io::Error {
    let name = error.dyn_ref().map(|error: &js_sys::Error| String::from(error.name()));
    let kind = match name.as_deref() {
        Some("SyntaxError") => io::ErrorKind::InvalidInput,
        // A page that came by https must not use ws://.
        Some("SecurityError") => io::ErrorKind::PermissionDenied,
        // There is no WebSocket, as in Node 20 where the package `ws` is missing.
        Some("ReferenceError") => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::Other,
    };
    kind.into()
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
