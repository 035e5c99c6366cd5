//! What is written is what was pushed, however it is cut.

use proptest::prelude::*;

use super::super::frame::LONG;
use super::*;

fn write(batch: &mut Batch, most: usize) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 3];
    let n = batch.slices(&mut slices);
    let mut bytes: Vec<u8> = slices[..n].iter().flat_map(|slice| slice.to_vec()).collect();
    bytes.truncate(most);
    batch.advance(bytes.len());
    bytes
}

fn write_all(batch: &mut Batch, step: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !batch.is_empty() {
        bytes.extend(write(batch, step));
    }
    bytes
}

fn batch_of(messages: &[Message]) -> Batch {
    let mut batch = Batch::new();
    for message in messages {
        batch.push(message);
    }
    batch
}

fn messages() -> impl Strategy<Value = Vec<Message>> {
    let len = prop_oneof![Just(0usize), 1..60usize, 250..260usize, LARGE - 1..LARGE + 2];
    let part = (len, any::<u8>()).prop_map(|(len, byte)| Part::from(vec![byte; len]));
    prop::collection::vec(prop::collection::vec(part, 1..4).prop_map(Message::from_iter), 1..8)
}

/// The plain encoding, straight from RFC 37.
fn encoded(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        for (i, part) in message.parts().iter().enumerate() {
            let more = u8::from(i + 1 < message.parts().len());
            if part.len() < 256 {
                bytes.extend([more, part.len() as u8]);
            } else {
                bytes.push(more | LONG);
                bytes.extend((part.len() as u64).to_be_bytes());
            }
            bytes.extend_from_slice(part);
        }
    }
    bytes
}

proptest! {
    #[test]
    fn what_is_written_is_the_plain_encoding_however_it_is_cut(messages in messages(), step in 1..5000usize) {
        let mut batch = batch_of(&messages);
        prop_assert_eq!(batch.messages(), messages.len());
        prop_assert_eq!(write_all(&mut batch, step), encoded(&messages));
    }

    #[test]
    fn a_rewound_batch_holds_the_messages_that_were_not_written_whole(messages in messages(), cut in 0..20_000usize) {
        let mut batch = batch_of(&messages);
        let cut = cut.min(batch.remaining());
        let mut written = 0;
        while written < cut {
            written += write(&mut batch, cut - written).len();
        }
        batch.rewind();
        let whole = (0..=messages.len()).rev().find(|n| encoded(&messages[..*n]).len() <= cut).unwrap();
        prop_assert_eq!(batch.messages(), messages.len() - whole);
        prop_assert_eq!(write_all(&mut batch, 5000), encoded(&messages[whole..]));
    }

    #[test]
    fn appending_is_the_same_as_pushing(first in messages(), second in messages()) {
        let mut a = batch_of(&first);
        a.append(&batch_of(&second));
        let all: Vec<Message> = first.into_iter().chain(second).collect();
        prop_assert_eq!(write_all(&mut a, 5000), encoded(&all));
    }

    #[test]
    fn the_frames_are_the_parts(messages in messages()) {
        let batch = batch_of(&messages);
        let frames: Vec<Vec<u8>> = batch.frames().map(|frame| frame.body.to_vec()).collect();
        let parts: Vec<Vec<u8>> = messages.iter().flat_map(Message::parts).map(|part| part.to_vec()).collect();
        prop_assert_eq!(frames, parts);
    }
}
