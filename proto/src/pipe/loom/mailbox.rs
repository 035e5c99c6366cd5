//! A mailbox, between those who post edges and the tasks that wait for them.

use std::sync::Arc;

use loom::sync::Mutex;
use loom::thread;

use super::*;

fn readable(index: u32) -> Signal {
    Signal::Readable(PipeId { index, serial: 0 })
}

/// Waits until `n` signals have come, as the only one who collects them.
fn hear(mailbox: &Arc<Mailbox>, n: usize) -> Vec<Signal> {
    let mut wait = mailbox.wait(Waiting::Recv);
    let mut signals = Vec::new();
    run(|cx| {
        loop {
            if mailbox.has_signals() {
                mailbox.collect(&mut signals);
            }
            if signals.len() >= n {
                return Poll::Ready(());
            }
            if wait.register(cx.waker()) {
                return Poll::Pending;
            }
        }
    });
    signals
}

#[test]
fn a_task_that_goes_to_wait_while_edges_are_posted_and_collected_hears_of_each() {
    loom::model(|| {
        let mailbox: Arc<Mailbox> = Arc::default();
        let theirs = Arc::clone(&mailbox);
        let poster = thread::spawn(move || [1, 2].iter().for_each(|&pipe| theirs.post(readable(pipe)).wake()));
        assert_eq!(hear(&mailbox, 2), [1, 2].map(readable));
        poster.join().expect("it posts");
    });
}

#[test]
fn edges_of_two_connections_are_both_heard() {
    loom::model(|| {
        let mailbox: Arc<Mailbox> = Arc::default();
        let posters = [1, 2].map(|pipe| {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || mailbox.post(readable(pipe)).wake())
        });
        let mut heard = hear(&mailbox, 2);
        heard.sort_by_key(|signal| *signal == readable(2));
        assert_eq!(heard, [1, 2].map(readable));
        for poster in posters {
            poster.join().expect("it posts");
        }
    });
}

#[test]
fn of_two_tasks_that_wait_one_collects_the_edge_and_both_get_what_came() {
    model_with_preemptions(4, || {
        let mailbox: Arc<Mailbox> = Arc::default();
        let inbox = Arc::new(Inbox::new(0, false));
        with(|wakes| inbox.attach_reader(Arc::clone(&mailbox), PIPE, wakes));
        // The lock of the engine: whoever holds it does not sleep.
        let socket = Arc::new(Mutex::new(Socket::new(&mailbox)));
        let recv = |socket: &Mutex<Socket>, inbox: &Inbox, mailbox: &Arc<Mailbox>| {
            let mut wait = mailbox.wait(Waiting::Recv);
            run(|cx| {
                let mut socket = socket.lock().expect("nobody panics");
                socket.poll(cx.waker(), &mut wait, |socket| socket.next(inbox, false))
            })
        };
        let other = {
            let (socket, inbox, mailbox) = (Arc::clone(&socket), Arc::clone(&inbox), Arc::clone(&mailbox));
            thread::spawn(move || recv(&socket, &inbox, &mailbox))
        };
        let pipe = Arc::clone(&inbox);
        let connection = thread::spawn(move || deliver(&pipe, &["a", "b"]));
        let mut got = [recv(&socket, &inbox, &mailbox), other.join().expect("it receives")];
        got.sort_by_key(|message| *message == Message::from("b"));
        assert_eq!(got, ["a", "b"].map(Message::from));
        connection.join().expect("it delivers");
    });
}

#[test]
fn a_task_that_gives_up_waiting_takes_nobody_elses_place() {
    model_with_preemptions(4, || {
        let mailbox: Arc<Mailbox> = Arc::default();
        let mut given_up = mailbox.wait(Waiting::Recv);
        assert!(given_up.register(Waker::noop()));
        let quitter = thread::spawn(move || drop(given_up));
        let theirs = Arc::clone(&mailbox);
        let poster = thread::spawn(move || [1, 2].iter().for_each(|&pipe| theirs.post(readable(pipe)).wake()));
        assert_eq!(hear(&mailbox, 2), [1, 2].map(readable));
        quitter.join().expect("it goes");
        poster.join().expect("it posts");
    });
}

#[test]
fn a_task_whose_neighbour_is_woken_and_dropped_at_the_same_time_is_woken_too() {
    loom::model(|| {
        let mailbox: Arc<Mailbox> = Arc::default();
        let ours = Arc::clone(&mailbox);
        let stays = thread::spawn(move || {
            let mut wait = ours.wait(Waiting::Peers);
            let mut waits = false;
            run(|cx| {
                if std::mem::replace(&mut waits, true) {
                    return Poll::Ready(());
                }
                assert!(wait.register(cx.waker()));
                // The news comes after we wait for it.
                let news = Arc::clone(&ours);
                thread::spawn(move || news.waiters(Waiting::Peers).wake());
                Poll::Pending
            });
        });
        let mut goes = mailbox.wait(Waiting::Peers);
        assert!(goes.register(Waker::noop()));
        drop(goes);
        stays.join().expect("it hears");
    });
}
