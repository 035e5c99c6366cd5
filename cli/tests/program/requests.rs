//! req and rep.

use crate::process::{ipc, run, run_with, start, start_with_stdin};

const ANY: &str = "tcp://127.0.0.1:0";

#[test]
fn an_echo_answers_each_request_with_itself() {
    let mut rep = start(&format!("rep -b {ANY} -v --echo"));
    let place = rep.endpoint();
    assert_eq!(run_with(&format!("req -c {place} -t 30"), b"one\ntwo\tparts\n").done(), "one\ntwo\tparts\n");
    assert_eq!((rep.line(), rep.line()), ("one".to_owned(), "two\tparts".to_owned()));
    rep.interrupt();
    rep.end().done();
}

#[test]
fn data_answers_every_request() {
    let mut rep = start(&format!("rep -b {ANY} -v -D ok -n 3"));
    let place = rep.endpoint();
    assert_eq!(run(&format!("req -c {place} -D ping -n 3")).done(), "ok\nok\nok\n");
    assert_eq!(rep.end().done(), "ping\nping\nping\n");
}

#[test]
fn lines_answer_one_request_each() {
    let mut rep = start_with_stdin(&format!("rep -b {ANY} -v -n 2"));
    let place = rep.endpoint();
    let mut req = start_with_stdin(&format!("req -c {place}"));
    req.write(b"first?\n");
    assert_eq!(rep.line(), "first?");
    rep.write(b"first!\n");
    assert_eq!(req.line(), "first!");
    req.write(b"second?\n");
    assert_eq!(rep.line(), "second?");
    rep.write(b"second!\n");
    assert_eq!(req.line(), "second!");
    rep.end().done();
    req.close_stdin();
    req.end().done();
}

#[test]
fn a_request_may_come_before_its_service() {
    let place = ipc();
    let mut req = start(&format!("req -c {place} -D hello -v"));
    req.told("connecting to");
    assert_eq!(run(&format!("rep -b {place} --echo -n 1")).done(), "hello\n");
    assert_eq!(req.end().done(), "hello\n");
}

#[test]
fn a_service_without_more_replies_says_so() {
    let mut rep = start(&format!("rep -b {ANY} -v"));
    let place = rep.endpoint();
    let req = start(&format!("req -c {place} -D hello"));
    let line = rep.told("no more replies");
    assert!(line.contains(&place), "{line}");
    let rep = rep.end();
    assert_eq!((rep.code, rep.stdout.as_str()), (Some(1), "hello\n"));
    drop(req);
}

#[test]
fn a_request_whose_service_died_is_an_error() {
    let mut router = start_with_stdin(&format!("router -b {ANY} -v"));
    let place = router.endpoint();
    let req = start(&format!("req -c {place} -D hello"));
    router.line();
    drop(router);
    let line = req.end().failed(1);
    assert_eq!(line, format!("{place}: the peer went away with the request"));
}
