//! Mechanisms over WebSocket: the subprotocol names them, so those that differ do not even meet.

use bowline::SocketType::{Pull, Push};
use bowline::auth::Code;
use bowline::curve::{CurveClient, CurveServer};
use bowline::error::{CurveError, WsFault};
use bowline::{DisconnectReason, Mechanism, MonitorKind, Options, ProtocolError};
use bowline_interop::{Outcome, Transport, ensure, ours};
use serde_json::json;

use crate::{end, is, is_their_end, our_guest, our_host, peer, their_guest, their_host};

fn is_unauthorized(got: &DisconnectReason) -> Outcome {
    let is_it = matches!(got, DisconnectReason::Unauthorized(refusal) if refusal.code == Code::Credentials);
    ensure(is_it, || format!("refused because `{got}` instead of the credentials"))
}

fn our_curve_server() -> Options {
    let server = CurveServer::new(ours::keys(1)).only([ours::keys(2).public()]);
    ours::options().mechanism(Mechanism::CurveServer(server))
}

fn our_curve_client(of: u8, own: u8) -> Options {
    ours::options().mechanism(Mechanism::CurveClient(CurveClient::new(ours::keys(of).public(), ours::keys(own))))
}

#[tokio::test]
async fn their_wrong_password_is_refused_and_the_right_one_is_not() -> Outcome {
    let mut peer = peer().await?;
    let options = ours::options().mechanism(ours::plain_server("ann", "right")?);
    let (pull, endpoint) = our_host(Pull, options).await?;
    let mut monitor = pull.monitor();
    for (user, password) in [("ann", "wrong"), ("bob", "right"), ("ann", "righ")] {
        let credentials = json!({"PLAIN_USERNAME": user, "PLAIN_PASSWORD": password});
        let bad = their_guest(&mut peer, "PUSH", credentials, &endpoint).await?;
        is_unauthorized(&end(&mut monitor).await?)?;
        peer.close(&bad).await?;
    }
    let credentials = json!({"PLAIN_USERNAME": "ann", "PLAIN_PASSWORD": "right"});
    let good = their_guest(&mut peer, "PUSH", credentials, &endpoint).await?;
    peer.send_parts(&good, &[b"hello"]).await?;
    ours::expect_parts(&pull, &[b"hello"]).await
}

#[tokio::test]
async fn our_wrong_password_is_refused_and_we_stop_dialing() -> Outcome {
    let mut peer = peer().await?;
    peer.call("passwords", json!({"users": {"ann": "right"}})).await?;
    let (pull, endpoint) = their_host(&mut peer, "PULL", json!({"PLAIN_SERVER": 1})).await?;
    let wrong = ours::options().mechanism(ours::plain_client("ann", "wrong")?);
    let (_bad, mut monitor) = our_guest(Push, wrong, &endpoint)?;
    let refused = DisconnectReason::HandshakeRefused { reason: "400".into() };
    is(&refused, &end(&mut monitor).await?)?;
    let stopped = |kind: &MonitorKind| match kind {
        MonitorKind::ConnectStopped(reason) => Some(reason.clone()),
        _ => None,
    };
    is(&refused, &ours::event(&mut monitor, "the end of our dialing", stopped).await?)?;
    let right = ours::options().mechanism(ours::plain_client("ann", "right")?);
    let (good, _) = our_guest(Push, right, &endpoint)?;
    ours::send(&good, "hello").await?;
    peer.expect_parts(&pull, &[b"hello"]).await
}

#[tokio::test]
async fn their_wrong_keys_are_refused() -> Outcome {
    let mut peer = peer().await?;
    let (pull, endpoint) = our_host(Pull, our_curve_server()).await?;
    let mut monitor = pull.monitor();
    let other_server = ours::their_curve_client(&ours::keys(9), &ours::keys(2));
    let bad = their_guest(&mut peer, "PUSH", other_server, &endpoint).await?;
    is(&ProtocolError::Curve(CurveError::Hello).into(), &end(&mut monitor).await?)?;
    peer.close(&bad).await?;
    let stranger = ours::their_curve_client(&ours::keys(1), &ours::keys(9));
    let bad = their_guest(&mut peer, "PUSH", stranger, &endpoint).await?;
    is_unauthorized(&end(&mut monitor).await?)?;
    peer.event(&bad, &["HANDSHAKE_FAILED_AUTH"]).await?;
    let known = ours::their_curve_client(&ours::keys(1), &ours::keys(2));
    let good = their_guest(&mut peer, "PUSH", known, &endpoint).await?;
    peer.send_parts(&good, &[b"hello"]).await?;
    ours::expect_parts(&pull, &[b"hello"]).await
}

#[tokio::test]
async fn our_wrong_key_for_their_server_leads_nowhere() -> Outcome {
    let mut peer = peer().await?;
    let (pull, endpoint) = their_host(&mut peer, "PULL", ours::their_curve_server(&ours::keys(1))).await?;
    let (_bad, mut monitor) = our_guest(Push, our_curve_client(9, 2), &endpoint)?;
    is_their_end(&end(&mut monitor).await?)?;
    let (good, _) = our_guest(Push, our_curve_client(1, 2), &endpoint)?;
    ours::send(&good, "hello").await?;
    peer.expect_parts(&pull, &[b"hello"]).await
}

#[tokio::test]
async fn who_binds_with_another_mechanism_has_no_subprotocol_for_them() -> Outcome {
    let mut peer = peer().await?;
    let plain = json!({"PLAIN_USERNAME": "ann", "PLAIN_PASSWORD": "right"});
    let sealed = ours::their_curve_client(&ours::keys(1), &ours::keys(2));
    let ours_plain = ours::options().mechanism(ours::plain_server("ann", "right")?);
    for (options, theirs) in [
        (ours::options(), plain.clone()),
        (ours::options(), sealed.clone()),
        (ours_plain.clone(), json!({})),
        (ours_plain, sealed),
        (our_curve_server(), json!({})),
        (our_curve_server(), plain),
    ] {
        let (socket, endpoint) = our_host(Pull, options).await?;
        let mut monitor = socket.monitor();
        let bad = their_guest(&mut peer, "PUSH", theirs, &endpoint).await?;
        is(&WsFault::NoCommonProtocol.into(), &end(&mut monitor).await?)?;
        peer.event(&bad, &["HANDSHAKE_FAILED_PROTOCOL"]).await?;
        peer.close(&bad).await?;
    }
    Ok(())
}

#[tokio::test]
async fn where_they_bind_with_another_mechanism_they_hang_up() -> Outcome {
    let mut peer = peer().await?;
    for options in [json!({"PLAIN_SERVER": 1}), ours::their_curve_server(&ours::keys(1))] {
        let (_pull, endpoint) = their_host(&mut peer, "PULL", options).await?;
        let (_bad, mut monitor) = our_guest(Push, ours::options(), &endpoint)?;
        is_their_end(&end(&mut monitor).await?)?;
    }
    Ok(())
}

#[tokio::test]
async fn peers_without_websocket_are_told_apart() -> Outcome {
    let mut peer = peer().await?;
    // They come by tcp to where we speak WebSocket.
    let (pull, endpoint) = our_host(Pull, ours::options()).await?;
    let mut monitor = pull.monitor();
    let _bad = their_guest(&mut peer, "PUSH", json!({}), &endpoint.replace("ws://", "tcp://")).await?;
    is(&WsFault::NotHttp.into(), &end(&mut monitor).await?)?;
    // We come by WebSocket to where they speak tcp.
    let pull = peer.socket("PULL", json!({})).await?;
    let endpoint = peer.bind(&pull, &Transport::Tcp.fresh()).await?;
    let (_bad, mut monitor) = our_guest(Push, ours::options(), &endpoint.replace("tcp://", "ws://"))?;
    let reason = end(&mut monitor).await?;
    // Their greeting is no HTTP; where they were faster to see that we have none, they are gone.
    let is_it = reason == WsFault::NotHttp.into() || is_their_end(&reason).is_ok();
    ensure(is_it, || format!("it ended because {reason}"))
}
