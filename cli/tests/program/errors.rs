//! What goes wrong is told in one line that names the endpoint and the cause.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::process::{run, run_with, start};

const ANY: &str = "tcp://127.0.0.1:0";

#[test]
fn an_endpoint_that_is_none_is_a_usage_error() {
    assert_eq!(run("push -b tcp://127.0.0.1:1x").failed(2), "tcp://127.0.0.1:1x: invalid port \"1x\"");
    for bad in [
        "tpc://127.0.0.1:1",
        "127.0.0.1:1",
        "tcp://127.0.0.1",
        "ipc://",
        "ws://host:x/",
        "udp://host:1",
        "inproc://here",
    ] {
        let line = run(&format!("pull -c {bad}")).failed(2);
        assert!(line.starts_with(&format!("{bad}: ")), "{line}");
    }
    let line = run("pull -c tcp://*:5555").failed(2);
    assert!(line.starts_with("tcp://*:5555: "), "{line}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_a_usage_error() {
    let line = run("pussh -b tcp://127.0.0.1:0").failed(2);
    assert!(line.contains("pussh") && line.contains("push"), "{line}");
    assert!(run("push").failed(2).contains("--bind"));
    assert!(run("pull -b tcp://127.0.0.1:0 --count x").failed(2).contains("--count"));
    assert!(run("pull -b tcp://127.0.0.1:0 --echo").failed(2).contains("--echo"));
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = format!("tcp://{}", taken.local_addr().expect("an address"));
    let line = run(&format!("pull -b {place}")).failed(1);
    assert!(line.starts_with(&format!("{place}: ")) && line.to_lowercase().contains("in use"), "{line}");
}

#[test]
fn a_folder_that_is_missing_is_an_error() {
    let line = run("pull -b ipc:///nowhere/at/all").failed(1);
    assert!(line.starts_with("ipc:///nowhere/at/all: "), "{line}");
}

#[test]
fn a_service_that_speaks_something_else_is_told_apart_from_one_that_is_late() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = format!("tcp://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let mut push = start(&format!("push -c {place} -D x"));
    let line = push.told("does not speak ZMTP");
    assert!(line.contains(&place), "{line}");
}

#[test]
fn socket_types_that_do_not_go_together_are_told() {
    let mut pull = start(&format!("pull -b {ANY} -v"));
    let place = pull.endpoint();
    let mut sub = start(&format!("sub -c {place}"));
    let line = sub.told("failed in the handshake");
    assert!(line.contains(&place) && line.contains("PULL"), "{line}");
}

#[test]
fn a_password_lets_in_those_who_know_it() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 1 --plain-server ann:secret"));
    let place = pull.endpoint();
    let wrong = run(&format!("push -c {place} -D x --username ann --password guess"));
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(wrong.stderr.contains(&place) && wrong.stderr.contains("refused"), "{wrong:?}");
    run(&format!("push -c {place} -D hello --username ann --password secret")).done();
    assert_eq!(pull.end().done(), "hello\n");
}

#[test]
fn a_line_that_is_no_message_is_named_by_its_number() {
    let mut pull = start(&format!("pull -b {ANY} -v"));
    let place = pull.endpoint();
    let line = run_with(&format!("push -c {place} -J"), b"[\"fine\"]\n[1]\n").failed(1);
    assert!(line.starts_with("standard input, line 2: "), "{line}");
    assert_eq!(pull.line(), "fine");
}

#[test]
fn a_file_that_is_missing_is_named() {
    let line = run(&format!("push -b {ANY} -F /nowhere/at/all")).failed(1);
    assert_eq!(line, "/nowhere/at/all: No such file or directory");
}
