//! An endpoint out of any text: refused, or the same when it is written and read again.

#![no_main]

use bowline_proto::Endpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        let written = endpoint.to_string();
        assert_eq!(written.parse().as_ref(), Ok(&endpoint), "{text:?} is written as {written:?}");
    }
});
