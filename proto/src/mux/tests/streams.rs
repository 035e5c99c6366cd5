//! Streams: their order, their windows, their turns.

use super::*;
use crate::mux::flow::WINDOW;

#[test]
fn in_one_process_a_message_of_any_length_goes_whole_and_is_not_copied() {
    let mut pair = Pair::new();
    pair.client.set_direct();
    pair.server.set_direct();
    let long = Part::from(vec![7; 1_000_000]);
    let id = pair.client.open(&call(), long.clone(), End::Open).unwrap();
    pair.run();
    let heard = events(&mut pair.server);
    let [Event::Opened { id: theirs, .. }, Event::Data { payload, more: false, .. }] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!(payload.as_ptr(), long.as_ptr());
    // It used up what the stream may have on its way, until it is consumed.
    for end in [End::Open, End::Finish] {
        pair.client.send(id, "short".into(), end).unwrap();
    }
    pair.run();
    assert_eq!(events(&mut pair.server), []);
    pair.server.consumed(*theirs, cost(long.len()));
    pair.run();
    assert_eq!(said(&events(&mut pair.server), *theirs), b"shortshort");
}

/// Takes what came of all streams, as an application that keeps up.
fn consume(session: &mut Session) -> Vec<Event> {
    let events = events(session);
    for event in &events {
        if let Event::Data { id, payload, .. } = event {
            session.consumed(*id, cost(payload.len()));
        }
    }
    events
}

#[test]
fn a_message_of_any_length_arrives_whole_and_in_pieces_of_at_most_64_kib() {
    let mut pair = Pair::new();
    let long: Vec<u8> = (0..1_000_000u32).map(|at| at as u8).collect();
    let id = pair.client.open(&call(), long.clone().into(), End::Open).unwrap();
    pair.client.send(id, long.clone().into(), End::Open).map_err(|error| error.kind).unwrap_err();
    let mut heard = Vec::new();
    for _ in 0..100 {
        pair.run();
        heard.extend(consume(&mut pair.server));
    }
    let theirs = opened(&heard)[0];
    let pieces = heard.iter().filter_map(|event| match event {
        Event::Data { payload, more, .. } => Some((payload.len(), *more)),
        _ => None,
    });
    let pieces: Vec<_> = pieces.collect();
    assert!(pieces.iter().all(|&(len, _)| len <= 65_536));
    assert_eq!(pieces.iter().filter(|(_, more)| !more).count(), 1, "one message");
    assert!(said(&heard, theirs) == long);
    assert!(events(&mut pair.client).contains(&Event::Writable { id }));
}

#[test]
fn a_stalled_reader_holds_its_window_and_nothing_else() {
    let mut pair = Pair::new();
    let (stalled, at_server) = pair.open("", End::Open);
    let (brisk, _) = pair.open("", End::Open);
    let chunk = Part::from(vec![9; 16 * 1024]);
    let (mut produced, mut held, mut through) = (0usize, 0, 0);
    // One producer would write 1 GiB to somebody who does not read; the other one writes to somebody who does.
    for _ in 0..65_536 {
        if pair.client.send(stalled, chunk.clone(), End::Open).is_ok() {
            produced += chunk.len();
        }
        pair.client.send(brisk, chunk.clone(), End::Open).expect("the other stream is never in the way");
        pair.run();
        for event in events(&mut pair.server) {
            match event {
                Event::Data { id, payload, .. } if id == at_server => held += payload.len(),
                Event::Data { id, payload, .. } => {
                    through += payload.len();
                    pair.server.consumed(id, payload.len());
                }
                event => panic!("{event:?}"),
            }
        }
        events(&mut pair.client);
    }
    assert_eq!(through, 1 << 30);
    assert!(held <= WINDOW, "{held} bytes came");
    assert!(produced - held <= Settings::default().send_buffer, "{} bytes wait", produced - held);
    assert_eq!(pair.client.unsent(), produced - held);
    // When the reader goes on, so does the producer.
    pair.server.consumed(at_server, 16 * 1024);
    pair.server.consumed(at_server, 16 * 1024);
    pair.run();
    assert!(events(&mut pair.server).iter().any(|event| matches!(event, Event::Data { id, .. } if *id == at_server)));
}

/// Sends as much as there is room for.
fn fill(session: &mut Session, id: StreamId) -> usize {
    let chunk = Part::from(vec![9; 64 * 1024]);
    let sent = (0..1_000).take_while(|_| session.send(id, chunk.clone(), End::Open).is_ok()).count();
    sent * chunk.len()
}

#[test]
fn as_much_may_wait_as_the_peer_will_take_and_of_all_streams_a_mebibyte_beyond_their_send_buffers() {
    let mut pair = Pair::new();
    let [(first, _), (second, _), (third, _)] = [(); 3].map(|()| pair.open("", End::Open));
    assert_eq!(fill(&mut pair.client, third), 256 * 1024, "the peer has given nothing yet");
    frames(&mut pair.client);
    let waiting = pair.client.unsent();
    for id in [first, second] {
        feed(&mut pair.client, &Frame::Credit { sid: id.sid(), bytes: 100 << 20 }).unwrap();
    }
    let left = 1024 * 1024 - waiting;
    assert_eq!(fill(&mut pair.client, first), left - left % (64 * 1024));
    assert_eq!(fill(&mut pair.client, second), 256 * 1024, "one that is generous and reads nothing finds an end");
    frames(&mut pair.client);
    assert_eq!(pair.client.unsent(), waiting);
    let writable = |id| move |event: &Event| *event == Event::Writable { id };
    let heard = events(&mut pair.client);
    assert!([first, second].iter().all(|&id| heard.iter().filter(|event| writable(id)(event)).count() == 1));
}

#[test]
fn no_credit_is_given_for_a_direction_that_has_ended() {
    let taken = |then: Then, finish: bool| {
        let mut server = Session::new(Side::Server, Settings::default());
        feed(&mut server, &opening(0, "", Then::Next)).unwrap();
        feed(&mut server, &data(0, &"x".repeat(50_000), Then::Next)).unwrap();
        let id = opened(&events(&mut server))[0];
        if finish {
            server.finish(id);
            assert_eq!(frames(&mut server), [Frame::End { sid: 0 }]);
        }
        server.consumed(id, 50_000);
        feed(&mut server, &data(0, "", then)).unwrap();
        let is_ping = |frame: &Frame| matches!(frame, Frame::Ping { .. });
        frames(&mut server).into_iter().filter(|frame| !is_ping(frame)).collect::<Vec<_>>()
    };
    assert_eq!(taken(Then::Next, false), [Frame::Credit { sid: 0, bytes: 50_000 }]);
    assert_eq!(taken(Then::Finish, false), []);
    assert_eq!(taken(Then::Next, true), [], "an end is the responder's last word");
}

#[test]
fn empty_messages_go_on_as_long_as_they_are_consumed() {
    let mut pair = Pair::new();
    let (ours, _) = pair.open("", End::Open);
    let mut came = 0;
    for _ in 0..10_000 {
        pair.client.send(ours, Part::EMPTY, End::Open).expect("it is read");
        pair.run();
        came += consume(&mut pair.server).len();
    }
    assert_eq!(came, 10_000);
    // And if they are not, no more of them come than the window bounds.
    let sent = (0..100_000).take_while(|_| pair.client.send(ours, Part::EMPTY, End::Open).is_ok()).count();
    pair.run();
    let came = events(&mut pair.server).len();
    assert!(came <= 2 * WINDOW / 32 && came < sent, "{came} of {sent} came");
}

#[test]
fn a_reader_that_keeps_up_gets_a_window_of_a_mebibyte_and_gives_it_back() {
    let most = |pair: &mut Pair| {
        let (ours, theirs) = pair.open("", End::Open);
        pair.server.consumed(theirs, cost(0));
        let mut burst = 0;
        for _ in 0..10 {
            // As much as there is credit for.
            while pair.client.unsent() == 0 && pair.client.send(ours, vec![0; 32_768].into(), End::Open).is_ok() {
                Pair::carry(&mut pair.client, &mut pair.server, &mut 0);
            }
            let heard = consume(&mut pair.server);
            let len = |event: &Event| if let Event::Data { payload, .. } = event { payload.len() } else { 0 };
            burst = heard.iter().map(len).sum();
            pair.run();
        }
        pair.client.reset(ours, Code::CANCELLED, "");
        pair.run();
        events(&mut pair.server);
        burst
    };
    let mut pair = Pair::with(Settings { pool: 1024 * 1024, ..Settings::default() });
    assert_eq!(most(&mut pair), 1024 * 1024);
    assert_eq!(most(&mut pair), 1024 * 1024, "the pool has back what the first one took");
    let mut pair = Pair::with(Settings { pool: 100_000, ..Settings::default() });
    assert_eq!(most(&mut pair), 2 * WINDOW);
}

#[test]
fn a_reset_of_one_stream_never_loses_or_reorders_a_byte_of_another() {
    // At each place where the reset could come between the frames of the other stream, from either side.
    for at in 0..60 {
        for by_opener in [true, false] {
            let mut pair = Pair::new();
            let (a, a_there) = pair.open("", End::Open);
            let (b, b_there) = pair.open("", End::Open);
            let bytes: Vec<u8> = (0..40_000u32).map(|at| (at / 7) as u8).collect();
            for chunk in bytes.chunks(1_000) {
                pair.client.send(a, chunk.into(), End::Open).unwrap();
                pair.client.send(b, chunk.into(), End::Open).unwrap();
            }
            pair.client.finish(b);
            for _ in 0..at {
                let Some(frame) = pair.client.poll_transmit() else { break };
                pair.server.handle(&frame).unwrap();
            }
            if by_opener {
                pair.client.reset(a, Code::CANCELLED, "");
            } else {
                pair.server.reset(a_there, Code::INTERNAL, "");
            }
            pair.run();
            let heard = events(&mut pair.server);
            assert!(said(&heard, b_there) == bytes, "reset behind {at} frames");
            assert_eq!(heard.iter().filter(|&event| *event == Event::Ended { id: b_there }).count(), 1);
        }
    }
}

#[test]
fn control_goes_first_then_the_most_urgent_and_equals_take_turns_of_16_kib() {
    let mut client = Session::new(Side::Client, Settings::default());
    let mut open = |urgency, len| {
        let head = Head { urgency, ..call() };
        client.open(&head, vec![0; len].into(), End::Finish).unwrap().sid()
    };
    let (bulk, other, urgent, small) = (open(3, 60_000), open(3, 40_000), open(0, 20_000), open(3, 10));
    feed(&mut client, &Frame::Ping { nonce: 9, answer: false }).unwrap();
    let order: Vec<_> = frames(&mut client)
        .into_iter()
        .map(|frame| match frame {
            Frame::Open { sid, payload, .. } | Frame::Data { sid, payload, .. } => (sid, payload.len()),
            Frame::Ping { .. } => (99, 0),
            frame => panic!("{frame:?}"),
        })
        .collect();
    let turns = [
        (99, 0),
        (urgent, 16_384),
        (urgent, 3_616),
        (bulk, 16_384),
        (other, 16_384),
        (small, 10),
        (bulk, 16_384),
        (other, 16_384),
        (bulk, 16_384),
        (other, 7_232),
        (bulk, 10_848),
    ];
    assert_eq!(order, turns);
}

#[test]
fn many_small_messages_of_one_stream_are_one_turn() {
    let mut client = Session::new(Side::Client, Settings::default());
    let ids = [(); 2].map(|()| client.open(&call(), "".into(), End::Open).unwrap());
    for _ in 0..40 {
        for id in ids {
            client.send(id, vec![0; 1000].into(), End::Open).unwrap();
        }
    }
    let sids: Vec<_> = frames(&mut client)
        .iter()
        .map(|frame| match frame {
            Frame::Open { sid, .. } | Frame::Data { sid, .. } => *sid,
            frame => panic!("{frame:?}"),
        })
        .collect();
    let turns: Vec<_> = sids.chunk_by(|a, b| a == b).map(|turn| (turn[0], turn.len())).collect();
    assert_eq!(turns, [(0, 17), (2, 17), (0, 16), (2, 16), (0, 8), (2, 8)]);
}

#[test]
fn fifty_thousand_tiny_frames_are_taken_in_as_many_steps() {
    // No timing: what a frame could grow is looked at instead.
    let mut pair = Pair::new();
    let (ours, theirs) = pair.open("", End::Open);
    let mut taken = 0u32;
    for round in 0..50_000u32 {
        pair.client.send(ours, round.to_le_bytes().to_vec().into(), End::Open).unwrap();
        if round % 1_000 == 999 {
            pair.run();
            for event in consume(&mut pair.server) {
                assert_eq!(event, {
                    let payload = taken.to_le_bytes().to_vec().into();
                    Event::Data { id: theirs, payload, more: false, kind: Kind::Item }
                });
                taken += 1;
            }
            events(&mut pair.client);
        }
    }
    assert_eq!(taken, 50_000);
}

#[test]
fn calls_need_no_memory_once_there_were_as_many_at_a_time() {
    let mut pair = Pair::new();
    let mut round = || {
        let calls: Vec<_> =
            (0..64).map(|_| pair.client.open(&call(), "question".into(), End::Finish).unwrap()).collect();
        pair.run();
        for id in opened(&events(&mut pair.server)) {
            pair.server.send(id, "answer".into(), End::Finish).unwrap();
        }
        pair.run();
        let heard = events(&mut pair.client);
        assert!(calls.iter().all(|&call| said(&heard, call) == b"answer"));
        events(&mut pair.server);
        [pair.client.footprint(), pair.server.footprint()]
    };
    let warm = round();
    for _ in 0..100 {
        assert_eq!(round(), warm);
    }
}
