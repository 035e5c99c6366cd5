//! Lifecycle events, as JSON objects for programs and as lines for people.

use std::io;
use std::time::Duration;

use bowline::{Endpoint, MonitorEvent, MonitorKind, PeerInfo};
use serde_json::{Map, Value, json};

use crate::format::identity_text;

/// One event as a JSON object: `time` and `event` always, the rest where it applies.
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
        MonitorKind::BindFailed(cause) | MonitorKind::AcceptFailed(cause) => {
            put("reason", io_words(event, *cause).into());
        }
        MonitorKind::AcceptRefused { address, limit } => {
            put("peer", json!({ "address": address }));
            put("reason", limit.to_string().into());
            put("cause", limit.name().into());
        }
        MonitorKind::Accepted { address } | MonitorKind::Connected { address } if !address.is_empty() => {
            put("peer", json!({ "address": address }));
        }
        MonitorKind::ConnectRetried { delay, cause } => {
            put("delay", seconds(*delay));
            if let Some(cause) = cause {
                put("reason", io_words(event, *cause).into());
            }
        }
        MonitorKind::Subscribed(topic) | MonitorKind::Unsubscribed(topic) => put("topic", identity_text(topic).into()),
        MonitorKind::Slowed(pause) => put("delay", seconds(*pause)),
        MonitorKind::Dropped(messages) => put("messages", (*messages).into()),
        MonitorKind::HandshakeFailed { stage, reason } => {
            put("stage", stage.to_string().into());
            put("reason", reason.to_string().into());
            put("cause", reason.name().into());
            if let Some(code) = reason.code() {
                put("code", code.as_str().into());
            }
        }
        MonitorKind::Disconnected(reason) | MonitorKind::ConnectStopped(reason) => {
            put("reason", reason.to_string().into());
            put("cause", reason.name().into());
            if let Some(code) = reason.code() {
                put("code", code.as_str().into());
            }
        }
        MonitorKind::TlsNotReloaded(error) => {
            put("message", error.to_string().into());
        }
        MonitorKind::Lagged(lost) => put("lost", (*lost).into()),
        _ => {}
    }
    object.into()
}

/// Seconds with microseconds: more digits would only be noise.
fn seconds(time: Duration) -> Value {
    let rounded = Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    rounded.as_secs_f64().into()
}

fn peer_object(peer: &PeerInfo) -> Value {
    let mut object = Map::new();
    object.insert("socket_type".to_owned(), peer.socket_type.as_str().into());
    if !peer.identity.is_empty() {
        object.insert("identity".to_owned(), identity_text(&peer.identity).into());
    }
    object.insert("mechanism".to_owned(), peer.mechanism.into());
    object.insert("version".to_owned(), format!("3.{}", peer.minor).into());
    if let Some(user) = &peer.user {
        object.insert("user".to_owned(), user.clone().into());
    }
    if !peer.metadata.is_empty() {
        let known = peer.metadata.iter().map(|(name, value)| (name.clone(), identity_text(value).into()));
        object.insert("metadata".to_owned(), Value::Object(known.collect()));
    }
    if !peer.address.is_empty() {
        object.insert("address".to_owned(), peer.address.clone().into());
    }
    object.into()
}

/// One event as a line that begins with its endpoint.
pub(crate) fn line(event: &MonitorEvent) -> String {
    let what = words(event);
    // An attempt is the endpoint's; it becomes a connection only when the transport is connected.
    let is_attempt = matches!(
        event.kind,
        MonitorKind::Connecting
            | MonitorKind::ConnectDelayed
            | MonitorKind::ConnectRetried { .. }
            | MonitorKind::ConnectStopped(_)
    );
    match (&event.endpoint, event.connection.filter(|_| !is_attempt)) {
        (Some(endpoint), Some(connection)) => format!("{endpoint}: connection {connection} {what}"),
        (Some(endpoint), None) => format!("{endpoint}: {what}"),
        (None, Some(connection)) => format!("connection {connection} {what}"),
        (None, None) => what,
    }
}

/// One event as a line that begins with its time, in seconds since the start.
pub(crate) fn timed_line(event: &MonitorEvent) -> String {
    format!("{:9.3} s  {}", event.time.since_origin().as_secs_f64(), line(event))
}

/// What happened, in words.
pub(crate) fn words(event: &MonitorEvent) -> String {
    match &event.kind {
        MonitorKind::Listening => "listening".to_owned(),
        MonitorKind::BindFailed(cause) => format!("can't be bound: {}", io_words(event, *cause)),
        MonitorKind::Accepted { address } => with("accepted", address),
        MonitorKind::AcceptFailed(cause) => format!("can't accept: {}", io_words(event, *cause)),
        MonitorKind::AcceptRefused { address, limit } => format!("{}: {limit}", with("turned away", address)),
        MonitorKind::Connecting => format!("connecting, attempt {}", event.attempt.unwrap_or(1)),
        MonitorKind::ConnectDelayed => "nobody is bound to it yet".to_owned(),
        MonitorKind::ConnectRetried { delay, cause: Some(cause) } => {
            format!("{}; trying again in {} ms", io_words(event, *cause), delay.as_millis())
        }
        MonitorKind::ConnectRetried { delay, cause: None } => format!("trying again in {} ms", delay.as_millis()),
        MonitorKind::Connected { address } => match event.attempt {
            Some(attempt @ 2..) => format!("{}, attempt {attempt}", with("connected", address)),
            _ => with("connected", address),
        },
        MonitorKind::HandshakeSucceeded => event.peer.as_deref().map_or_else(|| "known".to_owned(), introduction),
        MonitorKind::Ready => {
            event.peer.as_deref().map_or_else(|| "ready".to_owned(), |peer| format!("ready with {}", signature(peer)))
        }
        MonitorKind::Subscribed(topic) => format!("subscribed to {}", topic_words(topic)),
        MonitorKind::Unsubscribed(topic) => format!("no longer subscribed to {}", topic_words(topic)),
        MonitorKind::Slowed(pause) => format!("too fast: not read for {} ms", pause.as_millis()),
        MonitorKind::Dropped(1) => "1 unsent message dropped".to_owned(),
        MonitorKind::Dropped(messages) => format!("{messages} unsent messages dropped"),
        MonitorKind::HandshakeFailed { stage, reason } => format!("failed in the handshake ({stage}): {reason}"),
        MonitorKind::Disconnected(reason) => match event.peer.as_deref().map(signature) {
            Some(peer) => format!("lost {peer}: {reason}"),
            None => format!("disconnected: {reason}"),
        },
        MonitorKind::ConnectStopped(reason) => format!("given up: {reason}"),
        MonitorKind::TlsNotReloaded(error) => {
            format!("TLS goes on with what it had, since files changed badly: {error}")
        }
        MonitorKind::Closed => "no longer listening".to_owned(),
        MonitorKind::Stopped => "socket closed".to_owned(),
        MonitorKind::Lagged(lost) => format!("{lost} events were lost, because they came too fast"),
        other => other.name().replace('_', " "),
    }
}

/// Who the peer says it is.
fn introduction(peer: &PeerInfo) -> String {
    let user = peer.user.as_ref().map_or_else(String::new, |user| format!(", user \"{user}\""));
    format!("the peer is {}{user}", signature(peer))
}

/// The peer's type and name.
fn signature(peer: &PeerInfo) -> String {
    let socket_type = peer.socket_type;
    if peer.identity.is_empty() {
        socket_type.to_string()
    } else {
        format!("{socket_type} \"{}\"", identity_text(&peer.identity))
    }
}

fn topic_words(topic: &[u8]) -> String {
    if topic.is_empty() { "everything".to_owned() } else { format!("\"{}\"", identity_text(topic)) }
}

/// The system's cause in words, with what is missing where something is.
pub(crate) fn io_words(event: &MonitorEvent, cause: io::ErrorKind) -> String {
    match (&event.endpoint, cause) {
        (
            Some(Endpoint::Tcp { .. } | Endpoint::Tls { .. } | Endpoint::Ws(_) | Endpoint::Wss(_)),
            io::ErrorKind::NotFound,
        ) => "the host is not known".to_owned(),
        (Some(Endpoint::Ipc(_)), io::ErrorKind::NotFound) => "no such file".to_owned(),
        _ => cause.to_string(),
    }
}

fn with(what: &str, address: &str) -> String {
    if address.is_empty() { what.to_owned() } else { format!("{what} ({address})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bowline::{ConnectionId, DisconnectReason, SocketType};

    fn event(kind: MonitorKind) -> MonitorEvent {
        let endpoint = Some("tcp://127.0.0.1:5555".parse().expect("an endpoint"));
        let time = bowline::time::Instant::from_origin(Duration::from_nanos(1_500_000_999));
        MonitorEvent { endpoint, connection: Some(ConnectionId(7)), ..MonitorEvent::new(time, kind) }
    }

    #[test]
    fn an_object_has_only_what_applies() {
        assert_eq!(
            object(&event(MonitorKind::Disconnected(DisconnectReason::PeerClosed))).to_string(),
            "{\"time\":1.5,\"event\":\"disconnected\",\"endpoint\":\"tcp://127.0.0.1:5555\",\"connection\":7,\
             \"reason\":\"closed by the peer\",\"cause\":\"peer_closed\"}"
        );
    }

    #[test]
    fn a_peer_is_an_object_with_an_identity_only_if_it_has_one() {
        let mut peer = PeerInfo::of_type(SocketType::Dealer);
        let known = |peer: PeerInfo| MonitorEvent { peer: Some(peer.into()), ..event(MonitorKind::HandshakeSucceeded) };
        let shown = object(&known(peer.clone()));
        assert_eq!(shown["peer"], json!({ "socket_type": "DEALER", "mechanism": "NULL", "version": "3.1" }));
        peer.identity = b"\x00\x01".to_vec().into();
        let shown = object(&known(peer));
        assert_eq!(shown["peer"]["identity"], "0x0001");
    }

    #[test]
    fn a_line_names_endpoint_connection_and_reason() {
        let kind = MonitorKind::Disconnected(DisconnectReason::HeartbeatTimeout);
        assert_eq!(line(&event(kind)), "tcp://127.0.0.1:5555: connection 7 disconnected: heartbeat timed out");
    }

    #[test]
    fn who_is_turned_away_is_told_with_the_limit() {
        let limit = bowline::AcceptLimit::Handshakes(9);
        let mut refused = event(MonitorKind::AcceptRefused { address: "10.0.0.1:7".into(), limit });
        refused.connection = None;
        let expected = "tcp://127.0.0.1:5555: turned away (10.0.0.1:7): there are 9 handshakes already";
        assert_eq!(line(&refused), expected);
        assert_eq!(object(&refused)["cause"], "max_handshakes");
    }

    #[test]
    fn a_peer_that_is_too_fast_is_told_with_the_pause() {
        let slowed = event(MonitorKind::Slowed(Duration::from_millis(250)));
        assert_eq!(line(&slowed), "tcp://127.0.0.1:5555: connection 7 too fast: not read for 250 ms");
        assert_eq!(object(&slowed)["delay"], 0.25);
    }

    #[test]
    fn what_is_not_there_is_said_by_its_name() {
        let kind = |cause| MonitorKind::ConnectRetried { delay: Duration::from_millis(100), cause: Some(cause) };
        let at = |endpoint: &str, cause| {
            let endpoint = Some(endpoint.parse().expect("an endpoint"));
            words(&MonitorEvent { endpoint, ..MonitorEvent::new(bowline::time::Instant::ZERO, kind(cause)) })
        };
        let (missing, refused) = (io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused);
        assert_eq!(at("tcp://nowhere:1", missing), "the host is not known; trying again in 100 ms");
        assert_eq!(at("ipc:///nowhere", missing), "no such file; trying again in 100 ms");
        assert_eq!(at("tcp://nowhere:1", refused), "connection refused; trying again in 100 ms");
    }
}
