//! `ZWS2.0` without a mechanism, as a page with JSMQ speaks it: each side begins with its identity, and says no socket type.
//! What a page by hand hears of them is what it hears of us.

use bowline::SocketType::{Dealer, Pub, Pull, Rep, Router, XPub};
use bowline::{Identity, MonitorKind};
use bowline_interop::websocket::{BINARY, CLOSE, PING, PONG, Web};
use bowline_interop::{Outcome, ensure, ours};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{our_guest, our_host, peer, their_host};

/// A page that has opened its WebSocket and said its name.
async fn page(endpoint: &str, name: &[u8], theirs: &[u8]) -> Outcome<Web> {
    let mut page = Web::open(endpoint, "ZWS2.0").await?;
    page.say(0, name).await?;
    page.hear(0, theirs).await?;
    Ok(page)
}

fn named(name: &str) -> Outcome<bowline::Options> {
    let name: Identity = name.parse().map_err(|error| format!("{error}"))?;
    Ok(ours::options().identity(name))
}

#[tokio::test]
async fn a_page_talks_with_their_router() -> Outcome {
    let mut peer = peer().await?;
    let (router, endpoint) = their_host(&mut peer, "ROUTER", json!({"ROUTING_ID": "host"})).await?;
    let mut page = page(&endpoint, b"page", b"host").await?;
    page.say(1, b"a").await?;
    page.say(0, b"b").await?;
    peer.expect_parts(&router, &[b"page", b"a", b"b"]).await?;
    peer.send_parts(&router, &[b"page", b"", b"c"]).await?;
    page.hear(1, b"").await?;
    page.hear(0, b"c").await
}

#[tokio::test]
async fn a_page_talks_with_our_router() -> Outcome {
    let (router, endpoint) = our_host(Router, named("host")?).await?;
    let mut page = page(&endpoint, b"page", b"host").await?;
    page.say(1, b"a").await?;
    page.say(0, b"b").await?;
    ours::expect_parts(&router, &[b"page", b"a", b"b"]).await?;
    ours::send_parts(&router, &[b"page", b"", b"c"]).await?;
    page.hear(1, b"").await?;
    page.hear(0, b"c").await
}

#[tokio::test]
async fn a_page_without_a_name_gets_one_from_our_router() -> Outcome {
    let (router, endpoint) = our_host(Router, ours::options()).await?;
    let mut page = page(&endpoint, b"", b"").await?;
    page.say(0, b"hello").await?;
    let got = ours::recv(&router).await?;
    ensure(got.parts().len() == 2 && got.parts()[1] == b"hello", || format!("{got:?}"))?;
    ours::send_parts(&router, &[&got.parts()[0], b"and you"]).await?;
    page.hear(0, b"and you").await
}

#[tokio::test]
async fn a_page_asks_our_rep() -> Outcome {
    let (rep, endpoint) = our_host(Rep, ours::options()).await?;
    let mut page = page(&endpoint, b"", b"").await?;
    for question in [b"why?".to_vec(), vec![b'y'; 70_000]] {
        page.say(1, b"").await?;
        page.say(0, &question).await?;
        ours::expect_parts(&rep, &[&question]).await?;
        ours::send_parts(&rep, &[&question, b"because"]).await?;
        page.hear(1, b"").await?;
        page.hear(1, &question).await?;
        page.hear(0, b"because").await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_page_subscribes_to_their_xpub() -> Outcome {
    let mut peer = peer().await?;
    let (xpub, endpoint) = their_host(&mut peer, "XPUB", json!({})).await?;
    let mut page = page(&endpoint, b"", b"").await?;
    page.say(0, b"\x01news").await?;
    peer.expect_parts(&xpub, &[b"\x01news"]).await?;
    peer.send_parts(&xpub, &[b"other", b"unheard"]).await?;
    peer.send_parts(&xpub, &[b"news", b"heard"]).await?;
    page.hear(1, b"news").await?;
    page.hear(0, b"heard").await?;
    page.say(0, b"\x00news").await?;
    peer.expect_parts(&xpub, &[b"\x00news"]).await
}

#[tokio::test]
async fn a_page_subscribes_to_our_xpub() -> Outcome {
    let (xpub, endpoint) = our_host(XPub, ours::options()).await?;
    let mut page = page(&endpoint, b"", b"").await?;
    page.say(0, b"\x01news").await?;
    ours::expect_parts(&xpub, &[b"\x01news"]).await?;
    ours::send_parts(&xpub, &[b"other", b"unheard"]).await?;
    ours::send_parts(&xpub, &[b"news", b"heard"]).await?;
    page.hear(1, b"news").await?;
    page.hear(0, b"heard").await?;
    page.say(0, b"\x00news").await?;
    ours::expect_parts(&xpub, &[b"\x00news"]).await
}

#[tokio::test]
async fn a_page_and_a_peer_of_theirs_hear_the_same_of_our_pub() -> Outcome {
    let mut peer = peer().await?;
    let (publisher, endpoint) = our_host(Pub, ours::options()).await?;
    let mut page = page(&endpoint, b"", b"").await?;
    page.say(0, b"\x01").await?;
    ours::subscriber(&publisher).await?;
    let sub = crate::their_guest(&mut peer, "SUB", json!({"SUBSCRIBE": ""}), &endpoint).await?;
    // Theirs has no way to tell when it is heard: it is called on until the first message is there.
    let mut heard = 0;
    while !peer.poll(&sub, 10).await? {
        ours::send(&publisher, "do you hear me?").await?;
        heard += 1;
    }
    ours::send_parts(&publisher, &[b"now", b"to the matter"]).await?;
    for _ in 0..heard {
        page.hear(0, b"do you hear me?").await?;
    }
    page.hear(1, b"now").await?;
    page.hear(0, b"to the matter").await?;
    let now = json!([bowline_interop::shapes::hex(b"now"), bowline_interop::shapes::hex(b"to the matter")]);
    while peer.on(&sub, "recv", json!({})).await? != now {}
    Ok(())
}

#[tokio::test]
async fn our_dealer_talks_with_a_server_without_mechanisms() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let endpoint = format!("ws://{}/jsmq", listener.local_addr().map_err(|error| error.to_string())?);
    let (dealer, mut monitor) = our_guest(Dealer, named("me")?, &endpoint)?;
    let (mut server, request) = Web::accept(&listener).await?;
    let asks = request.starts_with("GET /jsmq HTTP/1.1\r\n") && request.contains("ZWS2.0/NULL, ZWS2.0\r\n");
    ensure(asks, || request.clone())?;
    server.admit("ZWS2.0", &request).await?;
    server.hear(0, b"me").await?;
    server.say(0, b"you").await?;
    ours::ready(&mut monitor).await?;
    ours::send_parts(&dealer, &[b"a", b"b"]).await?;
    server.hear(1, b"a").await?;
    server.hear(0, b"b").await?;
    server.say(0, b"c").await?;
    ours::expect_parts(&dealer, &[b"c"]).await
}

#[tokio::test]
async fn a_page_gets_its_pong_and_its_goodbye_from_us() -> Outcome {
    let (pull, endpoint) = our_host(Pull, ours::options()).await?;
    let mut monitor = pull.monitor();
    let mut page = page(&endpoint, b"", b"").await?;
    page.frame(PING, b"abc").await?;
    let got = page.next().await?;
    ensure(got == (PONG, b"abc".to_vec()), || format!("{got:x?}"))?;
    page.frame(BINARY & 0x0f, b"\0first half, ").await?;
    page.frame(0x80, b"second half").await?;
    ours::expect_parts(&pull, &[b"first half, second half"]).await?;
    page.frame(CLOSE, &1000_u16.to_be_bytes()).await?;
    let got = page.next().await?;
    ensure(got == (CLOSE, vec![3, 232]), || format!("{got:x?}"))?;
    let rest = page.rest().await?;
    ensure(rest.is_empty(), || format!("{rest:x?}"))?;
    let left = |kind: &MonitorKind| match kind {
        MonitorKind::Disconnected(reason) => Some(reason.clone()),
        _ => None,
    };
    let reason = ours::event(&mut monitor, "the page's end", left).await?;
    crate::is(&bowline::DisconnectReason::PeerClosed, &reason)
}
