//! What is known of one stream beside its session: what came and was not taken yet, and who waits.

use std::collections::VecDeque;
use std::task::Waker;

use bowline_proto::Part;
use bowline_proto::mux::{self, Head, Kind, Metadata, MethodRef, StreamId};
use tokio_util::sync::CancellationToken;

use super::error::Fault;
use super::timers::Due;
use crate::rt::AbortHandle;

/// A stream that may be over: its place, and which of those that were there it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) key: u32,
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
    /// The first message that came and was not taken, with what is to be told as consumed when it is.
    first: Option<(Part, usize)>,
    /// What came since the last whole message and was not told to the session as consumed.
    unreported: usize,
    /// How it ended; the first end counts.
    pub(super) end: Option<Ending>,
    pub(super) reader: Option<Waker>,
    pub(super) deadline: Option<Due>,
    /// Of a stream of the peer's, until it is handed to a handler.
    pub(super) asked: Option<Box<Asked>>,
    /// Its first message is complete.
    pub(super) is_complete: bool,
    // Boxed: a thousand entries are to stay in the processor's cache. It is kept for the next stream in its place.
    rare: Option<Box<Rare>>,
}

/// What a peer asks for. It goes from hand to hand until it is answered, so it is a box, and is used again then.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) head: Head,
    pub(super) args: Part,
}

impl Default for Asked {
    fn default() -> Self {
        Self { head: Head::new(MethodRef::default()), args: Part::EMPTY }
    }
}

impl Asked {
    /// Lets go of what is not its own.
    pub(super) fn recycle(&mut self) {
        (self.head.metadata, self.args) = (Metadata::new(), Part::EMPTY);
    }
}

/// What a stream of one short message each way does not need.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// The messages behind the first one, in order.
    rest: VecDeque<(Part, usize)>,
    /// The beginning of a message that goes on.
    partial: Vec<u8>,
    pub(super) writer: Option<Waker>,
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
    Failed(Box<Part>),
    /// From outside.
    Fault(Box<Fault>),
}

impl Ending {
    pub(super) fn fault(fault: Fault) -> Self {
        Self::Fault(fault.into())
    }
}

impl Entry {
    const fn new(serial: u64) -> Self {
        Self {
            serial,
            stream: None,
            holders: 0,
            first: None,
            unreported: 0,
            end: None,
            reader: None,
            deadline: None,
            asked: None,
            is_complete: false,
            rare: None,
        }
    }

    /// What is seldom there, if it ever was.
    #[inline]
    pub(super) fn rare(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    /// A place for what is seldom there.
    pub(super) fn make_rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Takes a piece in, and says how much the session is to be told as consumed.
    ///
    /// The pieces of a message are consumed as they come while somebody waits for it, who can't take half a message; those
    /// of what a call asks for, always. Else they are not, so whoever does not read holds no more than the window.
    pub(super) fn take_in(&mut self, payload: Part, more: bool, kind: Kind) -> usize {
        self.unreported += mux::cost(payload.len());
        if more {
            self.make_rare().partial.extend_from_slice(&payload);
            let is_awaited = self.reader.is_some() || self.asked.is_some();
            return if is_awaited { self.report_partial() } else { 0 };
        }
        let whole = match &mut self.rare {
            Some(rare) if !rare.partial.is_empty() => {
                rare.partial.extend_from_slice(&payload);
                std::mem::take(&mut rare.partial).into()
            }
            _ => payload,
        };
        match kind {
            Kind::Item => {
                let message = (whole, std::mem::take(&mut self.unreported));
                if self.is_empty() { self.first = Some(message) } else { self.make_rare().rest.push_back(message) }
            }
            Kind::Error => {
                self.end.get_or_insert_with(|| Ending::Failed(whole.into()));
            }
        }
        0
    }

    /// The next message, and how much the session is to be told as consumed.
    pub(super) fn take_out(&mut self) -> Option<(Part, usize)> {
        let (part, consumed) = self.first.take().or_else(|| self.rare()?.rest.pop_front())?;
        Some((part, consumed + self.report_partial()))
    }

    /// How much of the message that goes on the session is to be told as consumed, once its reader waits for the rest.
    pub(super) fn report_partial(&mut self) -> usize {
        if self.is_empty() { std::mem::take(&mut self.unreported) } else { 0 }
    }

    fn is_empty(&self) -> bool {
        self.first.is_none() && self.rare.as_ref().is_none_or(|rare| rare.rest.is_empty())
    }
}

/// The places of streams that somebody here holds. They are used again where they stand: an entry is too long to be
/// moved for every call.
#[derive(Debug, Default)]
pub(super) struct Entries {
    places: Vec<Entry>,
    free: Vec<u32>,
    next_serial: u64,
}

impl Entries {
    /// A place for a stream, which is held once.
    pub(super) fn insert(&mut self, stream: StreamId, reader: Option<Waker>) -> Ticket {
        self.next_serial += 1;
        let serial = self.next_serial;
        let key = self.free.pop().unwrap_or(self.places.len() as u32);
        if key as usize == self.places.len() {
            self.places.push(Entry::new(serial));
        }
        let entry = &mut self.places[key as usize];
        (entry.serial, entry.stream, entry.holders, entry.reader) = (serial, Some(stream), 1, reader);
        Ticket { key, serial }
    }

    /// The entry of a ticket, if it is still there.
    #[inline]
    pub(super) fn get(&mut self, ticket: Ticket) -> Option<&mut Entry> {
        self.places.get_mut(ticket.key as usize).filter(|entry| entry.serial == ticket.serial && entry.holders > 0)
    }

    /// The ticket and the entry at a place.
    #[inline]
    pub(super) fn at(&mut self, key: u32) -> Option<(Ticket, &mut Entry)> {
        let entry = self.places.get_mut(key as usize).filter(|entry| entry.holders > 0)?;
        Some((Ticket { key, serial: entry.serial }, entry))
    }

    /// The tickets of all streams.
    pub(super) fn tickets(&self) -> Vec<Ticket> {
        let held = self.places.iter().enumerate().filter(|(_, entry)| entry.holders > 0);
        held.map(|(key, entry)| Ticket { key: key as u32, serial: entry.serial }).collect()
    }

    /// Gives a place back of which nobody holds anything any more. Its memory stays for the next stream.
    pub(super) fn free(&mut self, key: u32) {
        let entry = &mut self.places[key as usize];
        debug_assert_eq!(entry.holders, 0, "nobody holds it");
        (entry.first, entry.unreported, entry.end, entry.is_complete) = (None, 0, None, false);
        (entry.reader, entry.asked) = (None, None);
        if let Some(rare) = entry.rare() {
            *rare = Rare::default();
        }
        self.free.push(key);
    }
}
