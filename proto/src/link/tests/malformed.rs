//! Every way to break the protocol, and what it is called.

use super::*;
use crate::auth::{Code, Refusal};
use crate::error::{DisconnectReason, ProtocolError};
use crate::link::Effect;

fn unexpected(name: &str) -> DisconnectReason {
    ProtocolError::UnexpectedCommand { name: name.into() }.into()
}

fn malformed(name: &'static str) -> DisconnectReason {
    ProtocolError::MalformedCommand { name }.into()
}

/// Feeds `bytes` in every split to what `new` makes and expects the end for this reason.
fn expect(new: impl Fn() -> Side, bytes: &[u8], reason: &DisconnectReason) {
    for split in SPLITS {
        let mut side = new();
        for piece in split.pieces(bytes) {
            side.feed(piece, at(0));
        }
        assert_eq!(side.reason(), Some(reason), "{} in {split:?}", bytes.escape_ascii());
        assert!(matches!(side.effects.last(), Some(Effect::Ended(_))));
        assert!(!side.is_open());
    }
}

#[test]
fn greetings() {
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let not_zmtp = ProtocolError::NotZmtp.into();
    let old = |major| ProtocolError::OldVersion { major }.into();
    let table: &[(&[u8], DisconnectReason)] = &[
        (http, not_zmtp),
        (&http[..1], ProtocolError::NotZmtp.into()),
        (b"\x16\x03\x01\x02\x00", ProtocolError::SpeaksTls.into()),
        (b"\xff\0\0\0\0\0\0\0\x01\x00", ProtocolError::NotZmtp.into()),
        (b"\xff\0\0\0\0\0\0\0\x01\x7f\x01", old(1)),
        (b"\xff\0\0\0\0\0\0\0\x01\x7f\x02\x05", old(2)),
    ];
    for (bytes, reason) in table {
        expect(|| side(SocketType::Pull), bytes, reason);
    }
    let strange = Greeting::new("\u{1}CURVE", false).encode();
    let mismatch = ProtocolError::MechanismMismatch { ours: "NULL", theirs: "\\x01CURVE".into() };
    expect(|| side(SocketType::Pull), &strange, &mismatch.into());
}

#[test]
fn handshakes() {
    let ready = |metadata: &[u8]| command(&[b"\x05READY", metadata].concat());
    let unknown = |name: &str| DisconnectReason::from(ProtocolError::UnknownSocketType(name.into()));
    let long = [&[6, 0, 0, 0, 0, 0, 1, 0, 1][..], b"\x05READY"].concat();
    let table: &[(Vec<u8>, DisconnectReason)] = &[
        (b"\0\x01x".to_vec(), ProtocolError::MessageInHandshake.into()),
        (b"\x01\x01x".to_vec(), ProtocolError::MessageInHandshake.into()),
        (b"\x05\x01x".to_vec(), ProtocolError::CommandInMessage.into()),
        (b"\x0c\x01x".to_vec(), ProtocolError::ReservedFlags { flags: 0x0c }.into()),
        (b"\x06\xff\0\0\0\0\0\0\0".to_vec(), ProtocolError::FrameLength.into()),
        (
            b"\x06\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(),
            ProtocolError::CommandTooLong { announced: i64::MAX as u64 }.into(),
        ),
        (long, ProtocolError::CommandTooLong { announced: 65_537 }.into()),
        (command(b""), malformed("?")),
        (command(b"\x09READY"), malformed("?")),
        (command(b"\x04PING\0\0"), unexpected("PING")),
        (command(b"\x09SUBSCRIBE"), unexpected("SUBSCRIBE")),
        (command(b"\x07WELCOME"), unexpected("WELCOME")),
        (command(b"\x04JOINx"), unexpected("JOIN")),
        (ready(b""), ProtocolError::NoSocketType.into()),
        (ready(b"\x0bSocket-Type\0\0\0\x05PUSH"), malformed("READY")),
        (ready(b"\x0bSocket-Type\xff\xff\xff\xffPUSH"), malformed("READY")),
        (ready(b"\0\0\0\0\0"), malformed("READY")),
        (ready(b"\x0bSocket-Type\0\0\0\x04push"), unknown("push")),
        (ready(b"\x0bSocket-Type\0\0\0\x04\xff\0\x01\x02"), unknown("\\xff\\x00\\x01\\x02")),
        (ready(b"\x0bSocket-Type\0\0\0\x06CLIENT"), unknown("CLIENT")),
        (command(b"\x05ERROR\x02no"), DisconnectReason::HandshakeRefused { reason: "no".into() }),
        (command(b"\x05ERROR\x02\x1b["), DisconnectReason::HandshakeRefused { reason: "\\x1b[".into() }),
        (command(b"\x05ERROR\x03no"), malformed("ERROR")),
    ];
    for (bytes, reason) in table {
        let bytes = [&Greeting::new("NULL", false).encode()[..], bytes].concat();
        expect(|| side(SocketType::Pull), &bytes, reason);
    }
}

#[test]
fn identities() {
    let with = |identity: &[u8]| {
        let len = (identity.len() as u32).to_be_bytes();
        let body = [&b"\x05READY\x0bSocket-Type\0\0\0\x03REQ\x08Identity"[..], &len, identity].concat();
        let header = [&[6][..], &(body.len() as u64).to_be_bytes()].concat();
        [&Greeting::new("NULL", false).encode()[..], &header, &body].concat()
    };
    for bad in [&b"\0"[..], b"\0reserved", &[1; 256]] {
        expect(|| side(SocketType::Router), &with(bad), &ProtocolError::InvalidIdentity.into());
    }
    let mut side = side(SocketType::Router);
    side.feed(&with(&[1; 255]), at(0));
    assert!(side.link.peer().is_some());
}

#[test]
fn plain_servers_refuse_what_is_out_of_turn() {
    let server = || Side::new(config(&plain_server(), SocketType::Pub), Role::Listener, at(0));
    let hello = command(b"\x05HELLO\x03ann\x06secret");
    let text = "unknown user or wrong password".to_owned();
    let unauthorized = DisconnectReason::Unauthorized(Refusal { code: Code::Credentials, text });
    let table: &[(Vec<u8>, DisconnectReason)] = &[
        (command(b"\x08INITIATE"), unexpected("INITIATE")),
        (command(b"\x05READY"), unexpected("READY")),
        (command(b"\x05HELLO\x03ann"), malformed("HELLO")),
        (command(b"\x05HELLO\x03ann\x06secret!"), malformed("HELLO")),
        (command(b"\x05HELLO\x03eve\x06secret"), unauthorized),
        ([&hello[..], &hello].concat(), unexpected("HELLO")),
        ([&hello[..], &command(b"\x08INITIATE\x01")].concat(), malformed("INITIATE")),
        ([&hello[..], &command(b"\x08INITIATE")].concat(), ProtocolError::NoSocketType.into()),
    ];
    for (bytes, reason) in table {
        let bytes = [&Greeting::new("PLAIN", false).encode()[..], bytes].concat();
        expect(server, &bytes, reason);
    }
}

#[test]
fn traffic() {
    let in_message = |body: &[u8]| [b"\x01\x01a", &command(body)[..]].concat();
    let table: &[(Vec<u8>, DisconnectReason)] = &[
        (b"\x08\0".to_vec(), ProtocolError::ReservedFlags { flags: 8 }.into()),
        (b"\x80\0".to_vec(), ProtocolError::ReservedFlags { flags: 0x80 }.into()),
        (b"\x05\0".to_vec(), ProtocolError::CommandInMessage.into()),
        (b"\x07\0".to_vec(), ProtocolError::CommandInMessage.into()),
        (b"\x02\x80\0\0\0\0\0\0\0".to_vec(), ProtocolError::FrameLength.into()),
        (command(b""), malformed("?")),
        (command(b"\x04PING"), malformed("PING")),
        (command(b"\x04PING\0\x0012345678901234567"), malformed("PING")),
        (command(b"\x04PONG12345678901234567"), malformed("PONG")),
        (command(b"\x05READY"), unexpected("READY")),
        (command(b"\x05HELLO\0\0"), unexpected("HELLO")),
        (command(b"\x07WELCOME"), unexpected("WELCOME")),
        (command(b"\x08INITIATE"), unexpected("INITIATE")),
        (command(b"\x09SUBSCRIBEa"), unexpected("SUBSCRIBE")),
        (command(b"\x06CANCELa"), unexpected("CANCEL")),
        (in_message(b"\x04JOINa"), ProtocolError::CommandInMessage.into()),
        (command(b"\x05ERROR\x02no"), DisconnectReason::HandshakeRefused { reason: "no".into() }),
    ];
    for (bytes, reason) in table {
        expect(|| ready_side(SocketType::Pull, SocketType::Push), bytes, reason);
    }
}

#[test]
fn what_came_whole_before_the_error_is_delivered_before_the_end() {
    let bytes = [&introduction(1, "PUSH")[..], b"\0\x01a\0\x01b\x01\x01c\x08"].concat();
    for split in SPLITS {
        let mut side = side(SocketType::Pull);
        for piece in split.pieces(&bytes) {
            side.feed(piece, at(0));
        }
        assert_eq!(side.received, [message(&["a"]), message(&["b"])]);
        assert_eq!(side.reason(), Some(&ProtocolError::ReservedFlags { flags: 8 }.into()));
    }
}

#[test]
fn a_loss_waits_for_messages_that_were_not_taken_but_a_close_does_not() {
    let lost = || {
        let mut side = ready_side(SocketType::Pull, SocketType::Push);
        side.link.read_buffer().extend_from_slice(b"\0\x01a\x08");
        side.link.handle_read(at(0));
        side.link.handle_end(DisconnectReason::PeerClosed, at(0));
        assert_eq!(side.link.poll_effect(), None);
        side
    };
    let mut taken = lost();
    taken.link.inbound().clear();
    assert_eq!(taken.link.poll_effect(), Some(Effect::Detach));
    let mut closed = lost();
    closed.link.close();
    assert_eq!(closed.link.poll_effect(), Some(Effect::Detach));
}

#[test]
fn an_end_within_a_frame_or_a_message_is_a_truncation() {
    let table: &[(&[u8], DisconnectReason)] = &[
        (b"\0\x01a", DisconnectReason::PeerClosed),
        (b"\0", ProtocolError::Truncated.into()),
        (b"\0\x05abcd", ProtocolError::Truncated.into()),
        (b"\x02\0\0\0", ProtocolError::Truncated.into()),
        (b"\x01\x01a", ProtocolError::Truncated.into()),
        (b"\x04\x07\x04PIN", ProtocolError::Truncated.into()),
    ];
    for (bytes, reason) in table {
        let mut side = ready_side(SocketType::Pull, SocketType::Push);
        side.feed(bytes, at(0));
        side.end(DisconnectReason::PeerClosed, at(0));
        assert_eq!(side.reason(), Some(reason), "{}", bytes.escape_ascii());
    }
}

#[test]
fn bytes_after_the_end_change_nothing() {
    let mut side = side(SocketType::Pull);
    side.feed(b"x", at(0));
    let before = side.effects.clone();
    side.link.read_buffer().extend_from_slice(&introduction(1, "PUSH"));
    side.link.handle_read(at(0));
    side.end(DisconnectReason::PeerClosed, at(0));
    assert_eq!((side.effects, side.link.read_buffer().len()), (before, 0));
}
