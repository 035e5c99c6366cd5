//! Raw TCP clients that do not speak ZMTP, or speak it badly.

use bowline::{DisconnectReason, ProtocolError, SocketType};
use bowline_interop::{Outcome, ours};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::{Host, is};

/// A ZMTP 3.1 greeting with this mechanism (RFC 37).
fn greeting(mechanism: &str) -> Vec<u8> {
    let mut greeting = vec![0; 64];
    greeting[0] = 0xff;
    greeting[8] = 1;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[11] = 1;
    greeting[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
    greeting
}

/// A whole NULL handshake as a socket of this type.
fn handshake(kind: &str) -> Vec<u8> {
    let mut ready = b"\x05READY\x0bSocket-Type".to_vec();
    ready.extend((kind.len() as u32).to_be_bytes());
    ready.extend(kind.as_bytes());
    let mut bytes = greeting("NULL");
    bytes.extend([4, ready.len() as u8]);
    bytes.extend(ready);
    bytes
}

/// Sends `bytes` and ends its side; our socket must end the other.
async fn say(host: &Host, bytes: &[u8]) -> Outcome {
    let address = host.endpoint.trim_start_matches("tcp://");
    let told = |error| format!("the raw client: {error}");
    let mut stream = TcpStream::connect(address).await.map_err(told)?;
    stream.write_all(bytes).await.map_err(told)?;
    stream.shutdown().await.map_err(told)?;
    let mut answer = Vec::new();
    let ended = async {
        // A reset is an end too: we may close with the client's bytes still unread.
        stream.read_to_end(&mut answer).await.ok();
        Ok::<_, String>(())
    };
    bowline_interop::within("our end of the raw client's connection", ended).await
}

/// A stranger says `bytes`; our monitor gives `reason`, and the good peer goes on.
async fn refused(bytes: &[u8], reason: DisconnectReason) -> Outcome {
    let mut host = Host::new(ours::options().max_message_size(Some(1000))).await?;
    say(&host, bytes).await?;
    is(&reason, &host.refusal().await?)?;
    host.goes_on().await
}

#[tokio::test]
async fn rubbish_is_not_zmtp() -> Outcome {
    refused(&[0x5a; 500], ProtocolError::NotZmtp.into()).await
}

#[tokio::test]
async fn an_http_request_is_not_zmtp() -> Outcome {
    refused(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", ProtocolError::NotZmtp.into()).await
}

#[tokio::test]
async fn a_client_that_says_nothing_has_closed() -> Outcome {
    refused(b"", DisconnectReason::PeerClosed).await
}

#[tokio::test]
async fn a_greeting_may_end_too_early() -> Outcome {
    refused(&greeting("NULL")[..20], DisconnectReason::PeerClosed).await
}

#[tokio::test]
async fn zmtp_2_is_too_old() -> Outcome {
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f];
    // Its version, PUSH, and an empty identity; then what pads it to the length of a greeting of ours.
    bytes.extend([1, 8, 0, 0]);
    refused(&bytes, ProtocolError::OldVersion { major: 1 }.into()).await
}

#[tokio::test]
async fn an_unknown_mechanism_is_named() -> Outcome {
    let reason = ProtocolError::MechanismMismatch { ours: "NULL", theirs: "ROT13".into() };
    refused(&greeting("ROT13"), reason.into()).await
}

#[tokio::test]
async fn a_socket_type_that_does_not_fit_is_named() -> Outcome {
    let reason = ProtocolError::IncompatibleSocketType { ours: SocketType::Pull, theirs: SocketType::Req };
    refused(&handshake("REQ"), reason.into()).await
}

#[tokio::test]
async fn an_unknown_socket_type_is_named() -> Outcome {
    refused(&handshake("BLUB"), ProtocolError::UnknownSocketType("BLUB".into()).into()).await
}

#[tokio::test]
async fn a_message_has_no_place_in_the_handshake() -> Outcome {
    let mut bytes = greeting("NULL");
    bytes.extend(b"\x00\x05hello");
    refused(&bytes, ProtocolError::MessageInHandshake.into()).await
}

#[tokio::test]
async fn an_announced_size_is_refused_before_its_bytes_come() -> Outcome {
    let mut bytes = handshake("PUSH");
    let announced = 1_u64 << 40;
    bytes.push(2);
    bytes.extend(announced.to_be_bytes());
    refused(&bytes, DisconnectReason::Oversize { announced, limit: 1000 }).await
}

#[tokio::test]
async fn reserved_bits_are_refused() -> Outcome {
    let mut bytes = handshake("PUSH");
    bytes.extend(b"\x48\x05hello");
    refused(&bytes, ProtocolError::ReservedFlags { flags: 0x48 }.into()).await
}

#[tokio::test]
async fn a_frame_may_end_too_early() -> Outcome {
    let mut bytes = handshake("PUSH");
    bytes.extend(b"\x00\x05hel");
    refused(&bytes, ProtocolError::Truncated.into()).await
}
