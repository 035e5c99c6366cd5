//! Messages, many in one array of bytes: a number of parts for each message, a length before each part, both of 32 bits with
//! the lowest byte first.

use std::collections::VecDeque;

use bowline::{Message, Part};
use bytes::Bytes;
use js_sys::Uint8Array;

/// A part of at least so many bytes is copied by itself; shorter ones together.
const ALONE: usize = 4096;

/// The messages of `packed`; a large part shares its memory. `None` if it is nothing of the kind.
pub(crate) fn unpack(packed: Vec<u8>) -> Option<VecDeque<Message>> {
    let packed = Bytes::from(packed);
    let (mut messages, mut at) = (VecDeque::new(), 0);
    while at < packed.len() {
        let parts = number(&packed, &mut at)?;
        // No more parts than there are lengths for.
        let mut list = Vec::with_capacity(parts.min(packed.len() / 4));
        for _ in 0..parts {
            let len = number(&packed, &mut at)?;
            let end = at.checked_add(len).filter(|end| *end <= packed.len())?;
            let part: Part =
                if len < ALONE { Part::copy_from_slice(&packed[at..end]) } else { packed.slice(at..end).into() };
            list.push(part);
            at = end;
        }
        messages.push_back(list.into_iter().collect());
    }
    Some(messages)
}

fn number(packed: &[u8], at: &mut usize) -> Option<usize> {
    let bytes = packed.get(*at..*at + 4)?;
    *at += 4;
    Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
}

/// The messages as JavaScript has them.
pub(crate) fn pack(messages: &[Message]) -> Uint8Array {
    let parts = messages.iter().flat_map(Message::parts);
    let len = 4 * messages.len() + parts.map(|part| part.len() + 4).sum::<usize>();
    let packed = Uint8Array::new_with_length(len as u32);
    let mut gathered = Gathered { packed: &packed, at: 0, bytes: Vec::with_capacity(len.min(16 * ALONE)) };
    for message in messages {
        gathered.number(message.parts().len());
        for part in message.parts() {
            gathered.number(part.len());
            gathered.part(part);
        }
    }
    gathered.flush();
    packed
}

/// What is to be copied next, all at once.
struct Gathered<'a> {
    packed: &'a Uint8Array,
    at: u32,
    bytes: Vec<u8>,
}

impl Gathered<'_> {
    fn number(&mut self, number: usize) {
        self.bytes.extend_from_slice(&(number as u32).to_le_bytes());
    }

    fn part(&mut self, part: &[u8]) {
        if part.len() < ALONE {
            self.bytes.extend_from_slice(part);
        } else {
            self.flush();
            self.copy(part);
        }
    }

    fn flush(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.copy(&bytes);
    }

    fn copy(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len() as u32;
        self.packed.subarray(self.at, end).copy_from(bytes);
        self.at = end;
    }
}
