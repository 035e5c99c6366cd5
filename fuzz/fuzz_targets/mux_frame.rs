//! A frame out of any bytes: refused, or the same when it is written and read again.

#![no_main]

use bowline_proto::mux::Frame;
use bowline_proto::{Message, Part};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    // One part, or two: the first byte says where the second one begins.
    let message = match usize::from(cut) {
        0 => Message::from(bytes),
        at => {
            let (header, payload) = bytes.split_at(at.min(bytes.len()));
            Message::from_iter([Part::copy_from_slice(header), Part::copy_from_slice(payload)])
        }
    };
    if let Ok(frame) = Frame::decode(&message) {
        let again = Frame::decode(&frame.encode());
        assert_eq!(again, Ok(frame), "what was read is written so that it is read again");
    }
});
