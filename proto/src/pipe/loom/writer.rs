//! A writer under its socket's lock, between a task that sends and the connection task that fetches.

use std::sync::Arc;

use loom::thread;

use super::*;
use crate::pipe::sync::Mutex;
use crate::pipe::{Take, Writer};

/// A socket with one pipe that is written to.
type Shared = Arc<Mutex<Writer>>;

fn writer(hwm: usize) -> (Socket, Shared) {
    let mailbox: Arc<Mailbox> = Arc::default();
    let writer = Writer::new(Arc::new(Outbox::new(Arc::clone(&mailbox), PIPE, hwm, false)));
    (Socket::new(&mailbox), Arc::new(Mutex::new(writer)))
}

fn push(socket: &mut Socket, shared: &Shared, body: &str) {
    socket.send(|wakes| shared.lock().push(&body.into(), wakes).is_ok());
}

/// Fetches until `n` messages have come. As in the driver, whom that concerns is woken when the lock is gone.
fn take_messages(shared: &Shared, n: usize) -> Vec<String> {
    let (mut batch, mut taken) = (Batch::new(), Vec::new());
    while taken.len() < n {
        batch.clear();
        let fetched = run(|cx| with(|wakes| shared.lock().poll_take(cx, &mut batch, wakes)));
        assert_eq!(fetched, Take::Batch);
        taken.extend(bodies(&batch));
    }
    taken
}

#[test]
fn a_connection_that_sleeps_is_woken_by_what_is_staged() {
    loom::model(|| {
        let (mut socket, shared) = writer(0);
        let pipe = Arc::clone(&shared);
        let pusher = thread::spawn(move || ["a", "b"].iter().for_each(|body| push(&mut socket, &pipe, body)));
        assert_eq!(take_messages(&shared, 2), ["a", "b"]);
        pusher.join().expect("it pushes");
    });
}

#[test]
fn a_socket_that_staged_up_to_the_mark_hears_when_there_is_room() {
    model_with_preemptions(3, || {
        let (mut socket, shared) = writer(1);
        let pipe = Arc::clone(&shared);
        let pusher = thread::spawn(move || ["a", "b", "c"].iter().for_each(|body| push(&mut socket, &pipe, body)));
        assert_eq!(take_messages(&shared, 3), ["a", "b", "c"]);
        pusher.join().expect("it pushes");
    });
}

#[test]
fn what_is_staged_while_a_connection_gives_back_keeps_its_order() {
    loom::model(|| {
        let (mut socket, shared) = writer(0);
        push(&mut socket, &shared, "a");
        let pipe = Arc::clone(&shared);
        let pusher = thread::spawn(move || push(&mut socket, &pipe, "b"));
        let mut batch = Batch::new();
        run(|cx| with(|wakes| shared.lock().poll_take(cx, &mut batch, wakes)));
        let outbox = Arc::clone(shared.lock().outbox());
        outbox.restore(&mut batch);
        batch.clear();
        assert_eq!(take_messages(&shared, 2), ["a", "b"]);
        pusher.join().expect("it pushes");
    });
}
