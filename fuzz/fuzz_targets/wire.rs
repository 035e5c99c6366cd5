//! What ZMTP is made of, out of any bytes: greetings, frame headers, commands and their metadata.

#![no_main]

use bowline_proto::wire::command::Command;
use bowline_proto::wire::frame::Header;
use bowline_proto::wire::greeting::Greeting;
use bowline_proto::wire::metadata::Walk;
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
});
