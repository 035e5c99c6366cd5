//! pyzmq peers that are refused, and that refuse us.

use bowline::{DisconnectReason, MonitorKind, ProtocolError, SocketType};
use bowline_interop::{Outcome, Peer, Transport, ours};
use serde_json::json;

use crate::{Host, is, is_unauthorized, refusal};

/// libzmq judges what does not fit as we do. Where it comes first, it hangs up before it has said what it is.
fn is_or_they_were_faster(wanted: &DisconnectReason, got: &DisconnectReason) -> Outcome {
    let hung_up = matches!(got, DisconnectReason::PeerClosed | DisconnectReason::Io(_));
    if hung_up { Ok(()) } else { is(wanted, got) }
}

#[tokio::test]
async fn their_wrong_password_is_refused() -> Outcome {
    let options = ours::options().mechanism(ours::plain_server("ann", "right")?);
    let mut host = Host::new(options).await?;
    for (user, password) in [("ann", "wrong"), ("bob", "right"), ("ann", "righ")] {
        let credentials = json!({"PLAIN_USERNAME": user, "PLAIN_PASSWORD": password});
        let bad = host.peer.socket("PUSH", credentials).await?;
        host.peer.connect(&bad, &host.endpoint).await?;
        is_unauthorized(&host.refusal().await?)?;
        // libzmq's PLAIN knows the ERROR command only as it misspells it itself, and calls a right one unexpected.
        host.peer.event(&bad, &["HANDSHAKE_FAILED_AUTH", "HANDSHAKE_FAILED_PROTOCOL"]).await?;
        host.peer.close(&bad).await?;
    }
    host.goes_on().await
}

#[tokio::test]
async fn their_null_client_is_refused_by_our_plain_server() -> Outcome {
    let options = ours::options().mechanism(ours::plain_server("ann", "right")?);
    let mut host = Host::new(options).await?;
    let bad = host.peer.socket("PUSH", json!({})).await?;
    host.peer.connect(&bad, &host.endpoint).await?;
    let reason = ProtocolError::MechanismMismatch { ours: "PLAIN", theirs: "NULL".into() };
    is_or_they_were_faster(&reason.into(), &host.refusal().await?)?;
    host.goes_on().await
}

#[tokio::test]
async fn our_wrong_password_is_refused_and_we_stop_dialing() -> Outcome {
    let mut peer = Peer::spawn().await?;
    peer.call("passwords", json!({"users": {"ann": "right"}})).await?;
    let server = peer.socket("PULL", json!({"PLAIN_SERVER": 1})).await?;
    let endpoint = peer.bind(&server, &Transport::Tcp.fresh()).await?;
    let good = ours::socket(SocketType::Push, ours::options().mechanism(ours::plain_client("ann", "right")?));
    ours::connect(&good, &endpoint)?;
    ours::peer(&good).await?;
    let bad = ours::socket(SocketType::Push, ours::options().mechanism(ours::plain_client("ann", "wrong")?));
    let mut monitor = bad.monitor();
    ours::connect(&bad, &endpoint)?;
    let reason = refusal(&mut monitor).await?;
    is(&DisconnectReason::HandshakeRefused { reason: "400".into() }, &reason)?;
    let stopped = |kind: &MonitorKind| match kind {
        MonitorKind::ConnectStopped(reason) => Some(reason.clone()),
        _ => None,
    };
    is(&reason, &ours::event(&mut monitor, "the end of our dialing", stopped).await?)?;
    ours::send(&good, "still here").await?;
    peer.expect_parts(&server, &[b"still here"]).await
}

#[tokio::test]
async fn their_socket_type_does_not_fit_ours() -> Outcome {
    let mut host = Host::new(ours::options()).await?;
    for theirs in [SocketType::Pub, SocketType::Req, SocketType::Pull] {
        let bad = host.peer.socket(theirs.as_str(), json!({})).await?;
        host.peer.connect(&bad, &host.endpoint).await?;
        let reason = ProtocolError::IncompatibleSocketType { ours: SocketType::Pull, theirs };
        is_or_they_were_faster(&reason.into(), &host.refusal().await?)?;
        host.peer.close(&bad).await?;
    }
    host.goes_on().await
}

#[tokio::test]
async fn our_socket_type_does_not_fit_theirs() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let server = peer.socket("REP", json!({})).await?;
    let endpoint = peer.bind(&server, &Transport::Tcp.fresh()).await?;
    let ours = ours::socket(SocketType::Push, ours::options());
    let mut monitor = ours.monitor();
    ours::connect(&ours, &endpoint)?;
    let reason = refusal(&mut monitor).await?;
    let wanted = ProtocolError::IncompatibleSocketType { ours: SocketType::Push, theirs: SocketType::Rep };
    is_or_they_were_faster(&wanted.into(), &reason)
}

#[tokio::test]
async fn their_message_over_our_limit_ends_their_connection_only() -> Outcome {
    let mut host = Host::new(ours::options().max_message_size(Some(1000))).await?;
    let bad = host.peer.socket("PUSH", json!({"RECONNECT_IVL": -1})).await?;
    host.peer.connect(&bad, &host.endpoint).await?;
    ours::ready(&mut host.monitor).await?;
    host.peer.send_parts(&bad, &[&[0; 600], &[0; 600]]).await?;
    is(&DisconnectReason::Oversize { announced: 1200, limit: 1000 }, &host.refusal().await?)?;
    host.peer.event(&bad, &["DISCONNECTED"]).await?;
    host.goes_on().await
}
