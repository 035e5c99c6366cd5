//! Calls beyond what a connection takes at once: who waits for a place, and who gives one back.

use super::*;

/// One call at a time.
fn narrow() -> Client {
    client(Limits::default().streams(1))
}

#[test]
fn a_call_that_waits_for_a_place_gets_the_one_that_comes_free() {
    model_with_preemptions(3, || {
        let client = narrow();
        let mut line = Line::joins(&client, 1);
        let mut first = call(&client, 7);
        begin(&mut first);
        let serving = thread::spawn(move || {
            line.answers(2);
            line
        });
        assert_eq!(run(call(&client, 8)).unwrap(), 8);
        assert_eq!(run(first).unwrap(), 7);
        serving.join().unwrap().ends();
    });
}

#[test]
fn a_place_goes_to_another_one_when_who_was_to_have_it_is_dropped() {
    model_with_preemptions(2, || {
        let client = narrow();
        let mut line = Line::joins(&client, 1);
        let (mut first, mut second, mut third) = (call(&client, 7), call(&client, 8), call(&client, 9));
        begin(&mut first);
        begin(&mut second);
        begin(&mut third);
        let serving = thread::spawn(move || {
            line.answers(2);
            line
        });
        let dropping = thread::spawn(move || drop(second));
        assert_eq!(run(third).unwrap(), 9);
        assert_eq!(run(first).unwrap(), 7);
        dropping.join().unwrap();
        serving.join().unwrap().ends();
    });
}

#[test]
fn a_call_that_waits_for_a_place_hears_when_the_connection_is_lost() {
    model_with_preemptions(3, || {
        let client = narrow();
        let mut line = Line::joins(&client, 1);
        let mut first = call(&client, 7);
        begin(&mut first);
        let peer = Client::of_peer(Arc::clone(&line.connection), crate::rpc::Codec::default());
        let serving = thread::spawn(move || line.lost());
        let ended = run(call(&peer, 8));
        assert!(matches!(ended, Err(CallError::Unreachable(_))), "{ended:?}");
        drop(first);
        serving.join().unwrap();
    });
}
