//! Connections that come and go while calls look for one, and a socket that comes to its end.

use super::*;

#[test]
fn a_call_that_waits_for_a_connection_goes_by_the_one_that_joins() {
    model_with_preemptions(3, || {
        let client = client(Limits::default());
        let joining = client.clone();
        let serving = thread::spawn(move || {
            let mut line = Line::joins(&joining, 1);
            line.answers(1);
            line
        });
        assert_eq!(run(call(&client, 7)).unwrap(), 7);
        serving.join().unwrap().ends();
    });
}

#[test]
fn a_call_goes_by_the_next_connection_when_the_first_one_is_lost() {
    model_with_preemptions(3, || {
        let client = client(Limits::default());
        let mut first = Line::joins(&client, 1);
        let joining = client.clone();
        let serving = thread::spawn(move || {
            first.lost();
            let mut next = Line::joins(&joining, 2);
            next.answers(1);
            next
        });
        // Nothing of it was ever sent on the first one.
        assert_eq!(run(call(&client, 7)).unwrap(), 7);
        serving.join().unwrap().ends();
    });
}

#[test]
fn a_call_goes_by_the_next_connection_when_the_first_one_takes_no_more() {
    model_with_preemptions(3, || {
        let client = client(Limits::default());
        let mut first = Line::joins(&client, 1);
        let joining = client.clone();
        let serving = thread::spawn(move || {
            first.peer.go_away(Code::REFUSED, "");
            first.take();
            first.give();
            first.take();
            let mut next = Line::joins(&joining, 2);
            next.answers(1);
            first.ends();
            next
        });
        assert_eq!(run(call(&client, 7)).unwrap(), 7);
        serving.join().unwrap().ends();
    });
}

#[test]
fn a_drain_hears_of_the_last_call() {
    model_with_preemptions(2, || {
        let client = client(Limits::default());
        let mut line = Line::joins(&client, 1);
        let mut last = call(&client, 7);
        begin(&mut last);
        let serving = thread::spawn(move || {
            line.answers(1);
            line.gives_until(|line| line.is_leaving);
            line
        });
        let hub = Arc::clone(client.hub());
        let draining = thread::spawn(move || run(hub.drain()));
        assert_eq!(run(last).unwrap(), 7);
        draining.join().unwrap();
        serving.join().unwrap().ends();
    });
}

#[test]
fn a_drain_hears_of_the_last_handler() {
    loom::model(|| {
        let client = client(Limits::default());
        let hub = Arc::clone(client.hub());
        assert!(hub.works());
        let worker = Arc::clone(&hub);
        let handler = thread::spawn(move || worker.has_worked());
        run(hub.drain());
        handler.join().unwrap();
    });
}

#[test]
fn a_flush_hears_when_all_is_sent() {
    loom::model(|| {
        let client = client(Limits::default());
        let mut line = Line::joins(&client, 1);
        run(client.one_way(&METHOD, &7_u8)).unwrap();
        let hub = Arc::clone(client.hub());
        let flushing = thread::spawn(move || run(hub.flush()));
        line.give();
        assert_eq!(line.asked.pop_front().expect("it is sent").1.len(), 1);
        flushing.join().unwrap();
        line.ends();
    });
}

#[test]
fn a_connection_that_joins_while_its_socket_drains_is_told() {
    model_with_preemptions(4, || {
        let client = client(Limits::default());
        let hub = Arc::clone(client.hub());
        let joining = thread::spawn(move || {
            let info = Arc::new(PeerInfo::of_type(SocketType::Router));
            let attended = hub.joined(ConnectionId(1), &info);
            let mut peer = Session::new(Side::Server, Settings::default());
            run(std::future::poll_fn(|cx| {
                attended.poll_give(cx, &mut |header, payload| {
                    peer.handle(&frame::message(header, payload)).expect("it keeps to the protocol");
                    true
                })
            }));
            assert!(matches!(peer.poll_event(), Some(Event::GoAway { .. })));
            attended
        });
        let hub = Arc::clone(client.hub());
        let draining = thread::spawn(move || run(hub.drain()));
        let attended = joining.join().unwrap();
        draining.join().unwrap();
        attended.lost(&DisconnectReason::PeerClosed);
    });
}
