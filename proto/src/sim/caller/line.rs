//! One connection of an application: its session, and the streams on it.

use super::account::{Account, Ending};
use super::plan::Label;
use super::stream::Stream;
use crate::engine::{Engine, Transmitted};
use crate::message::Message;
use crate::monitor::ConnectionId;
use crate::mux::{Code, Event, Session, Settings, Side, StreamId};
use crate::pipe::PipeId;

/// All calls that an application made, and all that it was asked to execute.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) calls: Vec<Account>,
    pub(super) works: Vec<Account>,
}

impl Book {
    pub(super) fn of(&mut self, stream: &Stream) -> &mut Account {
        let accounts = if stream.is_call { &mut self.calls } else { &mut self.works };
        &mut accounts[stream.account]
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: ConnectionId,
    pub(super) pipe: PipeId,
    pub(super) session: Session,
    pub(super) streams: Vec<Stream>,
    /// A frame that the socket had no room for.
    held: Option<Message>,
    /// The socket had no room; it tells when it has.
    pub(super) is_full: bool,
    /// The peer takes no more calls.
    pub(super) is_refused: bool,
    /// A stream of ours has closed.
    pub(super) has_vacancy: bool,
    settings: Settings,
}

impl Line {
    pub(super) fn new(id: ConnectionId, pipe: PipeId, side: Side, settings: Settings) -> Self {
        Self {
            id,
            pipe,
            session: Session::new(side, settings),
            streams: Vec::new(),
            held: None,
            is_full: false,
            is_refused: false,
            has_vacancy: true,
            settings,
        }
    }

    /// A frame came.
    ///
    /// # Panics
    ///
    /// If it breaks the protocol: both sides are ours.
    pub(super) fn handle(&mut self, frame: &Message, book: &mut Book) {
        if let Err(violation) = self.session.handle(frame) {
            panic!("a session breaks the protocol: {violation}, with {frame:?}");
        }
        self.listen(book);
    }

    /// Takes all events.
    pub(super) fn listen(&mut self, book: &mut Book) {
        while let Some(event) = self.session.poll_event() {
            self.hear(event, book);
        }
    }

    fn find(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.id == id && !stream.is_closed)
    }

    fn known(&mut self, id: StreamId) -> &mut Stream {
        self.find(id).expect("nothing is heard of a stream before it is opened, nor behind its end")
    }

    fn hear(&mut self, event: Event, book: &mut Book) {
        match event {
            Event::Opened { id, head } => {
                let label = Label::of(&head);
                assert_eq!(label.connection, self.id.0, "call {:x} is of another connection", label.number);
                assert!(self.find(id).is_none(), "a stream is opened once");
                let mut account = Account::new(label.number, label.plan());
                account.connection = Some(self.id.0);
                self.streams.push(Stream::new(id, false, book.works.len()));
                book.works.push(account);
            }
            Event::Data { id, payload, more, kind } => {
                let window = self.settings.max_window.max(64 * 1024);
                let stream = self.streams.iter_mut().find(|stream| stream.id == id && !stream.is_closed);
                let stream = stream.expect("data is of a stream");
                let account = book.of(stream);
                let is_over = account.heard_all || account.ending.is_some();
                assert!(!is_over, "call {:x} goes on behind its end", account.number);
                stream.take_in(&payload, more, kind, &mut self.session);
                assert!(stream.held() <= window, "more is held than a window");
            }
            Event::Ended { id } => {
                let stream = self.known(id);
                let account = book.of(stream);
                assert!(!account.heard_all && account.ending.is_none(), "an end comes once");
                account.heard_all = true;
                // To its caller it is the end; a handler goes on.
                if stream.is_call {
                    account.end(Ending::Clean);
                }
            }
            Event::Reset { id, code, .. } => self.cut(id, Ending::Reset(code), book),
            Event::Lost { id, sent } => self.cut(id, Ending::Lost { sent }, book),
            Event::Writable { id } => self.known(id).is_blocked = false,
            Event::GoAway { .. } => self.is_refused = true,
            Event::Closed { id } => {
                let stream = self.known(id);
                stream.is_closed = true;
                let account = book.of(stream);
                // A call without an answer is over when it is out, and so is a handler that has said its last.
                let is_out = account.plan.one_way || !stream.is_call && account.finished;
                if account.ending.is_none() {
                    assert!(is_out, "call {:x} closes and nobody says how", account.number);
                    account.end(Ending::Clean);
                }
                self.has_vacancy = true;
            }
        }
    }

    fn cut(&mut self, id: StreamId, ending: Ending, book: &mut Book) {
        let stream = self.known(id);
        book.of(stream).end(ending);
        stream.cancel();
    }

    /// Sends what the socket has room for, as calls do; whether anything moved.
    pub(super) fn flush(&mut self, engine: &mut Engine, most: usize, book: &mut Book) -> bool {
        let mut moved = false;
        while !self.is_full {
            let mut first = self.held.take().or_else(|| self.session.poll_transmit());
            if first.is_none() {
                break;
            }
            let session = &mut self.session;
            let next = || first.take().or_else(|| session.poll_transmit());
            if engine.transmit(self.pipe, self.id, most, next) == Transmitted::Full {
                (self.held, self.is_full) = (first, true);
            }
            moved = true;
            // To send makes room and closes streams.
            self.listen(book);
        }
        moved
    }

    /// The connection is gone.
    pub(super) fn lose(&mut self, book: &mut Book) {
        self.session.lost();
        self.held = None;
        self.listen(book);
        assert!(self.session.is_idle(), "a session that is lost has nothing left to do");
        assert!(self.session.poll_transmit().is_none(), "a session that is lost says something");
        for stream in &self.streams {
            assert!(stream.is_closed, "a session that is lost forgets its streams");
            stream.compare_rest(book.of(stream));
        }
    }

    /// One of its calls is not wanted any more.
    pub(super) fn drop_call(&mut self, at: usize, book: &mut Book) {
        let stream = &mut self.streams[at];
        book.of(stream).end(Ending::Dropped);
        stream.cancel();
        let id = stream.id;
        self.session.reset(id, Code::CANCELLED, "nobody waits any more");
        self.listen(book);
    }

    /// Whether nobody has to do with it.
    pub(super) fn is_idle(&self) -> bool {
        self.session.is_idle() && self.streams.is_empty() && self.held.is_none()
    }

    /// What must be true while nothing moves: what could be sent is sent.
    pub(super) fn check_sleep(&mut self, engine: &mut Engine, most: usize) {
        if self.is_full {
            let room = engine.transmit(self.pipe, self.id, most, || None);
            assert_eq!(room, Transmitted::Full, "nobody was told that there is room again");
        } else {
            assert!(self.held.is_none() && self.session.poll_transmit().is_none(), "something waits to be sent");
        }
        assert_eq!(self.session.poll_event(), None, "something waits to be heard");
    }
}
