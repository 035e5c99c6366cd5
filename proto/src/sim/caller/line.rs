//! One connection of an application: its session, and the streams on it.

use std::task::{Poll, Waker};

use super::account::{Account, Ending};
use super::plan::Label;
use super::stream::Stream;
use crate::message::Message;
use crate::monitor::ConnectionId;
use crate::mux::{Code, Event, Frame, Session, Settings, Side, StreamId};
use crate::wire::batch::Batch;

/// All calls that an application made, and all that it was asked to execute.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) calls: Vec<Account>,
    pub(super) works: Vec<Account>,
    pub(super) farewells: Vec<Farewell>,
}

/// What was said on one connection about taking no more calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farewell {
    /// The connection.
    pub connection: u64,
    /// How many calls this side had taken when it said that it takes no more, if it did.
    pub said: Option<u64>,
    /// How many of its calls were taken, as it heard from the other side, if it did.
    pub heard: Option<u64>,
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
    pub(super) session: Session,
    pub(super) streams: Vec<Stream>,
    /// Who serves the connection, while it waits for something to send.
    sender: Option<Waker>,
    /// The peer takes no more calls.
    pub(super) is_refused: bool,
    /// How many streams the peer has opened: counted here, so that the session's count can be held against it.
    opens: u64,
    farewell: Farewell,
    /// A stream of ours has closed.
    pub(super) has_vacancy: bool,
    settings: Settings,
}

impl Line {
    pub(super) fn new(id: ConnectionId, side: Side, settings: Settings) -> Self {
        Self {
            id,
            session: Session::new(side, settings),
            streams: Vec::new(),
            sender: None,
            is_refused: false,
            opens: 0,
            farewell: Farewell { connection: id.0, said: None, heard: None },
            has_vacancy: true,
            settings,
        }
    }

    /// Frames came. Whoever hands them over asks next what is to be sent. Whether there was an event.
    ///
    /// # Panics
    ///
    /// If one of them breaks the protocol: both sides are ours.
    pub(super) fn take(&mut self, frames: impl Iterator<Item = Message>, book: &mut Book) -> bool {
        self.sender = None;
        let mut heard = false;
        for frame in frames {
            match Frame::decode(&frame) {
                Ok(Frame::Open { .. }) => self.opens += 1,
                Ok(Frame::GoAway { opens, .. }) => self.farewell.heard = Some(opens),
                _ => {}
            }
            if let Err(violation) = self.session.handle(&frame) {
                panic!("a session breaks the protocol: {violation}, with {frame:?}");
            }
            heard |= self.listen(book);
        }
        self.session.check();
        heard
    }

    fn listen(&mut self, book: &mut Book) -> bool {
        let mut heard = false;
        while let Some(event) = self.session.poll_event() {
            self.hear(event, book);
            heard = true;
        }
        heard
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

    /// Appends frames to `batch`, about `most` bytes of them; pending if there is none. Then `waker` hears of the next
    /// one. Whether there was an event.
    pub(super) fn poll_give(&mut self, waker: &Waker, batch: &mut Batch, most: usize, book: &mut Book) -> Poll<bool> {
        let Some(first) = self.session.poll_transmit() else {
            self.sender = Some(waker.clone());
            return Poll::Pending;
        };
        batch.push(&first);
        while batch.remaining() < most
            && let Some(frame) = self.session.poll_transmit()
        {
            batch.push(&frame);
        }
        // To send makes room and closes streams.
        Poll::Ready(self.settle(book))
    }

    /// Takes all events, and has what the session has to say sent. Whether there was an event.
    pub(super) fn settle(&mut self, book: &mut Book) -> bool {
        let heard = self.listen(book);
        if self.session.has_frames()
            && let Some(sender) = self.sender.take()
        {
            sender.wake();
        }
        self.session.check();
        heard
    }

    /// It takes no more calls.
    pub(super) fn go_away(&mut self) {
        self.farewell.said.get_or_insert(self.opens);
        self.session.go_away(Code::REFUSED, "draining");
    }

    /// The connection is gone.
    pub(super) fn lose(&mut self, book: &mut Book) {
        book.farewells.push(self.farewell);
        self.session.lost();
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
        self.settle(book);
    }

    /// Whether nobody has to do with it.
    pub(super) fn is_idle(&self) -> bool {
        self.session.is_idle() && self.streams.is_empty()
    }

    /// What must be true while nothing moves, of a connection that could send: all is sent.
    pub(super) fn check_sent(&mut self) {
        assert!(self.session.poll_transmit().is_none(), "nobody woke the connection to send");
    }
}
