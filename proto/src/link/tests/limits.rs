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
