//! What a monitor tells, as JSON: with the names that the program `bowline` prints.

use std::borrow::Cow;
use std::io::ErrorKind;

use bowline::{DisconnectReason, MonitorEvent, MonitorKind, Peer, PeerInfo};

use crate::text::{Object, list, printable};

/// One event: `time` and `event` always, the rest where it applies.
pub(crate) fn object(event: &MonitorEvent) -> String {
    let mut object = Object::new();
    object.seconds("time", event.time.since_origin());
    object.text("event", event.kind.name());
    if let Some(endpoint) = &event.endpoint {
        object.text("endpoint", &endpoint.to_string());
    }
    if let Some(connection) = event.connection {
        object.number("connection", connection.0);
    }
    if let Some(attempt) = event.attempt {
        object.number("attempt", attempt.into());
    }
    if let Some(peer) = &event.peer {
        object.json("peer", &peer_object(peer));
    }
    match &event.kind {
        MonitorKind::BindFailed(cause) => object.text("reason", &cause.to_string()),
        MonitorKind::Accepted { address } | MonitorKind::Connected { address } if !address.is_empty() => {
            let mut peer = Object::new();
            peer.text("address", address);
            object.json("peer", &peer.finish());
        }
        MonitorKind::ConnectRetried { delay, cause } => {
            object.seconds("delay", *delay);
            if let Some(cause) = cause {
                object.text("reason", &unreached(*cause));
            }
        }
        MonitorKind::Subscribed(topic) | MonitorKind::Unsubscribed(topic) => object.text("topic", &printable(topic)),
        MonitorKind::Slowed(pause) => object.seconds("delay", *pause),
        MonitorKind::Dropped(messages) => object.number("messages", *messages),
        MonitorKind::HandshakeFailed { stage, reason } => {
            object.text("stage", &stage.to_string());
            put_reason(&mut object, reason);
        }
        MonitorKind::Disconnected(reason) | MonitorKind::ConnectStopped(reason) => put_reason(&mut object, reason),
        MonitorKind::Lagged(lost) => object.number("lost", *lost),
        _ => {}
    }
    object.finish()
}

/// Why there is no connection. A browser tells that to no page: so what it can be is told instead.
fn unreached(cause: ErrorKind) -> Cow<'static, str> {
    match cause {
        ErrorKind::NotConnected => {
            "the browser could not connect, and does not say why: nobody listens there, the server \
                                    refused the path, the origin or the subprotocol, or its certificate is not trusted"
                .into()
        }
        other => other.to_string().into(),
    }
}

fn put_reason(object: &mut Object, reason: &DisconnectReason) {
    object.text("reason", &reason.to_string());
    object.text("cause", reason.name());
    if let Some(code) = reason.code() {
        object.text("code", code.as_str());
    }
}

fn peer_object(peer: &PeerInfo) -> String {
    let mut object = Object::new();
    object.text("socket_type", peer.socket_type.as_str());
    if !peer.identity.is_empty() {
        object.text("identity", &printable(&peer.identity));
    }
    object.text("mechanism", peer.mechanism);
    object.text("version", &["3.", &peer.minor.to_string()].concat());
    if let Some(user) = &peer.user {
        object.text("user", user);
    }
    if !peer.address.is_empty() {
        object.text("address", &peer.address);
    }
    object.finish()
}

/// The peers of a socket, as a JSON list.
pub(crate) fn peers(peers: &[Peer]) -> String {
    let peers: Vec<_> = peers.iter().map(peer).collect();
    list(&peers)
}

fn peer(peer: &Peer) -> String {
    let mut object = Object::new();
    object.number("connection", peer.connection.0);
    if let Some(endpoint) = &peer.endpoint {
        object.text("endpoint", &endpoint.to_string());
    }
    if let Some(attempt) = peer.attempt {
        object.number("attempt", attempt.into());
    }
    object.json("peer", &peer_object(&peer.info));
    object.seconds("since", peer.since.since_origin());
    object.number("sent", peer.sent);
    object.number("received", peer.received);
    object.number("bytes_sent", peer.bytes_sent);
    object.number("bytes_received", peer.bytes_received);
    object.number("dropped", peer.dropped);
    object.number("unsent", peer.unsent as u64);
    object.finish()
}
