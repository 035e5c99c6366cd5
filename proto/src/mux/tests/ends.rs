//! Ends: resets, ids that come again, GOAWAY, and the loss of the connection.

use super::*;

#[test]
fn an_id_is_not_used_again_before_both_directions_have_ended() {
    let mut client = Session::new(Side::Client, Settings::default());
    let first = client.open(&call(), "".into(), End::Open).unwrap();
    frames(&mut client);
    let other = |client: &mut Session| {
        let id = client.open(&call(), "".into(), End::Open).unwrap();
        let sid = id.sid();
        client.reset(id, Code::CANCELLED, "");
        sid
    };
    assert_eq!(first.sid(), 0);
    // We have ended, the peer has not.
    client.reset(first, Code::CANCELLED, "");
    assert_eq!(frames(&mut client), [reset(0, Code::CANCELLED)]);
    assert_ne!(other(&mut client), 0);
    feed(&mut client, &data(0, "late", Then::Next)).unwrap();
    assert_ne!(other(&mut client), 0);
    feed(&mut client, &reset(0, Code::CANCELLED)).unwrap();
    assert_eq!(other(&mut client), 0);
    // The peer has ended, and our own end is not written yet.
    let second = client.open(&call(), "".into(), End::Open).unwrap();
    frames(&mut client);
    feed(&mut client, &data(0, "answer", Then::Finish)).unwrap();
    assert_eq!(client.send(second, "more".into(), End::Open).unwrap_err().kind, SendErrorKind::Ended);
    assert_ne!(other(&mut client), 0);
    assert_eq!(frames(&mut client), [Frame::End { sid: 0 }]);
    assert_eq!(other(&mut client), 0);
}

#[test]
fn late_frames_of_a_reset_stream_are_counted_and_dropped() {
    let mut pair = Pair::new();
    let (ours, theirs) = pair.open("", End::Finish);
    for _ in 0..5 {
        pair.server.send(theirs, "item".into(), End::Open).unwrap();
    }
    let late: Vec<Message> = std::iter::from_fn(|| pair.server.poll_transmit()).collect();
    pair.client.reset(ours, Code::CANCELLED, "enough");
    for frame in &late {
        pair.client.handle(frame).unwrap();
    }
    assert_eq!((pair.client.late().frames, pair.client.late().bytes), (5, 20));
    assert_eq!(events(&mut pair.client), []);
    pair.run();
    let why = Event::Reset { id: theirs, code: Code::CANCELLED, reason: "enough".into() };
    assert_eq!(events(&mut pair.server), [why, Event::Closed { id: theirs }]);
    assert_eq!(events(&mut pair.client), [Event::Closed { id: ours }]);
}

#[test]
fn resets_that_cross_end_the_stream_once_on_both_sides() {
    let mut pair = Pair::new();
    let (ours, theirs) = pair.open("", End::Open);
    pair.client.reset(ours, Code::CANCELLED, "");
    pair.server.reset(theirs, Code::INTERNAL, "");
    pair.run();
    assert_eq!(events(&mut pair.client), [Event::Closed { id: ours }]);
    assert_eq!(events(&mut pair.server), [Event::Closed { id: theirs }]);
    assert!(pair.client.is_idle() && pair.server.is_idle());
}

#[test]
fn an_answer_that_is_complete_ends_what_the_opener_still_sends() {
    let mut pair = Pair::new();
    let (ours, theirs) = pair.open("first", End::Open);
    pair.client.send(ours, vec![1; 200_000].into(), End::Open).unwrap();
    pair.server.send(theirs, "enough".into(), End::Finish).unwrap();
    let answer = pair.server.poll_transmit().unwrap();
    pair.run();
    assert_eq!(events(&mut pair.server), [], "what comes behind the answer is not heard");
    pair.client.handle(&answer).unwrap();
    pair.run();
    assert_eq!(pair.client.unsent(), 0);
    assert_eq!(events(&mut pair.client)[1..], [Event::Ended { id: ours }, Event::Closed { id: ours }]);
    assert_eq!(events(&mut pair.server), [Event::Closed { id: theirs }]);
    assert_eq!(pair.server.late().bytes, 65_536 - 32, "all that there was credit for behind a short message");
}

#[test]
fn credit_and_resets_of_a_life_that_is_over_are_nothing_to_the_next_one() {
    let mut pair = Pair::new();
    let (ours, theirs) = pair.open("", End::Open);
    pair.server.finish(theirs);
    pair.run();
    pair.client.finish(ours);
    events(&mut pair.client);
    events(&mut pair.server);
    for frame in [reset(0, Code::CANCELLED), Frame::Credit { sid: 0, bytes: u64::MAX }, reset(7, Code::FLOW)] {
        feed(&mut pair.server, &frame).unwrap();
        feed(&mut pair.client, &frame).unwrap();
    }
    let (again, theirs) = pair.open("again", End::Open);
    assert_eq!((again.sid(), again == ours), (0, false));
    assert_eq!(pair.client.send(ours, "".into(), End::Open).unwrap_err().kind, SendErrorKind::Gone);
    pair.client.reset(ours, Code::CANCELLED, "");
    pair.client.finish(ours);
    pair.server.send(theirs, "here".into(), End::Finish).unwrap();
    pair.run();
    assert_eq!(said(&events(&mut pair.client), again), b"here");
}

#[test]
fn goaway_refuses_what_came_after_it_and_nothing_else() {
    let mut pair = Pair::new();
    let (_, at_server) = pair.open("done", End::Finish);
    let (taken, theirs) = pair.open("taken", End::Open);
    // The id of the first is free again, so the one that comes too late has a lower one than the last that is taken.
    pair.server.send(at_server, "".into(), End::Finish).unwrap();
    pair.run();
    events(&mut pair.client);
    events(&mut pair.server);
    pair.server.go_away(Code::REFUSED, "going home");
    let crossing = pair.client.open(&call(), "crossing".into(), End::Finish).unwrap();
    assert!(crossing.sid() < taken.sid());
    let frame = pair.client.poll_transmit().unwrap();
    let unsent = pair.client.open(&call(), "unsent".into(), End::Finish).unwrap();
    let note = pair.server.poll_transmit().unwrap();
    pair.client.handle(&note).unwrap();
    pair.server.handle(&frame).unwrap();
    pair.run();
    let heard = events(&mut pair.client);
    assert_eq!(heard[0], Event::GoAway { code: Code::REFUSED, reason: "going home".into() });
    for id in [crossing, unsent] {
        assert!(heard.contains(&Event::Reset { id, code: Code::REFUSED, reason: "going home".into() }));
        assert!(heard.contains(&Event::Closed { id }));
    }
    assert_eq!(heard.len(), 5);
    assert_eq!(events(&mut pair.server), [], "it never hears of them");
    let refused = pair.client.open(&call(), "".into(), End::Finish).unwrap_err();
    assert_eq!((refused.kind, *refused.payload), (OpenErrorKind::GoingAway, "".into()));
    // What was taken goes on, and a handler may still call back.
    pair.server.open(&call(), "back".into(), End::Finish).unwrap();
    pair.client.send(taken, "more".into(), End::Finish).unwrap();
    pair.run();
    assert_eq!(said(&events(&mut pair.server), theirs), b"more");
    assert_eq!(opened(&events(&mut pair.client)).len(), 1);
}

#[test]
fn a_loss_ends_each_open_stream_once_and_says_whether_it_was_sent() {
    let mut pair = Pair::new();
    let (open, theirs) = pair.open("", End::Open);
    let (ended, _) = pair.open("", End::Finish);
    let (given_up, _) = pair.open("", End::Finish);
    pair.client.reset(given_up, Code::CANCELLED, "");
    let partly = pair.client.open(&call(), vec![0; 100_000].into(), End::Finish).unwrap();
    while pair.client.unsent() > 50_000 {
        pair.client.poll_transmit().unwrap();
    }
    let unsent = pair.client.open(&call(), "".into(), End::Finish).unwrap();
    pair.client.lost();
    pair.client.lost();
    let heard = events(&mut pair.client);
    for (id, sent) in [(open, true), (ended, true), (partly, true), (unsent, false)] {
        assert_eq!(heard.iter().filter(|&event| *event == Event::Lost { id, sent }).count(), 1);
    }
    let closed = heard.iter().filter(|event| matches!(event, Event::Closed { .. })).count();
    assert_eq!((heard.len(), closed), (9, 5), "one that was given up is closed and not lost");
    assert_eq!((pair.client.poll_transmit(), pair.client.is_idle(), pair.client.unsent()), (None, true, 0));
    assert_eq!(pair.client.open(&call(), "".into(), End::Finish).unwrap_err().kind, OpenErrorKind::Lost);
    assert_eq!(pair.client.send(open, "".into(), End::Open).unwrap_err().kind, SendErrorKind::Gone);
    feed(&mut pair.client, &data(1, "late", Then::Next)).unwrap();
    assert_eq!(events(&mut pair.client), []);
    pair.server.lost();
    let heard = events(&mut pair.server);
    assert!(heard.contains(&Event::Lost { id: theirs, sent: true }));
}
