//! Where libzmq does otherwise than RFC 6455 or RFC 45 say. Each has its row in DESIGN.md; when one of these fails with a
//! newer libzmq, the row goes.

use bowline_interop::websocket::{BINARY, CLOSE, PING, PONG, Web};
use bowline_interop::{Outcome, Theirs, ensure};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{Peer, peer, their_guest, their_host};

/// Their PULL, and a client that has no mechanism and has said so.
async fn their_pull_and_a_page() -> Outcome<(Peer, Theirs, Web)> {
    let mut peer = peer().await?;
    let (pull, endpoint) = their_host(&mut peer, "PULL", json!({})).await?;
    let mut page = Web::open(&endpoint, "ZWS2.0").await?;
    page.say(0, b"").await?;
    page.hear(0, b"").await?;
    Ok((peer, pull, page))
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
    let (_peer, _pull, mut page) = their_pull_and_a_page().await?;
    page.frame(PING, b"abc").await?;
    let got = page.next().await?;
    // RFC 6455, Pong: identical "Application data"
    ensure(got == (PONG, vec![]), || format!("{got:x?}"))
}

#[tokio::test]
async fn they_take_no_message_in_fragments() -> Outcome {
    let (_peer, _pull, mut page) = their_pull_and_a_page().await?;
    page.frame(BINARY & 0x0f, b"\0first half, ").await?;
    let rest = page.rest().await?;
    ensure(rest.is_empty(), || format!("they said {rest:x?}"))
}

#[tokio::test]
async fn they_take_bits_that_are_reserved() -> Outcome {
    let (mut peer, pull, mut page) = their_pull_and_a_page().await?;
    page.frame(BINARY | 0x40, b"\0compressed?").await?;
    peer.expect_parts(&pull, &[b"compressed?"]).await
}

#[tokio::test]
async fn they_take_any_key_for_an_answer_to_theirs() -> Outcome {
    let (mut peer, push, mut server, _) = a_server_and_their_push("/").await?;
    server.admit("ZWS2.0", "any key").await?;
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
async fn they_ask_for_null_before_no_mechanism() -> Outcome {
    let (_peer, _push, _server, request) = a_server_and_their_push("/").await?;
    ensure(request.contains("\r\nSec-WebSocket-Protocol: ZWS2.0/NULL,ZWS2.0\r\n"), || request)
}

#[tokio::test]
async fn they_answer_a_goodbye_and_stay() -> Outcome {
    let (_peer, _pull, mut page) = their_pull_and_a_page().await?;
    page.frame(CLOSE, &1000_u16.to_be_bytes()).await?;
    let got = page.next().await?;
    ensure(got == (CLOSE, vec![3, 232]), || format!("{got:x?}"))?;
    let rest = page.rest().await?;
    ensure(rest.is_empty(), || format!("{rest:x?}"))
}
#[tokio::test]
async fn their_close_says_no_goodbye() -> Outcome {
    let (mut peer, pull, page) = their_pull_and_a_page().await?;
    peer.close(&pull).await?;
    let rest = page.rest().await?;
    ensure(rest.is_empty(), || format!("{rest:x?}"))
}
#[tokio::test]
async fn they_refuse_without_an_answer() -> Outcome {
    let mut peer = peer().await?;
    let (_pull, endpoint) = their_host(&mut peer, "PULL", json!({})).await?;
    let page = Web::ask(&endpoint, "chat").await?;
    let rest = page.rest().await?;
    ensure(rest.is_empty(), || format!("{}", rest.escape_ascii()))
}
