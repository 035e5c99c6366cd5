//! What a monitor tells, as JSON: with the names that the program `bowline` prints.

use std::io;
use std::time::Duration;

use bowline::{DisconnectReason, MonitorEvent, MonitorKind, Peer, PeerInfo};
use serde_json::{Map, Value, json};

/// One event: `time` and `event` always, the rest where it applies.
pub(crate) fn object(event: &MonitorEvent) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    put("time", seconds(event.time.since_origin()));
    put("event", event.kind.name().into());
    if let Some(endpoint) = &event.endpoint {
        put("endpoint", endpoint.to_string().into());
    }
    if let Some(connection) = event.connection {
        put("connection", connection.0.into());
    }
    if let Some(attempt) = event.attempt {
        put("attempt", attempt.into());
    }
    if let Some(peer) = &event.peer {
        put("peer", peer_object(peer));
    }
    match &event.kind {
        MonitorKind::BindFailed(cause) => put("reason", io_words(*cause).into()),
        MonitorKind::Accepted { address } | MonitorKind::Connected { address } if !address.is_empty() => {
            put("peer", json!({ "address": address }));
        }
        MonitorKind::ConnectRetried { delay, cause } => {
            put("delay", seconds(*delay));
            if let Some(cause) = cause {
                put("reason", io_words(*cause).into());
            }
        }
        MonitorKind::Subscribed(topic) | MonitorKind::Unsubscribed(topic) => put("topic", text(topic).into()),
        MonitorKind::Slowed(pause) => put("delay", seconds(*pause)),
        MonitorKind::Dropped(messages) => put("messages", (*messages).into()),
        MonitorKind::HandshakeFailed { stage, reason } => {
            put("stage", stage.to_string().into());
            put_reason(&mut put, reason);
        }
        MonitorKind::Disconnected(reason) | MonitorKind::ConnectStopped(reason) => put_reason(&mut put, reason),
        MonitorKind::Lagged(lost) => put("lost", (*lost).into()),
        _ => {}
    }
    object.into()
}

fn put_reason(put: &mut impl FnMut(&str, Value), reason: &DisconnectReason) {
    put("reason", reason.to_string().into());
    put("cause", reason.name().into());
    if let Some(code) = reason.code() {
        put("code", code.as_str().into());
    }
}

/// What a browser says of a connection that could not be made is nothing; the rest has words of its own.
fn io_words(cause: io::ErrorKind) -> String {
    cause.to_string()
}

/// Seconds with microseconds.
fn seconds(time: Duration) -> Value {
    let rounded = Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    rounded.as_secs_f64().into()
}

/// Text where it is printable, else hexadecimal digits behind `0x`.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) && !text.starts_with("0x") => text.to_owned(),
        _ => bytes.iter().fold("0x".to_owned(), |text, byte| {
            let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
            [text.as_str(), &String::from_iter([digit(byte >> 4), digit(byte & 15)])].concat()
        }),
    }
}

fn peer_object(peer: &PeerInfo) -> Value {
    let mut object = Map::new();
    object.insert("socket_type".to_owned(), peer.socket_type.as_str().into());
    if !peer.identity.is_empty() {
        object.insert("identity".to_owned(), text(&peer.identity).into());
    }
    object.insert("mechanism".to_owned(), peer.mechanism.into());
    object.insert("version".to_owned(), ["3.", &peer.minor.to_string()].concat().into());
    if let Some(user) = &peer.user {
        object.insert("user".to_owned(), user.clone().into());
    }
    if !peer.address.is_empty() {
        object.insert("address".to_owned(), peer.address.clone().into());
    }
    object.into()
}

/// The peers of a socket, as a JSON list.
pub(crate) fn peers(peers: &[Peer]) -> String {
    let peers = peers.iter().map(|peer| {
        json!({
            "connection": peer.connection.0,
            "endpoint": peer.endpoint.as_ref().map(ToString::to_string),
            "attempt": peer.attempt,
            "peer": peer_object(&peer.info),
            "since": seconds(peer.since.since_origin()),
            "sent": peer.sent,
            "received": peer.received,
            "bytes_sent": peer.bytes_sent,
            "bytes_received": peer.bytes_received,
            "dropped": peer.dropped,
            "unsent": peer.unsent,
        })
    });
    Value::Array(peers.collect()).to_string()
}
