//! Who a ROUTER takes its peers for.

use bowline::{AnySocket, DisconnectReason, MonitorKind, Options, SendErrorKind, SocketType};
use bowline_interop::{Outcome, Peer, Theirs, Transport, ensure, ours};
use serde_json::json;

fn named(identity: &str) -> Outcome<Options> {
    let identity = identity.parse().map_err(|error| format!("{error}"))?;
    Ok(ours::options().identity(identity))
}

async fn our_router(options: Options) -> Outcome<(AnySocket, String)> {
    let router = ours::socket(SocketType::Router, options);
    let endpoint = ours::bind(&router, &Transport::Tcp.fresh()).await?;
    Ok((router, endpoint))
}

async fn their_router(peer: &mut Peer) -> Outcome<(Theirs, String)> {
    let router = peer.socket("ROUTER", json!({"ROUTER_MANDATORY": 1})).await?;
    let endpoint = peer.bind(&router, &Transport::Tcp.fresh()).await?;
    Ok((router, endpoint))
}

async fn their_dealer(peer: &mut Peer, identity: &str, endpoint: &str) -> Outcome<Theirs> {
    let options = match identity {
        "" => json!({}),
        identity => json!({"ROUTING_ID": identity}),
    };
    let dealer = peer.socket("DEALER", options).await?;
    peer.connect(&dealer, endpoint).await?;
    Ok(dealer)
}

#[tokio::test]
async fn our_router_knows_their_dealer_by_its_identity() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (router, endpoint) = our_router(ours::options()).await?;
    let dealer = their_dealer(&mut peer, "ann", &endpoint).await?;
    peer.send_parts(&dealer, &[b"hello"]).await?;
    ours::expect_parts(&router, &[b"ann", b"hello"]).await?;
    ours::send_parts(&router, &[b"ann", b"hello, ann"]).await?;
    peer.expect_parts(&dealer, &[b"hello, ann"]).await
}

#[tokio::test]
async fn our_router_knows_their_requester_by_its_identity() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (router, endpoint) = our_router(ours::options()).await?;
    let requester = peer.socket("REQ", json!({"ROUTING_ID": "bob"})).await?;
    peer.connect(&requester, &endpoint).await?;
    peer.send_parts(&requester, &[b"question"]).await?;
    ours::expect_parts(&router, &[b"bob", b"", b"question"]).await?;
    ours::send_parts(&router, &[b"bob", b"", b"answer"]).await?;
    peer.expect_parts(&requester, &[b"answer"]).await
}

#[tokio::test]
async fn their_router_knows_our_dealer_and_our_requester_by_their_identities() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (router, endpoint) = their_router(&mut peer).await?;
    let dealer = ours::socket(SocketType::Dealer, named("ann")?);
    ours::connect(&dealer, &endpoint)?;
    ours::send(&dealer, "hello").await?;
    peer.expect_parts(&router, &[b"ann", b"hello"]).await?;
    peer.send_parts(&router, &[b"ann", b"hello, ann"]).await?;
    ours::expect_parts(&dealer, &[b"hello, ann"]).await?;
    let requester = ours::socket(SocketType::Req, named("bob")?);
    ours::connect(&requester, &endpoint)?;
    ours::send(&requester, "question").await?;
    peer.expect_parts(&router, &[b"bob", b"", b"question"]).await?;
    peer.send_parts(&router, &[b"bob", b"", b"answer"]).await?;
    ours::expect_parts(&requester, &[b"answer"]).await
}

#[tokio::test]
async fn our_router_names_peers_that_have_no_name() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (router, endpoint) = our_router(ours::options()).await?;
    let first = their_dealer(&mut peer, "", &endpoint).await?;
    let second = their_dealer(&mut peer, "", &endpoint).await?;
    let mut names = Vec::new();
    for dealer in [&first, &second] {
        peer.send_parts(dealer, &[b"who am I?"]).await?;
        let message = ours::recv(&router).await?;
        ensure(message.parts().len() == 2, || format!("we received {message:?}"))?;
        names.push(message.parts()[0].to_vec());
    }
    ensure(names[0] != names[1], || format!("both are called {:?}", names[0]))?;
    ours::send_parts(&router, &[&names[1], b"the second"]).await?;
    ours::send_parts(&router, &[&names[0], b"the first"]).await?;
    peer.expect_parts(&second, &[b"the second"]).await?;
    peer.expect_parts(&first, &[b"the first"]).await
}

#[tokio::test]
async fn our_mandatory_router_gives_back_what_it_cannot_route() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (router, endpoint) = our_router(ours::options().router_mandatory(true)).await?;
    let nobody: bowline::Message = ["nobody", "hello"].into_iter().collect();
    let Err(error) = router.send(nobody.clone()).await else {
        return Err("a message to nobody was sent".into());
    };
    ensure(error.kind == SendErrorKind::Unroutable, || format!("{error:?}"))?;
    ensure(*error.message == nobody, || format!("{:?} came back", error.message))?;
    let dealer = their_dealer(&mut peer, "ann", &endpoint).await?;
    ours::peer(&router).await?;
    ours::send_parts(&router, &[b"ann", b"hello"]).await?;
    peer.expect_parts(&dealer, &[b"hello"]).await
}

#[tokio::test]
async fn their_mandatory_router_cannot_route_to_us_once_we_are_gone() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (router, endpoint) = their_router(&mut peer).await?;
    let dealer = ours::socket(SocketType::Dealer, named("ann")?);
    ours::connect(&dealer, &endpoint)?;
    ours::send(&dealer, "hello").await?;
    peer.expect_parts(&router, &[b"ann", b"hello"]).await?;
    ours::close(&dealer).await?;
    peer.event(&router, &["DISCONNECTED"]).await?;
    let refused = peer.send_parts(&router, &[b"ann", b"hello"]).await;
    ensure(refused.as_ref().is_err_and(|error| error.contains("EHOSTUNREACH")), || format!("{refused:?}"))
}

#[tokio::test]
async fn our_router_refuses_a_second_peer_of_the_same_identity() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (router, endpoint) = our_router(ours::options()).await?;
    let mut monitor = router.monitor();
    let first = their_dealer(&mut peer, "ann", &endpoint).await?;
    peer.send_parts(&first, &[b"first"]).await?;
    ours::expect_parts(&router, &[b"ann", b"first"]).await?;
    their_dealer(&mut peer, "ann", &endpoint).await?;
    let refused = |kind: &MonitorKind| match kind {
        MonitorKind::HandshakeFailed { reason, .. } | MonitorKind::Disconnected(reason) => Some(reason.clone()),
        _ => None,
    };
    let reason = ours::event(&mut monitor, "the refusal of the second", refused).await?;
    ensure(reason == DisconnectReason::IdentityTaken, || format!("refused because {reason}"))?;
    ours::send_parts(&router, &[b"ann", b"still you"]).await?;
    peer.expect_parts(&first, &[b"still you"]).await
}

#[tokio::test]
async fn our_router_hands_an_identity_over_where_it_is_told_to() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (router, endpoint) = our_router(ours::options().router_handover(true)).await?;
    let mut monitor = router.monitor();
    // If it came back by itself, it would take the name over in its turn.
    let first = peer.socket("DEALER", json!({"ROUTING_ID": "ann", "RECONNECT_IVL": -1})).await?;
    peer.connect(&first, &endpoint).await?;
    peer.send_parts(&first, &[b"first"]).await?;
    ours::expect_parts(&router, &[b"ann", b"first"]).await?;
    let second = their_dealer(&mut peer, "ann", &endpoint).await?;
    let superseded =
        |kind: &MonitorKind| matches!(kind, MonitorKind::Disconnected(DisconnectReason::Superseded)).then_some(());
    ours::event(&mut monitor, "the end of the first", superseded).await?;
    ours::send_parts(&router, &[b"ann", b"now you"]).await?;
    peer.expect_parts(&second, &[b"now you"]).await
}

#[tokio::test]
async fn our_monitor_tells_who_a_peer_says_it_is() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (router, endpoint) = our_router(ours::options()).await?;
    let mut monitor = router.monitor();
    their_dealer(&mut peer, "ann", &endpoint).await?;
    ours::ready(&mut monitor).await?;
    let info = router.peers().pop().ok_or("no peer")?.info;
    let right = info.socket_type == SocketType::Dealer && info.identity[..] == *b"ann" && info.mechanism == "NULL";
    ensure(right, || format!("{info:?}"))
}
