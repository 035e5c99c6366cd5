//! A connection.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use js_sys::{ArrayBuffer, Uint8Array};
use send_wrapper::SendWrapper;
use tokio_itself::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_itself::sync::oneshot;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{BinaryType, MessageEvent, WebSocket};

/// A connection; closed when it is dropped.
#[derive(Debug)]
pub struct TcpStream(SendWrapper<Socket>);

#[derive(Debug)]
struct Socket {
    inner: WebSocket,
    state: Rc<RefCell<State>>,
    _hears_messages: Closure<dyn FnMut(MessageEvent)>,
    _hears_the_end: Closure<dyn FnMut()>,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    has_ended: bool,
    reader: Option<Waker>,
}

/// A new WebSocket, once it is open; those whose messages are bytes say so.
pub(super) async fn dial(url: &str, protocol: Option<&str>) -> io::Result<WebSocket> {
    let made = protocol.map_or_else(|| WebSocket::new(url), |protocol| WebSocket::new_with_str(url, protocol));
    let socket = made.map_err(|error| io::Error::other(format!("{error:?}")))?;
    let (tell, opened) = oneshot::channel();
    let tell = Rc::new(RefCell::new(Some(tell)));
    let hear = |is_open: bool| {
        let tell = Rc::clone(&tell);
        Closure::<dyn FnMut()>::new(move || {
            if let Some(tell) = tell.borrow_mut().take() {
                let _nobody_waits = tell.send(is_open);
            }
        })
    };
    let (open, failed) = (hear(true), hear(false));
    socket.set_onopen(Some(open.as_ref().unchecked_ref()));
    socket.set_onclose(Some(failed.as_ref().unchecked_ref()));
    socket.set_onerror(Some(failed.as_ref().unchecked_ref()));
    let is_open = opened.await == Ok(true);
    socket.set_onopen(None);
    socket.set_onclose(None);
    socket.set_onerror(Some(&js_sys::Function::new_no_args("")));
    if is_open { Ok(socket) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
}

impl TcpStream {
    /// Connects.
    ///
    /// # Errors
    ///
    /// Nobody listens there.
    pub async fn connect((ip, port): (IpAddr, u16)) -> io::Result<Self> {
        let url = format!("ws://{}/", SocketAddr::new(ip, port));
        let dialed = SendWrapper::new(async move { dial(&url, Some("ZMTP3.1")).await });
        dialed.await.map(Self::open)
    }

    /// What comes of a WebSocket that is open, and whose messages nobody has heard.
    pub(super) fn open(socket: WebSocket) -> Self {
        socket.set_binary_type(BinaryType::Arraybuffer);
        let state = Rc::new(RefCell::new(State::default()));
        let message = {
            let state = Rc::clone(&state);
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let bytes = Uint8Array::new(&event.data().unchecked_into::<ArrayBuffer>()).to_vec();
                let reader = {
                    let mut state = state.borrow_mut();
                    state.bytes.extend(bytes);
                    state.reader.take()
                };
                reader.into_iter().for_each(Waker::wake);
            })
        };
        let ended = {
            let state = Rc::clone(&state);
            Closure::<dyn FnMut()>::new(move || {
                let reader = {
                    let mut state = state.borrow_mut();
                    state.has_ended = true;
                    state.reader.take()
                };
                reader.into_iter().for_each(Waker::wake);
            })
        };
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(ended.as_ref().unchecked_ref()));
        Self(SendWrapper::new(Socket { inner: socket, state, _hears_messages: message, _hears_the_end: ended }))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        let _closed_already = self.inner.close();
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.state.borrow_mut();
        if state.bytes.is_empty() && !state.has_ended {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n = buffer.remaining().min(state.bytes.len());
        let (first, rest) = state.bytes.as_slices();
        let of_first = n.min(first.len());
        buffer.put_slice(&first[..of_first]);
        buffer.put_slice(&rest[..n - of_first]);
        state.bytes.drain(..n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.0.inner.ready_state() != WebSocket::OPEN {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let sent = self.0.inner.send_with_u8_array(bytes);
        Poll::Ready(sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _closed_already = self.0.inner.close();
        Poll::Ready(Ok(()))
    }
}
