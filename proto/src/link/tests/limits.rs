//! What a peer may say of itself, and in how many parts it may speak.

use super::*;
use crate::error::{DisconnectReason, ProtocolError};
use crate::limits::PeerLimits;
use crate::wire::metadata;

fn limited(limits: PeerLimits) -> LinkConfig {
    config(&Options::new().limits(limits), SocketType::Pull)
}

/// Why a PUSH with these metadata besides its socket type is refused, if it is.
fn refusal(limits: PeerLimits, properties: impl IntoIterator<Item = (String, Vec<u8>)>) -> Option<DisconnectReason> {
    let mut body = b"\x05READY".to_vec();
    metadata::encode_property(metadata::SOCKET_TYPE, b"PUSH", &mut body);
    for (name, value) in properties {
        metadata::encode_property(&name, &value, &mut body);
    }
    let header = [&[6][..], &(body.len() as u64).to_be_bytes()].concat();
    let mut side = Side::new(limited(limits), Role::Listener, at(0));
    side.feed(&[&Greeting::new("NULL", false).encode()[..], &header, &body].concat(), at(0));
    assert_eq!(side.link.peer().is_some(), side.reason().is_none());
    side.reason().cloned()
}

#[test]
fn metadata_beyond_their_limit_are_refused() {
    // The socket type takes 20 bytes of them, the head of the other property 6.
    let long = |len: usize| [("x".to_owned(), vec![7; len - 26])];
    let limits = PeerLimits::new();
    assert_eq!(refusal(limits, long(16 * 1024)), None);
    let too_long = |len, limit| Some(ProtocolError::MetadataTooLong { len, limit }.into());
    assert_eq!(refusal(limits, long(16 * 1024 + 1)), too_long(16 * 1024 + 1, 16 * 1024));
    assert_eq!(refusal(limits.max_metadata(26), long(27)), too_long(27, 26));
    let announced = |len: u64| Some(ProtocolError::CommandTooLong { announced: len + 6 }.into());
    assert_eq!(refusal(limits, long(20_000)), announced(20_000), "not even read");
    assert_eq!(refusal(limits.max_metadata(20_000), long(20_000)), None);
}

#[test]
fn properties_beyond_256_are_refused() {
    let many = |n: usize| (0..n).map(|i| (format!("x{i}"), Vec::new()));
    assert_eq!(refusal(PeerLimits::new(), many(256)), None);
    let too_many = ProtocolError::TooManyProperties { limit: 256 };
    assert_eq!(refusal(PeerLimits::new(), many(257)), Some(too_many.into()));
}

#[test]
fn a_part_beyond_the_limit_ends_the_connection_before_it_is_read() {
    let speak = |limits: PeerLimits, parts: usize, end: &[u8]| {
        let mut side = ready_side_of(limited(limits), 1, SocketType::Push);
        side.feed(&[&[1, 0].repeat(parts), end].concat(), at(0));
        (side.received.iter().map(|message| message.parts().len()).collect::<Vec<_>>(), side.reason().cloned())
    };
    let too_many = |limit| Some(DisconnectReason::TooManyParts { limit });
    let three = PeerLimits::new().max_parts(Some(3));
    assert_eq!(speak(three, 2, b"\0\0"), (vec![3], None));
    assert_eq!(speak(three, 3, b"\0\x05"), (vec![], too_many(3)), "its header is enough");
    assert_eq!(speak(PeerLimits::new(), 65_535, b"\0\0"), (vec![65_536], None));
    assert_eq!(speak(PeerLimits::new(), 70_000, b""), (vec![], too_many(65_536)));
    assert_eq!(speak(PeerLimits::new().max_parts(None), 70_000, b"\0\0"), (vec![70_001], None));
}

/// A PULL that takes so many messages in a second, with a PUSH that beats every second and has said nothing for long.
fn paced(per_second: usize) -> Side {
    let options = Options::new().heartbeat_interval(Some(Duration::from_secs(1)));
    let options = options.limits(PeerLimits::new().max_rate(Some(per_second)));
    ready_side_of(config(&options, SocketType::Pull), 1, SocketType::Push)
}

#[test]
fn a_peer_that_is_too_fast_is_held_for_as_long_as_it_was_ahead() {
    let mut side = paced(100);
    // A hundred are saved up, and what has come is handed out in any case.
    side.feed(&[0, 1, 7].repeat(100), at(2_000));
    assert_eq!((side.received.len(), side.link.held_until()), (100, None));
    side.feed(&[0, 1, 7].repeat(25), at(2_000));
    assert_eq!((side.received.len(), side.link.held_until()), (125, Some(at(2_250))));
    assert!(side.link.poll_timeout().is_some_and(|due| due <= at(2_250)));
    side.tick(at(2_249));
    assert_eq!(side.link.held_until(), Some(at(2_250)));
    side.tick(at(2_250));
    assert_eq!((side.link.held_until(), side.reason()), (None, None));
}

#[test]
fn commands_count_as_messages_do() {
    let mut side = paced(10);
    side.feed(&command(b"\x04PING\0\0").repeat(15), at(2_000));
    assert_eq!(side.link.held_until(), Some(at(2_500)));
}

#[test]
fn time_in_which_a_peer_is_held_does_not_count_against_it() {
    let mut side = paced(1);
    side.feed(&[0, 0].repeat(61), at(2_000));
    assert_eq!(side.link.held_until(), Some(at(62_000)));
    // Our PINGs go unanswered meanwhile, and the inbox is full for a while as well.
    for second in 3..62 {
        side.tick(at(second * 1_000));
        if second == 30 {
            side.link.pause_reading(at(30_000));
        }
        if second == 40 {
            side.link.resume_reading(at(40_000));
        }
    }
    assert_eq!(side.reason(), None);
    side.tick(at(62_000));
    assert_eq!(side.link.held_until(), None);
    // Now it has as long as any other peer.
    side.tick(at(62_999));
    assert_eq!(side.reason(), None);
    side.tick(at(63_001));
    assert_eq!(side.reason(), Some(&DisconnectReason::HeartbeatTimeout));
}

#[test]
fn without_a_rate_nobody_is_held() {
    let mut side = ready_side(SocketType::Pull, SocketType::Push);
    side.feed(&[0, 0].repeat(100_000), at(0));
    assert_eq!((side.link.held_until(), side.link.is_hold_news(at(0))), (None, false));
}

#[test]
fn a_flood_of_commands_or_parts_is_read_in_pieces_as_small_as_one_of_messages() {
    for (flood, room) in [(command(b"\x04PING\0\0"), 8 * 1024), (vec![1, 0], 1024), (vec![0, 0], 1024)] {
        let mut side = ready_side(SocketType::Pull, SocketType::Push);
        let mut flood = flood.into_iter().cycle();
        for _ in 0..5 {
            let read: Vec<u8> = flood.by_ref().take(side.link.read_room()).collect();
            side.feed(&read, at(0));
        }
        assert_eq!(side.link.read_room(), room);
        side.link.take_pieces();
        side.received.clear();
        let read: Vec<u8> = flood.by_ref().take(room).collect();
        side.feed(&read, at(0));
        let came = side.link.take_pieces() + side.received.len();
        assert!((500..1000).contains(&came), "{came}");
    }
}
