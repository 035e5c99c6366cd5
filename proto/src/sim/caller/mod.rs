//! An application that makes calls and executes those of its peers, on a socket that keeps its peers apart.
//!
//! It is the pure half of what `bowline::rpc` does: a session for each connection, begun with the peer and lost with it.
//! Whoever serves the connection feeds the session with what comes, and asks it for what is to be sent.

mod account;
mod line;
mod plan;
mod stream;

use std::collections::VecDeque;
use std::task::{Poll, Waker};
use std::time::Duration;

use fastrand::Rng;

pub use account::{Account, Ending, Outcome};
pub use line::Farewell;
use line::{Book, Line};
use plan::Label;
pub use plan::{Answer, Plan};
use stream::Stream;

use crate::message::{Part, Queue};
use crate::monitor::ConnectionId;
use crate::mux::{End, Head, OpenErrorKind, Settings, Side};
use crate::time::Instant;
use crate::wire::batch::Batch;

/// An application that calls and is called.
#[derive(Debug)]
pub(super) struct Caller {
    side: Side,
    settings: Settings,
    rng: Rng,
    /// The first number of its calls.
    base: u64,
    /// How many bytes are given at a time.
    given_most: usize,
    /// How readily it leaves what came where it is: of 16 looks, so many.
    laziness: u8,
    lines: Vec<Line>,
    /// Streams whose connection is gone, and of which something is unread.
    leftover: Vec<Line>,
    book: Book,
    /// Calls that are not opened yet.
    waiting: VecDeque<(Label, usize)>,
    /// A call may be opened that could not be before.
    may_open: bool,
    /// It makes no more calls, and takes none.
    is_draining: bool,
    /// When it is on the agenda next.
    planned: Option<Instant>,
}

impl Caller {
    pub(super) fn new(at: usize, side: Side, settings: Settings, mut rng: Rng) -> Self {
        let given_most = [1, 1, 100, 1_000, 128 * 1024][rng.usize(..5)];
        Self {
            side,
            settings,
            base: (at as u64) << 32,
            given_most,
            laziness: [0, 0, 1, 8][rng.usize(..4)],
            rng,
            lines: Vec::new(),
            leftover: Vec::new(),
            book: Book::default(),
            waiting: VecDeque::new(),
            may_open: false,
            is_draining: false,
            planned: None,
        }
    }

    pub(super) fn calls(&self) -> &[Account] {
        &self.book.calls
    }

    pub(super) fn works(&self) -> &[Account] {
        &self.book.works
    }

    pub(super) fn farewells(&self) -> &[Farewell] {
        &self.book.farewells
    }

    /// Whether it has nothing left to do, and its sessions neither.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.leftover.is_empty() && self.lines.iter().all(Line::is_idle)
    }

    /// When it is to be woken for what it naps over, unless that is planned.
    pub(super) fn wakes_at(&mut self, now: Instant) -> Option<Instant> {
        let streams = self.lines.iter().flat_map(|line| &line.streams);
        let next = streams.filter_map(|stream| stream.naps_until).min()?;
        let is_planned = self.planned.is_some_and(|planned| now < planned && planned <= next);
        (!is_planned).then(|| *self.planned.insert(next))
    }

    /// A call is to be made, on any connection.
    pub(super) fn call(&mut self, seed: u64, most: usize) {
        let at = self.book.calls.len();
        let number = self.base + at as u64;
        let label = Label { number, connection: 0, seed, most: most as u64 };
        let mut account = Account::new(number, label.plan());
        if self.is_draining {
            account.end(Ending::Unopened);
        } else {
            self.waiting.push_back((label, at));
            self.may_open = true;
        }
        self.book.calls.push(account);
    }

    /// One of its calls is not wanted any more, wherever it is.
    pub(super) fn drop_any(&mut self) {
        let mut places = Vec::new();
        for (line, streams) in self.lines.iter().enumerate() {
            let open = |stream: &Stream| stream.is_call && self.book.calls[stream.account].ending.is_none();
            let open = streams.streams.iter().enumerate().filter(|(_, stream)| open(stream));
            places.extend(open.map(|(at, _)| (line, at)));
        }
        let waiting = self.waiting.len();
        let at = self.rng.usize(..=places.len() + waiting);
        if let Some(&(line, at)) = places.get(at) {
            self.lines[line].drop_call(at, &mut self.book);
        } else if let Some((_, call)) = self.waiting.remove(at - places.len()) {
            self.book.calls[call].end(Ending::Dropped);
        }
    }

    /// It makes no more calls, and takes none.
    pub(super) fn drain(&mut self) {
        for line in &mut self.lines {
            line.go_away();
            line.settle(&mut self.book);
        }
        self.end();
    }

    /// It makes no more calls: what is not opened yet never will be.
    pub(super) fn end(&mut self) {
        self.is_draining = true;
        for (_, call) in self.waiting.drain(..) {
            self.book.calls[call].end(Ending::Unopened);
        }
    }

    /// The application begins again; its connections are gone.
    pub(super) fn restart(&mut self) {
        assert!(self.lines.is_empty(), "a socket that is over has a connection");
        self.end();
        self.read_leftover(true);
        assert!(self.leftover.is_empty());
        self.is_draining = false;
    }

    /// There is a peer.
    pub(super) fn joined(&mut self, connection: ConnectionId) {
        assert!(self.lines.iter().all(|line| line.id != connection), "a connection is begun once");
        let mut line = Line::new(connection, self.side, self.settings);
        if self.is_draining {
            line.go_away();
        }
        self.lines.push(line);
        self.may_open = true;
    }

    /// Takes the first of the messages that have come, one at the least. Whether the application hears of anything.
    pub(super) fn take(&mut self, connection: ConnectionId, messages: &mut Queue) -> bool {
        let most = self.rng.usize(1..=64).min(messages.len());
        let (line, book) = self.line(connection);
        line.take(messages.drain().take(most), book)
    }

    /// Fills the batch with what there is to be sent; pending if there is nothing. Whether the application hears of
    /// anything.
    pub(super) fn poll_give(&mut self, connection: ConnectionId, waker: &Waker, batch: &mut Batch) -> Poll<bool> {
        let most = self.given_most;
        let (line, book) = self.line(connection);
        line.poll_give(waker, batch, most, book)
    }

    /// What must be true while nothing moves, of a connection that could send.
    pub(super) fn check_sent(&mut self, connection: ConnectionId) {
        self.line(connection).0.check_sent();
    }

    fn line(&mut self, connection: ConnectionId) -> (&mut Line, &mut Book) {
        let line = self.lines.iter_mut().find(|line| line.id == connection);
        (line.expect("the connection has joined and is not lost"), &mut self.book)
    }

    /// The peer is gone: its calls end.
    pub(super) fn lost(&mut self, connection: ConnectionId) {
        let at = self.lines.iter().position(|line| line.id == connection);
        let mut line = self.lines.remove(at.expect("a connection is lost once"));
        line.lose(&mut self.book);
        line.session.check();
        self.leftover.push(line);
    }

    /// Does what there is to do. Whether there was anything.
    pub(super) fn step(&mut self, now: Instant) -> bool {
        let mut moved = self.open_waiting();
        for at in 0..self.lines.len() {
            self.lines[at].session.set_time(now);
            moved |= self.attend(at, now);
        }
        moved |= self.read_leftover(false);
        for line in &mut self.lines {
            self.may_open |= std::mem::take(&mut line.has_vacancy);
        }
        moved || self.may_open && !self.waiting.is_empty()
    }

    fn open_waiting(&mut self) -> bool {
        let mut moved = false;
        if !std::mem::take(&mut self.may_open) {
            return false;
        }
        while let Some(&(label, at)) = self.waiting.front() {
            let mut lines: Vec<usize> = (0..self.lines.len()).filter(|&at| !self.lines[at].is_refused).collect();
            self.rng.shuffle(&mut lines);
            if !lines.into_iter().any(|line| self.open(line, label, at)) {
                return moved;
            }
            self.waiting.pop_front();
            moved = true;
        }
        moved
    }

    fn open(&mut self, line: usize, label: Label, at: usize) -> bool {
        let line = &mut self.lines[line];
        let account = &mut self.book.calls[at];
        let label = Label { connection: line.id.0, ..label };
        let plan = &account.plan;
        let last = plan.one_way || plan.sends.len() == 1 && !plan.bare;
        let first: Part = plan::part(label.number, false, 0, plan.sends[0]);
        let head: Head = label.head(plan);
        match line.session.open(&head, first, if last { End::Finish } else { End::Open }) {
            Ok(id) => {
                account.connection = Some(line.id.0);
                account.sent.push(plan.sends[0]);
                account.finished = last;
                line.streams.push(Stream::new(id, true, at));
                true
            }
            Err(error) => {
                assert_eq!(error.kind, OpenErrorKind::Full, "a session takes no call");
                false
            }
        }
    }

    /// Lets the handlers and the callers of a connection do something each.
    fn attend(&mut self, at: usize, now: Instant) -> bool {
        let line = &mut self.lines[at];
        let mut moved = false;
        for stream in &mut line.streams {
            let account = self.book.of(stream);
            if stream.naps_until.is_some_and(|then| then > now) {
                continue;
            }
            let is_late = stream.naps_until.take().is_some();
            if !is_late && stream.has_unread() && self.rng.u8(..16) < self.laziness {
                stream.naps_until = Some(now + Duration::from_millis(self.rng.u64(1..2_000)));
                continue;
            }
            moved |= stream.take(account, &mut line.session);
            moved |= stream.send(account, &mut line.session);
        }
        line.streams.retain(|stream| !stream.is_over());
        line.settle(&mut self.book);
        moved
    }

    /// Reads what came before a connection was lost; all of it, or some.
    fn read_leftover(&mut self, all: bool) -> bool {
        let mut moved = false;
        for line in &mut self.leftover {
            for stream in &mut line.streams {
                let account = self.book.of(stream);
                while stream.take(account, &mut line.session) {
                    moved = true;
                    stream.cancel();
                    if !all {
                        break;
                    }
                }
                if !stream.has_unread() {
                    stream.compare_rest(account);
                }
            }
            line.streams.retain(|stream| !stream.is_over());
        }
        self.leftover.retain(|line| !line.streams.is_empty());
        moved
    }
}
