//! `bowline sub` hears their PUB, `bowline pub` reaches their SUB.

use bowline_interop::{Outcome, Peer, Program};
use serde_json::json;

use crate::ANY;

#[tokio::test]
async fn sub_prints_what_their_pub_sends_as_json_lines() -> Outcome {
    let mut peer = Peer::spawn().await?;
    // An XPUB is a PUB that shows when the subscription has come, so that nothing is published to nobody.
    let publisher = peer.socket("XPUB", json!({})).await?;
    let place = peer.bind(&publisher, ANY).await?;
    let mut sub = Program::start(&format!("sub -c {place} -J -n 5")).await?;
    peer.expect_parts(&publisher, &[b"\x01"]).await?;
    peer.send_parts(&publisher, &[b"plain"]).await?;
    peer.send_parts(&publisher, &[b"topic", b"", b"body"]).await?;
    peer.send_parts(&publisher, &[b""]).await?;
    peer.send_parts(&publisher, &["µ \"quoted\"\n".as_bytes()]).await?;
    peer.send_parts(&publisher, &[b"\xff\x00", b"text"]).await?;
    sub.prints(r#"["plain"]"#).await?;
    sub.prints(r#"["topic","","body"]"#).await?;
    sub.prints(r#"[""]"#).await?;
    sub.prints(r#"["µ \"quoted\"\n"]"#).await?;
    sub.prints(r#"[{"base64":"/wA="},"text"]"#).await?;
    sub.done().await
}

#[tokio::test]
async fn sub_hears_a_bound_pub_that_knows_nothing_of_it() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let publisher = peer.socket("PUB", json!({})).await?;
    let mut sub = Program::start(&format!("sub -b {ANY} -v -s news -n 1")).await?;
    let place = sub.bound().await?;
    peer.connect(&publisher, &place).await?;
    peer.event(&publisher, &["HANDSHAKE_SUCCEEDED"]).await?;
    // A PUB does not tell whether the subscription has come: whoever publishes until it is heard need not know.
    let mut heard = Box::pin(sub.line());
    let line = loop {
        peer.send_parts(&publisher, &[b"other"]).await?;
        peer.send_parts(&publisher, &[b"news of the day"]).await?;
        tokio::select! {
            biased;
            line = &mut heard => break line?,
            _ = peer.poll(&publisher, 0) => {}
        }
    };
    drop(heard);
    bowline_interop::ensure(line == "news of the day", || line)?;
    sub.done().await
}

#[tokio::test]
async fn pub_reaches_their_sub() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let subscriber = peer.socket("SUB", json!({"SUBSCRIBE": "news"})).await?;
    let mut publisher = Program::start(&format!("pub -b {ANY} -v")).await?;
    let place = publisher.bound().await?;
    publisher.type_in("other\nnews\tof the day\t\n").await?;
    publisher.end_input();
    // The lines were typed before anybody was there: the program waits for the subscription.
    peer.connect(&subscriber, &place).await?;
    peer.expect_parts(&subscriber, &[b"news", b"of the day", b""]).await?;
    publisher.done().await
}

#[tokio::test]
async fn pub_sends_json_lines_with_bytes_that_are_no_text() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let subscriber = peer.socket("SUB", json!({"SUBSCRIBE": ""})).await?;
    let place = peer.bind(&subscriber, ANY).await?;
    let mut publisher = Program::start(&format!("pub -c {place} -J")).await?;
    publisher.type_in("[\"a\", {\"base64\": \"/wA=\"}, \"\"]\n").await?;
    publisher.end_input();
    // libzmq sends the subscriptions of a bound SUB only in the next call to it.
    peer.notice(&subscriber).await?;
    peer.expect_parts(&subscriber, &[b"a", b"\xff\x00", b""]).await?;
    publisher.done().await
}
