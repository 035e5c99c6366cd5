//! One stream of an application: what came and was not taken yet, and what is to be sent next.

use std::collections::VecDeque;

use super::account::{Account, Ending};
use super::plan::{self, Answer};
use crate::message::Part;
use crate::mux::{Code, End, Kind, SendErrorKind, Session, StreamId, cost};
use crate::time::Instant;

/// One stream, for as long as the application has to do with it.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    pub(super) is_call: bool,
    /// Its place among the calls, or among the works.
    pub(super) account: usize,
    /// Nothing is taken of it before.
    pub(super) naps_until: Option<Instant>,
    /// The session had no room for its last message.
    pub(super) is_blocked: bool,
    /// The session has forgotten it.
    pub(super) is_closed: bool,
    inbox: VecDeque<(Vec<u8>, bool, usize)>,
    partial: Vec<u8>,
    /// What came and was not told to the session as consumed.
    held: usize,
    /// Of that, what is not part of a message that waits.
    unreported: usize,
    /// What is to be sent back as it came.
    echo: Option<Part>,
}

impl Stream {
    pub(super) const fn new(id: StreamId, is_call: bool, account: usize) -> Self {
        Self {
            id,
            is_call,
            account,
            naps_until: None,
            is_blocked: false,
            is_closed: false,
            inbox: VecDeque::new(),
            partial: Vec::new(),
            held: 0,
            unreported: 0,
            echo: None,
        }
    }

    /// Whether the application is done with it.
    pub(super) fn is_over(&self) -> bool {
        self.is_closed && self.inbox.is_empty()
    }

    pub(super) fn has_unread(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// How much it holds of what the session gave it, as the session counts.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// A payload came. Pieces are consumed as they come unless a whole message waits, as calls have it: nobody can take
    /// half a message.
    pub(super) fn take_in(&mut self, payload: &Part, more: bool, kind: Kind, session: &mut Session) {
        self.held += cost(payload.len());
        self.unreported += cost(payload.len());
        self.partial.extend_from_slice(payload);
        if more {
            self.report(session);
        } else {
            let message = std::mem::take(&mut self.partial);
            self.inbox.push_back((message, kind == Kind::Error, std::mem::take(&mut self.unreported)));
        }
    }

    fn report(&mut self, session: &mut Session) {
        if self.inbox.is_empty() {
            let consumed = std::mem::take(&mut self.unreported);
            self.consumed(consumed, session);
        }
    }

    fn consumed(&mut self, cost: usize, session: &mut Session) {
        self.held -= cost;
        session.consumed(self.id, cost);
    }

    /// Takes the next message, and holds it against what it must be. Whether there was one.
    pub(super) fn take(&mut self, account: &mut Account, session: &mut Session) -> bool {
        if self.echo.is_some() {
            return false;
        }
        let Some((message, is_error, consumed)) = self.inbox.pop_front() else { return false };
        self.consumed(consumed, session);
        self.report(session);
        assert!(!account.heard_error, "of call {:x} something comes behind its error", account.number);
        self.compare(&message, account);
        account.heard.push(message.len());
        account.heard_error = is_error;
        if !self.is_call {
            account.begun |= account.plan.answer != Answer::Refuse;
            if account.plan.answer == Answer::Echo && !account.plan.one_way && account.ending.is_none() {
                self.echo = Some(message.into());
            }
        }
        true
    }

    /// What comes is what was sent: the next message, and if it is cut short, its beginning.
    fn compare(&self, message: &[u8], account: &Account) {
        let of_answer = self.is_call && account.plan.answer != Answer::Echo;
        let place = account.heard.len();
        assert!(plan::is_body(message, account.number, of_answer, place), "call {:x}, message {place}", account.number);
    }

    /// Looks at what came of a message that will never be whole, after all others were taken.
    pub(super) fn compare_rest(&self, account: &Account) {
        if self.inbox.is_empty() {
            self.compare(&self.partial, account);
        }
    }

    /// Sends what is due next. Whether that was anything.
    pub(super) fn send(&mut self, account: &mut Account, session: &mut Session) -> bool {
        if self.is_blocked || account.finished || account.ending.is_some() {
            return false;
        }
        if self.is_call { self.ask(account, session) } else { self.answer(account, session) }
    }

    fn ask(&mut self, account: &mut Account, session: &mut Session) -> bool {
        let place = account.sent.len();
        let Some(&len) = account.plan.sends.get(place) else {
            session.finish(self.id);
            account.finished = true;
            return true;
        };
        let last = place + 1 == account.plan.sends.len() && !account.plan.bare;
        self.say(plan::part(account.number, false, place, len), last, account, session)
    }

    fn answer(&mut self, account: &mut Account, session: &mut Session) -> bool {
        let (number, place, taken) = (account.number, account.sent.len(), account.heard.len());
        let item = |len| plan::part(number, true, place, len);
        let is_whole = account.heard_all && self.inbox.is_empty();
        let bare = account.plan.bare;
        match account.plan.answer {
            _ if taken == 0 || account.plan.one_way => false,
            Answer::Echo => match self.echo.take() {
                Some(message) => self.say(message, is_whole && !bare, account, session),
                None => is_whole && self.finish(account, session),
            },
            Answer::Result(len) if is_whole => self.say(item(len), true, account, session),
            Answer::Items(ref lengths) => match lengths.get(place) {
                Some(&len) => {
                    let last = place + 1 == lengths.len() && !bare;
                    self.say(item(len), last, account, session)
                }
                None => self.finish(account, session),
            },
            Answer::Early(after) if taken >= after => self.say(item(50), true, account, session),
            Answer::Fail(after) if taken >= after => {
                session.fail(self.id, item(20)).expect("a handler may fail as long as it has not ended");
                account.sent.push(20);
                (account.finished, account.failed) = (true, true);
                true
            }
            Answer::Panic(after) if taken >= after => {
                session.reset(self.id, Code::INTERNAL, "the handler is gone");
                account.end(Ending::Dropped);
                true
            }
            Answer::Refuse => {
                session.reset(self.id, Code::UNKNOWN_METHOD, "");
                account.end(Ending::Dropped);
                true
            }
            _ => false,
        }
    }

    fn finish(&self, account: &mut Account, session: &mut Session) -> bool {
        session.finish(self.id);
        account.finished = true;
        true
    }

    fn say(&mut self, message: Part, last: bool, account: &mut Account, session: &mut Session) -> bool {
        let len = message.len();
        match session.send(self.id, message, if last { End::Finish } else { End::Open }) {
            Ok(()) => {
                account.sent.push(len);
                account.finished = last;
                true
            }
            Err(error) => {
                // What ended the stream is told before anything else is sent.
                assert_eq!(error.kind, SendErrorKind::Blocked, "call {:x}", account.number);
                self.is_blocked = true;
                if !self.is_call && account.plan.answer == Answer::Echo {
                    self.echo = Some(*error.payload);
                }
                false
            }
        }
    }

    /// The stream has ended before its time: there is nothing more to be sent.
    pub(super) fn cancel(&mut self) {
        self.echo = None;
    }
}
