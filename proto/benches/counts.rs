//! What the hot paths cost, in instructions: `cargo xtask test counts` compares them with `counts.txt`.
//!
//! Each bench is a run of its own, `counts NAME`, under callgrind, which collects only while [`counted`] runs: plain
//! valgrind does all that is needed, and there is no harness whose version has to match that of a runner. Without a name
//! the program lists its benches.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Waker};

use bowline_proto::engine::{Engine, Halves};
use bowline_proto::link::{Link, LinkConfig, State};
use bowline_proto::message::Queue;
use bowline_proto::mux::{End, Head, MethodRef, Session, Settings, Side};
use bowline_proto::sim::{Pair, Split};
use bowline_proto::wire::batch::Batch;
use bowline_proto::{ConnectionId, Message, Options, PeerInfo, SocketType};

/// How many messages each bench moves, unless its name says otherwise: what comes once in a batch hardly counts.
const MESSAGES: usize = 1000;

const SMALL: usize = 16;

const BENCHES: [(&str, fn()); 15] = [
    ("calls_of_one_read_1000", || calls(1000)),
    ("calls_of_one_read_50000", || calls(50_000)),
    ("decode_16_bytes", || decode(SMALL, MESSAGES)),
    ("decode_one_of_64_kib", || decode(64 << 10, 1)),
    ("encode_1_kib", || encode(1 << 10)),
    ("encode_16_bytes", || encode(SMALL)),
    ("encode_64_kib", || encode(64 << 10)),
    ("match_among_1", || send_among(1)),
    ("match_among_100000", || send_among(100_000)),
    ("pipe_in", receive),
    ("pipe_out", || send_to(SocketType::Push, 1)),
    ("resubscribe_among_100000", resubscribe),
    ("send_pub_to_8", || send_to(SocketType::Pub, 8)),
    ("send_push_to_8", || send_to(SocketType::Push, 8)),
    ("send_router_to_8", || send_to(SocketType::Router, 8)),
];

fn main() -> ExitCode {
    let name = std::env::args().nth(1).unwrap_or_default();
    match BENCHES.iter().find(|(bench, _)| *bench == name) {
        Some((_, bench)) => bench(),
        None if name.is_empty() || name.starts_with("--") => BENCHES.iter().for_each(|(name, _)| println!("{name}")),
        None => {
            eprintln!("there is no bench {name}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The only function whose instructions are collected, with those that it calls.
#[inline(never)]
fn counted(work: impl FnOnce()) {
    work();
    black_box(());
}

/// Counts `work` when it has been done twice already, so that what grows has grown.
fn count<S>(mut state: S, prepare: impl Fn(&mut S), work: impl Fn(&mut S)) {
    for _ in 0..2 {
        prepare(&mut state);
        work(&mut state);
    }
    prepare(&mut state);
    counted(|| work(black_box(&mut state)));
    black_box(state);
}

fn body(len: usize) -> Message {
    Message::from(vec![b'x'; len])
}

fn encode(len: usize) {
    count(
        (Batch::new(), body(len)),
        |(batch, _)| batch.clear(),
        |(batch, message)| {
            for _ in 0..MESSAGES {
                batch.push(black_box(message));
            }
        },
    );
}

/// A link with a peer, and bytes that hold so many messages.
fn decode(len: usize, messages: usize) {
    let config = |socket_type| LinkConfig::new(Options::new(), socket_type);
    let mut pair = Pair::new(config(SocketType::Push), config(SocketType::Pull), Split::Whole);
    pair.run();
    assert_eq!(pair.dialer.link.state(), State::Ready);
    for _ in 0..messages {
        pair.dialer.send(body(len));
    }
    let (bytes, now) = (pair.dialer.output(), pair.now());
    let prepare = |link: &mut Link| {
        link.inbound().clear();
        link.read_buffer().extend_from_slice(&bytes);
    };
    let decode = |link: &mut Link| {
        link.handle_read(now);
        assert_eq!(link.inbound().len(), messages);
    };
    count(pair.listener.link, prepare, decode);
}

/// Tiny calls that have all come at once: each costs as much, however many they are.
fn calls(calls: usize) {
    let mut client = Session::new(Side::Client, Settings::default());
    let head = Head { one_way: true, ..Head::new(MethodRef::default()) };
    let mut call = || {
        client.open(&head, "x".into(), End::Finish).expect("there is room");
        client.poll_transmit().expect("it is sent at once")
    };
    let mut server = Session::new(Side::Server, Settings::default());
    server.handle(&call()).expect("the first one defines the method");
    let config = |socket_type| LinkConfig::new(Options::new(), socket_type);
    let mut pair = Pair::new(config(SocketType::Dealer), config(SocketType::Router), Split::Whole);
    pair.run();
    for _ in 0..calls {
        pair.dialer.send(call());
    }
    let (bytes, now) = (pair.dialer.output(), pair.now());
    let prepare = |(link, server): &mut (Link, Session)| {
        link.read_buffer().extend_from_slice(&bytes);
        while server.poll_event().is_some() {}
    };
    let take = |(link, server): &mut (Link, Session)| {
        link.handle_read(now);
        assert_eq!(link.inbound().len(), calls);
        for call in link.inbound().drain() {
            server.handle(&call).expect("it is a call");
        }
    };
    count((pair.listener.link, server), prepare, take);
}

/// A socket with peers that nobody connects: what they send is put into the pipes by hand, and taken out likewise.
struct Socket {
    engine: Engine,
    peers: Vec<Halves>,
    /// What it sends, and what its peers have sent.
    outgoing: Vec<Message>,
    incoming: Queue,
    batch: Batch,
}

impl Socket {
    fn new(socket_type: SocketType, peer_type: SocketType, peers: usize) -> Self {
        let options = Options::new().send_hwm(0).recv_hwm(0);
        let mut engine = Engine::new(socket_type, Arc::new(options));
        let attach = |number| {
            let halves = engine.accept().expect("the socket is open");
            let peer = PeerInfo { identity: identity(number).into(), ..PeerInfo::of_type(peer_type) };
            engine.attach(halves.pipe, ConnectionId(number as u64), peer).expect("the peer is welcome");
            halves
        };
        let peers = (0..peers).map(attach).collect();
        Self { engine, peers, outgoing: Vec::new(), incoming: Queue::new(), batch: Batch::new() }
    }

    /// The peer sends what is in `incoming`.
    fn deliver(&mut self, peer: usize) {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(self.peers[peer].inbox.poll_deliver(&mut cx, &mut self.incoming).is_ready());
    }

    fn subscribe(&mut self, subscriptions: impl Iterator<Item = Message>) {
        self.incoming.extend(subscriptions);
        self.deliver(0);
        self.engine.process();
        drop(self.engine.take_news());
    }

    /// Sends what is in `outgoing`, and takes out of each pipe what a connection would write.
    fn send(&mut self) {
        for message in &mut self.outgoing {
            self.engine.try_send(message).expect("there is room");
        }
        let mut cx = Context::from_waker(Waker::noop());
        for peer in &self.peers {
            self.batch.clear();
            assert!(self.engine.poll_take(peer, &mut cx, &mut self.batch).is_ready(), "each got some");
        }
    }
}

fn identity(number: usize) -> Vec<u8> {
    format!("peer-{number}").into_bytes()
}

fn topic(number: usize) -> String {
    format!("topic/{number:06}")
}

fn subscription(number: usize, begins: u8) -> Message {
    [&[begins], topic(number).as_bytes()].concat().into()
}

fn receive() {
    count(
        Socket::new(SocketType::Pull, SocketType::Push, 1),
        |socket| socket.incoming.extend((0..MESSAGES).map(|_| body(SMALL))),
        |socket| {
            socket.deliver(0);
            for _ in 0..MESSAGES {
                black_box(socket.engine.try_recv().expect("as many as were sent"));
            }
        },
    );
}

fn send_to(socket_type: SocketType, peers: usize) {
    let peer_type = match socket_type {
        SocketType::Push => SocketType::Pull,
        SocketType::Pub => SocketType::Sub,
        _ => SocketType::Dealer,
    };
    let mut socket = Socket::new(socket_type, peer_type, peers);
    if socket_type == SocketType::Pub {
        for peer in 0..peers {
            socket.incoming.push(Message::from(vec![1]));
            socket.deliver(peer);
        }
    }
    let message = |number: usize| match socket_type {
        SocketType::Router => [identity(number % peers), vec![b'x'; SMALL]].into_iter().collect(),
        _ => body(SMALL),
    };
    count(socket, |socket| socket.outgoing = (0..MESSAGES).map(message).collect(), Socket::send);
}

/// A publisher with so many topics, each message for one of them.
fn send_among(topics: usize) {
    let mut socket = Socket::new(SocketType::Pub, SocketType::Sub, 1);
    socket.subscribe((0..topics).map(|number| subscription(number, 1)));
    // A step that shares no factor with the number of topics comes to all of them, far from one another.
    let message = |number: usize| Message::from(topic(number * 7919 % topics) + "/x");
    count(socket, |socket| socket.outgoing = (0..MESSAGES).map(message).collect(), Socket::send);
}

/// Some topics of very many end and begin again.
fn resubscribe() {
    let mut socket = Socket::new(SocketType::Pub, SocketType::Sub, 1);
    socket.subscribe((0..100_000).map(|number| subscription(number, 1)));
    let changes = |begins| (0..MESSAGES / 2).map(move |number| subscription(number * 7919 % 100_000, begins));
    count(
        socket,
        |socket| {
            drop(socket.engine.take_news());
            socket.incoming.extend(changes(0).chain(changes(1)));
            socket.deliver(0);
        },
        |socket| socket.engine.process(),
    );
}
