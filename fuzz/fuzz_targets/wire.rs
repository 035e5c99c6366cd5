//! What ZMTP is made of, out of any bytes: greetings, frame headers, commands and their metadata, the words of ZAP, and what
//! of it WebSocket carries.

#![no_main]

use bowline_proto::wire::command::Command;
use bowline_proto::wire::frame::Header;
use bowline_proto::wire::greeting::Greeting;
use bowline_proto::wire::metadata::Walk;
use bowline_proto::wire::zap::{Reply, Request};
use bowline_proto::wire::zws::{Inward, Outward, Subprotocol};
use bowline_proto::{Message, Part, SocketType};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some(greeting)) = Greeting::decode(bytes) {
        let again = Greeting::decode(&greeting.encode());
        assert_eq!(again, Ok(Some(greeting)), "a greeting is written so that it is read again");
    }
    if let Ok(Some((header, len))) = Header::decode(bytes) {
        assert!(len <= bytes.len(), "no more is taken than there is");
        let (encoded, len) = header.encode();
        assert_eq!(Header::decode(&encoded[..len]), Ok(Some((header, len))), "so is a header");
    }
    if let Ok(command) = Command::decode(bytes) {
        let mut body = Vec::new();
        command.encode_body(&mut body);
        assert_eq!(Command::decode(&body), Ok(command), "so is a command");
    }
    let mut taken = 0;
    for (name, value) in Walk::new(bytes).map_while(Result::ok) {
        taken += name.len() + value.len();
    }
    assert!(taken <= bytes.len(), "properties overlap");
    let frames: Message = bytes.split(|&byte| byte == b'|').map(Part::copy_from_slice).collect();
    if let Ok(request) = Request::decode(&frames) {
        assert_eq!(Request::decode(&request.encode()), Ok(request), "so is a question of ZAP");
    }
    if let Ok(reply) = Reply::decode(&frames) {
        let encoded = reply.encode().expect("its names were read");
        assert_eq!(Reply::decode(&encoded), Ok(reply), "and its answer");
    }
    for subprotocol in [Subprotocol::Mechanism, Subprotocol::Bare] {
        websocket(subprotocol, bytes);
    }
});

/// What a WebSocket carries.
fn websocket(subprotocol: Subprotocol, bytes: &[u8]) {
    let _no_frames =
        Outward::new(subprotocol).push(bytes, |message| assert!(!message.is_empty(), "a message has flags"));
    let mut inward = Inward::new(subprotocol, SocketType::Dealer);
    let mut frames = BytesMut::from(&Inward::greeting("NULL")[..]);
    let messages: Vec<_> = bytes.split(|&byte| byte == b'|').collect();
    let read = messages.iter().take_while(|message| inward.push(message, &mut frames).is_ok()).count();
    let mut written = Vec::new();
    Outward::new(subprotocol).push(&frames, |message| written.push(message)).expect("what was read are frames");
    assert_eq!(written, messages[..read], "what is read is written the same");
}
