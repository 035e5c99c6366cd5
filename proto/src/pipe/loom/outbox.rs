//! An outbox, between the socket that pushes and the connection task that takes.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use super::*;
use crate::error::DisconnectReason;
use crate::pipe::Take;
use crate::pipe::lifecycle::State;

fn outbox(hwm: usize) -> (Socket, Arc<Outbox>) {
    let mailbox: Arc<Mailbox> = Arc::default();
    (Socket::new(&mailbox), Arc::new(Outbox::new(mailbox, PIPE, hwm, false)))
}

/// Waits for the next batch, or the order that comes instead.
fn take(outbox: &Outbox, batch: &mut Batch) -> Take {
    batch.clear();
    run(|cx| outbox.poll_take(cx, batch))
}

/// Takes until `n` messages have come.
fn take_messages(outbox: &Outbox, n: usize) -> Vec<String> {
    let (mut batch, mut taken) = (Batch::new(), Vec::new());
    while taken.len() < n {
        assert_eq!(take(outbox, &mut batch), Take::Batch);
        taken.extend(bodies(&batch));
    }
    taken
}

/// Takes to the end of the pipe.
fn take_all(outbox: &Outbox) -> Vec<String> {
    let (mut batch, mut taken) = (Batch::new(), Vec::new());
    while take(outbox, &mut batch) == Take::Batch {
        taken.extend(bodies(&batch));
    }
    taken
}

#[test]
fn a_connection_that_sleeps_is_woken_by_what_is_pushed() {
    loom::model(|| {
        let (mut socket, outbox) = outbox(0);
        let pipe = Arc::clone(&outbox);
        let pusher = thread::spawn(move || ["a", "b"].iter().for_each(|body| socket.push(&pipe, body)));
        assert_eq!(take_messages(&outbox, 2), ["a", "b"]);
        pusher.join().expect("it pushes");
    });
}

#[test]
fn a_subscription_wakes_a_connection_that_sleeps() {
    loom::model(|| {
        let (_, outbox) = outbox(1);
        let pipe = Arc::clone(&outbox);
        let subscriber = thread::spawn(move || with(|wakes| pipe.push_subscription(b"topic", true, wakes)));
        assert_eq!(take(&outbox, &mut Batch::new()), Take::Batch);
        subscriber.join().expect("it subscribes");
    });
}

#[test]
fn a_socket_that_found_no_room_hears_when_there_is_some() {
    model_with_preemptions(4, || {
        let (mut socket, outbox) = outbox(1);
        let pipe = Arc::clone(&outbox);
        let pusher = thread::spawn(move || ["a", "b", "c"].iter().for_each(|body| socket.push(&pipe, body)));
        assert_eq!(take_messages(&outbox, 3), ["a", "b", "c"]);
        pusher.join().expect("it pushes");
    });
}

#[test]
fn a_socket_that_looked_for_room_in_vain_hears_when_there_is_some() {
    loom::model(|| {
        let (mut socket, outbox) = outbox(1);
        socket.push(&outbox, "a");
        let pipe = Arc::clone(&outbox);
        let looker = thread::spawn(move || socket.send(|_| pipe.has_room()));
        assert_eq!(take_messages(&outbox, 1), ["a"]);
        looker.join().expect("it finds room");
    });
}

#[test]
fn a_drained_pipe_gives_all_that_it_holds_and_then_finishes() {
    loom::model(|| {
        let (mut socket, outbox) = outbox(0);
        let pipe = Arc::clone(&outbox);
        let socket = thread::spawn(move || {
            socket.push(&pipe, "a");
            with(|wakes| pipe.drain(wakes));
            assert!(with(|wakes| pipe.push(&"b".into(), wakes)).is_err(), "it takes no more");
        });
        assert_eq!(take_all(&outbox), ["a"]);
        assert_eq!((outbox.state(), outbox.discarded()), (State::Closed, 0));
        socket.join().expect("it drains");
    });
}

#[test]
fn a_pipe_that_is_closed_while_it_drains_finishes_and_counts_what_nobody_took() {
    loom::model(|| {
        let (_, outbox) = outbox(0);
        let (pipe, late) = (Arc::clone(&outbox), Arc::clone(&outbox));
        let socket = thread::spawn(move || {
            let pushed = with(|wakes| pipe.push(&"a".into(), wakes)).is_ok();
            with(|wakes| pipe.drain(wakes));
            pushed
        });
        // Linger is over.
        let timer = thread::spawn(move || with(|wakes| late.close(wakes)));
        let taken = take_all(&outbox).len();
        timer.join().expect("it closes");
        let pushed = socket.join().expect("it drains");
        assert_eq!(taken as u64 + outbox.discarded(), u64::from(pushed));
        assert_eq!((outbox.len(), outbox.state()), (0, State::Closed));
    });
}

#[test]
fn a_closed_pipe_counts_what_was_not_written_also_what_a_connection_gives_back() {
    loom::model(|| {
        let (mut socket, outbox) = outbox(0);
        socket.push(&outbox, "a");
        let pipe = Arc::clone(&outbox);
        let socket = thread::spawn(move || {
            socket.push(&pipe, "b");
            with(|wakes| pipe.close(wakes));
        });
        let mut batch = Batch::new();
        if take(&outbox, &mut batch) == Take::Batch {
            outbox.restore(&mut batch);
        }
        socket.join().expect("it closes");
        assert_eq!((outbox.discarded(), outbox.len()), (2, 0));
    });
}

#[test]
fn a_dial_task_hears_that_nothing_is_left_to_dial_for() {
    loom::model(|| {
        let (mut socket, outbox) = outbox(0);
        let pipe = Arc::clone(&outbox);
        let socket = thread::spawn(move || {
            socket.push(&pipe, "a");
            with(|wakes| pipe.drain(wakes));
            with(|wakes| pipe.close(wakes));
        });
        run(|cx| outbox.poll_finished(cx));
        assert!(outbox.is_empty() && outbox.state() != State::Active);
        socket.join().expect("it closes");
        assert_eq!(outbox.discarded(), 1);
    });
}

#[test]
fn what_a_lost_connection_gives_back_goes_ahead_of_what_was_pushed_meanwhile() {
    loom::model(|| {
        let (mut socket, outbox) = outbox(0);
        let pipe = Arc::clone(&outbox);
        let pusher = thread::spawn(move || ["a", "b", "c"].iter().for_each(|body| socket.push(&pipe, body)));
        let mut batch = Batch::new();
        assert_eq!(take(&outbox, &mut batch), Take::Batch);
        outbox.restore(&mut batch);
        assert_eq!(take_messages(&outbox, 3), ["a", "b", "c"]);
        pusher.join().expect("it pushes");
    });
}

#[test]
fn a_socket_that_found_no_room_hears_of_it_across_lost_connections() {
    model_with_preemptions(4, || {
        let (mut socket, outbox) = outbox(1);
        let pipe = Arc::clone(&outbox);
        let pusher = thread::spawn(move || ["a", "b", "c"].iter().for_each(|body| socket.push(&pipe, body)));
        let mut batch = Batch::new();
        for _ in 0..2 {
            assert_eq!(take(&outbox, &mut batch), Take::Batch);
            outbox.restore(&mut batch);
        }
        assert!(outbox.len() <= 2, "one mark that waits and one that was on its way");
        assert_eq!(take_messages(&outbox, 3), ["a", "b", "c"]);
        pusher.join().expect("it pushes");
    });
}

#[test]
fn what_is_discarded_while_it_is_written_does_not_come_back_and_is_counted() {
    loom::model(|| {
        let (mut socket, outbox) = outbox(1);
        socket.push(&outbox, "a");
        let is_discarded = Arc::new(AtomicBool::new(false));
        let (pipe, flag) = (Arc::clone(&outbox), Arc::clone(&is_discarded));
        let socket = thread::spawn(move || {
            with(|wakes| pipe.discard(wakes));
            flag.store(true, Ordering::Release);
            socket.push(&pipe, "b");
            with(|wakes| pipe.drain(wakes));
        });
        let mut batch = Batch::new();
        assert_eq!(take(&outbox, &mut batch), Take::Batch);
        let was_discarded = is_discarded.load(Ordering::Acquire);
        outbox.restore(&mut batch);
        let written = take_all(&outbox);
        socket.join().expect("it goes on");
        let expected: &[&str] = if was_discarded || written.len() < 2 { &["b"] } else { &["a", "b"] };
        assert_eq!(written, expected);
        assert_eq!(written.len() as u64 + outbox.discarded(), 2);
    });
}

#[test]
fn an_order_to_end_the_connection_is_heard_and_no_message_is_lost_by_it() {
    loom::model(|| {
        let (mut socket, outbox) = outbox(0);
        let pipe = Arc::clone(&outbox);
        let socket = thread::spawn(move || {
            for body in ["a", "b"] {
                socket.push(&pipe, body);
            }
            with(|wakes| pipe.kick(DisconnectReason::Superseded, wakes));
        });
        let (mut batch, mut taken) = (Batch::new(), Vec::new());
        let order = loop {
            match take(&outbox, &mut batch) {
                Take::Batch => taken.extend(bodies(&batch)),
                order => break order,
            }
        };
        assert_eq!(order, Take::Kicked(DisconnectReason::Superseded));
        let left = 2 - taken.len();
        taken.extend(take_messages(&outbox, left));
        assert_eq!(taken, ["a", "b"], "the next connection takes the rest");
        socket.join().expect("it orders");
    });
}
