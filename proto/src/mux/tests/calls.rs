//! Calls: one message there, one back.

use super::*;

#[test]
fn a_call_is_answered_and_its_place_is_free_again() {
    let mut pair = Pair::new();
    let call = pair.client.open(&call(), "ping".into(), End::Finish).unwrap();
    pair.run();
    let heard = events(&mut pair.server);
    let [theirs] = opened(&heard)[..] else { panic!("{heard:?}") };
    assert_eq!(theirs.sid(), call.sid());
    let question = Event::Data { id: theirs, payload: "ping".into(), more: false, kind: Kind::Item };
    assert_eq!(heard[1..], [question, Event::Ended { id: theirs }]);
    pair.server.send(theirs, "pong".into(), End::Finish).unwrap();
    pair.run();
    assert_eq!(events(&mut pair.server), [Event::Closed { id: theirs }]);
    let answer = Event::Data { id: call, payload: "pong".into(), more: false, kind: Kind::Item };
    assert_eq!(events(&mut pair.client), [answer, Event::Ended { id: call }, Event::Closed { id: call }]);
    assert!(pair.client.is_idle() && pair.server.is_idle());
}

#[test]
fn the_head_of_a_call_arrives_as_it_was_given() {
    let mut head = Head { deadline: Some(std::time::Duration::from_micros(1_500)), urgency: 0, ..call() };
    head.metadata.push("trace", "abc");
    head.metadata.push("", vec![1; 1000]);
    let mut pair = Pair::new();
    pair.client.open(&head, "".into(), End::Finish).unwrap();
    pair.run();
    assert!(matches!(&events(&mut pair.server)[0], Event::Opened { head: arrived, .. } if *arrived == head));
}

#[test]
fn a_typed_error_ends_a_call_and_arrives_as_one() {
    let mut pair = Pair::new();
    let (ours, theirs) = pair.open("", End::Finish);
    pair.server.fail(theirs, vec![7; 100_000].into()).unwrap();
    assert_eq!(pair.server.fail(theirs, "".into()).unwrap_err().kind, SendErrorKind::Ended);
    assert_eq!(pair.server.send(theirs, "".into(), End::Open).unwrap_err().kind, SendErrorKind::Ended);
    pair.run();
    let first = events(&mut pair.client);
    let [Event::Data { payload, more: true, .. }] = &first[..] else { panic!("{first:?}") };
    pair.client.consumed(ours, payload.len());
    pair.run();
    let rest = events(&mut pair.client);
    assert!(matches!(rest[0], Event::Data { more: false, kind: Kind::Error, .. }));
    assert_eq!(rest[1..], [Event::Ended { id: ours }, Event::Closed { id: ours }]);
    let id = pair.client.open(&call(), "".into(), End::Open).unwrap();
    assert_eq!(pair.client.fail(id, "".into()).unwrap_err().kind, SendErrorKind::NotResponder);
}

#[test]
fn a_server_calls_its_client_while_the_client_calls_it() {
    let mut pair = Pair::new();
    let (ours, theirs) = pair.open("", End::Finish);
    let back = pair.server.open(&call(), "back".into(), End::Finish).unwrap();
    assert_eq!((ours.sid(), back.sid()), (0, 1));
    pair.run();
    let [at_client] = opened(&events(&mut pair.client))[..] else { panic!("the client was called") };
    pair.client.send(at_client, "there".into(), End::Finish).unwrap();
    pair.run();
    assert_eq!(said(&events(&mut pair.server), back), b"there");
    pair.server.send(theirs, "done".into(), End::Finish).unwrap();
    pair.run();
    assert_eq!(said(&events(&mut pair.client), ours), b"done");
    assert!(pair.client.is_idle() && pair.server.is_idle());
}

#[test]
fn a_one_way_call_is_one_frame_and_leaves_nothing_behind() {
    let mut pair = Pair::new();
    let note = Head { one_way: true, ..call() };
    for _ in 0..10_000 {
        let id = pair.client.open(&note, "note".into(), End::Finish).unwrap();
        assert_eq!(id.sid(), 0);
        pair.run();
        assert_eq!(events(&mut pair.client), [Event::Closed { id }]);
        let heard = events(&mut pair.server);
        let [theirs] = opened(&heard)[..] else { panic!("{heard:?}") };
        assert_eq!(said(&heard, theirs), b"note");
        assert_eq!(heard[2..], [Event::Ended { id: theirs }, Event::Closed { id: theirs }]);
        assert_eq!(pair.server.send(theirs, "".into(), End::Finish).unwrap_err().kind, SendErrorKind::Gone);
    }
    let kind = |payload: Part, end| Pair::new().client.open(&note, payload, end).unwrap_err().kind;
    assert_eq!(kind("".into(), End::Open), OpenErrorKind::OneWay);
    assert_eq!(kind(vec![0; 65_537].into(), End::Finish), OpenErrorKind::TooLarge);
}

#[test]
fn a_unary_call_costs_at_most_12_bytes_beyond_its_payloads() {
    let settings = Settings { max_streams: usize::MAX, ..Settings::default() };
    let mut pair = Pair::with(settings);
    // With 1,024 methods defined and all ids taken nothing gets longer than two bytes.
    for id in 0..1024 {
        let note = Head { one_way: true, ..Head::new(method(id)) };
        pair.client.open(&note, "".into(), End::Finish).unwrap();
        pair.run();
    }
    events(&mut pair.server);
    let mut costs = Vec::new();
    let mut last = None;
    while let Ok(ours) = pair.client.open(&Head::new(method(1023)), "sixteen bytes...".into(), End::Finish) {
        pair.bytes = 0;
        pair.run();
        let [theirs] = opened(&events(&mut pair.server))[..] else { panic!("one call") };
        pair.server.send(theirs, "sixteen bytes...".into(), End::Finish).unwrap();
        pair.run();
        costs.push(pair.bytes - 32);
        // The same id is taken by a stream that stays.
        last = pair.client.open(&call(), "".into(), End::Finish).ok();
        assert_eq!(last.map(StreamId::sid), Some(ours.sid()));
        pair.run();
        events(&mut pair.server);
    }
    assert_eq!(last.map(StreamId::sid), Some(16_382), "every id was tried");
    assert_eq!((costs.iter().min(), costs.iter().max()), (Some(&10), Some(&12)));
    let mut pair = Pair::new();
    let (_, theirs) = pair.open("", End::Finish);
    pair.server.send(theirs, "".into(), End::Finish).unwrap();
    pair.run();
    pair.bytes = 0;
    let (_, theirs) = pair.open("", End::Finish);
    pair.server.send(theirs, "".into(), End::Finish).unwrap();
    pair.run();
    assert_eq!(pair.bytes, 9, "an early method on an early stream");
}

#[test]
fn a_call_that_is_cancelled_before_it_was_sent_costs_no_frame() {
    let mut pair = Pair::new();
    for _ in 0..10_000 {
        let id = pair.client.open(&call(), vec![0; 1000].into(), End::Finish).unwrap();
        pair.client.reset(id, Code::CANCELLED, "");
        assert_eq!(events(&mut pair.client), [Event::Closed { id }]);
    }
    assert_eq!((pair.client.poll_transmit(), pair.client.unsent()), (None, 0));
}

#[test]
fn definitions_are_counted_in_the_order_in_which_they_are_written() {
    let mut pair = Pair::new();
    let lazy = Head { urgency: 7, ..Head::new(method(70)) };
    let eager = Head { urgency: 0, ..Head::new(method(10)) };
    for _ in 0..2 {
        pair.client.open(&lazy, "lazy".into(), End::Finish).unwrap();
        pair.client.open(&eager, "eager".into(), End::Finish).unwrap();
        pair.run();
        let heard = events(&mut pair.server);
        let order = opened(&heard).into_iter().map(|id| said(&heard, id)).collect::<Vec<_>>();
        assert_eq!(order, [&b"eager"[..], b"lazy"], "the urgent one goes first");
        let heads =
            heard.iter().filter_map(|event| if let Event::Opened { head, .. } = event { Some(head) } else { None });
        assert_eq!(heads.map(|head| head.method.id).collect::<Vec<_>>(), [10, 70]);
    }
}
