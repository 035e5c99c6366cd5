//! `bowline monitor` and a pyzmq peer that comes and goes.

use bowline_interop::{Outcome, Peer, Program, ensure};
use serde_json::{Value, json};

use crate::ANY;

/// Reads up to the event of this name; each line before it is an event, too.
async fn event(monitor: &mut Program, name: &str) -> Outcome<Value> {
    loop {
        let event = monitor.json().await?;
        ensure(event["time"].is_number() && event["event"].is_string(), || format!("no event: {event}"))?;
        if event["event"] == name {
            return Ok(event);
        }
    }
}

#[tokio::test]
async fn their_pub_is_seen_to_come_and_go_and_come_back() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let publisher = peer.socket("PUB", json!({})).await?;
    let place = peer.bind(&publisher, ANY).await?;
    let mut monitor = Program::start(&format!("monitor sub -c {place} --reconnect-ivl 0.01")).await?;

    let connected = event(&mut monitor, "connected").await?;
    ensure(connected["endpoint"] == place, || format!("another endpoint: {connected}"))?;
    let first = event(&mut monitor, "handshake_succeeded").await?;
    let shown = [&first["peer"]["socket_type"], &first["peer"]["mechanism"], &first["peer"]["version"]];
    ensure(shown == ["PUB", "NULL", "3.1"], || format!("another peer: {first}"))?;

    // With something of ours still to be read, the system would reset the connection.
    peer.event(&publisher, &["HANDSHAKE_SUCCEEDED"]).await?;
    peer.close_bound(&publisher, &place).await?;
    let lost = event(&mut monitor, "disconnected").await?;
    ensure(lost["reason"] == "closed by the peer", || format!("another reason: {lost}"))?;
    ensure(lost["connection"] == first["connection"], || format!("another connection: {lost}"))?;
    let retried = loop {
        let retried = event(&mut monitor, "connect_retried").await?;
        // The first one tells when it dials again, the next why that failed.
        if !retried["reason"].is_null() {
            break retried;
        }
    };
    let reason = retried["reason"].as_str().unwrap_or_default();
    ensure(reason.contains("refused") && retried["delay"].is_number(), || format!("{retried}"))?;

    let publisher = peer.socket("PUB", json!({})).await?;
    peer.bind(&publisher, &place).await?;
    let second = event(&mut monitor, "handshake_succeeded").await?;
    ensure(second["peer"] == first["peer"], || format!("another peer: {second}"))?;
    ensure(second["connection"] != first["connection"], || format!("the same connection: {second}"))
}

#[tokio::test]
async fn their_req_is_seen_to_come_to_a_bound_rep_and_to_leave() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let mut monitor = Program::start(&format!("monitor rep -b {ANY} -n 5")).await?;
    let listening = event(&mut monitor, "listening").await?;
    let place = listening["endpoint"].as_str().unwrap_or_default();
    let client = peer.socket("REQ", json!({"IDENTITY": "client"})).await?;
    peer.connect(&client, place).await?;
    event(&mut monitor, "accepted").await?;
    let ready = event(&mut monitor, "handshake_succeeded").await?;
    ensure(ready["peer"]["identity"] == "client", || format!("another peer: {ready}"))?;
    peer.close(&client).await?;
    event(&mut monitor, "disconnected").await?;
    monitor.done().await
}
