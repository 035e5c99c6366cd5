//! `docs/mux.md`: its vectors, its exchange, its table of a stream's life and its codes are those of the code.
//!
//! With `UPDATE_GOLDEN=1` what stands between its marks is written anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::golden;

const BEGIN: &str = "<!-- from ";
const END: &str = "<!-- end -->\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn hex(message: &Message) -> String {
    let bytes = message.parts().iter().flat_map(|part| part.iter());
    bytes.map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn unhex(text: &str) -> Message {
    let byte = |byte| u8::from_str_radix(byte, 16).expect("two digits");
    text.split_whitespace().map(byte).collect::<Vec<_>>().into()
}

/// The method of the vectors: `store/get` in postcard, with a shape that nobody checks.
fn get() -> MethodRef {
    MethodRef { id: fnv("store/get"), shape: 0, codec: 1 }
}

/// FNV-1a 64, as the page describes it.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One frame of each kind, with each flag and each field at least once.
fn vectors() -> Vec<(&'static str, Frame)> {
    let head = Head::new(get());
    let mut full = Head { deadline: Some(Duration::from_millis(1)), urgency: 0, ..Head::new(MethodRef::default()) };
    full.metadata.push("k", "v");
    let note = Head { one_way: true, ..Head::new(MethodRef::default()) };
    let open = |sid, method, head: &Head, payload: &str, then| {
        let (head, payload) = (head.clone(), payload.into());
        Frame::Open { sid, method, head, payload, then }
    };
    let known = Head::new(MethodRef::default());
    let failed = Frame::Data { sid: 0, payload: "no".into(), then: Then::Finish, error: true };
    let why = |code, reason: &str| Frame::Reset { sid: 2, code, reason: reason.into() };
    vec![
        ("OPEN FIN DEFINE: a call of store/get (postcard), the first on this connection", {
            open(0, Method::Define(get()), &head, "ab", Then::Finish)
        }),
        ("OPEN FIN: another call, by the index of the method", open(2, Method::Known(0), &known, "ab", Then::Finish)),
        ("OPEN FIN EXTRA: 1 ms, metadata k = v, most urgent", open(4, Method::Known(0), &full, "ab", Then::Finish)),
        ("OPEN FIN EXTRA: one-way", open(4, Method::Known(0), &note, "ab", Then::Finish)),
        (
            "OPEN: messages will follow; stream 200 takes two bytes",
            open(200, Method::Known(0), &known, "ab", Then::Next),
        ),
        ("OPEN MORE: the first message goes on", open(6, Method::Known(0), &known, "ab", Then::More)),
        ("DATA: a message", data(6, "cd", Then::Next)),
        ("DATA MORE: the beginning of a message", data(6, "cd", Then::More)),
        ("DATA FIN: the last message", data(0, "cd", Then::Finish)),
        ("DATA FIN ERROR: the call failed with this typed error", failed),
        ("DATA FIN BARE: the end alone", Frame::End { sid: 6 }),
        ("CREDIT: 32,768 bytes more", Frame::Credit { sid: 6, bytes: 32_768 }),
        ("RESET: cancelled", why(Code::CANCELLED, "")),
        ("RESET: unknown method, with a reason", why(Code::UNKNOWN_METHOD, "no such thing")),
        ("GOAWAY: three OPENs were taken", Frame::GoAway { opens: 3, code: Code::REFUSED, reason: "bye".into() }),
        ("PING: a question", Frame::Ping { nonce: 300, answer: false }),
        ("PING ANSWER: its answer", Frame::Ping { nonce: 300, answer: true }),
    ]
}

#[test]
fn the_golden_vectors_are_what_is_written_and_what_is_read() {
    let rows = vectors().into_iter().map(|(what, frame)| [hex(&frame.encode()), what.to_owned()]);
    golden::check("mux-frames.txt", &golden::table(["bytes", "what it says"], &rows.collect::<Vec<_>>()));
    let file = read("proto/tests/golden/mux-frames.txt");
    let mut lines = file.lines().skip(1);
    for (what, frame) in vectors() {
        let (bytes, said) = lines.next().and_then(|line| line.split_once('|')).expect("a line for each vector");
        assert_eq!((said.trim(), Frame::decode(&unhex(bytes))), (what, Ok(frame)));
    }
    assert_eq!(lines.next(), None);
}

/// A client and a server, and each frame between them with what it is for.
struct Talk {
    pair: Pair,
    rows: Vec<[String; 3]>,
}

impl Talk {
    fn note(&mut self, client: bool, what: &str) {
        let (from, to, arrow) = if client {
            (&mut self.pair.client, &mut self.pair.server, "client ->")
        } else {
            (&mut self.pair.server, &mut self.pair.client, "server ->")
        };
        let frame = from.poll_transmit().expect("something is said");
        to.handle(&frame).expect("a session keeps to the protocol");
        self.rows.push([arrow.to_owned(), hex(&frame), what.to_owned()]);
    }

    fn opened(&mut self) -> StreamId {
        opened(&events(&mut self.pair.server))[0]
    }
}

#[test]
fn the_example_is_what_two_sessions_say_to_each_other() {
    let mut talk = Talk { pair: Pair::new(), rows: Vec::new() };
    let head = Head::new(get());
    let open = |talk: &mut Talk, payload: &str, end| talk.pair.client.open(&head, payload.into(), end).unwrap();
    let first = open(&mut talk, "ab", End::Finish);
    talk.note(true, "call store/get on stream 0: define the method as 0, arguments 61 62, end");
    let call = talk.opened();
    talk.pair.server.send(call, "cd".into(), End::Finish).unwrap();
    talk.note(false, "the answer 63 64, end: stream 0 is free");
    let second = open(&mut talk, "ab", End::Finish);
    assert_eq!((first.sid(), second.sid()), (0, 0));
    talk.note(true, "the next call: stream 0 again, method 0");
    let call = talk.opened();
    talk.pair.server.fail(call, "no".into()).unwrap();
    talk.note(false, "it failed with the typed error 6e 6f");
    let stream = open(&mut talk, "ab", End::Finish);
    talk.note(true, "a call that is answered with items");
    let call = talk.opened();
    for item in ["i1", "i2"] {
        talk.pair.server.send(call, item.into(), End::Open).unwrap();
        talk.note(false, "an item");
    }
    talk.pair.client.reset(stream, Code::CANCELLED, "");
    talk.pair.server.send(call, "i3".into(), End::Open).unwrap();
    talk.note(true, "enough: cancelled");
    talk.note(false, "the RESET is answered: stream 0 is free again");
    let upload = open(&mut talk, "ab", End::Open);
    talk.note(true, "a call with a stream of items to come");
    let call = talk.opened();
    talk.pair.client.send(upload, "i1".into(), End::Open).unwrap();
    talk.note(true, "an item");
    talk.pair.server.send(call, "cd".into(), End::Finish).unwrap();
    talk.note(false, "the answer, before the items have ended");
    talk.note(true, "so the client ends: stream 0 is free again");
    golden::check("mux-example.txt", &golden::table(["who", "bytes", "what it says"], &talk.rows));
}

/// What stands on the page for a golden file: the life of a stream as a table, all else as it is.
fn block(file: &str) -> String {
    let golden = read(file);
    if !file.ends_with("stream.txt") {
        return format!("```text\n{golden}```\n");
    }
    let mut text = String::from("| who | from | input | to | what is done, in this order |\n|---|---|---|---|---|\n");
    for line in golden.lines().skip(1) {
        let mut cells: Vec<&str> = line.split('|').map(str::trim).collect();
        cells.resize(5, "");
        let [who, from, input, to, effects] = cells[..] else { panic!("{line}") };
        if from != to || !effects.is_empty() {
            let _ = writeln!(text, "| {who} | {from} | {input} | {to} | {} |", effects.replace(" ·", ","));
        }
    }
    text
}

#[test]
fn the_page_shows_the_golden_files() {
    let page = read("docs/mux.md");
    let (mut text, mut rest, mut files) = (String::new(), &page[..], Vec::new());
    while let Some(at) = rest.find(BEGIN) {
        let (before, marked) = rest.split_at(at);
        let (mark, behind) = marked.split_once('\n').expect("a mark has a line of its own");
        let file = mark.trim_start_matches(BEGIN).trim_end_matches(" -->");
        let _ = write!(text, "{before}{mark}\n\n{}\n{END}", block(file));
        files.push(file);
        (_, rest) = behind.split_once(END).expect("a mark has an end");
    }
    text += rest;
    assert_eq!(files, ["mux-frames", "stream", "mux-example"].map(|it| format!("proto/tests/golden/{it}.txt")));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(folder().join("docs/mux.md"), text).expect("the page can be written");
        return;
    }
    let differs = page.lines().zip(text.lines()).find(|(page, text)| page != text);
    assert!(page == text, "docs/mux.md: {differs:?}; UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn the_page_tells_of_every_code() {
    let page = read("docs/mux.md");
    let names: Vec<_> = (0..).map_while(|code| Code(code).name().map(|name| (code, name))).collect();
    assert!(names.len() > 10);
    for (code, name) in names {
        let row = format!("| {code} | {} |", name.to_uppercase());
        assert!(page.contains(&row), "docs/mux.md has no row {row}");
    }
}
