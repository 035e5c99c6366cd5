//! What does not belong here is refused with a typed reason, and the other peers do not notice.

mod curve;
mod foreign;
mod judged;
mod strangers;

use bowline::auth::Code;
use bowline::{AnySocket, DisconnectReason, Monitor, MonitorKind, SocketType};
use bowline_interop::{Outcome, Peer, Theirs, Transport, ensure, ours};
use serde_json::json;

/// Our bound PULL with a well-behaved pyzmq PUSH, so that each test can show that it was left alone.
struct Host {
    peer: Peer,
    socket: AnySocket,
    monitor: Monitor,
    endpoint: String,
    good: Theirs,
}

impl Host {
    async fn new(options: bowline::Options) -> Outcome<Self> {
        let credentials = match options.mechanism {
            bowline::Mechanism::Null => json!({}),
            bowline::Mechanism::CurveServer(_) => ours::their_curve_client(&ours::keys(1), &ours::keys(2)),
            _ => json!({"PLAIN_USERNAME": "ann", "PLAIN_PASSWORD": "right"}),
        };
        let mut peer = Peer::spawn().await?;
        let socket = ours::socket(SocketType::Pull, options);
        let mut monitor = socket.monitor();
        let endpoint = ours::bind(&socket, &Transport::Tcp.fresh()).await?;
        let good = peer.socket("PUSH", credentials).await?;
        peer.connect(&good, &endpoint).await?;
        ours::ready(&mut monitor).await?;
        Ok(Self { peer, socket, monitor, endpoint, good })
    }

    /// The reason that the next connection ends for, before or after it was ready.
    async fn refusal(&mut self) -> Outcome<DisconnectReason> {
        refusal(&mut self.monitor).await
    }

    /// The good peer is still there: nothing was lost, and its messages arrive.
    async fn goes_on(mut self) -> Outcome {
        self.peer.send_parts(&self.good, &[b"still here"]).await?;
        ours::expect_parts(&self.socket, &[b"still here"]).await?;
        let seen = self.peer.on(&self.good, "seen", json!({})).await?;
        ensure(!seen.to_string().contains("DISCONNECTED"), || format!("the good peer was cut off: {seen}"))
    }
}

async fn refusal(monitor: &mut Monitor) -> Outcome<DisconnectReason> {
    let refused = |kind: &MonitorKind| match kind {
        MonitorKind::HandshakeFailed { reason, .. } | MonitorKind::Disconnected(reason) => Some(reason.clone()),
        _ => None,
    };
    ours::event(monitor, "our refusal", refused).await
}

fn is_unauthorized(got: &DisconnectReason) -> Outcome {
    let is_it = matches!(got, DisconnectReason::Unauthorized(refusal) if refusal.code == Code::Credentials);
    ensure(is_it, || format!("refused because `{got}` instead of the credentials"))
}

fn is(wanted: &DisconnectReason, got: &DisconnectReason) -> Outcome {
    ensure(got == wanted, || format!("refused because `{got}` instead of `{wanted}`"))
}
