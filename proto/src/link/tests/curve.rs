//! CURVE between two links, and what somebody between them can do: nothing.

use proptest::prelude::*;

use super::*;
use crate::auth::Code;
use crate::error::{CurveError, DisconnectReason, HandshakeStage, ProtocolError};
use crate::keys::{CurveClient, CurveServer, KeyPair, SecretKey};
use crate::link::{Effect, State};
use crate::wire::frame::Header;
use crate::wire::greeting::GREETING_LEN;

fn keys(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

fn server() -> Options {
    Options::new().mechanism(Mechanism::CurveServer(CurveServer::new(keys(1))))
}

fn client() -> Options {
    client_of(1)
}

fn client_of(server: u8) -> Options {
    Options::new().mechanism(Mechanism::CurveClient(CurveClient::new(keys(server).public(), keys(2))))
}

fn pair(split: Split) -> Pair {
    Pair::new(config(&client(), SocketType::Dealer), config(&server(), SocketType::Dealer), split)
}

fn ready() -> Pair {
    let mut pair = pair(Split::Whole);
    pair.run();
    assert_eq!((pair.dialer.link.state(), pair.listener.link.state()), (State::Ready, State::Ready));
    pair
}

/// One side alone, up to its greeting.
fn alone(options: &Options) -> Side {
    let mut side = Side::new(config(options, SocketType::Dealer), Role::Listener, at(0));
    side.output();
    side.feed(&Greeting::new("CURVE", false).encode(), at(0));
    side
}

/// What each side writes in turn until it has nothing more to say: first the client, then the server.
fn recorded() -> [Vec<Vec<u8>>; 2] {
    let mut sides = [(&client(), Role::Dialer), (&server(), Role::Listener)]
        .map(|(options, role)| Side::new(config(options, SocketType::Dealer), role, at(0)));
    let mut said = [Vec::new(), Vec::new()];
    for turn in 0..8 {
        let bytes = sides[turn % 2].output();
        sides[1 - turn % 2].feed(&bytes, at(0));
        said[turn % 2].push(bytes);
    }
    assert!(sides.iter().all(|side| side.link.state() == State::Ready));
    said.map(|turns| turns.into_iter().filter(|bytes| !bytes.is_empty()).collect())
}

fn curve(error: CurveError) -> DisconnectReason {
    DisconnectReason::Protocol(ProtocolError::Curve(error))
}

#[test]
fn both_sides_get_ready_however_the_bytes_are_cut() {
    for split in SPLITS {
        let mut pair = pair(split);
        pair.run();
        let (at_client, at_server) = (pair.dialer.link.peer().unwrap(), pair.listener.link.peer().unwrap());
        assert_eq!((at_client.mechanism, &at_client.user), ("CURVE", &None), "{split:?}");
        assert_eq!(at_server.user, Some(keys(2).public().to_string()));
        for n in [0, 1, 16, 40, 41, 255, 256, 5000] {
            pair.dialer.send(vec![n as u8; n]);
            pair.listener.send([&b"a"[..], &vec![7; n], b""].into_iter().collect::<Message>());
        }
        pair.run();
        assert_eq!((pair.dialer.received.len(), pair.listener.received.len()), (8, 8));
        assert_eq!(pair.listener.received[7].parts(), [&[136; 5000][..]]);
        assert_eq!(pair.dialer.received[2].parts(), [&b"a"[..], &[7; 16], b""]);
    }
}

#[test]
fn a_batch_longer_than_a_run_arrives_whole_and_in_order() {
    let mut pair = ready();
    for n in 0..3000_u32 {
        pair.dialer.send(n.to_be_bytes().to_vec());
        pair.dialer.send(vec![n as u8; (n as usize * 37) % 9000]);
    }
    pair.run();
    assert_eq!(pair.listener.received.len(), 6000);
    for (n, two) in (0_u32..).zip(pair.listener.received.chunks(2)) {
        assert_eq!(two[0].parts(), [&n.to_be_bytes()[..]]);
        assert_eq!(two[1].parts(), [&vec![n as u8; (n as usize * 37) % 9000][..]]);
    }
}

#[test]
fn pings_and_subscriptions_are_sealed_as_well() {
    let beats = client().heartbeat_interval(Some(Duration::from_secs(1)));
    let mut pair = Pair::new(config(&beats, SocketType::Sub), config(&server(), SocketType::XPub), Split::Whole);
    pair.run();
    pair.dialer.queue.push_subscription(b"topic", true);
    pair.run();
    assert_eq!(pair.listener.received[0].parts(), [b"\x01topic"]);
    pair.dialer.tick(at(1000));
    let ping = pair.dialer.output();
    assert!(ping.starts_with(b"\x00") && ping[2..].starts_with(b"\x07MESSAGE"), "{}", ping.escape_ascii());
    pair.listener.feed(&ping, at(1000));
    let answer = pair.listener.output();
    assert!(answer[2..].starts_with(b"\x07MESSAGE"));
    pair.dialer.feed(&answer, at(1000));
    pair.dialer.tick(at(2500));
    assert_eq!(pair.dialer.link.state(), State::Ready);
}

#[test]
fn an_answer_that_could_only_go_out_sealed_is_not_a_last_word() {
    let mut pair = ready();
    pair.dialer.tick(at(0));
    pair.dialer.queue.push_command(&[b"\x04PING\0\0context"]);
    let ping = pair.dialer.output();
    pair.listener.feed(&ping, at(0));
    pair.listener.close();
    assert_eq!(pair.listener.output(), b"");
}

#[test]
fn a_batch_is_not_written_by_a_link_that_can_no_longer_seal_it() {
    let mut pair = ready();
    pair.dialer.send("secret");
    pair.dialer.link.close();
    let mut batch = std::mem::take(&mut pair.dialer.queue);
    pair.dialer.link.seal(&mut batch);
    assert!(batch.is_empty());
}

#[test]
fn the_wrong_key_of_a_server_is_found_by_both() {
    let mut pair =
        Pair::new(config(&client_of(9), SocketType::Dealer), config(&server(), SocketType::Dealer), Split::Whole);
    pair.run();
    assert_eq!(pair.listener.reason(), Some(&curve(CurveError::Hello)));
    assert_eq!(pair.dialer.reason(), Some(&DisconnectReason::PeerClosed));
}

#[test]
fn a_client_that_is_not_on_the_list_is_refused() {
    let listed = |seed| CurveServer::new(keys(1)).only([keys(7).public(), keys(seed).public()]);
    let meet = |seed| {
        let server = Options::new().mechanism(Mechanism::CurveServer(listed(seed)));
        let mut pair =
            Pair::new(config(&client(), SocketType::Dealer), config(&server, SocketType::Dealer), Split::Whole);
        pair.run();
        pair
    };
    assert_eq!(meet(2).listener.link.state(), State::Ready);
    let refused = meet(3);
    assert_eq!(refused.listener.reason().and_then(DisconnectReason::code), Some(Code::Credentials));
    assert_eq!(refused.dialer.reason(), Some(&DisconnectReason::HandshakeRefused { reason: "400".into() }));
}

#[test]
fn nobody_talks_a_peer_into_a_weaker_mechanism() {
    for mechanism in [Mechanism::Null, Mechanism::PlainClient(credentials("pw")), Mechanism::PlainServer(Vec::new())] {
        for (options, ours) in [(client(), Role::Dialer), (server(), Role::Listener)] {
            let theirs = Options::new().mechanism(mechanism.clone());
            let mut pair =
                Pair::new(config(&options, SocketType::Dealer), config(&theirs, SocketType::Dealer), Split::Whole);
            pair.run();
            let theirs = mechanism.name().to_owned();
            let expected = ProtocolError::MechanismMismatch { ours: "CURVE", theirs };
            assert_eq!(pair.dialer.reason(), Some(&expected.into()), "{ours:?}");
        }
    }
    let mut server = alone(&server());
    server.feed(&command(b"\x05READY"), at(0));
    assert_eq!(server.reason(), Some(&ProtocolError::UnexpectedCommand { name: "READY".into() }.into()));
}

#[test]
fn two_clients_and_two_servers_find_out() {
    let meet = |a: &Options, b: &Options| {
        let mut pair = Pair::new(config(a, SocketType::Dealer), config(b, SocketType::Dealer), Split::Whole);
        pair.run();
        pair.dialer.reason().or(pair.listener.reason()).cloned()
    };
    let same = Some(ProtocolError::SameRole { mechanism: "CURVE" }.into());
    assert_eq!((meet(&client(), &client()), meet(&server(), &server())), (same.clone(), same));
}

/// Plays what one side said to the other, with a change, and tells how that ended.
fn altered(to: &Options, role: Role, said: &[Vec<u8>], turn: usize, change: impl FnOnce(&mut Vec<u8>)) -> Side {
    let mut side = Side::new(config(to, SocketType::Dealer), role, at(0));
    let mut said = said.to_vec();
    change(&mut said[turn]);
    for bytes in &said[..=turn] {
        side.output();
        side.feed(bytes, at(0));
    }
    // Whoever waits for more than was sent waits until its time is over.
    side.tick(at(60_000));
    side
}

#[test]
fn every_bit_of_a_handshake_counts() {
    let [by_client, by_server] = recorded();
    assert_eq!((by_client.len(), by_server.len()), (3, 3), "greeting, HELLO, INITIATE; greeting, WELCOME, READY");
    for (options, role, said) in [(server(), Role::Listener, by_client), (client(), Role::Dialer, by_server)] {
        for turn in 1..said.len() {
            for bit in 0..said[turn].len() * 8 {
                let side = altered(&options, role, &said, turn, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
                let is_typed =
                    matches!(side.reason(), Some(DisconnectReason::Protocol(_) | DisconnectReason::HandshakeTimeout));
                assert!(is_typed, "{role:?}, turn {turn}, bit {bit}: {:?}", side.reason());
                assert!(!side.effects.contains(&Effect::Ready));
            }
            // And every end that comes too early.
            for len in 0..said[turn].len() {
                let side = altered(&options, role, &said, turn, |bytes| bytes.truncate(len));
                assert_eq!(side.reason(), Some(&DisconnectReason::HandshakeTimeout));
            }
        }
        // Of a greeting only the signature, the version and the mechanism mean anything; a bit of them is refused, or
        // waited for in vain. The minor version chooses the dialect, and the sealed text is the same in both.
        for bit in (0..8).chain(9 * 8..11 * 8).chain(12 * 8..32 * 8) {
            let side = altered(&options, role, &said, 0, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            let is_higher_version = bit / 8 == 10 && side.reason() == Some(&DisconnectReason::HandshakeTimeout);
            assert!(is_higher_version || matches!(side.reason(), Some(DisconnectReason::Protocol(_))), "bit {bit}");
        }
    }
}

#[test]
fn a_handshake_that_is_played_again_leads_nowhere() {
    let [by_client, _] = recorded();
    let mut other = Side::new(config(&server(), SocketType::Dealer), Role::Listener, at(0));
    // Equal chance would give equal keys: this server has its own.
    other.link = crate::link::Link::new(config(&server(), SocketType::Dealer), Role::Listener);
    other.link.start(at(0), crate::sim::chance(99)).unwrap();
    for bytes in &by_client {
        other.feed(bytes, at(0));
        other.output();
    }
    assert_eq!(other.reason(), Some(&curve(CurveError::Cookie)));
    let stage = HandshakeStage::Ready;
    let reason = curve(CurveError::Cookie);
    assert!(other.effects.contains(&Effect::HandshakeFailed { stage, reason }));
}

/// Frames of one message each, sealed by the client of a pair that is ready.
fn sealed(pair: &mut Pair, messages: &[&str]) -> Vec<Vec<u8>> {
    let seal = |text: &&str| {
        pair.dialer.send(*text);
        pair.dialer.output()
    };
    messages.iter().map(seal).collect()
}

#[test]
fn a_message_is_taken_once_and_in_order() {
    let after = |order: &[usize]| {
        let mut pair = ready();
        let frames = sealed(&mut pair, &["one", "two", "three"]);
        for &i in order {
            pair.listener.feed(&frames[i], at(0));
        }
        (pair.listener.received.len(), pair.listener.reason().cloned())
    };
    // The client's HELLO and INITIATE took the numbers 1 and 2.
    assert_eq!(after(&[0, 1, 2]), (3, None));
    assert_eq!(after(&[0, 2]), (2, None), "one that is missing is not seen: the transport is in order");
    assert_eq!(after(&[0, 0]), (1, Some(curve(CurveError::Replayed { number: 3, heard: 3 }))));
    assert_eq!(after(&[0, 2, 1]), (2, Some(curve(CurveError::Replayed { number: 4, heard: 5 }))));
}

#[test]
fn what_came_before_a_forged_message_is_still_delivered() {
    let mut pair = ready();
    let mut bytes = sealed(&mut pair, &["one", "two", "three"]).concat();
    let third = bytes.len() - 1;
    bytes[third] ^= 1;
    pair.listener.feed(&bytes, at(0));
    assert_eq!(pair.listener.received.len(), 2);
    assert_eq!(pair.listener.reason(), Some(&curve(CurveError::Message)));
}

#[test]
fn every_bit_of_a_message_counts() {
    let frame = sealed(&mut ready(), &["attack at dawn"]).remove(0);
    for bit in 0..frame.len() * 8 {
        let mut pair = ready();
        let mut frame = frame.clone();
        frame[bit / 8] ^= 1 << (bit % 8);
        pair.listener.feed(&frame, at(0));
        // RFC 25 calls MESSAGE a command, so that flag of the header means nothing here.
        let is_command = bit == 2;
        assert_eq!(pair.listener.received.len(), usize::from(is_command), "bit {bit}");
        // A frame that seems longer is waited for; so is the length of a long one.
        let waits = (8..16).contains(&bit) || bit == 1;
        let is_refused = matches!(pair.listener.reason(), Some(DisconnectReason::Protocol(_)));
        assert!(is_command || waits || is_refused, "bit {bit}");
    }
}

#[test]
fn truncated_boxes_and_clear_text_are_refused_by_name() {
    let refuses = |bytes: &[u8]| {
        let mut pair = ready();
        pair.listener.feed(bytes, at(0));
        assert!(pair.listener.received.is_empty());
        pair.listener.reason().cloned()
    };
    let malformed = Some(ProtocolError::MalformedCommand { name: "MESSAGE" }.into());
    for len in 8..33 {
        let body = [&b"\x07MESSAGE"[..], &[0xff; 25]].concat();
        assert_eq!(refuses(&[&[0, len], &body[..len.into()]].concat()), malformed, "{len}");
    }
    assert_eq!(refuses(b"\0\x05hello"), Some(curve(CurveError::ClearText)));
    assert_eq!(
        refuses(&command(b"\x04PING\0\0")),
        Some(ProtocolError::UnexpectedCommand { name: "PING".into() }.into())
    );
    assert_eq!(
        refuses(&command(b"\x05ERROR\x03400")),
        Some(ProtocolError::UnexpectedCommand { name: "ERROR".into() }.into())
    );
}

#[test]
fn a_message_over_the_limit_is_refused_before_it_is_all_there() {
    let small = server().max_message_size(Some(100_000));
    let mut pair = Pair::new(config(&client(), SocketType::Dealer), config(&small, SocketType::Dealer), Split::Whole);
    pair.run();
    pair.dialer.send(vec![1; 100_000]);
    pair.run();
    assert_eq!(pair.listener.received.len(), 1);
    pair.dialer.send(vec![1; 100_001]);
    let bytes = pair.dialer.output();
    pair.listener.feed(&bytes[..20], at(0));
    assert_eq!(pair.listener.reason(), Some(&DisconnectReason::Oversize { announced: 100_001, limit: 100_000 }));
}

/// What libzmq 4.3.5 said, recorded with `proto/examples/record_curve.rs`: a client's greeting, HELLO, INITIATE and
/// messages, a server's greeting, WELCOME, READY and messages. Our side has the keys again that it had then.
const RECORDED: &str = include_str!("curve.txt");

#[test]
fn what_libzmq_said_is_opened_again() {
    let expected: [&[&[u8]]; 4] =
        [&[b"attack at dawn"], &[b"two", b"parts"], &[b""], &[&(0..=255).collect::<Vec<u8>>().repeat(5)]];
    for (theirs, options, role) in [("client", server(), Role::Listener), ("server", client(), Role::Dialer)] {
        let mut side = Side::new(config(&options, SocketType::Pull), role, at(0));
        for line in RECORDED.lines().filter_map(|line| line.strip_prefix(theirs)?.strip_prefix(' ')) {
            let bytes: Vec<u8> =
                (0..line.len() / 2).map(|i| u8::from_str_radix(&line[2 * i..2 * i + 2], 16).unwrap()).collect();
            side.output();
            side.feed(&bytes, at(0));
        }
        assert_eq!((side.link.state(), side.received.len()), (State::Ready, 4), "{theirs}: {:?}", side.reason());
        for (message, parts) in side.received.iter().zip(expected) {
            assert_eq!(message.parts(), parts);
        }
    }
}

/// Whether any eight bytes of `text` stand in `wire`.
fn shows(wire: &[u8], text: &[u8]) -> bool {
    text.windows(8).any(|piece| wire.windows(8).any(|window| window == piece))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_clear_text_is_on_the_wire(
        messages in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4), 1..12),
        topic in prop::collection::vec(any::<u8>(), 8..40),
    ) {
        let named = client().identity("the-name-of-a-dealer".parse().unwrap());
        let mut pair = Pair::new(config(&named, SocketType::Dealer), config(&server(), SocketType::Router), Split::Whole);
        pair.run();
        prop_assert_eq!(pair.dialer.link.state(), State::Ready);
        for parts in &messages {
            pair.dialer.send(parts.iter().cloned().collect::<Message>());
            pair.dialer.queue.push_command(&[b"\x04PING\0\0", &topic[..8]]);
        }
        let wire = pair.dialer.output();
        prop_assert!(!shows(&wire, &topic[..8]) && !shows(&wire, b"the-name-of-a-dealer"));
        for part in messages.iter().flatten() {
            prop_assert!(!shows(&wire, part));
        }
        pair.listener.feed(&wire, at(0));
        prop_assert_eq!(pair.listener.received.len(), messages.len());
    }

    #[test]
    fn what_was_not_written_whole_is_sent_again_on_the_next_link(
        lens in prop::collection::vec(0..3000usize, 1..40),
        cut in 0..60_000usize,
    ) {
        let (mut first, mut second) = (ready(), ready());
        for (n, len) in lens.iter().enumerate() {
            first.dialer.send([vec![n as u8], vec![n as u8; *len]].into_iter().collect::<Message>());
        }
        let mut batch = std::mem::take(&mut first.dialer.queue);
        let mut written = Vec::new();
        while written.len() < cut && !batch.is_empty() {
            first.dialer.link.seal(&mut batch);
            let piece = batch.piece().unwrap();
            let n = piece.len().min(cut - written.len()).min(700);
            written.extend_from_slice(&piece[..n]);
            batch.advance(n);
        }
        first.listener.feed(&written, at(0));
        batch.rewind();
        second.dialer.queue = batch;
        second.run();
        let received = [&first.listener.received[..], &second.listener.received].concat();
        let numbers: Vec<u8> = received.iter().map(|message| message.parts()[0][0]).collect();
        prop_assert_eq!(numbers, (0..lens.len() as u8).collect::<Vec<_>>());
    }
}

#[test]
fn the_lengths_on_the_wire_are_those_of_the_specification() {
    let [by_client, by_server] = recorded();
    let lens = |said: &[Vec<u8>]| said.iter().map(Vec::len).collect::<Vec<_>>();
    let metadata = by_client[2].len() - (9 + 257);
    // Greeting; HELLO of 200 bytes; INITIATE of 257 and the metadata. WELCOME of 168; READY of 30 and the metadata.
    assert_eq!(lens(&by_client), [GREETING_LEN, 2 + 200, 9 + 257 + metadata]);
    assert_eq!(lens(&by_server), [GREETING_LEN, 2 + 168, 2 + 30 + metadata]);
    let (header, _) = Header::decode(&by_client[2]).unwrap().unwrap();
    assert_eq!(header.len, 257 + metadata as u64);
}
