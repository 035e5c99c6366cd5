//! One side goes away and comes back at the same endpoint; the other side waits with what it has to say.

use bowline::{MonitorKind, SocketType};
use bowline_interop::shapes::{Shape, script};
use bowline_interop::{Outcome, Peer, Transport, ours};
use serde_json::json;

async fn send_all(socket: &bowline::AnySocket, shapes: &[Shape]) -> Outcome {
    for shape in shapes {
        ours::send(socket, shape.message()).await?;
    }
    Ok(())
}

async fn expect_all(socket: &bowline::AnySocket, shapes: &[Shape]) -> Outcome {
    for shape in shapes {
        ours::expect(socket, shape, 0).await?;
    }
    Ok(())
}

async fn lost(monitor: &mut bowline::Monitor) -> Outcome {
    let lost = |kind: &MonitorKind| matches!(kind, MonitorKind::Disconnected(_)).then_some(());
    ours::event(monitor, "our loss of the peer", lost).await
}

#[tokio::test]
async fn what_we_push_waits_for_their_puller_to_come_back() -> Outcome {
    for transport in Transport::ALL {
        let (mut peer, place, script) = (Peer::over(transport).await?, transport.fresh(), script());
        let puller = peer.socket("PULL", json!({})).await?;
        let endpoint = peer.bind(&puller, &place).await?;
        let pusher = ours::socket(SocketType::Push, ours::options());
        let mut monitor = pusher.monitor();
        ours::connect(&pusher, &endpoint)?;
        send_all(&pusher, &script).await?;
        peer.expect(&puller, &script, 0).await?;
        peer.close_bound(&puller, &endpoint).await?;
        lost(&mut monitor).await?;
        send_all(&pusher, &script).await?;
        let puller = peer.socket("PULL", json!({})).await?;
        peer.bind(&puller, &endpoint).await?;
        peer.expect(&puller, &script, 0).await?;
    }
    Ok(())
}

#[tokio::test]
async fn we_pull_again_when_their_pusher_comes_back() -> Outcome {
    for transport in Transport::ALL {
        let (mut peer, place, script) = (Peer::over(transport).await?, transport.fresh(), script());
        let pusher = peer.socket("PUSH", json!({})).await?;
        let endpoint = peer.bind(&pusher, &place).await?;
        let puller = ours::socket(SocketType::Pull, ours::options());
        ours::connect(&puller, &endpoint)?;
        peer.send(&pusher, &script).await?;
        expect_all(&puller, &script).await?;
        peer.close_bound(&pusher, &endpoint).await?;
        let pusher = peer.socket("PUSH", json!({})).await?;
        peer.bind(&pusher, &endpoint).await?;
        peer.send(&pusher, &script).await?;
        expect_all(&puller, &script).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_they_push_waits_for_our_puller_to_come_back() -> Outcome {
    for transport in Transport::ALL {
        let (mut peer, place, script) = (Peer::over(transport).await?, transport.fresh(), script());
        let puller = ours::socket(SocketType::Pull, ours::options());
        let endpoint = ours::bind(&puller, &place).await?;
        let pusher = peer.socket("PUSH", json!({"RECONNECT_IVL": 10})).await?;
        peer.connect(&pusher, &endpoint).await?;
        peer.send(&pusher, &script).await?;
        expect_all(&puller, &script).await?;
        ours::close(&puller).await?;
        peer.event(&pusher, &["DISCONNECTED"]).await?;
        peer.send(&pusher, &script).await?;
        let puller = ours::socket(SocketType::Pull, ours::options());
        ours::bind(&puller, &endpoint).await?;
        expect_all(&puller, &script).await?;
    }
    Ok(())
}

#[tokio::test]
async fn they_pull_again_when_our_pusher_comes_back() -> Outcome {
    for transport in Transport::ALL {
        let (mut peer, place, script) = (Peer::over(transport).await?, transport.fresh(), script());
        let pusher = ours::socket(SocketType::Push, ours::options());
        let endpoint = ours::bind(&pusher, &place).await?;
        let puller = peer.socket("PULL", json!({"RECONNECT_IVL": 10})).await?;
        peer.connect(&puller, &endpoint).await?;
        send_all(&pusher, &script).await?;
        peer.expect(&puller, &script, 0).await?;
        ours::close(&pusher).await?;
        let pusher = ours::socket(SocketType::Push, ours::options());
        ours::bind(&pusher, &endpoint).await?;
        send_all(&pusher, &script).await?;
        peer.expect(&puller, &script, 0).await?;
    }
    Ok(())
}

#[tokio::test]
async fn closing_sends_what_waits_before_it_is_done() -> Outcome {
    for transport in Transport::ALL {
        let (mut peer, place, script) = (Peer::over(transport).await?, transport.fresh(), script());
        let puller = peer.socket("PULL", json!({})).await?;
        let endpoint = peer.bind(&puller, &place).await?;
        let pusher = ours::socket(SocketType::Push, ours::options().linger(None));
        ours::connect(&pusher, &endpoint)?;
        send_all(&pusher, &script).await?;
        ours::close(&pusher).await?;
        peer.expect(&puller, &script, 0).await?;
    }
    Ok(())
}

#[tokio::test]
async fn our_dialer_waits_for_a_peer_that_was_never_there() -> Outcome {
    let (mut peer, script) = (Peer::spawn().await?, script());
    let place = Transport::Ipc.fresh();
    let pusher = ours::socket(SocketType::Push, ours::options());
    let mut monitor = pusher.monitor();
    ours::connect(&pusher, &place)?;
    send_all(&pusher, &script).await?;
    let retried = |kind: &MonitorKind| matches!(kind, MonitorKind::ConnectRetried { .. }).then_some(());
    ours::event(&mut monitor, "our first retry", retried).await?;
    let puller = peer.socket("PULL", json!({})).await?;
    peer.bind(&puller, &place).await?;
    peer.expect(&puller, &script, 0).await
}

#[tokio::test]
async fn our_requester_asks_their_server_again_when_it_comes_back() -> Outcome {
    let (mut peer, script) = (Peer::spawn().await?, script());
    let server = peer.socket("REP", json!({})).await?;
    let endpoint = peer.bind(&server, &Transport::Tcp.fresh()).await?;
    let requester = ours::socket(SocketType::Req, ours::options());
    ours::connect(&requester, &endpoint)?;
    ask(&requester, &mut peer, &server, &script[3]).await?;
    peer.close_bound(&server, &endpoint).await?;
    // A request to a server that is gone and not yet missed would be lost with it.
    ours::idle(&requester).await?;
    let server = peer.socket("REP", json!({})).await?;
    peer.bind(&server, &endpoint).await?;
    ask(&requester, &mut peer, &server, &script[3]).await
}

async fn ask(
    requester: &bowline::AnySocket,
    peer: &mut Peer,
    server: &bowline_interop::Theirs,
    shape: &Shape,
) -> Outcome {
    ours::send(requester, shape.message()).await?;
    peer.on(server, "echo", json!({"count": 1})).await?;
    ours::expect(requester, shape, 0).await
}
