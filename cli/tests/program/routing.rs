//! router and dealer.

use crate::process::{run, start, start_with_stdin};

const ANY: &str = "tcp://127.0.0.1:0";

#[test]
fn a_router_prints_the_sender_and_addresses_by_the_first_part() {
    let mut router = start_with_stdin(&format!("router -b {ANY} -v"));
    let place = router.endpoint();
    let dealer = start(&format!("dealer -c {place} --identity worker -D hello -n 1"));
    assert_eq!(router.line(), "worker\thello");
    router.write(b"worker\tthanks\n");
    assert_eq!(dealer.end().done(), "thanks\n");
    router.interrupt();
    router.end().done();
}

#[test]
fn an_identity_made_up_by_the_router_can_be_typed_back() {
    let mut router = start_with_stdin(&format!("router -b {ANY} -v"));
    let place = router.endpoint();
    let dealer = start(&format!("dealer -c {place} -D hello -n 1"));
    let line = router.line();
    let (identity, body) = line.split_once('\t').expect("two parts");
    assert!(identity.starts_with("0x00"), "{identity}");
    assert_eq!(body, "hello");
    router.write(format!("{identity}\tthanks\n").as_bytes());
    assert_eq!(dealer.end().done(), "thanks\n");
}

#[test]
fn a_target_is_waited_for() {
    let mut router = start(&format!("router -b {ANY} -v -D job --target 0x77 -n 1"));
    let place = router.endpoint();
    let other = start(&format!("dealer -c {place} --identity x"));
    let mut worker = start(&format!("dealer -c {place} --identity w -D ready"));
    assert_eq!(worker.line(), "job");
    assert_eq!(router.end().done(), "w\tready\n");
    drop(other);
}

#[test]
fn a_mistyped_identity_is_told_and_the_talk_goes_on() {
    let mut router = start_with_stdin(&format!("router -b {ANY} -v"));
    let place = router.endpoint();
    let mut worker = start(&format!("dealer -c {place} --identity worker -D ready"));
    assert_eq!(router.line(), "worker\tready");
    router.write(b"wroker\tjob\nworker\tjob\n");
    let line = router.told("wroker");
    assert!(line.contains("no peer has the identity"), "{line}");
    assert_eq!(worker.line(), "job");
}

#[test]
fn a_dealer_reaches_a_rep_through_an_empty_delimiter() {
    let mut rep = start(&format!("rep -b {ANY} -v --echo"));
    let place = rep.endpoint();
    assert_eq!(run(&format!("dealer -c {place} -J -D [\"\",\"hello\"] -n 1")).done(), "[\"\",\"hello\"]\n");
}
