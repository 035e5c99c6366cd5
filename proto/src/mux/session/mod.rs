//! The session: one side of a connection that carries streams.

#[cfg(any(test, feature = "sim"))]
mod check;
mod moves;
mod receive;
mod transmit;

use std::collections::VecDeque;

use super::code::Code;
use super::delay::Delay;
use super::error::{OpenError, OpenErrorKind, SendError, SendErrorKind, Violation};
use super::event::{Audience, Event};
use super::flow::Pool;
use super::frame::{PAYLOAD_MOST, REASON_MOST, STREAMS_MOST};
use super::head::Head;
use super::methods::{Ours, Theirs};
use super::outgoing::Outgoing;
use super::schedule::Schedule;
use super::slots::{LastWord, Slots, StreamId};
use super::stream::{Effect, Input, Role, State};
use crate::message::{Message, Part};
use crate::time::Instant;

/// How many classes of urgency there are.
const URGENCIES: usize = Head::URGENCY_LEAST as usize + 1;

/// How much may wait on a connection, in bytes, before each stream has to keep to its send buffer.
const AHEAD_MOST: usize = 1024 * 1024;

/// Limits of a session, each for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many streams each side may have open at once: we open no more, and refuse what the peer opens beyond. 1,024
    /// by default, as the peer counts on; at most [`frame::STREAMS_MOST`](super::frame::STREAMS_MOST).
    pub max_streams: usize,
    /// How far the window of one stream may grow, in bytes: 1 MiB by default, enough for a gigabit over 8 ms. It grows only
    /// as far as the delay of the connection makes use of it.
    pub max_window: usize,
    /// What all windows together may grow beyond their 64 KiB, in bytes: 16 MiB by default.
    pub pool: usize,
    /// The longest message, either way, in bytes: 16 MiB by default.
    pub max_message: usize,
    /// How much of one stream may wait to be sent, in bytes: 256 KiB by default. One message may be longer. While no more
    /// than 1 MiB waits on the connection, a stream may have as much waiting as its peer will take.
    pub send_buffer: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_streams: 1024,
            max_window: 1024 * 1024,
            pool: 16 * 1024 * 1024,
            max_message: 16 * 1024 * 1024,
            send_buffer: 256 * 1024,
        }
    }
}

/// Which side of the connection a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// It opens streams with even ids.
    Client,
    /// It opens streams with odd ids.
    Server,
}

/// Whether a direction goes on behind a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// More messages may follow.
    Open,
    /// This message is the last one.
    Finish,
}

/// What came for streams that this side had ended, and was thrown away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Late {
    /// How many frames.
    pub frames: u64,
    /// How much payload they had.
    pub bytes: u64,
}

/// One side of a connection that carries streams.
///
/// - getters: [`streams`](Self::streams), [`unsent`](Self::unsent), [`is_idle`](Self::is_idle), [`late`](Self::late),
///   [`wants_time`](Self::wants_time)
/// - from the link: [`handle`](Self::handle), [`set_time`](Self::set_time), [`lost`](Self::lost)
/// - from the application: [`open`](Self::open), [`send`](Self::send), [`finish`](Self::finish), [`fail`](Self::fail),
///   [`reset`](Self::reset), [`consumed`](Self::consumed), [`go_away`](Self::go_away)
/// - to the world: [`poll_event`](Self::poll_event), [`poll_transmit`](Self::poll_transmit)
///
/// Events are to be taken, all of them, after any call that is no getter, `poll_transmit` among them: what is sent makes
/// room and ends streams. Frames are taken as the transport has room for them.
///
/// ```
/// use bowline_proto::Part;
/// use bowline_proto::mux::{End, Event, Head, MethodRef, Session, Settings, Side};
///
/// let mut client = Session::new(Side::Client, Settings::default());
/// let mut server = Session::new(Side::Server, Settings::default());
///
/// let call = client.open(&Head::new(MethodRef::default()), Part::from("ping"), End::Finish)?;
/// while let Some(frame) = client.poll_transmit() {
///     server.handle(&frame)?;
/// }
/// while let Some(event) = server.poll_event() {
///     if let Event::Data { id, payload, .. } = event {
///         assert_eq!(payload, "ping");
///         server.send(id, Part::from("pong"), End::Finish)?;
///     }
/// }
/// while let Some(frame) = server.poll_transmit() {
///     client.handle(&frame)?;
/// }
/// assert!(matches!(client.poll_event(), Some(Event::Data { id, payload, .. }) if id == call && payload == "pong"));
/// assert_eq!(client.poll_event(), Some(Event::Ended { id: call }));
/// assert_eq!(client.poll_event(), Some(Event::Closed { id: call }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Session<A = VecDeque<Event>> {
    settings: Settings,
    slots: Slots,
    pool: Pool,
    our_methods: Ours,
    their_methods: Theirs,
    audience: A,
    /// Streams that have something else to send than data.
    control: Schedule<1>,
    /// Streams that have data to send, and credit for it.
    data: Schedule<URGENCIES>,
    /// Whose turn it is, and how much of it is left.
    turn: Option<(u32, usize)>,
    delay: Delay,
    /// The answer to the last PING. A newer one takes its place: a peer that does not read costs no more than that.
    pong: Option<u64>,
    /// Our GOAWAY, until it is written.
    go_away: Option<(u64, Code, String)>,
    /// We take no more streams.
    refusing: bool,
    /// The peer takes no more streams.
    refused: bool,
    /// Messages go whole, both ways.
    is_direct: bool,
    lost: bool,
    /// How many OPENs were written, and how many came.
    opens: (u64, u64),
    unsent: usize,
    late: Late,
    scratch: Vec<u8>,
}

impl Session {
    /// A session at the beginning of a connection, whose events are queued for [`poll_event`](Self::poll_event).
    pub fn new(side: Side, settings: Settings) -> Self {
        Self::with_audience(side, settings, VecDeque::new())
    }

    /// The next thing to tell the application.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        self.audience.pop_front()
    }
}

impl<A: Audience> Session<A> {
    /// A session at the beginning of a connection, whose events are heard at once.
    pub fn with_audience(side: Side, mut settings: Settings, audience: A) -> Self {
        settings.max_streams = settings.max_streams.min(STREAMS_MOST);
        Self {
            settings,
            slots: Slots::new(match side {
                Side::Client => 0,
                Side::Server => 1,
            }),
            pool: Pool::new(settings.pool, settings.max_window),
            our_methods: Ours::default(),
            their_methods: Theirs::default(),
            audience,
            control: Schedule::new(),
            data: Schedule::new(),
            turn: None,
            delay: Delay::default(),
            pong: None,
            go_away: None,
            refusing: false,
            refused: false,
            is_direct: false,
            lost: false,
            opens: (0, 0),
            unsent: 0,
            late: Late::default(),
            scratch: Vec::new(),
        }
    }

    /// Who hears the events.
    #[inline]
    pub const fn audience(&mut self) -> &mut A {
        &mut self.audience
    }

    /// How many streams there are, of both sides, with those whose end is still on its way.
    pub const fn streams(&self) -> usize {
        self.slots.ours() + self.slots.theirs()
    }

    /// How many bytes of payload wait to be sent, of all streams; a short message counts as 32.
    pub const fn unsent(&self) -> usize {
        self.unsent
    }

    /// Whether there is neither a stream nor anything to send.
    pub const fn is_idle(&self) -> bool {
        self.streams() == 0 && self.pong.is_none() && self.go_away.is_none() && !self.delay.is_due()
    }

    /// Whether anything of the stream was ever handed to the transport; false as well if there is no such stream.
    pub fn is_sent(&mut self, id: StreamId) -> bool {
        self.slots.current(id).is_some_and(|key| self.slots.stream(key).state != State::New)
    }

    /// What came for streams that this side had ended.
    pub const fn late(&self) -> Late {
        self.late
    }

    /// Whether the next frame, to the peer or from it, is one whose time counts: then `set_time` goes first.
    pub const fn wants_time(&self) -> bool {
        self.delay.wants_time()
    }

    /// What time it is. Windows fit the delay of the connection then; if nobody ever says it, they grow to the largest.
    pub const fn set_time(&mut self, now: Instant) {
        self.delay.set_time(now);
    }

    /// Both sides are in one process, and share what they send: a message goes whole from here on, if there is credit for
    /// its beginning, since to cut it would be to copy it. What it costs is counted all the same. Whom such messages come
    /// to says so first.
    pub const fn set_direct(&mut self) {
        self.is_direct = true;
    }

    /// The connection is gone: each stream that the application has not ended ends with [`Event::Lost`], and nothing is
    /// sent any more.
    pub fn lost(&mut self) {
        self.lost = true;
        (self.pong, self.go_away) = (None, None);
        self.delay.stop();
        for key in self.slots.taken() {
            // What waited to be written about its end won't be.
            self.slots.stream(key).last_word = None;
            self.control.remove(key);
            match self.slots.stream(key).state {
                State::Closed => self.settle(key),
                _ => self.apply(key, Input::Lost),
            }
        }
    }

    /// Opens a stream with its first message, as long as that is. Nothing is sent before `poll_transmit`.
    ///
    /// A one-way stream needs [`End::Finish`] and at most 64 KiB. It is closed as soon as it is sent.
    ///
    /// # Errors
    ///
    /// [`OpenError`] gives the payload back.
    pub fn open(&mut self, head: &Head, payload: Part, end: End) -> Result<StreamId, OpenError> {
        let method = match self.may_open(head, payload.len(), end) {
            Ok(method) => method,
            Err(kind) => return Err(OpenError { kind, payload: Box::new(payload) }),
        };
        let Some(key) = self.slots.open() else {
            return Err(OpenError { kind: OpenErrorKind::Full, payload: Box::new(payload) });
        };
        let stream = self.slots.stream(key);
        stream.told = true;
        stream.urgency = head.urgency.min(Head::URGENCY_LEAST);
        stream.opening.method = method;
        stream.opening.one_way = head.one_way;
        head.write_extra(&mut stream.opening.extra);
        let id = stream.id;
        self.push(key, payload, end == End::Finish, false);
        Ok(id)
    }

    fn may_open(&mut self, head: &Head, len: usize, end: End) -> Result<u16, OpenErrorKind> {
        if self.lost {
            return Err(OpenErrorKind::Lost);
        }
        if self.refused {
            return Err(OpenErrorKind::GoingAway);
        }
        if len > self.settings.max_message || head.one_way && len > PAYLOAD_MOST {
            return Err(OpenErrorKind::TooLarge);
        }
        if !head.metadata.fits() {
            return Err(OpenErrorKind::MetadataTooLarge);
        }
        if head.one_way && end == End::Open {
            return Err(OpenErrorKind::OneWay);
        }
        if self.slots.ours() >= self.settings.max_streams {
            return Err(OpenErrorKind::Full);
        }
        self.our_methods.place(head.method).map_err(|_| OpenErrorKind::TooManyMethods)
    }

    /// Queues the next message of our direction.
    ///
    /// # Errors
    ///
    /// [`SendError`] gives the payload back. After `Blocked` an [`Event::Writable`] follows.
    pub fn send(&mut self, id: StreamId, payload: Part, end: End) -> Result<(), SendError> {
        match self.may_send(id, payload.len(), true) {
            Ok(key) => self.push(key, payload, end == End::Finish, false),
            Err(kind) => return Err(SendError { kind, payload: Box::new(payload) }),
        }
        Ok(())
    }

    /// Ends a stream that the peer opened with a typed error, behind what is queued, as [`finish`](Self::finish) does.
    /// It is never blocked.
    ///
    /// # Errors
    ///
    /// [`SendError`] gives the payload back.
    pub fn fail(&mut self, id: StreamId, payload: Part) -> Result<(), SendError> {
        match self.may_send(id, payload.len(), false) {
            Ok(key) if self.slots.stream(key).role == Role::Responder => self.push(key, payload, true, true),
            Ok(_) => return Err(SendError { kind: SendErrorKind::NotResponder, payload: Box::new(payload) }),
            Err(kind) => return Err(SendError { kind, payload: Box::new(payload) }),
        }
        Ok(())
    }

    fn may_send(&mut self, id: StreamId, len: usize, within_room: bool) -> Result<u32, SendErrorKind> {
        let key = self.slots.current(id).ok_or(SendErrorKind::Gone)?;
        let stream = self.slots.stream(key);
        if !stream.state.speaks() || stream.outgoing.has_ended() {
            return Err(SendErrorKind::Ended);
        }
        if len > self.settings.max_message {
            return Err(SendErrorKind::TooLarge);
        }
        if within_room {
            let room = room(&self.settings, self.unsent, &stream.outgoing);
            if !stream.outgoing.has_room(len, room) {
                return Err(SendErrorKind::Blocked);
            }
        }
        Ok(key)
    }

    fn push(&mut self, key: u32, payload: Part, last: bool, error: bool) {
        let outgoing = &mut self.slots.stream(key).outgoing;
        let before = outgoing.unsent();
        outgoing.push(payload, last, error);
        self.unsent += outgoing.unsent() - before;
        self.schedule(key);
    }

    /// Ends our direction behind what is queued, without a message.
    ///
    /// On a stream that the peer opened, what it still sends is thrown away as soon as that is written, and nothing
    /// more is heard but [`Event::Closed`].
    pub fn finish(&mut self, id: StreamId) {
        if let Some(key) = self.slots.current(id)
            && self.slots.stream(key).state.speaks()
        {
            self.slots.stream(key).outgoing.finish();
            self.schedule(key);
        }
    }

    /// Ends both directions at once and throws away what is queued. Nothing more is heard of it but [`Event::Closed`].
    ///
    /// Of `reason` the first 1 KiB is sent.
    pub fn reset(&mut self, id: StreamId, code: Code, reason: &str) {
        if let Some(key) = self.slots.current(id) {
            self.cut(key, Input::Reset, code, shortened(reason));
        }
    }

    /// The application has taken payloads of this cost: the sum of [`cost(payload.len())`](super::cost()) over the
    /// [`Event::Data`] that it took, also the empty ones. The peer may send more when half of the window was consumed,
    /// or three quarters where it is near.
    pub fn consumed(&mut self, id: StreamId, cost: usize) {
        let Some(key) = self.slots.current(id) else { return };
        let stream = self.slots.stream(key);
        stream.incoming.consumed(cost);
        if stream.state.hears() && stream.incoming.is_due(self.delay.is_near()) {
            self.control.insert(key, 0);
            self.delay.measure();
        }
    }

    /// Takes no more streams from the peer. Those that are open go on, and we may still open some.
    ///
    /// Of `reason` the first 1 KiB is sent.
    pub fn go_away(&mut self, code: Code, reason: &str) {
        if !self.refusing && !self.lost {
            self.refusing = true;
            self.go_away = Some((self.opens.1, code, shortened(reason).to_owned()));
        }
    }

    /// Lets a stream wait for its turn, if it has anything to send that may go.
    fn schedule(&mut self, key: u32) {
        let stream = self.slots.stream(key);
        if stream.outgoing.is_ready() {
            let urgency = stream.urgency;
            self.data.insert(key, urgency);
        }
    }
}

#[cfg(test)]
impl Session {
    /// How much memory its tables and queues have taken, in entries.
    pub(super) fn footprint(&self) -> usize {
        let tables = self.slots.footprint() + self.control.footprint() + self.data.footprint();
        tables + self.audience.capacity() + self.scratch.capacity()
    }
}

/// How much of a stream may wait to be sent, where so much waits of all streams.
///
/// What there is credit for goes with one of the next two writes, and a large write costs a fraction of many small ones. A
/// reader that stalls gives no credit; for the one that gives it and takes nothing, there is a limit for all streams
/// together.
fn room(settings: &Settings, unsent: usize, outgoing: &Outgoing) -> usize {
    let ahead = outgoing.unsent() + AHEAD_MOST.saturating_sub(unsent);
    settings.send_buffer.max(usize::try_from(outgoing.promised()).unwrap_or(usize::MAX).min(ahead))
}

fn shortened(reason: &str) -> &str {
    let end = (0..=reason.len().min(REASON_MOST)).rev().find(|&end| reason.is_char_boundary(end));
    &reason[..end.unwrap_or(0)]
}
