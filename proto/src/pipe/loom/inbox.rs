//! An inbox, between those that fill it, a connection task or a socket in the same process, and the socket that reads.

use std::sync::Arc;

use loom::thread;

use super::*;

fn inbox(hwm: usize) -> (Socket, Arc<Inbox>) {
    let (mailbox, inbox) = (Arc::default(), Inbox::new(hwm, false));
    with(|wakes| inbox.attach_reader(Arc::clone(&mailbox), PIPE, wakes));
    (Socket::new(&mailbox), Arc::new(inbox))
}

impl Socket {
    /// Sends into an inbox in the same process.
    fn push_direct(&mut self, inbox: &Inbox, era: u64, body: &str) {
        let mailbox = Arc::clone(&self.mailbox);
        self.send(|wakes| inbox.push(&body.into(), era, (&mailbox, PIPE), wakes).is_ok());
    }
}

#[test]
fn a_socket_that_found_nothing_hears_of_what_a_connection_delivers() {
    loom::model(|| {
        let (mut socket, inbox) = inbox(0);
        let pipe = Arc::clone(&inbox);
        let connection = thread::spawn(move || ["a", "b"].iter().for_each(|&body| deliver(&pipe, &[body])));
        for body in ["a", "b"] {
            assert_eq!(socket.recv(&inbox, false), Message::from(body));
        }
        connection.join().expect("it delivers");
    });
}

#[test]
fn a_socket_that_found_nothing_hears_of_what_comes_in_the_same_process() {
    loom::model(|| {
        let (mut socket, inbox) = inbox(0);
        let pipe = Arc::clone(&inbox);
        let writer = thread::spawn(move || {
            let mut writer = Socket::new(&Arc::default());
            writer.push_direct(&pipe, 0, "a");
            with(|wakes| pipe.push_beyond("b".into(), 0, wakes));
        });
        for body in ["a", "b"] {
            assert_eq!(socket.recv(&inbox, false), Message::from(body));
        }
        writer.join().expect("it pushes");
    });
}

#[test]
fn a_connection_that_found_no_room_is_woken_by_what_is_taken() {
    loom::model(|| {
        let (mut socket, inbox) = inbox(1);
        let pipe = Arc::clone(&inbox);
        let connection = thread::spawn(move || deliver(&pipe, &["a", "b"]));
        for body in ["a", "b"] {
            assert_eq!(socket.recv(&inbox, false), Message::from(body));
        }
        connection.join().expect("it delivers");
    });
}

#[test]
fn a_connection_that_found_no_room_is_woken_by_what_is_handed_on() {
    loom::model(|| {
        let (mut socket, inbox) = inbox(1);
        let pipe = Arc::clone(&inbox);
        let connection = thread::spawn(move || deliver(&pipe, &["a", "b"]));
        assert_eq!(socket.recv(&inbox, true), Message::from("a"));
        // The socket does not look again: the report alone makes room.
        connection.join().expect("it delivers");
        assert_eq!(rest(&inbox), [Message::from("b")]);
    });
}

#[test]
fn a_socket_in_the_same_process_that_found_no_room_hears_when_there_is_some() {
    loom::model(|| {
        let (mut socket, inbox) = inbox(1);
        let pipe = Arc::clone(&inbox);
        let writer = thread::spawn(move || {
            let mut writer = Socket::new(&Arc::default());
            for body in ["a", "b"] {
                writer.push_direct(&pipe, 0, body);
            }
        });
        for body in ["a", "b"] {
            assert_eq!(socket.recv(&inbox, false), Message::from(body));
        }
        writer.join().expect("it pushes");
    });
}

#[test]
fn a_socket_in_the_same_process_that_looked_for_room_hears_of_what_is_handed_on() {
    loom::model(|| {
        let (mut socket, inbox) = inbox(1);
        let pipe = Arc::clone(&inbox);
        let writer = thread::spawn(move || {
            let mut writer = Socket::new(&Arc::default());
            writer.push_direct(&pipe, 0, "a");
            let mailbox = Arc::clone(&writer.mailbox);
            writer.send(|_| pipe.has_room(0, (&mailbox, PIPE)));
        });
        assert_eq!(socket.recv(&inbox, true), Message::from("a"));
        writer.join().expect("it finds room");
    });
}

#[test]
fn a_writer_that_found_no_room_hears_of_a_raised_mark_and_of_the_end() {
    for end in [
        |inbox: &Inbox, wakes: &mut Wakes| inbox.configure(2, false, wakes),
        |inbox: &Inbox, wakes: &mut Wakes| inbox.close(wakes),
    ] {
        loom::model(move || {
            let (_, inbox) = inbox(1);
            let pipe = Arc::clone(&inbox);
            let connection = thread::spawn(move || deliver(&pipe, &["a", "b"]));
            with(|wakes| end(&inbox, wakes));
            connection.join().expect("it waits no longer");
        });
    }
}

#[test]
fn a_socket_that_comes_to_read_hears_of_what_came_before_and_of_what_comes() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::new(0, false));
        let pipe = Arc::clone(&inbox);
        let writer = thread::spawn(move || {
            let mut writer = Socket::new(&Arc::default());
            for body in ["a", "b"] {
                writer.push_direct(&pipe, 0, body);
            }
        });
        let mut socket = Socket::new(&Arc::default());
        with(|wakes| inbox.attach_reader(Arc::clone(&socket.mailbox), PIPE, wakes));
        for body in ["a", "b"] {
            assert_eq!(socket.recv(&inbox, false), Message::from(body));
        }
        writer.join().expect("it pushes");
    });
}

#[test]
fn nothing_of_an_earlier_era_arrives_after_the_inbox_is_severed() {
    loom::model(|| {
        let (_, inbox) = inbox(0);
        let pipe = Arc::clone(&inbox);
        let writer = thread::spawn(move || {
            let mailbox = Arc::default();
            let sent = ["a", "b"].map(|body| with(|wakes| pipe.push(&body.into(), 0, (&mailbox, PIPE), wakes)).is_ok());
            with(|wakes| pipe.push_beyond("c".into(), 0, wakes));
            sent
        });
        inbox.sever();
        let before = rest(&inbox);
        // The next peer is there, and what it says is told from what the one before still wants to say.
        inbox.join();
        let mut next = Socket::new(&Arc::default());
        next.push_direct(&inbox, inbox.era(), "new");
        let sent = writer.join().expect("it tries");
        assert_eq!(rest(&inbox), [Message::from("new")]);
        let heard = before.iter().filter(|&message| *message != Message::from("c")).count();
        assert_eq!(heard, sent.iter().filter(|sent| **sent).count(), "what was taken in time is there");
    });
}

#[test]
fn nothing_that_a_connection_delivers_arrives_after_the_inbox_is_severed() {
    loom::model(|| {
        let (_, inbox) = inbox(1);
        let pipe = Arc::clone(&inbox);
        let connection = thread::spawn(move || deliver(&pipe, &["a", "b"]));
        inbox.sever();
        // A connection that waits for room finds it here, and that nobody wants what it has.
        rest(&inbox);
        connection.join().expect("it is rid of its messages");
        assert_eq!(rest(&inbox), [] as [Message; 0]);
    });
}
