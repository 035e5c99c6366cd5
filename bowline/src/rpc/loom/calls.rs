//! A call, between who makes it, who serves its connection, and who ends either.

use super::super::entry::Ticket;
use super::super::timers::Timers;
use super::*;

fn is_lost(ended: &Ended) -> bool {
    match ended {
        Err(CallError::ConnectionLost { outcome, .. }) => *outcome != Outcome::NotExecuted,
        Err(CallError::Unreachable(_)) => true,
        _ => false,
    }
}

#[test]
fn a_call_wakes_its_connection_and_its_answer_wakes_the_call() {
    loom::model(|| {
        let client = client(Limits::default());
        let mut line = Line::joins(&client, 1);
        let serving = thread::spawn(move || {
            line.answers(1);
            line
        });
        assert_eq!(run(call(&client, 7)).unwrap(), 7);
        serving.join().unwrap().ends();
    });
}

#[test]
fn two_calls_at_once_are_both_answered() {
    model_with_preemptions(2, || {
        let client = client(Limits::default());
        let mut line = Line::joins(&client, 1);
        let serving = thread::spawn(move || {
            line.answers(2);
            line
        });
        let other = client.clone();
        let other = thread::spawn(move || assert_eq!(run(call(&other, 8)).unwrap(), 8));
        assert_eq!(run(call(&client, 7)).unwrap(), 7);
        other.join().unwrap();
        serving.join().unwrap().ends();
    });
}

#[test]
fn a_call_ends_however_its_connection_is_lost() {
    loom::model(|| {
        let client = client(Limits::default());
        let mut line = Line::joins(&client, 1);
        let peer = Client::of_peer(Arc::clone(&line.connection), crate::rpc::Codec::default());
        let serving = thread::spawn(move || {
            line.give();
            line.answer();
            line.lost();
        });
        let ended = run(call(&peer, 7));
        assert!(matches!(ended, Ok(7)) || is_lost(&ended), "{ended:?}");
        serving.join().unwrap();
    });
}

#[test]
fn a_call_ends_once_when_its_socket_is_closed_while_it_is_answered() {
    model_with_preemptions(3, || {
        let client = client(Limits::default());
        let mut line = Line::joins(&client, 1);
        let mut ours = call(&client, 7);
        begin(&mut ours);
        let hub = Arc::clone(client.hub());
        let closing = thread::spawn(move || {
            hub.core.closing.cancel();
            hub.end();
        });
        let serving = thread::spawn(move || {
            line.give();
            line.answer();
            line
        });
        let ended = run(ours);
        assert!(matches!(ended, Ok(7)) || is_lost(&ended), "{ended:?}");
        closing.join().unwrap();
        serving.join().unwrap().ends();
    });
}

#[test]
fn a_call_that_is_dropped_while_it_is_answered_leaves_nothing() {
    loom::model(|| {
        let client = client(Limits::default());
        let mut line = Line::joins(&client, 1);
        let mut ours = call(&client, 7);
        begin(&mut ours);
        let serving = thread::spawn(move || {
            line.give();
            line.answer();
            line
        });
        drop(ours);
        serving.join().unwrap().ends();
    });
}

#[test]
fn whoever_waits_for_room_to_send_hears_of_it() {
    model_with_preemptions(2, || {
        // Each item has to be written before there is room for the next one.
        let client = client(Limits::default().send_buffer(1));
        let mut line = Line::joins(&client, 1);
        let items = futures_util::stream::iter([1_u8, 2, 3]);
        let call: Call<u8, Never> = client.client_stream(&METHOD, &0_u8, items);
        let serving = thread::spawn(move || {
            line.gives_until(|line| line.asked.len() == 4);
            let last = line.asked.pop_back().expect("an item");
            line.asked = [last].into();
            line.answers(1);
            line
        });
        assert_eq!(run(call).unwrap(), 3);
        serving.join().unwrap().ends();
    });
}

#[test]
fn a_reset_of_the_peers_and_a_drop_of_ours_may_meet() {
    loom::model(|| {
        let client = client(Limits::default());
        let mut line = Line::joins(&client, 1);
        let mut ours = call(&client, 7);
        begin(&mut ours);
        line.give();
        let serving = thread::spawn(move || {
            let (id, _) = line.asked.pop_front().expect("it was asked");
            line.peer.reset(id, Code::INTERNAL, "");
            line.take();
            line
        });
        drop(ours);
        serving.join().unwrap().ends();
    });
}

#[test]
fn whoever_sleeps_until_a_deadline_hears_of_one_that_is_sooner() {
    use bowline_proto::time::Instant;
    loom::model(|| {
        let client = client(Limits::default());
        let mut line = Line::joins(&client, 1);
        let timers = Arc::new(Timers::default());
        let (theirs, connection) = (Arc::clone(&timers), Arc::clone(&line.connection));
        let adding = thread::spawn(move || {
            let at = Instant::ZERO + std::time::Duration::from_millis(1);
            let (_due, sleeper) = theirs.add(at, &connection, Ticket { key: 0, serial: 1 });
            if let Some(sleeper) = sleeper {
                sleeper.wake();
            }
        });
        let now = Instant::ZERO + std::time::Duration::from_millis(2);
        let mut passed = Vec::new();
        run(std::future::poll_fn(|cx| {
            let next = timers.take_passed(now, cx.waker(), &mut passed);
            assert_eq!(next, None);
            if passed.is_empty() { Poll::Pending } else { Poll::Ready(()) }
        }));
        adding.join().unwrap();
        drop(passed);
        line.lost();
    });
}
