//! Where libzmq does otherwise than RFC 6455 or RFC 45 say. Each has its row in DESIGN.md; when one of these fails with a
//! newer libzmq, the row goes.

use bowline::curve::CurveServer;
use bowline::{Mechanism, SocketType};
use bowline_interop::websocket::{BINARY, CLOSE, PING, PONG, Web};
use bowline_interop::{Outcome, Peer, Theirs, ensure, ours};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{our_host, peer, their_guest, their_host};

/// What a PUSH says of itself. RFC 23, The READY Command
const READY: &[u8] = b"\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH";

/// Their PULL, and a client by hand.
struct Scene {
    peer: Peer,
    pull: Theirs,
    endpoint: String,
    client: Web,
}

impl Scene {
    /// The client speaks NULL and is ready.
    async fn with_null() -> Outcome<Self> {
        let mut scene = Self::set("ZWS2.0/NULL").await?;
        scene.client.say(2, READY).await?;
        let (first, payload) = scene.client.next().await?;
        let is_ready = first == BINARY && payload.starts_with(b"\x02\x05READY");
        ensure(is_ready, || format!("{first:x} {}", payload.escape_ascii()))?;
        Ok(scene)
    }

    /// The client has no mechanism, and both have said who they are: nobody.
    async fn without_mechanism() -> Outcome<Self> {
        let mut scene = Self::set("ZWS2.0").await?;
        scene.client.say(0, b"").await?;
        scene.client.hear(0, b"").await?;
        Ok(scene)
    }

    async fn set(subprotocol: &str) -> Outcome<Self> {
        let mut peer = peer().await?;
        let (pull, endpoint) = their_host(&mut peer, "PULL", json!({})).await?;
        let client = Web::open(&endpoint, subprotocol).await?;
        Ok(Self { peer, pull, endpoint, client })
    }

    /// They receive this next.
    async fn they_hear(&mut self, body: &[u8]) -> Outcome {
        self.peer.expect_parts(&self.pull, &[body]).await
    }
}

/// A server that their PUSH connects to, and what that asked for.
async fn a_server_and_their_push(path: &str) -> Outcome<(Peer, Theirs, Web, String)> {
    let mut peer = peer().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let at = listener.local_addr().map_err(|error| error.to_string())?;
    let push = their_guest(&mut peer, "PUSH", json!({}), &format!("ws://{at}{path}")).await?;
    let (server, request) = Web::accept(&listener).await?;
    Ok((peer, push, server, request))
}

#[tokio::test]
async fn their_pong_does_not_bring_back_what_the_ping_brought() -> Outcome {
    let mut scene = Scene::with_null().await?;
    scene.client.frame(PING, b"abc").await?;
    let got = scene.client.next().await?;
    // RFC 6455, Pong: identical "Application data"
    ensure(got == (PONG, vec![]), || format!("{got:x?}"))
}

#[tokio::test]
async fn without_a_mechanism_they_answer_no_ping_and_no_goodbye() -> Outcome {
    let mut scene = Scene::without_mechanism().await?;
    scene.client.frame(PING, b"abc").await?;
    scene.client.frame(CLOSE, &1000_u16.to_be_bytes()).await?;
    scene.client.say(0, b"still here").await?;
    scene.they_hear(b"still here").await?;
    scene.peer.close(&scene.pull).await?;
    let rest = scene.client.rest().await?;
    ensure(rest.is_empty(), || format!("they said {rest:x?}"))
}

#[tokio::test]
async fn without_a_mechanism_their_heartbeat_ends_their_process() -> Outcome {
    let mut peer = peer().await?;
    let (_pull, endpoint) = their_host(&mut peer, "PULL", json!({"HEARTBEAT_IVL": 20})).await?;
    // It aborts behind its first PING, and says in which line.
    peer.call("hush", json!({})).await?;
    let mut client = Web::open(&endpoint, "ZWS2.0").await?;
    client.say(0, b"").await?;
    client.hear(0, b"").await?;
    client.rest().await?;
    let answer = peer.version().await;
    ensure(answer.is_err(), || format!("they are still there: {answer:?}"))
}

#[tokio::test]
async fn with_a_mechanism_they_answer_a_goodbye() -> Outcome {
    let mut scene = Scene::with_null().await?;
    scene.client.frame(CLOSE, &1000_u16.to_be_bytes()).await?;
    // Whether they close then, as a server has to, depends on what else they are about to do.
    let got = scene.client.next().await?;
    ensure(got == (CLOSE, vec![3, 232]), || format!("{got:x?}"))
}

#[tokio::test]
async fn they_go_without_a_goodbye() -> Outcome {
    let mut scene = Scene::with_null().await?;
    scene.peer.close(&scene.pull).await?;
    let rest = scene.client.rest().await?;
    ensure(rest.is_empty(), || format!("they said {rest:x?}"))
}

#[tokio::test]
async fn behind_a_frame_that_they_do_not_take_they_read_nothing_and_do_not_close() -> Outcome {
    // A message in fragments, which is allowed, and frames that are not: of text, without a mask, without flags.
    let bad: [&[u8]; 4] = [b"\x02\x81\0\0\0\0\0", b"\x81\x81\0\0\0\0\0", b"\x82\x01\0", b"\x82\x80\0\0\0\0"];
    for bad in bad {
        let mut scene = Scene::with_null().await?;
        scene.client.say(0, b"heard").await?;
        scene.client.bytes(bad).await?;
        scene.client.say(0, b"unheard").await?;
        scene.they_hear(b"heard").await?;
        // Another client's message shows that they go on, and that this one has had its turn.
        let mut other = Web::open(&scene.endpoint, "ZWS2.0").await?;
        other.say(0, b"").await?;
        other.say(0, b"from the other").await?;
        scene.they_hear(b"from the other").await?;
        let seen = scene.peer.on(&scene.pull, "seen", json!({})).await?.to_string();
        ensure(!seen.contains("DISCONNECTED"), || format!("they told {seen}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn they_take_bits_that_are_reserved() -> Outcome {
    let mut scene = Scene::with_null().await?;
    scene.client.frame(BINARY | 0x40, b"\0compressed?").await?;
    scene.they_hear(b"compressed?").await
}

#[tokio::test]
async fn they_tell_of_a_handshake_before_it_is_made() -> Outcome {
    let mut peer = peer().await?;
    let (pull, endpoint) = their_host(&mut peer, "PULL", json!({})).await?;
    // The upgrade alone, and no READY.
    let _client = Web::open(&endpoint, "ZWS2.0/NULL").await?;
    peer.event(&pull, &["HANDSHAKE_SUCCEEDED"]).await.map(drop)
}

#[tokio::test]
async fn they_refuse_a_request_without_an_answer() -> Outcome {
    let mut peer = peer().await?;
    let (_pull, endpoint) = their_host(&mut peer, "PULL", json!({})).await?;
    let rest = Web::ask(&endpoint, "mqtt").await?.rest().await?;
    ensure(rest.is_empty(), || format!("they said {}", rest.escape_ascii()))
}

#[tokio::test]
async fn they_take_any_key_for_an_answer_to_theirs() -> Outcome {
    let (mut peer, push, mut server, _) = a_server_and_their_push("/").await?;
    server.admit_with("ZWS2.0", "any key").await?;
    server.say(0, b"").await?;
    server.hear(0, b"").await?;
    peer.send_parts(&push, &[b"a", b"b"]).await?;
    server.hear(1, b"a").await?;
    server.hear(0, b"b").await
}

#[tokio::test]
async fn they_ask_for_the_last_part_of_a_path_and_a_host_without_its_port() -> Outcome {
    let (_peer, _push, _server, request) = a_server_and_their_push("/deep/down").await?;
    let is_so = request.starts_with("GET /down HTTP/1.1\r\n") && request.contains("\r\nHost: 127.0.0.1\r\n");
    ensure(is_so, || request)
}

#[tokio::test]
async fn a_sub_of_theirs_with_curve_subscribes_to_us_and_not_to_them() -> Outcome {
    let mut peer = peer().await?;
    let (server, client) = (ours::keys(1), ours::keys(2));
    let guest = || {
        let mut options = ours::their_curve_client(&server, &client);
        options["SUBSCRIBE"] = json!("news");
        options
    };
    let mechanism = Mechanism::CurveServer(CurveServer::new(server.clone()).only([client.public()]));
    let (xpub, endpoint) = our_host(SocketType::XPub, ours::options().mechanism(mechanism)).await?;
    let _sub = their_guest(&mut peer, "SUB", guest(), &endpoint).await?;
    ours::expect_parts(&xpub, &[b"\x01news"]).await?;
    // With their own XPUB the command is dropped on the way in. What an XSUB subscribes to comes later, and is heard.
    let (theirs, endpoint) = their_host(&mut peer, "XPUB", ours::their_curve_server(&server)).await?;
    let sub = their_guest(&mut peer, "SUB", guest(), &endpoint).await?;
    peer.event(&sub, &["HANDSHAKE_SUCCEEDED"]).await?;
    let other = their_guest(&mut peer, "XSUB", ours::their_curve_client(&server, &client), &endpoint).await?;
    peer.send_parts(&other, &[b"\x01other"]).await?;
    peer.expect_parts(&theirs, &[b"\x01other"]).await?;
    let more = peer.poll(&theirs, 0).await?;
    ensure(!more, || "their XPUB has heard the SUB after all".into())
}
