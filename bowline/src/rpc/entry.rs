//! What is known of one stream beside its session: what came and was not taken yet, and who waits.

use std::collections::VecDeque;
use std::task::Waker;

use bowline_proto::Part;
use bowline_proto::mux::{self, Head, Kind, StreamId};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::error::Fault;
use super::timers::Due;

/// A stream that may be over: its place, and which of those that were there it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) key: usize,
    pub(super) serial: u64,
}

/// One stream, for as long as somebody here holds it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) serial: u64,
    /// In the session; `None` when it is closed there.
    pub(super) stream: Option<StreamId>,
    /// How many hold it.
    pub(super) holders: u32,
    pub(super) items: Queue,
    /// The beginning of a message that goes on.
    partial: Vec<u8>,
    /// What came since the last whole message and was not told to the session as consumed.
    unreported: usize,
    /// How it ended; the first end counts.
    pub(super) end: Option<Ending>,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    pub(super) deadline: Option<Due>,
    /// A stream of the peer's, until its first message is complete.
    pub(super) head: Option<Head>,
    /// That message is complete.
    pub(super) is_complete: bool,
    /// The task of its handler, once it has one.
    pub(super) work: Option<AbortHandle>,
    /// Ends with it, where somebody asked for that.
    pub(super) over: Option<CancellationToken>,
}

/// How a stream ended.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// All of it has come.
    Clean,
    /// With a typed error.
    Failed(Part),
    /// From outside.
    Fault(Fault),
}

impl Entry {
    pub(super) fn new(serial: u64, stream: StreamId, reader: Option<Waker>) -> Self {
        Self {
            serial,
            stream: Some(stream),
            holders: 1,
            items: Queue::default(),
            partial: Vec::new(),
            unreported: 0,
            end: None,
            reader,
            writer: None,
            deadline: None,
            head: None,
            is_complete: false,
            work: None,
            over: None,
        }
    }

    /// Takes a piece in, and says how much the session is to be told as consumed.
    ///
    /// The pieces of a message are consumed as they come while nothing else waits for the reader: it can't take half a
    /// message. Behind one that waits they are not, so whoever does not read holds no more than the window.
    pub(super) fn take_in(&mut self, payload: Part, more: bool, kind: Kind) -> usize {
        self.unreported += mux::cost(payload.len());
        if more {
            self.partial.extend_from_slice(&payload);
            return self.report_partial();
        }
        let whole = if self.partial.is_empty() {
            payload
        } else {
            self.partial.extend_from_slice(&payload);
            std::mem::take(&mut self.partial).into()
        };
        match kind {
            Kind::Item => self.items.push((whole, std::mem::take(&mut self.unreported))),
            Kind::Error => {
                self.end.get_or_insert(Ending::Failed(whole));
            }
        }
        0
    }

    /// The next message, and how much the session is to be told as consumed.
    pub(super) fn take_out(&mut self) -> Option<(Part, usize)> {
        let (part, consumed) = self.items.pop()?;
        Some((part, consumed + self.report_partial()))
    }

    fn report_partial(&mut self) -> usize {
        if self.items.is_empty() { std::mem::take(&mut self.unreported) } else { 0 }
    }
}

/// Messages in order, each with what is to be told as consumed when it is taken. One needs no allocation.
#[derive(Debug, Default)]
pub(super) struct Queue {
    first: Option<(Part, usize)>,
    rest: VecDeque<(Part, usize)>,
}

impl Queue {
    fn push(&mut self, message: (Part, usize)) {
        if self.is_empty() { self.first = Some(message) } else { self.rest.push_back(message) }
    }

    fn pop(&mut self) -> Option<(Part, usize)> {
        self.first.take().or_else(|| self.rest.pop_front())
    }

    fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.is_empty()
    }
}
