//! What waits to be sent on one stream, and how much of it may go.

use std::collections::VecDeque;

use super::flow::{LEAST, WINDOW, cost};
use super::frame::Then;
use crate::message::Part;

/// The longest queue whose memory is kept for the next stream in its place.
const KEPT: usize = 16;

/// The messages of our direction that are not sent yet.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// The one that goes next stands here: a stream of one message has no queue.
    first: Option<Item>,
    /// Those behind it.
    rest: VecDeque<Item>,
    /// What they cost, all together.
    unsent: usize,
    /// No more messages are taken.
    ended: bool,
    /// A bare FIN is due behind them.
    bare: bool,
    /// What the message costs that was refused last.
    wanted: Option<usize>,
    /// How much the peer will take.
    credit: u64,
    /// How much a message that went whole had beyond that: the next credit is for it.
    debt: u64,
    /// How much it gave last.
    given: u64,
}

#[derive(Debug)]
struct Item {
    payload: Part,
    /// How much of it is sent.
    at: usize,
    /// The direction ends behind it.
    last: bool,
    error: bool,
}

/// What goes into the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// So many bytes of the first message, or all of them.
    Payload { len: usize, then: Then, error: bool },
    /// The end alone.
    End,
}

/// How much goes into one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Most {
    /// So many bytes, as far as there is credit for them.
    Bytes(usize),
    /// A whole message, if there is any credit.
    Message,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            first: None,
            rest: VecDeque::new(),
            unsent: 0,
            ended: false,
            bare: false,
            wanted: None,
            credit: WINDOW as u64,
            debt: 0,
            given: 0,
        }
    }
}

impl Outgoing {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && !self.bare
    }

    /// Whether no more messages are taken.
    pub(super) const fn has_ended(&self) -> bool {
        self.ended
    }

    /// How many bytes the peer takes now, and with the next credit that it gives if that is like the last one.
    pub(super) const fn promised(&self) -> u64 {
        self.credit.saturating_add(self.given)
    }

    /// How many bytes of payload wait, each message counted with what it costs at the least.
    pub(super) const fn unsent(&self) -> usize {
        self.unsent
    }

    /// Whether there is room for a message of `len` bytes where `most` may wait. If not, that is remembered.
    pub(super) fn has_room(&mut self, len: usize, most: usize) -> bool {
        let fits = self.unsent == 0 || self.unsent + cost(len) <= most;
        self.wanted = (!fits).then(|| cost(len));
        fits
    }

    /// Whether the message that was refused has room now. It is said once.
    pub(super) fn has_room_again(&mut self, most: usize) -> bool {
        // Half of the room, so that a sender of small messages is not woken for each of them.
        let needed = |wanted: usize| wanted.max(most / 2);
        self.wanted.take_if(|wanted| self.unsent == 0 || self.unsent + needed(*wanted) <= most).is_some()
    }

    pub(super) fn push(&mut self, payload: Part, last: bool, error: bool) {
        self.unsent += cost(payload.len());
        self.ended |= last;
        let item = Item { payload, at: 0, last, error };
        if self.first.is_none() { self.first = Some(item) } else { self.rest.push_back(item) }
    }

    /// Ends the direction behind what waits.
    pub(super) fn finish(&mut self) {
        if !self.ended {
            (self.ended, self.wanted) = (true, None);
            match self.rest.back_mut().or(self.first.as_mut()) {
                Some(item) => item.last = true,
                None => self.bare = true,
            }
        }
    }

    /// The peer takes so much more; `None` if that can't be counted.
    pub(super) fn add_credit(&mut self, bytes: u64) -> Option<()> {
        let repaid = bytes.min(self.debt);
        self.credit = self.credit.checked_add(bytes - repaid)?;
        self.debt -= repaid;
        self.given = bytes;
        Some(())
    }

    /// Whether anything may go now.
    pub(super) fn is_ready(&self) -> bool {
        if self.first.is_none() { self.bare } else { self.credit >= LEAST as u64 }
    }

    /// What the next frame costs, if a payload has at most so many bytes.
    pub(super) fn next_cost(&self, most: Most) -> usize {
        self.first.as_ref().map_or(0, |item| cost(self.piece(item, most)))
    }

    /// What goes into the next frame, with a payload of at most so many bytes; nothing unless it is ready.
    #[inline]
    pub(super) fn next(&self, most: Most) -> Option<Next> {
        if !self.is_ready() {
            return None;
        }
        let Some(item) = &self.first else { return Some(Next::End) };
        let len = self.piece(item, most);
        let (then, error) = match item.payload.len() - item.at {
            left if len < left => (Then::More, false),
            _ if item.last => (Then::Finish, item.error),
            _ => (Then::Next, item.error),
        };
        Some(Next::Payload { len, then, error })
    }

    /// The payload that is next, of which `take` takes what it needs: it is not moved for that, and copied only if it is
    /// cut and short.
    #[inline]
    pub(super) fn pass<T>(&self, len: usize, take: impl FnOnce(&Part) -> T) -> T {
        match &self.first {
            Some(item) if len < item.payload.len() => take(&slice(&item.payload, item.at, item.at + len)),
            Some(item) => take(&item.payload),
            None => take(&Part::EMPTY),
        }
    }

    /// What [`next`](Self::next) has said is sent.
    #[inline]
    pub(super) fn advance(&mut self, sent: Next) {
        let (Next::Payload { len, then, .. }, Some(item)) = (sent, &mut self.first) else {
            self.bare = false;
            return;
        };
        let taken = cost(len) as u64;
        self.debt += taken.saturating_sub(self.credit);
        self.credit = self.credit.saturating_sub(taken);
        if then == Then::More {
            item.at += len;
            self.unsent -= len;
        } else {
            self.unsent -= cost(item.payload.len()) - item.at;
            self.first = self.rest.pop_front();
        }
    }

    /// Throws away what waits.
    pub(super) fn discard(&mut self) {
        self.first = None;
        self.rest.clear();
        (self.unsent, self.ended, self.bare, self.wanted) = (0, true, false, None);
    }

    /// Makes it a new one, with the memory of the old.
    pub(super) fn recycle(&mut self) {
        self.first = None;
        self.rest.clear();
        if self.rest.capacity() > KEPT {
            self.rest.shrink_to(KEPT);
        }
        (self.unsent, self.ended, self.bare, self.wanted) = (0, false, false, None);
        (self.credit, self.debt, self.given) = (WINDOW as u64, 0, 0);
    }

    /// How many entries its memory has room for.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn kept(&self) -> usize {
        self.rest.capacity()
    }

    #[cfg(test)]
    pub(super) fn footprint(&self) -> usize {
        self.rest.capacity()
    }

    fn piece(&self, item: &Item, most: Most) -> usize {
        let left = item.payload.len() - item.at;
        match most {
            Most::Bytes(most) => left.min(most).min(usize::try_from(self.credit).unwrap_or(usize::MAX)),
            Most::Message => left,
        }
    }
}

fn slice(payload: &Part, from: usize, to: usize) -> Part {
    match payload.as_shared() {
        Some(shared) => shared.slice(from..to).into(),
        None => Part::copy_from_slice(&payload[from..to]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(outgoing: &mut Outgoing, most: Most) -> Option<(usize, Then)> {
        let next = outgoing.next(most)?;
        let sent = match next {
            Next::Payload { len, then, .. } => (outgoing.pass(len, |payload| payload.len()), then),
            Next::End => (0, Then::Finish),
        };
        outgoing.advance(next);
        Some(sent)
    }

    fn pieces(outgoing: &mut Outgoing, most: usize) -> Vec<(usize, Then)> {
        std::iter::from_fn(|| send(outgoing, Most::Bytes(most))).collect()
    }

    #[test]
    fn a_whole_message_goes_on_any_credit_and_the_next_one_waits_until_it_is_paid() {
        let mut outgoing = Outgoing::default();
        for _ in 0..3 {
            outgoing.push(vec![1; 100_000].into(), false, false);
        }
        assert_eq!(send(&mut outgoing, Most::Message), Some((100_000, Then::Next)));
        outgoing.add_credit(100_000 - WINDOW as u64).unwrap();
        assert_eq!(send(&mut outgoing, Most::Message), None);
        outgoing.add_credit(LEAST as u64).unwrap();
        assert_eq!(send(&mut outgoing, Most::Message), Some((100_000, Then::Next)));
        assert_eq!(send(&mut outgoing, Most::Message), None);
    }

    #[test]
    fn a_message_goes_in_pieces_as_far_as_its_credit() {
        let mut outgoing = Outgoing::default();
        outgoing.push(vec![1; 100_000].into(), false, false);
        outgoing.finish();
        assert_eq!(pieces(&mut outgoing, 40_000), [(40_000, Then::More), (25_536, Then::More)]);
        assert_eq!(outgoing.unsent(), 34_464);
        outgoing.add_credit(31).unwrap();
        assert!(!outgoing.is_ready(), "no message costs so little");
        outgoing.add_credit(1_000_000).unwrap();
        assert_eq!(pieces(&mut outgoing, 40_000), [(34_464, Then::Finish)]);
        assert_eq!(outgoing.unsent(), 0);
    }

    #[test]
    fn an_end_behind_an_empty_queue_is_bare() {
        let mut outgoing = Outgoing::default();
        outgoing.finish();
        outgoing.finish();
        assert_eq!(outgoing.next(Most::Bytes(1)), Some(Next::End));
        assert_eq!(pieces(&mut outgoing, 1), [(0, Then::Finish)]);
    }

    #[test]
    fn who_was_refused_hears_once_when_there_is_room_for_that_message() {
        let mut outgoing = Outgoing::default();
        assert!(outgoing.has_room(5_000, 1_000), "one message may be longer than the buffer");
        outgoing.push(vec![1; 900].into(), false, false);
        assert!(!outgoing.has_room_again(1_000), "nobody was refused");
        assert!(!outgoing.has_room(800, 1_000));
        send(&mut outgoing, Most::Bytes(500));
        assert!(!outgoing.has_room_again(1_000), "400 wait");
        send(&mut outgoing, Most::Bytes(200));
        assert!(outgoing.has_room_again(1_000));
        assert!(!outgoing.has_room_again(1_000), "it was said");
    }
}
