//! Idle connections with heartbeats, through a relay that counts them.

use std::net::SocketAddr;
use std::time::Duration;

use bowline::{DisconnectReason, MonitorKind, SocketType};
use bowline_interop::relay::{Beats, Relay, Words};
use bowline_interop::{Outcome, Peer, Transport, ensure, ours};
use serde_json::{Value, json};

const BEAT: Duration = Duration::from_millis(20);
/// Much longer than the beat: a busy machine must not look like a dead peer.
const GIVE_UP: Duration = Duration::from_secs(10);

fn beating() -> bowline::Options {
    ours::options().heartbeat_interval(Some(BEAT)).heartbeat_timeout(Some(GIVE_UP))
}

fn theirs_beating() -> Value {
    json!({"HEARTBEAT_IVL": 20, "HEARTBEAT_TIMEOUT": 10_000, "HEARTBEAT_TTL": 10_000})
}

/// Joins our bound PAIR with theirs through a relay, waits for the beats, and checks that nothing was lost meanwhile.
async fn stays_up(ours: bowline::Options, theirs: Value, enough: fn(&Beats) -> bool) -> Outcome {
    let mut peer = Peer::spawn().await?;
    let socket = ours::socket(SocketType::Pair, ours);
    let mut monitor = socket.monitor();
    let endpoint = ours::bind(&socket, &Transport::Tcp.fresh()).await?;
    let mut relay = Relay::to(address(&endpoint)?, Words::ZMTP).await?;
    let pair = peer.socket("PAIR", theirs).await?;
    peer.connect(&pair, &format!("tcp://{}", relay.address())).await?;
    ours::ready(&mut monitor).await?;
    relay.wait_for(enough).await?;
    ours::send(&socket, "still there?").await?;
    peer.expect_parts(&pair, &[b"still there?"]).await?;
    peer.send_parts(&pair, &[b"yes"]).await?;
    ours::expect_parts(&socket, &[b"yes"]).await?;
    let seen = peer.on(&pair, "seen", json!({})).await?;
    ensure(!seen.to_string().contains("DISCONNECTED"), || format!("they lost the connection: {seen}"))?;
    // The first loss that our monitor tells of is the one that we cause here.
    peer.close(&pair).await?;
    let lost = |kind: &MonitorKind| match kind {
        MonitorKind::Disconnected(reason) => Some(reason.clone()),
        _ => None,
    };
    let reason = ours::event(&mut monitor, "the end of the connection", lost).await?;
    ensure(reason == DisconnectReason::PeerClosed, || format!("lost because {reason}"))
}

fn address(endpoint: &str) -> Outcome<SocketAddr> {
    let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint);
    address.parse().map_err(|error| format!("{endpoint}: {error}"))
}

#[tokio::test]
async fn we_answer_their_pings() -> Outcome {
    stays_up(ours::options(), theirs_beating(), |beats| beats.pings_in >= 5 && beats.pongs_out >= 5).await
}

#[tokio::test]
async fn they_answer_our_pings() -> Outcome {
    stays_up(beating(), json!({}), |beats| beats.pings_out >= 5 && beats.pongs_in >= 5).await
}

#[tokio::test]
async fn both_sides_ping_and_both_stay() -> Outcome {
    let all = |beats: &Beats| {
        [beats.pings_in, beats.pongs_in, beats.pings_out, beats.pongs_out].into_iter().all(|count| count >= 5)
    };
    stays_up(beating(), theirs_beating(), all).await
}
