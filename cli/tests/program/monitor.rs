//! bowline monitor.

use crate::process::{Bowline, run, start};

/// Reads events up to the next one of this name; checks that each is an object with a time.
fn event(monitor: &mut Bowline, name: &str) -> serde_json::Value {
    loop {
        let line = monitor.line();
        let event: serde_json::Value = serde_json::from_str(&line).expect("a JSON object");
        assert!(event["time"].is_number(), "{line}");
        if event["event"] == name {
            return event;
        }
    }
}

#[test]
fn a_peer_is_seen_to_come_and_go_and_come_back() {
    let mut monitor = start("monitor pull -b tcp://127.0.0.1:0");
    let place = event(&mut monitor, "listening")["endpoint"].as_str().expect("an endpoint").to_owned();
    let mut seen = Vec::new();
    for _ in 0..2 {
        run(&format!("push -c {place} -D hello")).done();
        let accepted = event(&mut monitor, "accepted");
        assert!(accepted["peer"]["address"].as_str().expect("an address").contains("127.0.0.1"));
        let ready = event(&mut monitor, "handshake_succeeded");
        assert_eq!(ready["peer"]["socket_type"], "PUSH");
        assert_eq!(ready["peer"]["mechanism"], "NULL");
        assert_eq!(ready["endpoint"], place);
        let gone = event(&mut monitor, "disconnected");
        assert_eq!(gone["reason"], "closed by the peer");
        assert_eq!(gone["connection"], ready["connection"]);
        seen.push(gone["connection"].clone());
    }
    assert_ne!(seen[0], seen[1], "a connection of its own each time");
    monitor.interrupt();
    assert_eq!(monitor.end().code, Some(0));
}

#[test]
fn attempts_to_connect_are_seen_with_their_causes() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let mut monitor = start(&format!("monitor sub -c tcp://127.0.0.1:{port} --reconnect-ivl 0.01"));
    assert_eq!(event(&mut monitor, "connecting")["attempt"], 1);
    assert!(event(&mut monitor, "connect_retried")["reason"].as_str().expect("a reason").contains("refused"));
    assert_eq!(event(&mut monitor, "connecting")["attempt"], 2);
}

#[test]
fn a_count_and_a_timeout_end_it() {
    let one = run("monitor rep -b tcp://127.0.0.1:0 -n 1").done();
    assert!(one.contains("\"listening\"") && one.lines().count() == 1, "{one}");
    let ended = run("monitor rep -b tcp://127.0.0.1:0 -t 0.05");
    assert_eq!(ended.code, Some(3), "{ended:?}");
}
