use super::*;
use proptest::prelude::*;

fn line(format: Format, parts: &[&[u8]]) -> String {
    let mut out = Vec::new();
    format.write(parts.iter().copied(), &mut out);
    String::from_utf8(out).expect("every format but raw writes UTF-8")
}

fn parsed(format: Format, text: &str) -> Vec<Vec<u8>> {
    format.parse(text.as_bytes()).expect("a message")
}

#[test]
fn text_puts_tabs_between_parts_and_dots_for_the_unprintable() {
    assert_eq!(line(Format::Text, &[b"caf\xc3\xa9", b"\x00a\tb\xff", b""]), "café\t.a.b.\t\n");
}

#[test]
fn text_splits_a_line_at_tabs() {
    assert_eq!(parsed(Format::Text, "a\t\tb c"), [&b"a"[..], b"", b"b c"]);
    assert_eq!(parsed(Format::Text, ""), [b""]);
}

#[test]
fn quoted_escapes_what_text_would_lose() {
    assert_eq!(line(Format::Quoted, &[b"a\\b\n", b"\t\x00\xff\x7f"]), "a\\\\b\\n\t\\t\\x00\\xff\\x7f\n");
}

#[test]
fn quoted_says_which_escape_it_does_not_know() {
    assert_eq!(Format::Quoted.parse(b"a\\q"), Err("unknown escape \\q".to_owned()));
    assert!(Format::Quoted.parse(b"\\x1").is_err());
    assert!(Format::Quoted.parse(b"\\").is_err());
    assert_eq!(parsed(Format::Quoted, "\\0\\\"\\'"), [b"\0\"'"]);
}

#[test]
fn json_is_an_array_with_base64_where_a_part_is_not_utf8() {
    assert_eq!(line(Format::Json, &[b"a\n", b"\xff\x00"]), "[\"a\\n\",{\"base64\":\"/wA=\"}]\n");
}

#[test]
fn json_takes_one_part_without_an_array() {
    assert_eq!(parsed(Format::Json, " \"hi\" "), [b"hi"]);
    assert_eq!(parsed(Format::Json, "{\"base64\": \"/wA=\"}"), [b"\xff\0"]);
}

#[test]
fn json_refuses_what_is_no_part() {
    for bad in ["", "[]", "[1]", "[null]", "[{\"base64\": 1}]", "[{\"base64\": \"?\"}]", "[\"a\"", "[{\"a\":\"b\"}]"] {
        assert!(Format::Json.parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn raw_adds_nothing() {
    let mut out = Vec::new();
    Format::Raw.write([&b"a\xff"[..], b"\n"], &mut out);
    assert_eq!(out, b"a\xff\n");
    assert_eq!(Format::Raw.parse(b"a\tb\n"), Ok(vec![b"a\tb\n".to_vec()]));
}

#[test]
fn an_identity_prints_so_that_it_can_be_typed() {
    assert_eq!(identity_text(b"worker-1"), "worker-1");
    assert_eq!(identity_text(b"\x00\x01\xab"), "0x0001ab");
    assert_eq!(identity_text(b"0xy"), "0x307879");
    for bad in ["0x1", "0xgg", "0x+1"] {
        assert!(parse_identity(bad.as_bytes()).is_err(), "{bad}");
    }
}

fn any_parts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5)
}

proptest! {
    #[test]
    fn quoted_and_json_give_back_every_byte(parts in any_parts()) {
        for format in [Format::Quoted, Format::Json] {
            let mut out = Vec::new();
            format.write(parts.iter().map(Vec::as_slice), &mut out);
            prop_assert_eq!(out.pop(), Some(b'\n'));
            prop_assert!(!out.contains(&b'\n'));
            prop_assert_eq!(format.parse(&out), Ok(parts.clone()));
        }
    }

    #[test]
    fn text_is_always_one_printable_line(parts in any_parts()) {
        let mut out = Vec::new();
        Format::Text.write(parts.iter().map(Vec::as_slice), &mut out);
        let text = String::from_utf8(out).expect("UTF-8");
        let line = text.strip_suffix('\n').expect("a line");
        prop_assert!(line.chars().all(|c| c == '\t' || !c.is_control()));
        prop_assert_eq!(line.matches('\t').count(), parts.len() - 1);
    }

    #[test]
    fn identities_survive_being_printed(identity in prop::collection::vec(any::<u8>(), 1..20)) {
        prop_assert_eq!(parse_identity(identity_text(&identity).as_bytes()), Ok(identity));
    }
}
