//! Messages one behind the other, small ones in as many bytes as they have.
//!
//! ```text
//! small    | len body | len body | len body | ...          frames of the wire: two bytes of header, and the body
//! others              ^ (offset, Message)                  a message of several parts, or with a body longer than that
//! ```
//!
//! A small message takes two bytes more than its body has, where a [`Message`] takes 48. What many peers have sent stays in the
//! cache that much longer, and what one thread leaves to another takes fewer lines from core to core.
//!
//! Cost of a small message: one copy in, one out. Of any other: a move each.

use std::collections::VecDeque;

use super::{Message, Part};

/// How many bytes the header of a small message has; the second one is the length of its body.
const HEADER: usize = 2;

/// Messages, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    small: Vec<u8>,
    /// Where the next small one stands.
    at: usize,
    /// Each with the offset of the small one that comes behind it.
    others: VecDeque<(usize, Message)>,
    len: usize,
}

impl Queue {
    /// No message.
    pub const fn new() -> Self {
        Self { small: Vec::new(), at: 0, others: VecDeque::new(), len: 0 }
    }

    /// How many messages there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes it holds, besides the shared bodies of its messages.
    pub fn size(&self) -> usize {
        self.small.len() - self.at + self.others.len() * size_of::<(usize, Message)>()
    }

    /// How much memory it holds, in the same bytes.
    pub fn capacity(&self) -> usize {
        self.small.capacity() + self.others.capacity() * size_of::<(usize, Message)>()
    }

    /// Drops all messages and keeps the memory.
    pub fn clear(&mut self) {
        self.small.clear();
        self.others.clear();
        (self.at, self.len) = (0, 0);
    }

    /// Adds a message.
    #[inline]
    pub fn push(&mut self, message: Message) {
        if !self.push_small(&message) {
            self.push_other(message);
        }
    }

    /// Adds a copy of a message.
    #[inline]
    pub fn push_copy(&mut self, message: &Message) {
        if !self.push_small(message) {
            self.push_other(message.clone());
        }
    }

    fn push_other(&mut self, message: Message) {
        self.others.push_back((self.small.len(), message));
        self.len += 1;
    }

    /// Adds a message if it is small.
    #[inline]
    fn push_small(&mut self, message: &Message) -> bool {
        let [part] = message.parts() else { return false };
        let Some((window, len)) = part.as_window() else { return false };
        // A copy of fixed length takes less time than one that has to look how long it is.
        self.make_room(HEADER + window.len());
        self.small.extend_from_slice(&[0, len as u8]);
        let end = self.small.len() + len;
        self.small.extend_from_slice(window);
        self.small.truncate(end);
        self.len += 1;
        true
    }

    /// Makes room for so many bytes, first of all where messages were that are gone.
    #[inline]
    fn make_room(&mut self, bytes: usize) {
        if self.small.capacity() - self.small.len() < bytes {
            self.grow(bytes);
        }
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        if self.at > self.small.len() / 2 {
            self.small.drain(..self.at);
            self.others.iter_mut().for_each(|(offset, _)| *offset -= self.at);
            self.at = 0;
        }
        self.small.reserve(bytes);
    }

    /// Adds the small messages at the beginning of `frames`, which come as they go on the wire, and says how many bytes of it they
    /// took: it ends before a body of more than `most` bytes, any other frame, and one that is not whole.
    pub fn push_frames(&mut self, frames: &[u8], most: usize) -> usize {
        let most = most.min(Part::INLINE);
        let (mut rest, mut messages) = (frames, 0);
        while let [0, len, behind @ ..] = rest {
            let len = usize::from(*len);
            let (true, Some((_, next))) = (len <= most, behind.split_at_checked(len)) else { break };
            rest = next;
            messages += 1;
        }
        let taken = frames.len() - rest.len();
        if taken == 0 {
            return 0;
        }
        self.make_room(taken);
        self.small.extend_from_slice(&frames[..taken]);
        self.len += messages;
        taken
    }

    /// Moves the oldest message into the place of another; whether there was one.
    #[inline]
    pub fn pop(&mut self, into: &mut Message) -> bool {
        if !self.others.is_empty() && self.pop_other(into) {
            return true;
        }
        let Some([_, len, behind @ ..]) = self.small.get(self.at..) else { return false };
        let len = usize::from(*len);
        put(behind, len, into);
        self.at += HEADER + len;
        self.len -= 1;
        self.settle();
        true
    }

    /// Moves the oldest messages into the places of others, as far as there are any of both, and says how many.
    pub fn pop_many(&mut self, into: &mut [Message]) -> usize {
        let mut popped = 0;
        while popped < into.len() && self.len > 0 {
            let places = &mut into[popped..];
            popped += if self.pop_other(&mut places[0]) { 1 } else { self.pop_small(places) };
        }
        popped
    }

    /// As [`pop_many`](Self::pop_many), as far as there are only small ones.
    fn pop_small(&mut self, into: &mut [Message]) -> usize {
        let (mut left, mut rest, mut popped) = (self.end_of_small() - self.at, &self.small[self.at..], 0);
        for place in into {
            let (1.., [_, len, behind @ ..]) = (left, rest) else { break };
            let len = usize::from(*len);
            put(behind, len, place);
            rest = behind.get(len..).unwrap_or_default();
            left = left.saturating_sub(HEADER + len);
            popped += 1;
        }
        (self.at, self.len) = (self.small.len() - rest.len(), self.len - popped);
        self.settle();
        popped
    }

    /// Where the next message stands that is no small one, or the end.
    fn end_of_small(&self) -> usize {
        self.others.front().map_or(self.small.len(), |(offset, _)| *offset)
    }

    /// As [`pop`](Self::pop), if the oldest message is no small one.
    fn pop_other(&mut self, into: &mut Message) -> bool {
        let Some((offset, message)) = self.others.front_mut() else { return false };
        if *offset != self.at {
            return false;
        }
        std::mem::swap(message, into);
        self.others.pop_front();
        self.len -= 1;
        self.settle();
        true
    }

    /// What is empty begins at the beginning again.
    #[inline]
    fn settle(&mut self) {
        if self.len == 0 {
            self.small.clear();
            self.at = 0;
        }
    }

    /// Moves the first `n` messages behind those of `to`; all, if there are no more.
    pub fn move_front(&mut self, n: usize, to: &mut Self) {
        if n >= self.len && to.is_empty() {
            // None of them is copied.
            std::mem::swap(self, to);
            return;
        }
        let mut left = n.min(self.len);
        while left > 0 {
            let mut message = Message::new();
            if self.pop_other(&mut message) {
                to.push_other(message);
                left -= 1;
            } else {
                left -= self.move_small(left, to);
            }
        }
        self.settle();
    }

    /// Moves up to `most` messages behind those of `to`, as far as there are only small ones, and says how many.
    fn move_small(&mut self, most: usize, to: &mut Self) -> usize {
        let (end, mut at, mut moved) = (self.end_of_small(), self.at, 0);
        while moved < most && at < end {
            at += HEADER + usize::from(self.small[at + 1]);
            moved += 1;
        }
        to.make_room(at - self.at);
        to.small.extend_from_slice(&self.small[self.at..at]);
        self.at = at;
        (self.len, to.len) = (self.len - moved, to.len + moved);
        moved
    }

    /// Drops all messages but the newest.
    pub fn keep_newest(&mut self) {
        let mut message = Message::new();
        while self.len > 1 {
            self.pop(&mut message);
        }
    }

    /// Takes the messages out one by one, the oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = Message> {
        std::iter::from_fn(|| {
            let mut message = Message::new();
            self.pop(&mut message).then_some(message)
        })
    }
}

/// Makes `into` the message whose body are the first `len` of these bytes.
#[inline]
fn put(bytes: &[u8], len: usize, into: &mut Message) {
    match bytes.first_chunk() {
        Some(window) => into.set_window(window, len),
        None => put_short(bytes, len, into),
    }
}

/// Only the last few lack the bytes of a whole window.
#[cold]
fn put_short(bytes: &[u8], len: usize, into: &mut Message) {
    *into = bytes.get(..len).unwrap_or_default().into();
}

impl Extend<Message> for Queue {
    fn extend<I: IntoIterator<Item = Message>>(&mut self, messages: I) {
        messages.into_iter().for_each(|message| self.push(message));
    }
}

impl FromIterator<Message> for Queue {
    fn from_iter<I: IntoIterator<Item = Message>>(messages: I) -> Self {
        let mut queue = Self::new();
        queue.extend(messages);
        queue
    }
}

impl<const N: usize> From<[Message; N]> for Queue {
    fn from(messages: [Message; N]) -> Self {
        messages.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_message() -> impl Strategy<Value = Message> {
        let part = prop_oneof![0..=4_usize, 38..=43_usize].prop_map(|len| vec![len as u8; len]);
        prop_oneof![
            4 => part.clone().prop_map(Message::from),
            1 => proptest::collection::vec(part, 2..4).prop_map(Message::from_iter),
        ]
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(Vec<Message>),
        Pop(usize),
        PopMany(usize),
        Move(usize),
        KeepNewest,
        Clear,
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => proptest::collection::vec(any_message(), 0..8).prop_map(Step::Push),
            3 => (0..8_usize).prop_map(Step::Pop),
            3 => (0..8_usize).prop_map(Step::PopMany),
            3 => (0..8_usize).prop_map(Step::Move),
            1 => Just(Step::KeepNewest),
            1 => Just(Step::Clear),
        ]
    }

    fn pop(queue: &mut Queue) -> Option<Message> {
        // Into the place of one that is shared, and longer.
        let mut message = Message::from(vec![9; 100]);
        queue.pop(&mut message).then_some(message)
    }

    proptest! {
        #[test]
        fn whatever_is_done_with_it_the_messages_come_whole_and_in_their_order(
            steps in proptest::collection::vec(any_step(), 0..40)
        ) {
            let (mut queue, mut expected) = (Queue::new(), VecDeque::new());
            let (mut moved, mut expected_moved) = (Queue::new(), VecDeque::new());
            for step in steps {
                match step {
                    Step::Push(messages) => {
                        expected.extend(messages.clone());
                        queue.extend(messages);
                    }
                    Step::Pop(n) => (0..n).for_each(|_| assert_eq!(pop(&mut queue), expected.pop_front())),
                    Step::PopMany(n) => {
                        let mut places = vec![Message::from(vec![9; 100]); n];
                        let popped = queue.pop_many(&mut places);
                        places.truncate(popped);
                        prop_assert!(expected.drain(..n.min(expected.len())).eq(places));
                    }
                    Step::Move(n) => {
                        queue.move_front(n, &mut moved);
                        expected_moved.extend(expected.drain(..n.min(expected.len())));
                    }
                    Step::KeepNewest => {
                        queue.keep_newest();
                        expected.drain(..expected.len().saturating_sub(1));
                    }
                    Step::Clear => {
                        queue.clear();
                        expected.clear();
                    }
                }
                prop_assert_eq!((queue.len(), moved.len()), (expected.len(), expected_moved.len()));
            }
            prop_assert!(moved.drain().eq(expected_moved));
            prop_assert!(queue.drain().eq(expected));
            prop_assert_eq!((queue.size(), queue.is_empty()), (0, true));
        }
    }

    #[test]
    fn small_frames_are_taken_up_to_the_first_that_is_long_large_one_of_several_or_not_whole() {
        let small = [&[0, 1, b'a'][..], &[0, 0], &[0, 40], &[7; 40]].concat();
        for behind in
            [&[][..], &[0], &[0, 2, 1], &[0, 41, 1, 1], &[1, 1, 1], &[2, 0, 0, 0, 0, 0, 0, 0, 1, 1], &[4, 1, 1]]
        {
            let mut queue = Queue::new();
            assert_eq!(queue.push_frames(&[&small, behind].concat(), usize::MAX), small.len());
            assert!(queue.drain().eq([Message::from("a"), Message::new(), Message::from(vec![7; 40])]));
        }
        let mut queue = Queue::new();
        assert_eq!((queue.push_frames(&small, 39), queue.len()), (5, 2), "a limit below");
    }

    #[test]
    fn a_queue_that_is_never_empty_does_not_grow() {
        let mut queue = Queue::from([Message::from("a"), Message::from(vec![0; 50])]);
        for _ in 0..10_000 {
            queue.push(Message::from("a"));
            queue.push(Message::from(vec![0; 50]));
            assert!(pop(&mut queue).is_some() && pop(&mut queue).is_some());
        }
        assert_eq!(queue.len(), 2);
        assert!(queue.capacity() < 1024, "{}", queue.capacity());
    }

    #[test]
    fn a_message_that_is_not_small_is_not_copied() {
        let message = Message::from(vec![0; 50]);
        let mut queue = Queue::new();
        queue.push_copy(&message);
        let taken = pop(&mut queue).expect("it is there");
        assert_eq!(taken.parts()[0].as_ptr(), message.parts()[0].as_ptr());
    }
}
