//! `bowline push` and their PULL, `bowline pull` and their PUSH, `bowline pair` and their PAIR.

use bowline_interop::shapes::Shape;
use bowline_interop::{Outcome, Peer, Program, Transport};
use serde_json::json;

use crate::ANY;

#[tokio::test]
async fn push_sends_its_lines_to_their_pull_over_tcp_and_ipc() -> Outcome {
    for transport in Transport::ALL {
        let (mut peer, place) = (Peer::over(transport).await?, transport.fresh());
        let puller = peer.socket("PULL", json!({})).await?;
        let endpoint = peer.bind(&puller, &place).await?;
        let mut push = Program::start(&format!("push -c {endpoint}")).await?;
        push.type_in("one\ntwo\tparts\n\n").await?;
        push.done().await?;
        // The program is gone: what it was given has left it.
        peer.expect_parts(&puller, &[b"one"]).await?;
        peer.expect_parts(&puller, &[b"two", b"parts"]).await?;
        peer.expect_parts(&puller, &[b""]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn pull_prints_what_their_push_sends_over_tcp_and_ipc() -> Outcome {
    for transport in Transport::ALL {
        let (mut peer, place) = (Peer::over(transport).await?, transport.fresh());
        let mut pull = Program::start(&format!("pull -b {} -v -Q -n 2", &*place)).await?;
        let endpoint = pull.bound().await?;
        let pusher = peer.socket("PUSH", json!({})).await?;
        peer.connect(&pusher, &endpoint).await?;
        peer.send_parts(&pusher, &[b"one", b"a\tb"]).await?;
        peer.send_parts(&pusher, &[b"\x00\xff"]).await?;
        pull.prints("one\ta\\tb").await?;
        pull.prints("\\x00\\xff").await?;
        pull.done().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_hundred_thousand_bytes_of_a_file_arrive_as_one_message() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let puller = peer.socket("PULL", json!({})).await?;
    let place = peer.bind(&puller, ANY).await?;
    let shape = Shape::of(&[100_000]);
    let path = std::env::temp_dir().join(format!("bowline-interop-file-{}", std::process::id()));
    std::fs::write(&path, &shape.message().parts()[0][..]).map_err(|error| error.to_string())?;
    let pushed = Program::start(&format!("push -c {place} -F {}", path.display())).await?.done().await;
    std::fs::remove_file(&path).ok();
    pushed?;
    peer.expect(&puller, &[shape], 0).await
}

#[tokio::test]
async fn pair_talks_with_their_pair() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let other = peer.socket("PAIR", json!({})).await?;
    let place = peer.bind(&other, ANY).await?;
    let mut pair = Program::start(&format!("pair -c {place} -n 1")).await?;
    pair.type_in("ping\n").await?;
    peer.expect_parts(&other, &[b"ping"]).await?;
    peer.send_parts(&other, &[b"pong"]).await?;
    pair.prints("pong").await?;
    pair.done().await
}
