//! What a browser has told of a WebSocket, until the link asks for it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};

use bowline_proto::error::WsFault;
use bowline_proto::wire::zws::Subprotocol;
use js_sys::{ArrayBuffer, Uint8Array};
use tokio::io::ReadBuf;
use wasm_bindgen::{JsCast, JsValue};

/// How many bytes are kept that nobody reads: those of a peer that sends while our inbox is full. A browser has no limit,
/// and no way to tell the peer.
const UNREAD_MOST: usize = 64 * 1024 * 1024;

/// The code of an end that is meant.
pub(super) const DONE: u16 = 1000;
/// The code that stands for an end without one.
const ABNORMAL: u16 = 1006;

/// What the browser has told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    is_open: bool,
    /// What the messages are; `None` also where the server has chosen nothing that was offered.
    agreed: Option<Subprotocol>,
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
pub(super) enum End {
    Clean,
    Fault(WsFault),
}

impl From<u16> for End {
    fn from(code: u16) -> Self {
        match code {
            // 1005 stands for a code that the peer did not give.
            DONE | 1001 | 1005 => Self::Clean,
            // RFC 6455, Reserved Status Codes: no peer sends it
            ABNORMAL => Self::Fault(WsFault::Cut),
            code => Self::Fault(WsFault::Closed(code)),
        }
    }
}

impl Heard {
    pub(super) const fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// How it ended, if it did and nothing is left that came before.
    pub(super) fn last(&self) -> Option<End> {
        self.end.filter(|_| self.received.is_empty())
    }

    /// The browser has connected, to a server that has chosen `agreed`.
    pub(super) fn opened(this: &RefCell<Self>, agreed: Option<Subprotocol>) {
        {
            let mut heard = this.borrow_mut();
            (heard.is_open, heard.agreed) = (true, agreed);
            if agreed.is_none() {
                heard.end.get_or_insert(End::Fault(WsFault::NoCommonProtocol));
            }
        }
        Self::wake(this);
    }

    /// A message has come.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and ends the connection.
    pub(super) fn received(this: &RefCell<Self>, data: &JsValue) -> Result<(), WsFault> {
        let received = {
            let mut heard = this.borrow_mut();
            if heard.end.is_some() {
                return Ok(());
            }
            let received = heard.keep(data);
            if let Err(fault) = received {
                heard.fail(fault);
            }
            received
        };
        Self::wake(this);
        received
    }

    /// Nobody says with what. A connection that there was has its end told as well; in Node an attempt has not.
    pub(super) fn failed(this: &RefCell<Self>) {
        let is_open = this.borrow().is_open;
        if !is_open {
            Self::ended(this, ABNORMAL);
        }
    }

    pub(super) fn ended(this: &RefCell<Self>, code: u16) {
        this.borrow_mut().end.get_or_insert(code.into());
        Self::wake(this);
    }

    /// Wakes who waits, once for all that comes until it looks.
    fn wake(this: &RefCell<Self>) {
        let (reader, writer) = {
            let mut heard = this.borrow_mut();
            // A writer waits for the end only.
            let writer = if heard.end.is_some() { heard.writer.take() } else { None };
            (heard.reader.take(), writer)
        };
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }

    /// What the messages are that server and page have agreed on.
    pub(super) fn poll_open(this: &RefCell<Self>, cx: &Context<'_>) -> Poll<io::Result<Option<Subprotocol>>> {
        {
            let heard = this.borrow();
            match heard.end {
                _ if heard.is_open => return Poll::Ready(Ok(heard.agreed)),
                // No browser says why.
                Some(_) => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
                None => {}
            }
        }
        let _former = this.borrow_mut().reader.replace(cx.waker().clone());
        Poll::Pending
    }

    /// Waits for something to read, or the end.
    pub(super) fn poll_readable(this: &RefCell<Self>, cx: &Context<'_>) -> Poll<()> {
        {
            let heard = this.borrow();
            if !heard.received.is_empty() || heard.end.is_some() {
                return Poll::Ready(());
            }
        }
        let _former = this.borrow_mut().reader.replace(cx.waker().clone());
        Poll::Pending
    }

    /// Waits for the end.
    pub(super) fn poll_end(this: &RefCell<Self>, cx: &Context<'_>) -> Poll<End> {
        if let Some(end) = this.borrow().end {
            return Poll::Ready(end);
        }
        let _former = this.borrow_mut().writer.replace(cx.waker().clone());
        Poll::Pending
    }

    /// Ends it; of what has come nothing is read any more.
    pub(super) fn fail(&mut self, fault: WsFault) {
        (self.unread, self.taken) = (0, 0);
        self.received.clear();
        self.end = Some(End::Fault(fault));
    }

    fn keep(&mut self, data: &JsValue) -> Result<(), WsFault> {
        let bytes = Uint8Array::new(data.dyn_ref::<ArrayBuffer>().ok_or(WsFault::Text)?);
        let len = bytes.length() as usize;
        self.unread += len;
        if len > UNREAD_MOST {
            return Err(WsFault::TooLong);
        }
        if self.unread > UNREAD_MOST {
            return Err(WsFault::Overrun);
        }
        // In our own subprotocol one of no bytes says nothing, and would be taken for the end.
        if len > 0 || self.agreed != Some(Subprotocol::Zmtp) {
            self.received.push_back(bytes);
        }
        Ok(())
    }

    /// Takes the next message.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        let message = self.received.pop_front()?.to_vec();
        self.unread -= message.len();
        Some(message)
    }

    /// Reads as much as there is room for, whatever message it is in.
    pub(super) fn read(&mut self, buffer: &mut ReadBuf<'_>) {
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
