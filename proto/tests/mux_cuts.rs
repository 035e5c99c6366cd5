//! A conversation of calls as the bytes of a connection: however they are cut into reads, the same is heard and said.

use std::collections::VecDeque;

use bowline_proto::link::{LinkConfig, Role};
use bowline_proto::mux::{Code, End, Event, Head, MethodRef, Session, Settings, Side, StreamId, cost};
use bowline_proto::sim::{Side as Link, Split};
use bowline_proto::time::Instant;
use bowline_proto::{Message, Options, SocketType};
use fastrand::Rng;
use proptest::prelude::*;

/// A server that answers each event at once, as the payloads say, and notes what it heard and said.
struct Server {
    session: Session,
    heard: Vec<Event>,
    said: Vec<Message>,
}

impl Server {
    fn new() -> Self {
        Self { session: Session::new(Side::Server, Settings::default()), heard: Vec::new(), said: Vec::new() }
    }

    fn hear(&mut self, frame: &Message) {
        self.session.handle(frame).expect("a session keeps to the protocol");
        loop {
            while let Some(event) = self.session.poll_event() {
                self.react(&event);
                self.heard.push(event);
            }
            let before = self.said.len();
            self.said.extend(std::iter::from_fn(|| self.session.poll_transmit()));
            if self.said.len() == before {
                return self.session.check();
            }
        }
    }

    /// What is refused here is refused each time.
    fn react(&mut self, event: &Event) {
        match event {
            Event::Data { id, payload, .. } => {
                self.session.consumed(*id, cost(payload.len()));
                match payload.first().map_or(9, |first| first % 16) {
                    0 => self.session.reset(*id, Code::INTERNAL, "as the payload says"),
                    1 => drop(self.session.fail(*id, payload.clone())),
                    2..9 => drop(self.session.send(*id, payload.clone(), End::Open)),
                    _ => {}
                }
            }
            Event::Ended { id } => self.session.finish(*id),
            _ => {}
        }
    }
}

/// What a client said to a server that it had any conversation with, and what the server heard and said.
fn conversation(seed: u64, steps: usize, most: usize) -> (Vec<Message>, Server) {
    let mut rng = Rng::with_seed(seed);
    let (mut client, mut server) = (Session::new(Side::Client, Settings::default()), Server::new());
    let (mut frames, mut answers) = (Vec::new(), VecDeque::new());
    let mut open: Vec<StreamId> = Vec::new();
    for _ in 0..steps {
        let mut payload = vec![0; rng.usize(..most)];
        rng.fill(&mut payload);
        let end = if rng.u8(..3) == 0 { End::Finish } else { End::Open };
        match (rng.u8(..8), rng.choice(open.clone())) {
            (0 | 1, _) | (_, None) => {
                let one_way = end == End::Finish && rng.bool();
                let method = MethodRef { id: rng.u64(..3), ..MethodRef::default() };
                let mut head = Head { one_way, urgency: rng.u8(..8), ..Head::new(method) };
                head.metadata.push("key", vec![1; rng.usize(..40)]);
                open.extend(client.open(&head, payload.into(), end));
            }
            (2, Some(id)) => client.finish(id),
            (3, Some(id)) => client.reset(id, Code::CANCELLED, "enough"),
            // What can't be said any more is not said.
            (_, Some(id)) => drop(client.send(id, payload.into(), end)),
        }
        while let Some(event) = client.poll_event() {
            match event {
                Event::Data { id, payload, .. } => client.consumed(id, cost(payload.len())),
                Event::Closed { id } => open.retain(|&other| other != id),
                _ => {}
            }
        }
        for _ in 0..rng.usize(..4) {
            if let Some(frame) = client.poll_transmit() {
                let known = server.said.len();
                server.hear(&frame);
                frames.push(frame);
                answers.extend(server.said[known..].iter().cloned());
            }
        }
        for answer in answers.drain(..rng.usize(..=answers.len())) {
            client.handle(&answer).expect("a session keeps to the protocol");
        }
    }
    (frames, server)
}

fn link(socket_type: SocketType, role: Role) -> Link {
    Link::new(LinkConfig::new(Options::new(), socket_type), role, Instant::ZERO)
}

/// All that the client's side of the connection writes, from its greeting on.
fn bytes(frames: &[Message]) -> Vec<u8> {
    let mut client = link(SocketType::Dealer, Role::Dialer);
    let mut server = link(SocketType::Router, Role::Listener);
    let mut written = Vec::new();
    // The handshake goes back and forth; then there are only messages.
    for _ in 0..3 {
        let said = client.output();
        server.feed(&said, Instant::ZERO);
        written.extend(said);
        client.feed(&server.output(), Instant::ZERO);
    }
    for frame in frames {
        client.send(frame.clone());
    }
    written.extend(client.output());
    written
}

/// Reads these pieces, one after the other, with a link and a server of their own.
fn play<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Server {
    let (mut link, mut server) = (link(SocketType::Router, Role::Listener), Server::new());
    for piece in pieces {
        link.feed(piece, Instant::ZERO);
        link.received.drain(..).for_each(|frame| server.hear(&frame));
    }
    server
}

fn assert_same(server: &Server, recorded: &Server, how: &str) {
    assert!(server.heard == recorded.heard, "{how}: other events are heard");
    assert!(server.said == recorded.said, "{how}: other frames are said");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn how_a_conversation_is_cut_makes_no_difference(
        seed in any::<u64>(),
        most in prop::sample::select(vec![2_usize, 40, 400, 9_000, 70_000]),
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
    ) {
        let (frames, recorded) = conversation(seed, 60, most);
        let bytes = bytes(&frames);
        assert_same(&play([&bytes[..]]), &recorded, "in one piece");
        assert_same(&play(Split::Chunks(seed).pieces(&bytes)), &recorded, "in small pieces");
        cuts.sort_by_key(|cut| cut.index(bytes.len()));
        let places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        let ends = places.iter().copied().chain([bytes.len()]);
        let begins = [0].into_iter().chain(places.iter().copied());
        assert_same(&play(begins.zip(ends).map(|(from, to)| &bytes[from..to])), &recorded, "in any pieces");
        if most <= 400 {
            assert_same(&play(Split::Bytewise.pieces(&bytes)), &recorded, "byte by byte");
        }
    }
}

#[test]
fn a_conversation_may_be_cut_at_every_byte() {
    for seed in 0..8 {
        let (frames, recorded) = conversation(seed, 30, 20);
        let bytes = bytes(&frames);
        assert!(recorded.heard.len() > 20 && bytes.len() > 300, "something was said");
        for at in 0..=bytes.len() {
            assert_same(&play([&bytes[..at], &bytes[at..]]), &recorded, &format!("cut at {at}"));
        }
    }
}
