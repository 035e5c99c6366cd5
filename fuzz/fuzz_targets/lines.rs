//! What the program reads: messages as JSON and as quoted text, and identities. What is read is written so that it is read
//! again.

#![no_main]

#[path = "../../cli/src/format/mod.rs"]
mod format;

use format::Format;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    for format in [Format::Json, Format::Quoted, Format::Text, Format::Raw] {
        let Ok(parts) = format.parse(line) else { continue };
        assert!(!parts.is_empty(), "a message has at least one part");
        let mut written = Vec::new();
        format.write(parts.iter().map(Vec::as_slice), &mut written);
        if matches!(format, Format::Json | Format::Quoted) {
            let again = written.strip_suffix(b"\n").expect("a line has its end");
            assert_eq!(format.parse(again), Ok(parts), "{format:?}");
        }
    }
    if let Ok(identity) = format::parse_identity(line) {
        assert_eq!(format::parse_identity(format::identity_text(&identity).as_bytes()), Ok(identity));
    }
});
