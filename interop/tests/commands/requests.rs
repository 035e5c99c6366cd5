//! `bowline req` and their REP, `bowline rep` and their REQ.

use bowline_interop::{Outcome, Peer, Program};
use serde_json::json;

use crate::ANY;

#[tokio::test]
async fn req_asks_their_rep() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let server = peer.socket("REP", json!({})).await?;
    let place = peer.bind(&server, ANY).await?;
    let mut req = Program::start(&format!("req -c {place}")).await?;
    req.type_in("what\tnow\n").await?;
    peer.expect_parts(&server, &[b"what", b"now"]).await?;
    peer.send_parts(&server, &[b"this"]).await?;
    req.prints("this").await?;
    req.type_in("again\n").await?;
    peer.expect_parts(&server, &[b"again"]).await?;
    peer.send_parts(&server, &[b"that", b""]).await?;
    req.prints("that\t").await?;
    req.done().await
}

#[tokio::test]
async fn req_waits_for_their_rep_that_comes_later() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let mut req = Program::start(&format!("req -b {ANY} -v -D hello")).await?;
    let place = req.bound().await?;
    let server = peer.socket("REP", json!({})).await?;
    peer.connect(&server, &place).await?;
    peer.on(&server, "echo", json!({"count": 1})).await?;
    req.prints("hello").await?;
    req.done().await
}

#[tokio::test]
async fn rep_echoes_to_their_req() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let mut rep = Program::start(&format!("rep -b {ANY} -v --echo -J -n 2")).await?;
    let place = rep.bound().await?;
    let client = peer.socket("REQ", json!({})).await?;
    peer.connect(&client, &place).await?;
    for parts in [&[&b"hello"[..]][..], &[b"", b"\xff"]] {
        peer.send_parts(&client, parts).await?;
        peer.expect_parts(&client, parts).await?;
    }
    rep.prints(r#"["hello"]"#).await?;
    rep.prints(r#"["",{"base64":"/w=="}]"#).await?;
    rep.done().await
}

#[tokio::test]
async fn rep_answers_their_req_by_lines() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let mut rep = Program::start(&format!("rep -b {ANY} -v -n 1")).await?;
    let place = rep.bound().await?;
    let client = peer.socket("REQ", json!({})).await?;
    peer.connect(&client, &place).await?;
    peer.send_parts(&client, &[b"who?"]).await?;
    rep.prints("who?").await?;
    rep.type_in("me\n").await?;
    peer.expect_parts(&client, &[b"me"]).await?;
    rep.done().await
}
