//! What ZMTP is made of, out of any bytes: greetings, frame headers, commands and their metadata, and the words of ZAP.

#![no_main]

use bowline_proto::wire::command::Command;
use bowline_proto::wire::frame::Header;
use bowline_proto::wire::greeting::Greeting;
use bowline_proto::wire::metadata::Walk;
use bowline_proto::wire::zap::{Reply, Request};
use bowline_proto::{Message, Part};
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
});
