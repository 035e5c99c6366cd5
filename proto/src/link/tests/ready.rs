//! How a connection becomes ready, and how it is refused.

use super::*;
use crate::auth::{Code, Refusal};
use crate::error::{DisconnectReason, HandshakeStage, ProtocolError};
use crate::link::{Effect, State};
use crate::options::Identity;
use crate::sim::chance;

/// What libzmq 4.3.5 sends for a DEALER with the identity "it": greeting, then READY.
const LIBZMQ_DEALER: &[u8] = b"\xff\0\0\0\0\0\0\0\x03\x7f\x03\x01NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \x04\x2b\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02it";

fn attached(side: &Side) -> &crate::peer::PeerInfo {
    match side.effects.as_slice() {
        [Effect::Attach(peer), Effect::HandshakeSucceeded, Effect::Ready] => peer,
        other => panic!("not ready: {other:?}"),
    }
}

#[test]
fn null_peers_get_ready_in_both_roles_however_the_bytes_are_cut() {
    for split in SPLITS {
        for (dialer, listener) in [(SocketType::Push, SocketType::Pull), (SocketType::Router, SocketType::Req)] {
            let mut pair = Pair::new(plain(dialer), plain(listener), split);
            pair.run();
            assert_eq!(attached(&pair.dialer).socket_type, listener);
            assert_eq!(attached(&pair.listener).socket_type, dialer);
            assert_eq!(attached(&pair.listener).minor, 1);
        }
    }
}

#[test]
fn every_pair_of_types_gets_ready_or_is_refused_as_the_table_says() {
    for ours in SocketType::ALL {
        for theirs in SocketType::ALL {
            let mut pair = Pair::new(plain(ours), plain(theirs), Split::Whole);
            pair.run();
            assert_eq!(pair.dialer.link.state() == State::Ready, ours.accepts(theirs), "{ours} {theirs}");
            if !ours.accepts(theirs) {
                let reason = DisconnectReason::Protocol(ProtocolError::IncompatibleSocketType { ours, theirs });
                assert_eq!(pair.dialer.reason(), Some(&reason));
                assert_eq!(pair.dialer.effects.last(), Some(&Effect::Ended(reason)));
            }
        }
    }
}

#[test]
fn identities_and_addresses_arrive() {
    let named = Options::new().identity(Identity::new(&b"worker-1"[..]).unwrap());
    let dialer = config(&named, SocketType::Dealer);
    let listener = plain(SocketType::Router).with_address("tcp://192.0.2.1:5555");
    let pair = ready_pair(dialer, listener);
    let peer = attached(&pair.listener);
    assert_eq!((&peer.identity[..], &peer.address[..]), (&b"worker-1"[..], "tcp://192.0.2.1:5555"));
    assert_eq!((peer.mechanism, &peer.user), ("NULL", &None));
    assert!(attached(&pair.dialer).identity.is_empty());
}

#[test]
fn libzmq_is_understood_and_answered() {
    for split in SPLITS {
        let mut side = side(SocketType::Router);
        let greeting = side.output();
        assert_eq!(greeting, Greeting::new("NULL", false).encode(), "whole, and before a byte of the peer");
        for piece in split.pieces(LIBZMQ_DEALER) {
            side.feed(piece, at(0));
        }
        assert_eq!(attached(&side).identity, &b"it"[..]);
        let ready = b"\x04\x29\x05READY\x0bSocket-Type\0\0\0\x06ROUTER\x08Identity\0\0\0\0";
        assert_eq!(side.output(), ready);
    }
}

#[test]
fn every_prefix_of_an_introduction_waits_and_an_end_there_is_the_peers() {
    for len in 0..LIBZMQ_DEALER.len() {
        let mut side = side(SocketType::Router);
        side.feed(&LIBZMQ_DEALER[..len], at(0));
        assert_eq!((side.link.state(), side.effects.len()), (State::Handshaking, 0), "{len} bytes");
        side.end(DisconnectReason::PeerClosed, at(1));
        let stage = if len < 64 { HandshakeStage::Greeting } else { HandshakeStage::Ready };
        let failed = Effect::HandshakeFailed { stage, reason: DisconnectReason::PeerClosed };
        assert_eq!(side.effects, [Effect::CloseIo, failed, Effect::Ended(DisconnectReason::PeerClosed)]);
    }
}

#[test]
fn metadata_names_have_no_case_and_unknown_properties_are_kept() {
    let mut bytes = Greeting::new("NULL", false).encode().to_vec();
    bytes.extend(command(b"\x05READY\x0bsocket-TYPE\0\0\0\x04PUSH\x07X-Trace\0\0\0\x02on\x08IDENTITY\0\0\0\x01\0"));
    let mut side = side(SocketType::Pull);
    side.feed(&bytes, at(0));
    let peer = attached(&side);
    assert_eq!(peer.properties, [("X-Trace".to_owned(), "on".into())]);
    assert!(peer.identity.is_empty(), "a PUSH has none, so what it sends is not even looked at");
}

#[test]
fn plain_peers_get_ready_in_both_roles_however_the_bytes_are_cut() {
    for split in SPLITS {
        for client_dials in [true, false] {
            let client = config(&plain_client("secret"), SocketType::Sub);
            let server = config(&plain_server(), SocketType::Pub);
            let (dialer, listener) = if client_dials { (client, server) } else { (server, client) };
            let mut pair = Pair::new(dialer, listener, split);
            pair.run();
            let (client, server) =
                if client_dials { (pair.dialer, pair.listener) } else { (pair.listener, pair.dialer) };
            assert_eq!((attached(&server).mechanism, attached(&server).user.as_deref()), ("PLAIN", Some("ann")));
            assert_eq!((attached(&client).user.as_deref(), attached(&client).minor), (None, 1));
        }
    }
}

#[test]
fn a_wrong_password_is_refused_with_a_reason_on_both_sides() {
    for split in SPLITS {
        let client = config(&plain_client("guess"), SocketType::Sub);
        let mut pair = Pair::new(client, config(&plain_server(), SocketType::Pub), split);
        pair.run();
        let stage = HandshakeStage::Security;
        let refused = DisconnectReason::HandshakeRefused { reason: "400".into() };
        let text = "unknown user or wrong password".to_owned();
        let unauthorized = DisconnectReason::Unauthorized(Refusal { code: Code::Credentials, text });
        for (side, reason) in [(&pair.dialer, refused), (&pair.listener, unauthorized)] {
            let failed = Effect::HandshakeFailed { stage, reason: reason.clone() };
            assert_eq!(side.effects, [Effect::CloseIo, failed, Effect::Ended(reason)]);
        }
    }
}

#[test]
fn a_plain_client_of_the_wrong_type_is_told_by_the_server() {
    let client = config(&plain_client("secret"), SocketType::Push);
    let mut pair = Pair::new(client, config(&plain_server(), SocketType::Pub), Split::Whole);
    pair.run();
    let refused = DisconnectReason::HandshakeRefused { reason: "incompatible-socket-type".into() };
    assert_eq!(pair.dialer.reason(), Some(&refused));
}

#[test]
fn mechanisms_that_differ_are_named_on_both_sides() {
    let mut pair = Pair::new(plain(SocketType::Push), config(&plain_server(), SocketType::Pull), Split::Whole);
    pair.run();
    let mismatch = |ours, theirs: &str| {
        DisconnectReason::Protocol(ProtocolError::MechanismMismatch { ours, theirs: theirs.into() })
    };
    assert_eq!(pair.dialer.reason(), Some(&mismatch("NULL", "PLAIN")));
    assert_eq!(pair.listener.reason(), Some(&mismatch("PLAIN", "NULL")));
}

#[test]
fn two_sides_of_the_same_part_find_out() {
    let same = DisconnectReason::Protocol(ProtocolError::SameRole { mechanism: "PLAIN" });
    for options in [plain_client("secret"), plain_server()] {
        let mut pair = Pair::new(config(&options, SocketType::Pair), config(&options, SocketType::Pair), Split::Whole);
        pair.run();
        assert_eq!(pair.dialer.reason(), Some(&same));
        assert_eq!(pair.listener.reason(), Some(&same));
    }
}

#[test]
fn a_peer_that_says_nothing_times_out_and_the_first_reason_wins() {
    let mut side = side(SocketType::Pull);
    assert_eq!(side.link.poll_timeout(), Some(at(30_000)));
    side.tick(at(29_999));
    assert_eq!(side.link.state(), State::Handshaking);
    side.tick(at(30_000));
    side.end(DisconnectReason::PeerClosed, at(30_001));
    side.close();
    let reason = DisconnectReason::HandshakeTimeout;
    let failed = Effect::HandshakeFailed { stage: HandshakeStage::Greeting, reason: reason.clone() };
    assert_eq!(side.effects, [Effect::CloseIo, failed, Effect::Ended(reason)]);
    assert_eq!(side.link.poll_timeout(), None);
}

#[test]
fn a_ready_link_has_no_handshake_timeout() {
    let mut pair = ready_pair(plain(SocketType::Push), plain(SocketType::Pull));
    pair.advance(Duration::from_secs(100));
    assert_eq!(pair.dialer.link.state(), State::Ready);
}

#[test]
fn closing_tells_the_peer() {
    let mut pair = ready_pair(plain(SocketType::Push), plain(SocketType::Pull));
    pair.dialer.close();
    pair.run();
    assert_eq!(pair.dialer.reason(), Some(&DisconnectReason::LocalClose));
    assert_eq!(pair.listener.reason(), Some(&DisconnectReason::PeerClosed));
}

#[test]
fn closing_before_ready_is_told_as_a_handshake_that_we_gave_up() {
    let mut side = side(SocketType::Pull);
    side.close();
    let reason = DisconnectReason::LocalClose;
    let failed = Effect::HandshakeFailed { stage: HandshakeStage::Greeting, reason: reason.clone() };
    assert_eq!(side.effects, [Effect::CloseIo, failed, Effect::Ended(reason)]);
}

#[test]
fn a_cut_is_the_reason_on_both_sides() {
    let mut pair = ready_pair(plain(SocketType::Push), plain(SocketType::Pull));
    pair.cut();
    pair.run();
    let reset = DisconnectReason::Io(std::io::ErrorKind::ConnectionReset);
    assert_eq!((pair.dialer.reason(), pair.listener.reason()), (Some(&reset), Some(&reset)));
}

#[test]
fn a_link_starts_once() {
    let mut side = side(SocketType::Pull);
    assert!(side.link.start(at(0), chance(0)).is_err());
    side.close();
    assert!(side.link.start(at(0), chance(0)).is_ok(), "over is over, and nothing happens");
    assert!(side.link.poll_effect().is_none());
}
