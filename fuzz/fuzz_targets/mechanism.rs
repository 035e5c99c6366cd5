//! Two honest sides of any mechanism with somebody between them who does what he likes with the bytes: each side ends
//! once, both agree on who the other is, and under CURVE nothing passes that was not sent.

#![no_main]

use arbitrary::Arbitrary;
use bowline_proto::link::{Effect, LinkConfig, Role, State};
use bowline_proto::sim::Side;
use bowline_proto::time::Instant;
use bowline_proto::{
    CurveClient, CurveServer, DisconnectReason, KeyPair, Mechanism, Message, Options, PlainCredentials, SecretKey,
    SocketType,
};
use libfuzzer_sys::fuzz_target;

/// What is done with what one side writes; `true` is the dialer.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step<'a> {
    /// Passes on so much of what waits.
    Pass(bool, u16),
    /// Passes on all that waits, both ways, as often as there is more.
    Settle,
    /// Flips a bit of what waits.
    Flip(bool, u16, u8),
    /// Takes bytes out of what waits.
    Cut(bool, u16, u8),
    /// Puts bytes in.
    Insert(bool, u16, &'a [u8]),
    /// Passes on what was passed on before, from there on so much of it, once more.
    Replay(bool, u16, u16),
    /// Sends a message on that side.
    Send(bool, u8),
    Close(bool),
}

struct Way {
    waiting: Vec<u8>,
    passed: Vec<u8>,
}

fn keys(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

/// The mechanisms of the dialer and of the listener: those that fit, and those that do not.
fn mechanisms(choice: u8) -> [Mechanism; 2] {
    let ann = |password: &str| PlainCredentials::new("ann", password).expect("short enough");
    let curve_client = |server| Mechanism::CurveClient(CurveClient::new(keys(server).public(), keys(2)));
    let curve_server = || CurveServer::new(keys(1));
    match choice % 9 {
        0 => [Mechanism::Null, Mechanism::Null],
        1 => [Mechanism::PlainClient(ann("secret")), Mechanism::PlainServer(vec![ann("secret")])],
        2 => [Mechanism::PlainClient(ann("guess")), Mechanism::PlainServer(vec![ann("secret")])],
        3 => [curve_client(1), Mechanism::CurveServer(curve_server())],
        4 => [Mechanism::CurveServer(curve_server()), curve_client(1)],
        5 => [curve_client(1), Mechanism::CurveServer(curve_server().only([keys(2).public()]))],
        6 => [curve_client(1), Mechanism::CurveServer(curve_server().only([keys(3).public()]))],
        7 => [curve_client(3), Mechanism::CurveServer(curve_server())],
        _ => [Mechanism::PlainClient(ann("secret")), Mechanism::CurveServer(curve_server())],
    }
}

fn is_prefix(received: &[Message], sent: &[Message]) -> bool {
    received.len() <= sent.len() && received.iter().zip(sent).all(|(a, b)| a == b)
}

fuzz_target!(|input: (u8, Vec<Step<'_>>)| {
    let (choice, steps) = input;
    let [dials, listens] = mechanisms(choice);
    let (seals, now) = (dials.seals() && listens.seals(), Instant::ZERO);
    let side = |mechanism, role| {
        Side::new(LinkConfig::new(Options::new().mechanism(mechanism), SocketType::Dealer), role, now)
    };
    let mut sides = [side(dials, Role::Dialer), side(listens, Role::Listener)];
    let mut ways = [(); 2].map(|()| Way { waiting: Vec::new(), passed: Vec::new() });
    let mut sent = [Vec::new(), Vec::new()];
    let mut is_touched = false;
    for step in steps {
        for (side, way) in sides.iter_mut().zip(&mut ways) {
            way.waiting.extend(side.output());
        }
        let from = |dialer: bool| usize::from(!dialer);
        match step {
            Step::Pass(dialer, len) => pass(&mut sides, &mut ways, from(dialer), len.into(), now),
            Step::Settle => {
                for turn in 0..16 {
                    let from = turn % 2;
                    let written = sides[from].output();
                    ways[from].waiting.extend(written);
                    pass(&mut sides, &mut ways, from, usize::MAX, now);
                }
            }
            Step::Flip(dialer, at, bit) => {
                let waiting = &mut ways[from(dialer)].waiting;
                let len = waiting.len().max(1);
                if let Some(byte) = waiting.get_mut(usize::from(at) % len) {
                    *byte ^= 1 << (bit % 8);
                    is_touched = true;
                }
            }
            Step::Cut(dialer, at, len) => {
                let waiting = &mut ways[from(dialer)].waiting;
                let at = usize::from(at).min(waiting.len());
                let end = (at + usize::from(len)).min(waiting.len());
                is_touched |= waiting.drain(at..end).count() > 0;
            }
            Step::Insert(dialer, at, bytes) => {
                let waiting = &mut ways[from(dialer)].waiting;
                let at = usize::from(at).min(waiting.len());
                waiting.splice(at..at, bytes.iter().copied());
                is_touched |= !bytes.is_empty();
            }
            Step::Replay(dialer, at, len) => {
                let way = &mut ways[from(dialer)];
                let at = usize::from(at).min(way.passed.len());
                let end = (at + usize::from(len)).min(way.passed.len());
                let again = way.passed[at..end].to_vec();
                is_touched |= !again.is_empty();
                way.waiting.extend(again);
            }
            Step::Send(dialer, len) => {
                let body = vec![sent[from(dialer)].len() as u8; len.into()];
                sides[from(dialer)].send(body.clone());
                sent[from(dialer)].push(Message::from(body));
            }
            Step::Close(dialer) => sides[from(dialer)].close(),
        }
        for (at, side) in sides.iter().enumerate() {
            if seals || !is_touched {
                assert!(is_prefix(&side.received, &sent[1 - at]), "something else is received than was sent");
            }
        }
    }
    let fits = matches!(choice % 9, 0 | 1 | 3 | 4 | 5);
    for side in &mut sides {
        let was_ready = matches!(side.effects.first(), Some(Effect::Attach(_)));
        assert!(!was_ready || fits || is_touched && !seals, "who does not fit is never ready");
        side.end(DisconnectReason::PeerClosed, now);
        assert_eq!(side.link.state(), State::Closed);
        assert_eq!(side.effects.iter().filter(|effect| matches!(effect, Effect::Ended(_))).count(), 1);
    }
});

fn pass(sides: &mut [Side; 2], ways: &mut [Way; 2], from: usize, most: usize, now: Instant) {
    let way = &mut ways[from];
    let bytes: Vec<u8> = way.waiting.drain(..most.min(way.waiting.len())).collect();
    sides[1 - from].feed(&bytes, now);
    way.passed.extend(bytes);
    // A long run of replays must not take all the memory: what was said first says most.
    way.passed.truncate(64 * 1024);
}
