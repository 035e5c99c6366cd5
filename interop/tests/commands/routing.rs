//! `bowline router` and their DEALER, `bowline dealer` and their ROUTER.

use bowline_interop::{Outcome, Peer, Program};
use serde_json::json;

use crate::ANY;

#[tokio::test]
async fn router_answers_the_sender_that_it_printed() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let mut router = Program::start(&format!("router -b {ANY} -v")).await?;
    let place = router.bound().await?;
    let worker = peer.socket("DEALER", json!({"IDENTITY": "worker"})).await?;
    peer.connect(&worker, &place).await?;
    peer.send_parts(&worker, &[b"ready", b""]).await?;
    router.prints("worker\tready\t").await?;
    router.type_in("worker\tjob\t1\n").await?;
    peer.expect_parts(&worker, &[b"job", b"1"]).await
}

#[tokio::test]
async fn a_target_is_waited_for_and_nobody_else_gets_its_message() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let mut router = Program::start(&format!("router -b {ANY} -v --target w2 -D job -n 1")).await?;
    let place = router.bound().await?;
    let first = peer.socket("DEALER", json!({"IDENTITY": "w1"})).await?;
    peer.connect(&first, &place).await?;
    peer.event(&first, &["HANDSHAKE_SUCCEEDED"]).await?;
    let second = peer.socket("DEALER", json!({"IDENTITY": "w2"})).await?;
    peer.connect(&second, &place).await?;
    peer.expect_parts(&second, &[b"job"]).await?;
    peer.send_parts(&second, &[b"done"]).await?;
    router.prints("w2\tdone").await?;
    router.done().await?;
    bowline_interop::ensure(!peer.poll(&first, 0).await?, || "w1 got a message that was for w2".into())
}

#[tokio::test]
async fn dealer_shows_its_identity_to_their_router() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let router = peer.socket("ROUTER", json!({})).await?;
    let place = peer.bind(&router, ANY).await?;
    let mut dealer = Program::start(&format!("dealer -c {place} --identity me -D hello -n 1")).await?;
    peer.expect_parts(&router, &[b"me", b"hello"]).await?;
    peer.send_parts(&router, &[b"me", b"welcome", b"in"]).await?;
    dealer.prints("welcome\tin").await?;
    dealer.done().await
}

#[tokio::test]
async fn dealer_reaches_their_rep_behind_an_empty_part() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let server = peer.socket("REP", json!({})).await?;
    let place = peer.bind(&server, ANY).await?;
    let mut dealer = Program::start(&format!("dealer -c {place} -J -n 1")).await?;
    dealer.type_in("[\"\", \"hello\"]\n").await?;
    peer.on(&server, "echo", json!({"count": 1})).await?;
    dealer.prints(r#"["","hello"]"#).await?;
    dealer.done().await
}
