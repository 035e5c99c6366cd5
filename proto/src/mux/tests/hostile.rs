//! A peer that says whatever it likes, in frames that can be read: nothing panics, memory has a bound, and what the
//! application hears keeps its order.

use std::collections::HashMap;

use fastrand::Rng;

use super::*;
use crate::mux::flow::WINDOW;

/// Any frame, about few streams, so that it often meets one.
fn frame(rng: &mut Rng) -> Frame {
    let sid = rng.u16(0..8);
    let len = if rng.u8(0..4) == 0 { rng.usize(0..40_000) } else { rng.usize(0..20) };
    let payload = Part::from(vec![0; len]);
    let then = [Then::More, Then::Next, Then::Next, Then::Finish][rng.usize(0..4)];
    match rng.u8(0..16) {
        0..5 => {
            let method = if rng.bool() { Method::Define(method(1)) } else { Method::Known(rng.u64(0..2)) };
            let one_way = then == Then::Finish && rng.bool();
            Frame::Open { sid: sid & !1, method, head: Head { one_way, ..call() }, payload, then }
        }
        5..10 => Frame::Data { sid, payload, then, error: then == Then::Finish && rng.bool() },
        10 => Frame::End { sid },
        11 => Frame::Credit { sid, bytes: rng.u64(0..100_000) },
        12 | 13 => reset(sid, Code(rng.u64(0..20))),
        14 if rng.u8(0..10) == 0 => Frame::GoAway { opens: rng.u64(0..9), code: Code::REFUSED, reason: String::new() },
        _ => Frame::Ping { nonce: rng.u64(..), answer: rng.bool() },
    }
}

/// What the application does about its streams, one of them at a time.
fn act(session: &mut Session, streams: &HashMap<StreamId, usize>, rng: &mut Rng) {
    let mut ids: Vec<_> = streams.keys().copied().collect();
    ids.sort_by_key(|id| id.index());
    let Some(id) = rng.choice(ids) else {
        let _ = session.open(&call(), "question".into(), End::Open);
        return;
    };
    match rng.u8(0..8) {
        0 => session.finish(id),
        1 => session.reset(id, Code::INTERNAL, "enough"),
        2 => drop(session.fail(id, "no".into())),
        3 => drop(session.open(&call(), "question".into(), End::Open)),
        4 => session.consumed(id, rng.usize(0..70_000)),
        5 if rng.u8(0..20) == 0 => session.go_away(Code::REFUSED, ""),
        _ => drop(session.send(id, vec![1; rng.usize(0..90_000)].into(), End::Open)),
    }
}

/// Hears all events; `streams` has what is held of each stream that is open.
fn listen(session: &mut Session, streams: &mut HashMap<StreamId, usize>) {
    while let Some(event) = session.poll_event() {
        match event {
            Event::Opened { id, .. } => assert_eq!(streams.insert(id, 0), None, "opened once"),
            Event::Data { id, payload, .. } => *streams.entry(id).or_default() += cost(payload.len()),
            Event::Closed { id } => drop(streams.remove(&id)),
            Event::Ended { id } | Event::Reset { id, .. } | Event::Lost { id, .. } | Event::Writable { id } => {
                assert!(streams.contains_key(&id) || id.sid() & 1 == 1, "nothing is heard of what is closed");
            }
            Event::GoAway { .. } => {}
        }
    }
}

fn run(seed: u64) -> bool {
    let mut rng = Rng::with_seed(seed);
    let settings = Settings { max_streams: 3, pool: 0, max_message: 100_000, ..Settings::default() };
    let mut session = Session::new(Side::Server, settings);
    let mut streams = HashMap::new();
    let mut broke = false;
    for _ in 0..rng.usize(0..200) {
        match rng.u8(0..4) {
            0 => act(&mut session, &streams, &mut rng),
            1 => drop(session.poll_transmit()),
            _ => broke |= feed(&mut session, &frame(&mut rng)).is_err(),
        }
        listen(&mut session, &mut streams);
        if broke {
            break;
        }
        assert!(session.streams() <= 3 + 4, "three of ours and the ids that the peer uses");
        assert!(session.unsent() <= 1024 * 1024 + 7 * (settings.send_buffer + settings.max_message));
    }
    session.lost();
    listen(&mut session, &mut streams);
    assert!(streams.is_empty() && session.is_idle() && session.poll_transmit().is_none());
    broke
}

#[test]
fn a_peer_may_say_anything_and_every_stream_is_still_closed_once() {
    let broken = (0..5_000).filter(|&seed| run(seed)).count();
    assert!((1_000..4_900).contains(&broken), "{broken} connections broke");
}

#[test]
fn a_peer_that_sends_what_it_likes_is_held_to_its_windows() {
    let mut rng = Rng::with_seed(7);
    let mut server = Session::new(Side::Server, Settings::default());
    let mut streams = HashMap::new();
    feed(&mut server, &opening(0, "", Then::Next)).unwrap();
    for sid in [2, 4, 6] {
        let open = Frame::Open { sid, method: Method::Known(0), head: call(), payload: "".into(), then: Then::Next };
        feed(&mut server, &open).unwrap();
    }
    for _ in 0..10_000 {
        let payload = vec![0; rng.usize(0..200)].into();
        let sid = rng.u16(0..4) * 2;
        feed(&mut server, &Frame::Data { sid, payload, then: Then::Next, error: false }).unwrap();
        listen(&mut server, &mut streams);
    }
    assert_eq!(streams.len(), 4, "nobody ended one");
    assert!(streams.values().all(|&held| held <= WINDOW), "{streams:?}");
    assert!(server.late().frames > 5_000);
}
