//! What a peer sends, byte for byte, to a side of any mechanism and role. Its seeds are what libzmq sent.
//!
//! The first three bytes choose the mechanism, the socket type and the pieces in which the rest is read.

#![no_main]

use bowline_proto::link::{Effect, LinkConfig, Role, State};
use bowline_proto::sim::{Side, Split};
use bowline_proto::time::Instant;
use bowline_proto::{
    CurveClient, CurveServer, DisconnectReason, KeyPair, Mechanism, Message, Options, PlainCredentials, SecretKey,
    SocketType,
};
use libfuzzer_sys::fuzz_target;

const TYPES: [SocketType; 11] = [
    SocketType::Req,
    SocketType::Rep,
    SocketType::Dealer,
    SocketType::Router,
    SocketType::Pub,
    SocketType::Sub,
    SocketType::XPub,
    SocketType::XSub,
    SocketType::Push,
    SocketType::Pull,
    SocketType::Pair,
];

fn mechanism(choice: u8) -> Mechanism {
    let ann = PlainCredentials::new("ann", "secret").expect("short enough");
    let keys = |seed| KeyPair::from(SecretKey::from_bytes([seed; 32]));
    match choice % 5 {
        0 => Mechanism::Null,
        1 => Mechanism::PlainServer(vec![ann]),
        2 => Mechanism::PlainClient(ann),
        3 => Mechanism::CurveServer(CurveServer::new(keys(1))),
        _ => Mechanism::CurveClient(CurveClient::new(keys(1).public(), keys(2))),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some(([choice, socket_type, split], stream)) = bytes.split_first_chunk() else { return };
    let options = Options::new().mechanism(mechanism(*choice)).max_message_size(Some(2048));
    let config = LinkConfig::new(options, TYPES[usize::from(*socket_type) % TYPES.len()]);
    let split = match split {
        0 => Split::Whole,
        1 => Split::Bytewise,
        seed => Split::Chunks((*seed).into()),
    };
    let now = Instant::ZERO;
    let mut side = Side::new(config, Role::Listener, now);
    for piece in split.pieces(stream) {
        side.feed(piece, now);
        // What it answers is written, and no more of it than was asked for.
        assert!(side.output().len() <= 64 * 1024 + 2 * stream.len());
    }
    let received: usize = side.received.iter().map(Message::size).sum();
    assert!(received <= stream.len(), "more is received than was sent");
    side.end(DisconnectReason::PeerClosed, now);
    assert_eq!(side.link.state(), State::Closed);
    assert_eq!(side.effects.iter().filter(|effect| matches!(effect, Effect::Ended(_))).count(), 1);
});
