//! A whole link, of either role and any mechanism, whose peer sends any bytes in any pieces: it ends once, in order, and
//! makes no room for what is only announced.

#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use bowline_proto::link::{Effect, LinkConfig, Role, State};
use bowline_proto::sim::Side;
use bowline_proto::time::Instant;
use bowline_proto::wire::greeting::Greeting;
use bowline_proto::{DisconnectReason, Mechanism, Message, Options, PlainCredentials, SocketType};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// Any bytes.
    Bytes(&'a [u8]),
    /// A frame with these flags.
    Frame(u8, &'a [u8]),
    /// A command of a name that means something.
    Command(u8, &'a [u8]),
    /// Bytes that make the peer known.
    Introduce {
        minor: u8,
        socket_type: u8,
    },
    Tick(u16),
    Pause,
    Resume,
    Send(u16),
    Write,
    Close,
}

const NAMES: [&str; 9] = ["READY", "ERROR", "SUBSCRIBE", "CANCEL", "PING", "PONG", "HELLO", "WELCOME", "INITIATE"];
const TYPES: [SocketType; 6] =
    [SocketType::Dealer, SocketType::Router, SocketType::XPub, SocketType::Sub, SocketType::Req, SocketType::Pull];

fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(len) => [&[flags & !2, len], body].concat(),
        Err(_) => [&[flags | 2][..], &(body.len() as u64).to_be_bytes(), body].concat(),
    }
}

fn command(name: &str, data: &[u8]) -> Vec<u8> {
    frame(4, &[&[name.len() as u8], name.as_bytes(), data].concat())
}

fn options(choice: u8) -> Options {
    let ann = PlainCredentials::new("ann", "secret").expect("short enough");
    let mechanism = match choice % 3 {
        0 => Mechanism::Null,
        1 => Mechanism::PlainServer(vec![ann]),
        _ => Mechanism::PlainClient(ann),
    };
    let beats = (choice & 8 != 0).then_some(Duration::from_millis(700));
    Options::new().mechanism(mechanism).heartbeat_interval(beats).max_message_size((choice & 16 != 0).then_some(100))
}

fuzz_target!(|input: (u8, u8, bool, Vec<Step<'_>>)| {
    let (choice, socket_type, dials, steps) = input;
    let role = if dials { Role::Dialer } else { Role::Listener };
    let socket_type = TYPES[usize::from(socket_type) % TYPES.len()];
    let mut now = Instant::ZERO;
    let mut side = Side::new(LinkConfig::new(options(choice), socket_type), role, now);
    let mut sent = 0;
    for step in &steps {
        let bytes = match *step {
            Step::Bytes(bytes) => bytes.to_vec(),
            Step::Frame(flags, body) => frame(flags, body),
            Step::Command(name, data) => command(NAMES[usize::from(name) % NAMES.len()], data),
            Step::Introduce { minor, socket_type } => {
                let mechanism = if choice % 3 == 0 { "NULL" } else { "PLAIN" };
                let name = TYPES[usize::from(socket_type) % TYPES.len()].as_str();
                let property = [b"\x0bSocket-Type\0\0\0", &[name.len() as u8][..], name.as_bytes()].concat();
                let greeting = Greeting::new(mechanism, false).with_minor(minor % 3);
                [&greeting.encode()[..], &command("READY", &property)].concat()
            }
            Step::Tick(millis) => {
                now += Duration::from_millis(millis.into());
                side.tick(now);
                continue;
            }
            Step::Pause => {
                side.link.pause_reading(now);
                continue;
            }
            Step::Resume => {
                side.link.resume_reading(now);
                continue;
            }
            Step::Send(len) => {
                side.send(vec![7; len.into()]);
                continue;
            }
            Step::Write => {
                side.output();
                continue;
            }
            Step::Close => {
                side.close();
                continue;
            }
        };
        sent += bytes.len();
        side.feed(&bytes, now);
        // What has come is kept at most once, and what is announced is not believed.
        assert!(side.link.read_buffer().capacity() <= 4 * sent + 64 * 1024);
    }
    side.end(DisconnectReason::PeerClosed, now);
    assert_eq!(side.link.state(), State::Closed);
    let count = |is_it: fn(&Effect) -> bool| side.effects.iter().filter(|effect| is_it(effect)).count();
    assert_eq!(count(|effect| matches!(effect, Effect::Ended(_))), 1);
    assert_eq!(side.link.poll_timeout(), None, "what is closed waits for nothing");
    let received: usize = side.received.iter().map(Message::size).sum();
    assert!(received <= sent, "more is received than was sent");
});
