//! How connections over WebSocket stay and end, on either side.

use std::net::SocketAddr;

use bowline::SocketType::{Pair, Pull, Push};
use bowline::error::WsFault;
use bowline::{DisconnectReason, Message};
use bowline_interop::relay::{Relay, Words};
use bowline_interop::shapes::Shape;
use bowline_interop::{Outcome, Transport, ensure, ours};
use serde_json::json;

use crate::{end, is, our_guest, our_host, peer, their_guest, their_host};

#[tokio::test]
async fn who_closes_is_told_as_that_whoever_bound() -> Outcome {
    let mut peer = peer().await?;
    let (ours, endpoint) = our_host(Pull, ours::options()).await?;
    let mut monitor = ours.monitor();
    let guest = their_guest(&mut peer, "PUSH", json!({}), &endpoint).await?;
    ours::ready(&mut monitor).await?;
    peer.close(&guest).await?;
    is(&DisconnectReason::PeerClosed, &end(&mut monitor).await?)?;
    let (host, endpoint) = their_host(&mut peer, "PUSH", json!({})).await?;
    let (_ours, mut monitor) = our_guest(Pull, ours::options(), &endpoint)?;
    ours::ready(&mut monitor).await?;
    peer.close(&host).await?;
    is(&DisconnectReason::PeerClosed, &end(&mut monitor).await?)?;
    // The other way round they hear of us.
    let (ours, endpoint) = our_host(Push, ours::options()).await?;
    let guest = their_guest(&mut peer, "PULL", json!({}), &endpoint).await?;
    ours::peer(&ours).await?;
    ours::close(&ours).await?;
    peer.event(&guest, &["DISCONNECTED"]).await?;
    let (host, endpoint) = their_host(&mut peer, "PULL", json!({})).await?;
    let (ours, _) = our_guest(Push, ours::options(), &endpoint)?;
    ours::peer(&ours).await?;
    ours::close(&ours).await?;
    peer.event(&host, &["DISCONNECTED"]).await.map(drop)
}

#[tokio::test]
async fn a_process_that_is_killed_is_lost_and_the_next_one_is_found() -> Outcome {
    let place = Transport::Ws.lasting();
    let mut first = peer().await?;
    let host = first.socket("PULL", json!({})).await?;
    let endpoint = first.bind(&host, &place).await?;
    let (push, mut monitor) = our_guest(Push, ours::options(), &endpoint)?;
    ours::send(&push, "to the first").await?;
    first.expect_parts(&host, &[b"to the first"]).await?;
    first.kill().await?;
    crate::is_their_end(&end(&mut monitor).await?)?;
    ours::send(&push, "to the next").await?;
    let mut next = peer().await?;
    let host = next.socket("PULL", json!({})).await?;
    next.bind(&host, &place).await?;
    next.expect_parts(&host, &[b"to the next"]).await
}

#[tokio::test]
async fn our_close_with_linger_delivers_all_whoever_bound() -> Outcome {
    let mut peer = peer().await?;
    // More than the system takes while they read nothing.
    let shapes = vec![Shape::of(&[1 << 20]); 32];
    for we_bind in [true, false] {
        let options = ours::options().linger(None);
        let (push, pull) = if we_bind {
            let (push, endpoint) = our_host(Push, options).await?;
            (push, their_guest(&mut peer, "PULL", json!({"RCVHWM": 1}), &endpoint).await?)
        } else {
            let (pull, endpoint) = their_host(&mut peer, "PULL", json!({"RCVHWM": 1})).await?;
            (our_guest(Push, options, &endpoint)?.0, pull)
        };
        for shape in &shapes {
            ours::send(&push, shape.message()).await?;
        }
        let (closed, read) = tokio::join!(ours::close(&push), peer.expect(&pull, &shapes, 0));
        closed.and(read)?;
    }
    Ok(())
}

#[tokio::test]
async fn their_messages_over_our_limit_end_their_connection() -> Outcome {
    let mut peer = peer().await?;
    let options = ours::options().max_message_size(Some(1000));
    // One part is refused by the frame of WebSocket that it comes in, several by their sum.
    let too_long = DisconnectReason::Ws(WsFault::TooLong);
    let oversize = DisconnectReason::Oversize { announced: 1200, limit: 1000 };
    for (parts, reason) in [(vec![vec![0; 1001]], too_long), (vec![vec![0; 600]; 2], oversize)] {
        let (pull, endpoint) = our_host(Pull, options.clone()).await?;
        let mut monitor = pull.monitor();
        let push = their_guest(&mut peer, "PUSH", json!({"RECONNECT_IVL": -1}), &endpoint).await?;
        ours::ready(&mut monitor).await?;
        peer.send_parts(&push, &[&[0; 1000]]).await?;
        let most = ours::recv(&pull).await?;
        ensure(most == Message::from(vec![0; 1000]), || format!("{most:?}"))?;
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        peer.send_parts(&push, &parts).await?;
        is(&reason, &end(&mut monitor).await?)?;
        peer.event(&push, &["DISCONNECTED"]).await?;
    }
    Ok(())
}

fn address(endpoint: &str) -> Outcome<SocketAddr> {
    let address = endpoint.trim_start_matches("ws://").trim_end_matches('/');
    address.parse().map_err(|error| format!("{endpoint}: {error}"))
}

#[tokio::test]
async fn we_answer_the_pings_of_their_client() -> Outcome {
    let mut peer = peer().await?;
    let (pair, endpoint) = our_host(Pair, ours::options()).await?;
    let mut relay = Relay::to(address(&endpoint)?, Words::WEBSOCKET).await?;
    let beating = json!({"HEARTBEAT_IVL": 20, "HEARTBEAT_TIMEOUT": 10_000});
    let theirs = their_guest(&mut peer, "PAIR", beating, &format!("ws://{}", relay.address())).await?;
    relay.wait_for(|beats| beats.pings_in >= 5 && beats.pongs_out >= 5).await?;
    ours::send(&pair, "still there?").await?;
    peer.expect_parts(&theirs, &[b"still there?"]).await?;
    let seen = peer.on(&theirs, "seen", json!({})).await?;
    ensure(!seen.to_string().contains("DISCONNECTED"), || format!("they lost the connection: {seen}"))
}

#[tokio::test]
async fn we_answer_the_pings_of_their_server() -> Outcome {
    let mut peer = peer().await?;
    let beating = json!({"HEARTBEAT_IVL": 20, "HEARTBEAT_TIMEOUT": 10_000});
    let (theirs, endpoint) = their_host(&mut peer, "PAIR", beating).await?;
    let mut relay = Relay::to(address(&endpoint)?, Words::WEBSOCKET).await?;
    let (pair, _) = our_guest(Pair, ours::options(), &format!("ws://{}", relay.address()))?;
    relay.wait_for(|beats| beats.pings_out >= 5 && beats.pongs_in >= 5).await?;
    ours::send(&pair, "still there?").await?;
    peer.expect_parts(&theirs, &[b"still there?"]).await
}
