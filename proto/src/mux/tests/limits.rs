//! Limits, and peers that do not keep to the protocol.

use super::*;
use crate::mux::flow::WINDOW;

/// A server whose client has opened stream 0, and its handle.
fn server() -> (Session, StreamId) {
    let mut server = Session::new(Side::Server, Settings::default());
    feed(&mut server, &opening(0, "", Then::Next)).unwrap();
    let id = opened(&events(&mut server))[0];
    (server, id)
}

#[test]
fn what_no_peer_may_say_ends_the_connection() {
    let known =
        |sid| Frame::Open { sid, method: Method::Known(0), head: call(), payload: "".into(), then: Then::Finish };
    let judge = |frames: &[Frame]| {
        let (mut server, _) = server();
        frames.iter().try_for_each(|frame| feed(&mut server, frame))
    };
    assert_eq!(judge(&[known(1)]), Err(Violation::WrongSide { sid: 1 }));
    assert_eq!(judge(&[known(0)]), Err(Violation::IdInUse { sid: 0 }));
    assert_eq!(judge(&[data(2, "", Then::Next)]), Err(Violation::NotOpen { sid: 2 }));
    assert_eq!(judge(&[data(1, "", Then::Next)]), Err(Violation::NotOpen { sid: 1 }));
    assert_eq!(judge(&[Frame::End { sid: 2 }]), Err(Violation::NotOpen { sid: 2 }));
    assert_eq!(judge(&[data(0, "", Then::Finish), data(0, "", Then::Next)]), Err(Violation::NotOpen { sid: 0 }));
    assert_eq!(judge(&[Frame::End { sid: 0 }, Frame::End { sid: 0 }]), Err(Violation::NotOpen { sid: 0 }));
    let error = Frame::Data { sid: 0, payload: "".into(), then: Then::Finish, error: true };
    assert_eq!(judge(&[error]), Err(Violation::WrongSide { sid: 0 }));
    let unknown = Frame::Open { sid: 2, method: Method::Known(1), head: call(), payload: "".into(), then: Then::Next };
    assert_eq!(judge(&[unknown]), Err(Violation::UndefinedMethod { index: 1 }));
    let credit = Frame::Credit { sid: 0, bytes: u64::MAX };
    assert_eq!(judge(&[credit]), Err(Violation::CreditOverflow));
    let many = (0..1024).map(|_| {
        let mut note = call();
        note.one_way = true;
        Frame::Open { sid: 2, method: Method::Define(method(1)), head: note, payload: "".into(), then: Then::Finish }
    });
    assert_eq!(judge(&many.collect::<Vec<_>>()), Err(Violation::TooManyMethods));
    // What could be of a life that is over is nothing.
    assert_eq!(judge(&[reset(2, Code::FLOW), Frame::Credit { sid: 4, bytes: 1 }, known(2)]), Ok(()));
}

#[test]
fn frames_for_a_stream_of_ours_that_is_not_written_yet_are_for_none() {
    let mut client = Session::new(Side::Client, Settings::default());
    let id = client.open(&call(), "".into(), End::Finish).unwrap();
    feed(&mut client, &reset(0, Code::INTERNAL)).unwrap();
    feed(&mut client, &Frame::Credit { sid: 0, bytes: 1 }).unwrap();
    assert_eq!(feed(&mut client, &data(0, "", Then::Finish)), Err(Violation::NotOpen { sid: 0 }));
    client.lost();
    assert_eq!(events(&mut client), [Event::Lost { id, sent: false }, Event::Closed { id }]);
}

#[test]
fn a_frame_beyond_the_credit_resets_its_stream_only() {
    let (mut server, first) = server();
    let known = Frame::Open { sid: 2, method: Method::Known(0), head: call(), payload: "".into(), then: Then::Next };
    feed(&mut server, &known).unwrap();
    let second = opened(&events(&mut server))[0];
    let full = "x".repeat(WINDOW - 32);
    feed(&mut server, &data(0, &full, Then::Next)).unwrap();
    assert_eq!(events(&mut server).len(), 1);
    feed(&mut server, &data(0, "", Then::Next)).unwrap();
    let heard = events(&mut server);
    assert!(matches!(heard[..], [Event::Reset { id, code: Code::FLOW, .. }] if id == first), "{heard:?}");
    feed(&mut server, &data(2, "fine", Then::Finish)).unwrap();
    assert_eq!(said(&events(&mut server), second), b"fine");
    assert!(matches!(frames(&mut server)[..], [Frame::Reset { sid: 0, code: Code::FLOW, .. }]));
    feed(&mut server, &data(0, &full, Then::Next)).unwrap();
    assert_eq!(server.late().bytes, full.len() as u64, "what still comes is dropped");
    feed(&mut server, &Frame::End { sid: 0 }).unwrap();
    assert_eq!(events(&mut server), [Event::Closed { id: first }]);
}

#[test]
fn a_message_above_the_limit_ends_its_stream_only() {
    let settings = Settings { max_message: 1000, ..Settings::default() };
    let mut server = Session::new(Side::Server, settings);
    feed(&mut server, &opening(0, &"x".repeat(1000), Then::More)).unwrap();
    let id = opened(&events(&mut server))[0];
    feed(&mut server, &data(0, "y", Then::Finish)).unwrap();
    let heard = events(&mut server);
    assert!(matches!(&heard[0], Event::Reset { code: Code::TOO_LARGE, .. }), "{heard:?}");
    assert!(matches!(frames(&mut server)[..], [Frame::Reset { code: Code::TOO_LARGE, .. }]));
    assert_eq!(events(&mut server), [Event::Closed { id }]);
    let kind = server.open(&call(), vec![0; 1001].into(), End::Finish).unwrap_err().kind;
    assert_eq!(kind, OpenErrorKind::TooLarge);
    let id = server.open(&call(), vec![0; 1000].into(), End::Open).unwrap();
    assert_eq!(server.send(id, vec![0; 1001].into(), End::Open).unwrap_err().kind, SendErrorKind::TooLarge);
}

#[test]
fn a_stream_that_ends_within_a_message_is_reset() {
    let (mut server, id) = server();
    feed(&mut server, &data(0, "half", Then::More)).unwrap();
    feed(&mut server, &Frame::End { sid: 0 }).unwrap();
    let heard = events(&mut server);
    assert!(matches!(heard[1], Event::Reset { code: Code::MALFORMED, .. }), "{heard:?}");
    assert!(matches!(frames(&mut server)[..], [Frame::Reset { sid: 0, code: Code::MALFORMED, .. }]));
    assert_eq!(events(&mut server), [Event::Closed { id }]);
}

#[test]
fn a_stream_too_many_is_refused_and_leaves_no_trace() {
    let settings = Settings { max_streams: 2, ..Settings::default() };
    let mut pair = Pair::with(settings);
    pair.client = Session::new(Side::Client, Settings::default());
    let ids: Vec<_> = (0..3).map(|_| pair.client.open(&call(), "hello".into(), End::Open).unwrap()).collect();
    pair.run();
    assert_eq!(opened(&events(&mut pair.server)).len(), 2);
    let why = Event::Reset { id: ids[2], code: Code::REFUSED, reason: String::new() };
    assert_eq!(events(&mut pair.client), [why, Event::Closed { id: ids[2] }]);
    assert_eq!(pair.server.streams(), 2);
    pair.server.open(&call(), "".into(), End::Open).unwrap();
    pair.server.open(&call(), "".into(), End::Open).unwrap();
    let refused = pair.server.open(&call(), "kept".into(), End::Open).unwrap_err();
    assert_eq!((refused.kind, *refused.payload), (OpenErrorKind::Full, "kept".into()));
}

#[test]
fn a_peer_that_never_reads_can_make_us_remember_no_more_than_there_are_ids() {
    let mut server = Session::new(Side::Server, Settings { max_streams: 10, ..Settings::default() });
    feed(&mut server, &opening(0, "", Then::Finish)).unwrap();
    feed(&mut server, &reset(0, Code::CANCELLED)).unwrap();
    // An opener may not use the id before it has our answer, and that was not written.
    let again = Frame::Open { sid: 0, method: Method::Known(0), head: call(), payload: "".into(), then: Then::Finish };
    assert_eq!(feed(&mut server, &again), Err(Violation::IdInUse { sid: 0 }));
    for sid in (2..16_384).step_by(2) {
        let open = Frame::Open { sid, method: Method::Known(0), head: call(), payload: "".into(), then: Then::Finish };
        feed(&mut server, &open).unwrap();
        feed(&mut server, &reset(sid, Code::CANCELLED)).unwrap();
        feed(&mut server, &Frame::Ping { nonce: sid.into(), answer: false }).unwrap();
        events(&mut server);
    }
    assert_eq!(server.streams(), 8192);
    let written = frames(&mut server);
    assert_eq!(written.len(), 8193);
    assert_eq!(written[0], Frame::Ping { nonce: 16_382, answer: true }, "only the last PING is answered");
    assert_eq!(server.streams(), 0);
    feed(&mut server, &again).unwrap();
}

#[test]
fn metadata_and_methods_beyond_the_limits_are_not_sent() {
    let mut client = Session::new(Side::Client, Settings::default());
    let mut open = |head: &Head| client.open(head, "".into(), End::Finish).map_err(|error| error.kind);
    let mut head = call();
    head.metadata.push("key", vec![0; 17_000]);
    assert_eq!(open(&head), Err(OpenErrorKind::MetadataTooLarge));
    head.metadata = Metadata::new();
    (0..65).for_each(|_| head.metadata.push("", ""));
    assert_eq!(open(&head), Err(OpenErrorKind::MetadataTooLarge));
    for id in 0..1023 {
        open(&Head::new(method(id))).unwrap();
    }
    let mut client = Session::new(Side::Client, Settings { max_streams: 8000, ..Settings::default() });
    let mut open = |id| client.open(&Head::new(method(id)), "".into(), End::Finish).map_err(|error| error.kind);
    assert!((0..1024).all(|id| open(id).is_ok()));
    assert_eq!(open(1024), Err(OpenErrorKind::TooManyMethods));
    assert!(open(0).is_ok());
}

#[test]
fn the_longest_metadata_that_may_be_sent_are_read() {
    let mut head = call();
    head.metadata.push("k", vec![7; 16_384 - 8]);
    assert!(head.metadata.fits());
    let mut pair = Pair::new();
    pair.client.open(&head, vec![0; 65_536].into(), End::Finish).unwrap();
    pair.run();
    assert!(matches!(&events(&mut pair.server)[0], Event::Opened { head: arrived, .. } if *arrived == head));
}
