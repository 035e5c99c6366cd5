//! How runs end: counts, timeouts, Ctrl-C, readers that leave, disks that are full.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::process::{Bowline, command, ipc, run, run_with, start, start_with_stdin};

const ANY: &str = "tcp://127.0.0.1:0";

#[test]
fn nothing_received_in_time_is_3() {
    let line = run(&format!("pull -b {ANY} -t 0.05")).failed(3);
    assert!(line.starts_with("tcp://127.0.0.1:") && line.ends_with("nothing received within 0.05 s"), "{line}");
}

#[test]
fn no_peer_in_time_is_3_and_says_why() {
    // A port that was free a moment ago, and that nobody listens at.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let line = run(&format!("push -c tcp://127.0.0.1:{port} -D x -t 0.3")).failed(3);
    assert!(line.starts_with(&format!("tcp://127.0.0.1:{port}: no peer within 0.3 s")), "{line}");
    assert!(line.contains("refused"), "{line}");
}

#[test]
fn nobody_at_the_endpoint_is_told_while_it_waits() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let place = format!("tcp://127.0.0.1:{port}");
    let mut pull = start(&format!("pull -c {place} --reconnect-ivl 0.01"));
    let line = pull.told(&place);
    assert_eq!(line, format!("bowline: {place}: connection refused; trying again until a peer is there"));
    pull.interrupt();
    assert_eq!(pull.end().stderr, "", "told once");
}

#[test]
fn a_missing_ipc_file_is_named() {
    let place = ipc();
    let line = run(&format!("push -c {place} -D x -t 0.3")).failed(3);
    assert!(line.starts_with(&format!("{place}: no peer within 0.3 s (no such file")), "{line}");
}

#[test]
fn a_host_that_has_no_address_is_told() {
    // No label of a name has more than 63 letters, so no server needs to be asked.
    let place = format!("tcp://{}:1", "a".repeat(64));
    let line = run(&format!("push -c {place} -D x -t 2")).failed(3);
    assert!(line.starts_with(&format!("{place}: no peer within 2 s (the host is not known; ")), "{line}");
}

#[test]
fn who_has_nothing_to_send_waits_for_nobody() {
    for socket_type in ["push", "pub", "req"] {
        run_with(&format!("{socket_type} -b {ANY}"), b"").done();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn help_that_can_not_be_written_is_an_error() {
    let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
    let status = command("--help").stdout(Stdio::from(full)).status().expect("the program runs");
    assert_eq!(status.code(), Some(1));
}

#[test]
fn no_subscriber_in_time_is_3() {
    assert!(run(&format!("pub -b {ANY} -D x -t 0.05")).failed(3).contains("no subscriber"));
}

#[test]
fn no_reply_in_time_is_3() {
    let mut router = start_with_stdin(&format!("router -b {ANY} -v"));
    let place = router.endpoint();
    let line = run(&format!("req -c {place} -D hello -t 0.5")).failed(3);
    assert_eq!(line, format!("{place}: no reply within 0.5 s"));
    assert!(router.line().ends_with("\t\thello"));
}

#[test]
fn ctrl_c_ends_an_endless_run_well() {
    let mut pull = start(&format!("pull -b {ANY} -v"));
    pull.endpoint();
    pull.interrupt();
    let ended = pull.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn ctrl_c_before_the_count_is_reached_is_an_error() {
    let mut pull = start(&format!("pull -b {ANY} -v -n 5"));
    let place = pull.endpoint();
    run(&format!("push -c {place} -D x")).done();
    assert_eq!(pull.line(), "x");
    pull.interrupt();
    assert_eq!(pull.end().failed(1), "interrupted after 1 of 5 messages");
}

/// A pusher that is left with one line to deliver, and the end of its input.
fn pusher_without_puller(linger: &str) -> Bowline {
    let mut pull = start(&format!("pull -b {ANY} -v"));
    let mut push = start_with_stdin(&format!("push -c {} -vv -l {linger}", pull.endpoint()));
    // A peer that goes before anything was sent to it would be waited for again.
    push.write(b"for the puller\n");
    assert_eq!(pull.line(), "for the puller");
    drop(pull);
    push.told("lost PULL");
    push.write(b"for nobody\n");
    push.close_stdin();
    push
}

#[test]
fn what_could_not_be_delivered_in_time_is_an_error() {
    let ended = pusher_without_puller("0.1").end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("not delivered within 0.1 s"), "{ended:?}");
}

#[test]
fn what_was_not_to_be_waited_for_is_none() {
    pusher_without_puller("0").end().done();
}

#[test]
fn ctrl_c_ends_a_delivery_that_would_last_for_ever() {
    let mut push = pusher_without_puller("forever");
    push.told("still delivering; Ctrl-C drops what is left");
    push.interrupt();
    let ended = push.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("before all was delivered"), "{ended:?}");
}

#[test]
fn a_reader_that_leaves_ends_the_run_quietly() {
    let words = format!("pull -b {ANY} -v");
    let mut child = command(&words).spawn().expect("the program starts");
    let mut told = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    told.read_line(&mut line).expect("a line");
    let place = line.trim_end().rsplit(' ').next().expect("an endpoint").to_owned();
    let pusher = start(&format!("push -c {place} -D x -i 0.001"));
    let mut reader = BufReader::new(child.stdout.take().expect("piped"));
    line.clear();
    reader.read_line(&mut line).expect("a line");
    drop(reader);
    assert_eq!(child.wait().expect("an end").code(), Some(0));
    line.clear();
    told.read_line(&mut line).expect("the end of the stream");
    assert_eq!(line, "");
    drop(pusher);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let words = format!("pull -b {ANY} -v");
    let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has one");
    let mut child = command(&words).stdout(Stdio::from(full)).spawn().expect("the program starts");
    let mut told = BufReader::new(child.stderr.take().expect("piped")).lines();
    let line = told.next().expect("a line").expect("UTF-8");
    let place = line.rsplit(' ').next().expect("an endpoint");
    let pusher = start(&format!("push -c {place} -D x -i 0.001"));
    let line = told.next().expect("a line").expect("UTF-8");
    assert_eq!(line, "bowline: standard output: No space left on device");
    assert_eq!(child.wait().expect("an end").code(), Some(1));
    assert!(told.next().is_none());
    drop(pusher);
}

#[test]
fn help_and_version_go_to_standard_output() {
    let help = run("--help");
    assert!(help.stderr.is_empty(), "{help:?}");
    let help = help.done();
    for word in ["bowline pull", "Exit codes:", "router", "monitor", "demo", "bench"] {
        assert!(help.contains(word), "{word}");
    }
    assert_eq!(run("-V").done(), format!("bowline {}\n", env!("CARGO_PKG_VERSION")));
    assert!(run("bench --help").done().contains("p50_us"));
}

#[test]
fn verbosity_goes_to_standard_error() {
    let mut pull = start(&format!("pull -b {ANY} -vvv -n 1"));
    let place = pull.endpoint();
    run(&format!("push -c {place} -D hello")).done();
    let ended = pull.end();
    for said in ["the peer is PUSH", "received hello"] {
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
    assert_eq!(ended.done(), "hello\n");
}
