//! The socket's end of an inbox.
//!
//! Cost of one message: two moves, out of a batch that was swapped out whole, and to the caller. The inbox hears of it in steps
//! of half its high-water mark.

use std::sync::Arc;

use super::{Inbox, Wakes};
use crate::Message;
use crate::message::Queue;

/// How many messages are put together ahead. A processor that has just written the pieces of a message can't read it as a whole
/// before they have left its store buffer; what was put together with the one before last has left it. More only take cache.
const AHEAD: usize = 8;

/// Takes messages out of an [`Inbox`].
#[derive(Debug)]
pub struct Reader {
    inbox: Arc<Inbox>,
    /// What was taken out of the inbox.
    batch: Queue,
    /// The first of the batch, as messages.
    ahead: Vec<Message>,
    /// How many of those were handed on. Whatever stood where they went stands in their places: to swap two messages is
    /// a plain move, while an `Option` of one is looked at byte by byte.
    next: usize,
    /// What was handed on since the inbox last heard of it.
    handed_on: usize,
    report_at: usize,
}

impl Reader {
    /// Reads `inbox`, of a socket whose high-water mark is `hwm`.
    pub const fn new(inbox: Arc<Inbox>, hwm: usize) -> Self {
        let report_at = if hwm == 0 { usize::MAX } else { hwm.div_ceil(2) };
        Self { inbox, batch: Queue::new(), ahead: Vec::new(), next: 0, handed_on: 0, report_at }
    }

    /// The inbox.
    pub const fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// How many messages were taken out of the inbox and not handed on.
    fn held(&self) -> usize {
        self.ahead.len() - self.next + self.batch.len()
    }

    /// How many messages came and were not handed on.
    pub fn len(&self) -> usize {
        self.held() + self.inbox.waiting()
    }

    /// Whether all that came was handed on.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all that came was handed on and nothing will come.
    pub fn is_finished(&self) -> bool {
        self.held() == 0 && self.inbox.is_finished()
    }

    /// Swaps in the next message; whether there was one. If not, the socket hears
    /// [`Signal::Readable`](super::Signal::Readable) when there is.
    #[inline]
    pub fn pop(&mut self, into: &mut Message, wakes: &mut Wakes) -> bool {
        if self.next >= self.ahead.len() && !self.refill(wakes) {
            return false;
        }
        let Some(place) = self.ahead.get_mut(self.next) else { return false };
        std::mem::swap(place, into);
        self.next += 1;
        self.hand_on(1, wakes);
        true
    }

    /// Puts up to `most` of the next messages behind those that are in `messages`, and says how many.
    pub fn pop_many(&mut self, messages: &mut Vec<Message>, most: usize, wakes: &mut Wakes) -> usize {
        let before = messages.len();
        let end = before + most;
        while messages.len() < end && (self.held() > 0 || self.take(wakes)) {
            let begun = messages.len();
            let ahead = self.ahead[self.next..].iter_mut().take(end - begun);
            self.next += ahead.len();
            messages.extend(ahead.map(std::mem::take));
            let behind = messages.len();
            messages.resize_with(end.min(behind + self.batch.len()), Message::new);
            self.batch.pop_many(&mut messages[behind..]);
            self.hand_on(messages.len() - begun, wakes);
        }
        messages.len() - before
    }

    /// The inbox is to know that so many messages more were handed on, when it is worth it.
    #[inline]
    fn hand_on(&mut self, messages: usize, wakes: &mut Wakes) {
        self.handed_on += messages;
        if self.handed_on >= self.report_at {
            self.inbox.handed_on(self.handed_on, wakes);
            self.handed_on = 0;
        }
    }

    /// Takes what waits in the inbox; whether there was anything. All that was taken before was handed on, whatever was reported.
    fn take(&mut self, wakes: &mut Wakes) -> bool {
        self.handed_on = 0;
        let taken = self.inbox.take(&mut self.batch, wakes);
        if self.batch.capacity() == 0 {
            (self.ahead, self.next) = (Vec::new(), 0);
        }
        taken
    }

    /// Puts the next messages together; whether there were any.
    #[inline(never)]
    fn refill(&mut self, wakes: &mut Wakes) -> bool {
        if self.batch.is_empty() {
            self.take(wakes);
        }
        self.next = 0;
        self.ahead.resize_with(self.batch.len().min(AHEAD), Message::new);
        self.batch.pop_many(&mut self.ahead) > 0
    }

    /// Gives back the memory that no message needs; if some are still to be handed on, after the last of them.
    pub fn shed(&mut self) {
        if self.held() == 0 {
            (self.batch, self.ahead, self.next) = (Queue::new(), Vec::new(), 0);
        }
        self.inbox.shed();
    }

    /// How much memory it holds, in bytes.
    #[cfg(test)]
    fn capacity(&self) -> usize {
        self.batch.capacity() + self.ahead.capacity()
    }

    /// Drops all that came.
    pub fn discard(&mut self, wakes: &mut Wakes) {
        self.batch.clear();
        self.ahead.clear();
        while self.refill(wakes) {
            self.batch.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    fn deliver(inbox: &Inbox, messages: usize) {
        let mut messages: Queue = (0..messages).map(|_| Message::from("x")).collect();
        assert!(inbox.poll_deliver(&mut Context::from_waker(Waker::noop()), &mut messages).is_ready());
    }

    fn read(reader: &mut Reader) -> usize {
        let (mut message, mut wakes) = (Message::new(), Wakes::new());
        std::iter::from_fn(|| reader.pop(&mut message, &mut wakes).then_some(())).count()
    }

    fn pair() -> (Arc<Inbox>, Reader) {
        let inbox = Arc::new(Inbox::new(1000, false));
        (Arc::clone(&inbox), Reader::new(inbox, 1000))
    }

    #[test]
    fn a_pipe_that_falls_quiet_gives_the_memory_of_what_was_read_back() {
        let (inbox, mut reader) = pair();
        deliver(&inbox, 100);
        assert_eq!(read(&mut reader), 100);
        reader.shed();
        assert_eq!((reader.capacity(), inbox.capacity()), (0, 0));
        deliver(&inbox, 3);
        assert_eq!(read(&mut reader), 3);
    }

    #[test]
    fn what_is_unread_when_a_pipe_falls_quiet_is_read_first_and_its_memory_given_back_then() {
        let (inbox, mut reader) = pair();
        deliver(&inbox, 100);
        let (mut message, mut wakes) = (Message::new(), Wakes::new());
        assert!(reader.pop(&mut message, &mut wakes));
        deliver(&inbox, 7);
        reader.shed();
        assert_eq!((reader.len(), inbox.waiting()), (106, 7));
        assert_eq!(read(&mut reader), 106);
        assert_eq!((reader.capacity(), inbox.capacity()), (0, 0));
    }

    #[test]
    fn a_pipe_that_was_quiet_and_is_busy_again_keeps_its_memory() {
        let (inbox, mut reader) = pair();
        reader.shed();
        deliver(&inbox, 100);
        assert!(read(&mut reader) == 100 && reader.capacity() + inbox.capacity() >= 100);
    }

    /// Whether all of these were taken, and what is left of their weight.
    fn deliver_weighed(inbox: &Inbox, messages: &mut Queue, weight: u64) -> (bool, u64) {
        let mut left = weight;
        let polled = inbox.poll_deliver_weighed(&mut Context::from_waker(Waker::noop()), messages, &mut left);
        (polled.is_ready(), left)
    }

    fn messages(n: usize) -> Queue {
        (0..n).map(|_| Message::from("x")).collect()
    }

    #[test]
    fn an_inbox_takes_no_more_while_what_waits_has_the_bytes_that_it_may_have() {
        let inbox = Arc::new(Inbox::new(1000, false).with_most_bytes(Some(1000)));
        let mut reader = Reader::new(Arc::clone(&inbox), 1000);
        assert_eq!(deliver_weighed(&inbox, &mut messages(2), 800), (true, 0));
        assert_eq!(deliver_weighed(&inbox, &mut messages(1), 5000), (true, 0), "there was room yet");
        let mut more = messages(1);
        assert_eq!(deliver_weighed(&inbox, &mut more, 1), (false, 1));
        let (mut message, mut wakes) = (Message::new(), Wakes::new());
        for _ in 0..3 {
            assert!(reader.pop(&mut message, &mut wakes));
            assert_eq!(deliver_weighed(&inbox, &mut more, 1), (false, 1), "what was begun is not done");
        }
        assert!(!reader.pop(&mut message, &mut wakes) && !wakes.is_empty(), "the writer is told");
        assert_eq!(deliver_weighed(&inbox, &mut more, 1), (true, 0));
        assert_eq!(read(&mut reader), 1);
    }

    #[test]
    fn a_message_of_any_size_is_taken_when_nothing_waits() {
        let inbox = Arc::new(Inbox::new(0, false).with_most_bytes(Some(0)));
        let mut reader = Reader::new(Arc::clone(&inbox), 0);
        for _ in 0..3 {
            assert_eq!(deliver_weighed(&inbox, &mut messages(1), 1 << 40), (true, 0));
            assert_eq!(deliver_weighed(&inbox, &mut messages(1), 0), (false, 0));
            assert_eq!(read(&mut reader), 1);
        }
    }

    #[test]
    fn messages_that_the_mark_keeps_back_keep_their_share_of_the_bytes() {
        let inbox = Arc::new(Inbox::new(3, false).with_most_bytes(Some(1000)));
        let mut reader = Reader::new(Arc::clone(&inbox), 3);
        let mut four = messages(4);
        assert_eq!((deliver_weighed(&inbox, &mut four, 4000), four.len()), ((false, 1000), 1));
        assert_eq!(read(&mut reader), 3);
        assert_eq!(deliver_weighed(&inbox, &mut four, 1000), (true, 0));
        assert_eq!(deliver_weighed(&inbox, &mut messages(1), 0), (false, 0));
    }
}
