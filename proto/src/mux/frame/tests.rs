//! The codec: what is written is read, and whatever else comes is a violation.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::mux::head::Metadata;

fn decode(bytes: &[u8]) -> Result<Frame, Violation> {
    Frame::decode(&Message::from(bytes))
}

fn encode(frame: &Frame) -> Message {
    frame.encode()
}

fn payload() -> impl Strategy<Value = Part> {
    let len = prop_oneof![0..60usize, Just(COPIED_MOST), Just(COPIED_MOST + 1), Just(PAYLOAD_MOST)];
    (len, any::<u8>()).prop_map(|(len, byte)| vec![byte; len].into())
}

fn head() -> impl Strategy<Value = Head> {
    let entry = (prop::collection::vec(any::<u8>(), 0..20), prop::collection::vec(any::<u8>(), 0..200));
    let metadata = prop::collection::vec(entry, 0..5);
    (any::<Option<u64>>(), metadata, 0..8u8).prop_map(|(micros, entries, urgency)| {
        let mut metadata = Metadata::new();
        for (key, value) in entries {
            metadata.push(key, value);
        }
        Head { deadline: micros.map(Duration::from_micros), metadata, urgency, ..Head::new(MethodRef::default()) }
    })
}

fn method() -> impl Strategy<Value = Method> {
    let define = (any::<u64>(), any::<u64>(), any::<u8>());
    prop_oneof![
        any::<u64>().prop_map(Method::Known),
        define.prop_map(|(id, shape, codec)| Method::Define(MethodRef { id, shape, codec })),
    ]
}

fn sid() -> impl Strategy<Value = u16> {
    0..2 * STREAMS_MOST as u16
}

fn open() -> impl Strategy<Value = Frame> {
    let then = prop::sample::select(vec![Then::More, Then::Next, Then::Finish]);
    (sid(), method(), head(), payload(), then, any::<bool>()).prop_map(
        |(sid, method, mut head, payload, then, alone)| {
            head.one_way = alone && then == Then::Finish;
            if let Method::Define(method) = method {
                head.method = method;
            }
            Frame::Open { sid, method, head, payload, then }
        },
    )
}

fn frame() -> impl Strategy<Value = Frame> {
    let then = prop::sample::select(vec![(Then::More, false), (Then::Next, false), (Then::Finish, true)]);
    let data = (sid(), payload(), then, any::<bool>()).prop_map(|(sid, payload, (then, may_fail), error)| {
        Frame::Data { sid, payload, then, error: error && may_fail }
    });
    let code = any::<u64>().prop_map(Code);
    prop_oneof![
        open(),
        data,
        sid().prop_map(|sid| Frame::End { sid }),
        (sid(), any::<u64>()).prop_map(|(sid, bytes)| Frame::Credit { sid, bytes }),
        (sid(), code.clone(), "[a-zü]{0,40}").prop_map(|(sid, code, reason)| Frame::Reset { sid, code, reason }),
        (any::<u64>(), code, "[a-zü]{0,40}").prop_map(|(opens, code, reason)| Frame::GoAway { opens, code, reason }),
        (any::<u64>(), any::<bool>()).prop_map(|(nonce, answer)| Frame::Ping { nonce, answer }),
    ]
}

/// `bytes` with what only tests of long frames need.
fn message(bytes: &[u8], second: Option<&[u8]>) -> Message {
    [bytes].into_iter().chain(second).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(frame in frame()) {
        prop_assert_eq!(Frame::decode(&encode(&frame)), Ok(frame));
    }

    #[test]
    fn a_frame_may_come_in_one_part_whatever_its_length(frame in frame()) {
        let whole: Vec<u8> = encode(&frame).parts().iter().flat_map(|part| part.to_vec()).collect();
        prop_assert_eq!(decode(&whole), Ok(frame));
    }

    #[test]
    fn no_bytes_make_it_panic(
        first in 0..8u8,
        flags in 0..32u8,
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        second in prop::option::of(prop::collection::vec(any::<u8>(), 0..80)),
    ) {
        let bytes = [&[first | flags << 3], &bytes[..]].concat();
        let _ = Frame::decode(&message(&bytes, second.as_deref()));
        let _ = decode(&bytes[1..]);
    }

    #[test]
    fn a_frame_that_is_cut_is_another_frame_or_none(frame in frame(), cut in any::<prop::sample::Index>()) {
        let bytes = encode(&frame).parts()[0].to_vec();
        if let Ok(shorter) = decode(&bytes[..cut.index(bytes.len())]) {
            prop_assert_ne!(shorter, frame);
        }
    }
}

#[test]
fn limits_are_held_before_anything_is_kept() {
    let bytes = |header: &[u8], len| [header, &vec![0; len]].concat();
    assert_eq!(decode(&bytes(&[DATA, 0], 65_536)).map(drop), Ok(()));
    assert_eq!(decode(&bytes(&[DATA, 0], 65_537)), Err(Violation::PayloadTooLong { len: 65_537 }));
    assert_eq!(decode(&bytes(&[], 100_000)), Err(Violation::FrameTooLong { len: 100_000 }));
    assert_eq!(decode(&bytes(&[RESET, 0, 0], 1024)).map(drop), Ok(()));
    assert_eq!(decode(&bytes(&[RESET, 0, 0], 1025)), Err(Violation::Reason));
    // Metadata of 64 entries at most, whose announced lengths are no reason to allocate.
    assert_eq!(decode(&[OPEN | EXTRA, 0, 0, 2, 65]), Err(Violation::MetadataTooLong));
    assert_eq!(decode(&[OPEN | EXTRA, 0, 0, 2, 1, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(Violation::MetadataTooLong));
    let long = [&[OPEN | EXTRA, 0, 0, 2, 2, 0, 0x80, 0x40][..], &vec![0; 8192], &[0, 0x80, 0x40], &vec![0; 8192]];
    assert_eq!(decode(&long.concat()), Err(Violation::MetadataTooLong));
    // An id of two bytes at most.
    assert_eq!(decode(&[DATA, 0xff, 0x7f]).map(drop), Ok(()));
    assert_eq!(decode(&[DATA, 0x80, 0x80, 0x01]), Err(Violation::IdOutOfRange { sid: 16_384 }));
}

#[test]
fn whatever_is_not_exactly_a_frame_is_a_violation() {
    let cases: &[(&[u8], Violation)] = &[
        (&[], Violation::Truncated),
        (&[OPEN], Violation::Truncated),
        (&[OPEN, 0], Violation::Truncated),
        (&[OPEN | DEFINE, 0, 1, 2, 3], Violation::Truncated),
        (&[OPEN | EXTRA, 0, 0], Violation::Truncated),
        (&[CREDIT, 0], Violation::Truncated),
        (&[6], Violation::UnknownKind { kind: 6 }),
        (&[0xff], Violation::UnknownKind { kind: 7 }),
        (&[OPEN | 0x80, 0, 0], Violation::Flags { first: 0x80 }),
        (&[OPEN | FIN | MORE, 0, 0], Violation::Flags { first: 0x18 }),
        (&[DATA | 0x80, 0], Violation::Flags { first: 0x81 }),
        (&[DATA | ERROR, 0], Violation::Flags { first: 0x21 }),
        (&[DATA | BARE, 0], Violation::Flags { first: 0x41 }),
        (&[DATA | BARE | ERROR | FIN, 0], Violation::Flags { first: 0x69 }),
        (&[DATA | BARE | FIN, 0, 0], Violation::Trailing),
        (&[CREDIT | FIN, 0, 0], Violation::Flags { first: 0x0a }),
        (&[CREDIT, 0, 0, 0], Violation::Trailing),
        (&[PING | 0x10, 0], Violation::Flags { first: 0x15 }),
        (&[PING, 0, 0], Violation::Trailing),
        (&[RESET, 0, 0, 0xff], Violation::Reason),
        (&[OPEN | EXTRA | FIN, 0, 0, 0x10], Violation::UnknownExtra { bits: 0x10 }),
        (&[OPEN | EXTRA | FIN, 0, 0, 8, 8], Violation::Urgency { urgency: 8 }),
        (&[OPEN | EXTRA, 0, 0, 4], Violation::OneWay),
        (&[OPEN | EXTRA | MORE, 0, 0, 4], Violation::OneWay),
    ];
    for (bytes, violation) in cases {
        assert_eq!(decode(bytes), Err(*violation), "{bytes:02x?}");
    }
    let split = |first: &[u8], second: &[u8]| Frame::decode(&message(first, Some(second)));
    assert_eq!(split(&[DATA, 0, 1], b"payload"), Err(Violation::SplitPayload));
    assert_eq!(split(&[CREDIT, 0, 1], b""), Err(Violation::Trailing));
    assert_eq!(Frame::decode(&Message::from_iter(["", "", ""])), Err(Violation::Parts { parts: 3 }));
}

#[test]
fn a_large_payload_is_not_copied_either_way() {
    let payload = Part::from(vec![7; 50_000]);
    let frame = Frame::Data { sid: 4, payload: payload.clone(), then: Then::Next, error: false };
    let message = encode(&frame);
    assert_eq!(message.parts().len(), 2);
    let Ok(Frame::Data { payload: read, .. }) = Frame::decode(&message) else { panic!("a DATA was written") };
    assert_eq!(read.as_ptr(), payload.as_ptr());
    let one = Message::from([&[DATA, 4][..], &payload].concat());
    let Ok(Frame::Data { payload: read, .. }) = Frame::decode(&one) else { panic!("a DATA was written") };
    assert_eq!(read.as_ptr(), one.parts()[0][2..].as_ptr());
}
