//! Wrong keys and weaker mechanisms, against a CURVE socket on either side.

use bowline::curve::{CurveClient, CurveServer};
use bowline::error::CurveError;
use bowline::{DisconnectReason, Mechanism, ProtocolError, SocketType};
use bowline_interop::{Outcome, Peer, Transport, ensure, ours};
use serde_json::json;

use crate::{Host, is, is_unauthorized, refusal};

/// The keys of the server, of a client that it knows, and of somebody else.
const SERVER: u8 = 1;
const CLIENT: u8 = 2;
const STRANGER: u8 = 9;

fn our_server() -> bowline::Options {
    let server = CurveServer::new(ours::keys(SERVER)).only([ours::keys(CLIENT).public()]);
    ours::options().mechanism(Mechanism::CurveServer(server))
}

fn our_client(of: u8, own: u8) -> bowline::Options {
    let client = CurveClient::new(ours::keys(of).public(), ours::keys(own));
    ours::options().mechanism(Mechanism::CurveClient(client))
}

#[tokio::test]
async fn their_wrong_key_for_our_server_is_refused() -> Outcome {
    let mut host = Host::new(our_server()).await?;
    let keys = ours::their_curve_client(&ours::keys(STRANGER), &ours::keys(CLIENT));
    let bad = host.peer.socket("PUSH", keys).await?;
    host.peer.connect(&bad, &host.endpoint).await?;
    is(&ProtocolError::Curve(CurveError::Hello).into(), &host.refusal().await?)?;
    host.goes_on().await
}

#[tokio::test]
async fn their_client_that_is_not_on_our_list_is_refused() -> Outcome {
    let mut host = Host::new(our_server()).await?;
    let keys = ours::their_curve_client(&ours::keys(SERVER), &ours::keys(STRANGER));
    let bad = host.peer.socket("PUSH", keys).await?;
    host.peer.connect(&bad, &host.endpoint).await?;
    is_unauthorized(&host.refusal().await?)?;
    host.peer.event(&bad, &["HANDSHAKE_FAILED_AUTH"]).await?;
    host.goes_on().await
}

#[tokio::test]
async fn their_weaker_mechanisms_are_refused_by_our_server() -> Outcome {
    let mut host = Host::new(our_server()).await?;
    let plain = json!({"PLAIN_USERNAME": "ann", "PLAIN_PASSWORD": "right"});
    for (theirs, options) in [("NULL", json!({})), ("PLAIN", plain)] {
        let bad = host.peer.socket("PUSH", options).await?;
        host.peer.connect(&bad, &host.endpoint).await?;
        // Where theirs judges first, it hangs up.
        match host.refusal().await? {
            DisconnectReason::PeerClosed | DisconnectReason::Io(_) => {}
            reason => {
                let wanted = ProtocolError::MechanismMismatch { ours: "CURVE", theirs: theirs.into() };
                is(&wanted.into(), &reason)?;
            }
        }
        host.peer.close(&bad).await?;
    }
    host.goes_on().await
}

#[tokio::test]
async fn our_wrong_key_for_their_server_leads_nowhere() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let server = peer.socket("PULL", ours::their_curve_server(&ours::keys(SERVER))).await?;
    let endpoint = peer.bind(&server, &Transport::Tcp.fresh()).await?;
    let bad = ours::socket(SocketType::Push, our_client(STRANGER, CLIENT));
    let mut monitor = bad.monitor();
    ours::connect(&bad, &endpoint)?;
    let reason = refusal(&mut monitor).await?;
    ensure(matches!(reason, DisconnectReason::PeerClosed | DisconnectReason::Io(_)), || format!("ended for {reason}"))?;
    let good = ours::socket(SocketType::Push, our_client(SERVER, CLIENT));
    ours::connect(&good, &endpoint)?;
    ours::send(&good, "still here").await?;
    peer.expect_parts(&server, &[b"still here"]).await
}

#[tokio::test]
async fn their_weaker_servers_are_refused_by_our_client() -> Outcome {
    let mut peer = Peer::spawn().await?;
    for options in [json!({}), json!({"PLAIN_SERVER": 1})] {
        let server = peer.socket("PULL", options).await?;
        let endpoint = peer.bind(&server, &Transport::Tcp.fresh()).await?;
        let ours = ours::socket(SocketType::Push, our_client(SERVER, CLIENT));
        let mut monitor = ours.monitor();
        ours::connect(&ours, &endpoint)?;
        let reason = refusal(&mut monitor).await?;
        let is_mismatch = matches!(
            reason,
            DisconnectReason::Protocol(ProtocolError::MechanismMismatch { ours: "CURVE", .. })
                | DisconnectReason::PeerClosed
                | DisconnectReason::Io(_)
        );
        ensure(is_mismatch, || format!("ended for {reason}"))?;
        peer.close(&server).await?;
    }
    Ok(())
}

#[tokio::test]
async fn our_server_says_whose_key_a_peer_has() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let socket = ours::socket(SocketType::Pull, our_server());
    let mut monitor = socket.monitor();
    let endpoint = ours::bind(&socket, &Transport::Tcp.fresh()).await?;
    let client = peer.socket("PUSH", ours::their_curve_client(&ours::keys(SERVER), &ours::keys(CLIENT))).await?;
    peer.connect(&client, &endpoint).await?;
    ours::ready(&mut monitor).await?;
    let info = socket.peers().pop().ok_or("no peer")?.info;
    let right = info.mechanism == "CURVE" && info.user == Some(ours::keys(CLIENT).public().to_string());
    ensure(right, || format!("{info:?}"))
}
