//! push, pull and pair.

use crate::process::{ipc, numbers, run, run_with, start, start_with_stdin};

const ANY: &str = "tcp://127.0.0.1:0";

#[test]
fn lines_that_are_pushed_are_printed() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 3"));
    let place = pull.endpoint();
    run_with(&format!("push -c {place}"), b"one\n\nthree\n").done();
    assert_eq!(pull.end().done(), "one\n\nthree\n");
}

#[test]
fn a_pusher_may_come_before_its_puller() {
    let place = ipc();
    let mut push = start(&format!("push -c {place} -D hello -v"));
    push.told("connecting to");
    assert_eq!(run(&format!("pull -b {place} -n 1")).done(), "hello\n");
    push.end().done();
}

#[test]
fn a_pusher_may_bind() {
    let mut push = start(&format!("push -b {ANY} -D hello -v"));
    let place = push.endpoint();
    assert_eq!(run(&format!("pull -c {place} -n 1")).done(), "hello\n");
    push.end().done();
}

#[test]
fn data_is_repeated_as_often_as_was_asked() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 3"));
    let place = pull.endpoint();
    run(&format!("push -c {place} -D tick -n 3 -i 0.01")).done();
    assert_eq!(pull.end().done(), "tick\ntick\ntick\n");
}

#[test]
fn a_count_ends_the_reading_of_lines() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 2"));
    let place = pull.endpoint();
    // Standard input stays open.
    let mut push = start_with_stdin(&format!("push -c {place} -n 2"));
    push.write(b"a\nb\n");
    push.end().done();
    assert_eq!(pull.end().done(), "a\nb\n");
}

#[test]
fn json_carries_every_byte_both_ways() {
    let lines = "[\"a\\tb\",\"\",{\"base64\":\"/wA=\"}]\n[\"c\"]\n";
    let mut pull = start(&format!("pull -b {ANY} -v -n 2 -J"));
    let place = pull.endpoint();
    run_with(&format!("push -c {place} -J"), lines.as_bytes()).done();
    assert_eq!(pull.end().done(), lines);
}

#[test]
fn quoted_carries_every_byte_both_ways() {
    let lines = "a\\tb\t\t\\xff\\x00\n";
    let mut pull = start(&format!("pull -b {ANY} -v -n 1 -Q"));
    let place = pull.endpoint();
    run_with(&format!("push -c {place} -Q"), lines.as_bytes()).done();
    assert_eq!(pull.end().done(), lines);
}

#[test]
fn raw_carries_a_whole_input_as_one_message() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 1 --raw"));
    let place = pull.endpoint();
    let input = numbers(100_000);
    run_with(&format!("push -c {place} --raw"), input.as_bytes()).done();
    assert_eq!(pull.end().done(), input);
}

#[test]
fn a_file_is_one_message() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 1 -J"));
    let place = pull.endpoint();
    run_with(&format!("push -c {place} -F -"), b"two\nlines\n").done();
    assert_eq!(pull.end().done(), "[\"two\\nlines\\n\"]\n");
}

#[test]
fn a_flood_arrives_whole_and_in_order() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 100000"));
    let place = pull.endpoint();
    let input = numbers(100_000);
    run_with(&format!("push -c {place}"), input.as_bytes()).done();
    assert_eq!(pull.end().done(), input);
}

#[test]
fn quiet_prints_nothing() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 1 -q"));
    let place = pull.endpoint();
    run(&format!("push -c {place} -D x")).done();
    assert_eq!(pull.end().done(), "");
}

#[test]
fn a_pair_talks_both_ways() {
    let mut left = start_with_stdin(&format!("pair -b {ANY} -v"));
    let place = left.endpoint();
    let mut right = start_with_stdin(&format!("pair -c {place}"));
    right.write(b"ping\n");
    assert_eq!(left.line(), "ping");
    left.write(b"pong\n");
    assert_eq!(right.line(), "pong");
    // The end of the input is not the end of the talk.
    left.close_stdin();
    right.write(b"still there?\n");
    assert_eq!(left.line(), "still there?");
    left.interrupt();
    left.end().done();
}
