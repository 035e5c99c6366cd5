//! PLAIN from the command line.

use bowline_interop::{Outcome, Peer, Program, ensure};
use serde_json::json;

use crate::ANY;

#[tokio::test]
async fn their_server_lets_in_who_knows_the_password() -> Outcome {
    let mut peer = Peer::spawn().await?;
    peer.call("passwords", json!({"users": {"ann": "secret"}})).await?;
    let puller = peer.socket("PULL", json!({"PLAIN_SERVER": 1})).await?;
    let place = peer.bind(&puller, ANY).await?;
    let wrong = format!("push -c {place} -D no --username ann --password guess");
    let said = Program::start(&wrong).await?.failed(1).await?;
    ensure(said.lines().count() == 1 && said.contains(&place) && said.contains("refused"), || said)?;
    let right = format!("push -c {place} -D yes --username ann --password secret");
    Program::start(&right).await?.done().await?;
    peer.expect_parts(&puller, &[b"yes"]).await
}

#[tokio::test]
async fn our_server_lets_in_who_knows_the_password() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let mut pull = Program::start(&format!("pull -b {ANY} -v -n 1 --plain-server ann:secret")).await?;
    let place = pull.bound().await?;
    let wrong = peer.socket("PUSH", json!({"PLAIN_USERNAME": "ann", "PLAIN_PASSWORD": "guess"})).await?;
    peer.connect(&wrong, &place).await?;
    let line = pull.tells("failed in the handshake").await?;
    ensure(line.contains(&place), || line)?;
    let right = peer.socket("PUSH", json!({"PLAIN_USERNAME": "ann", "PLAIN_PASSWORD": "secret"})).await?;
    peer.connect(&right, &place).await?;
    peer.send_parts(&right, &[b"yes"]).await?;
    pull.prints("yes").await?;
    pull.done().await
}
