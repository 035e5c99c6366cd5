//! The sockets under test, and what the tests ask of them.

use std::time::Duration;

use bowline::curve::{KeyPair, SecretKey};
use bowline::{
    AnySocket, Mechanism, Message, Monitor, MonitorEvent, MonitorKind, Options, PlainCredentials, Reconnect, SocketType,
};

use serde_json::{Value, json};

use crate::shapes::Shape;
use crate::{Outcome, within};

/// Options that the tests share: quick to come back, and nothing left behind at the end.
pub fn options() -> Options {
    Options::new().linger(Some(Duration::ZERO)).reconnect(Reconnect::Fixed(Duration::from_millis(10)))
}

/// A socket of `kind`.
pub fn socket(kind: SocketType, options: Options) -> AnySocket {
    AnySocket::new(kind, options)
}

/// The client's side of PLAIN.
///
/// # Errors
///
/// If PLAIN can't carry the credentials.
pub fn plain_client(username: &str, password: &str) -> Outcome<Mechanism> {
    Ok(Mechanism::PlainClient(credentials(username, password)?))
}

/// The server's side of PLAIN, with one user.
///
/// # Errors
///
/// If PLAIN can't carry the credentials.
pub fn plain_server(username: &str, password: &str) -> Outcome<Mechanism> {
    Ok(Mechanism::PlainServer(vec![credentials(username, password)?]))
}

fn credentials(username: &str, password: &str) -> Outcome<PlainCredentials> {
    PlainCredentials::new(username, password).map_err(|error| error.to_string())
}

/// A key pair that is the same in every run.
pub fn keys(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

/// The client's side of CURVE, as pyzmq's options have it: our own keys, and the server's.
pub fn their_curve_client(server: &KeyPair, own: &KeyPair) -> Value {
    json!({
        "CURVE_SERVERKEY": server.public().to_string(),
        "CURVE_PUBLICKEY": own.public().to_string(),
        "CURVE_SECRETKEY": own.secret().to_z85().as_str(),
    })
}

/// The server's side.
pub fn their_curve_server(own: &KeyPair) -> Value {
    json!({"CURVE_SERVER": 1, "CURVE_SECRETKEY": own.secret().to_z85().as_str()})
}

/// Binds, and returns the endpoint with its port.
///
/// # Errors
///
/// If the endpoint can't be bound.
pub async fn bind(socket: &AnySocket, endpoint: &str) -> Outcome<String> {
    let bound = within("our bind", socket.bind(endpoint)).await?;
    Ok(bound.to_string())
}

/// Connects.
///
/// # Errors
///
/// If the endpoint can't be connected to.
pub fn connect(socket: &AnySocket, endpoint: &str) -> Outcome {
    socket.connect(endpoint).map(drop).map_err(|error| format!("our connect: {error}"))
}

/// Subscribes a SUB socket.
///
/// # Errors
///
/// If it can't subscribe.
pub fn subscribe(socket: &AnySocket, topic: &str) -> Outcome {
    socket.subscribe(topic).map_err(|error| format!("our subscribe: {error}"))
}

/// Takes one subscription of a SUB socket back.
///
/// # Errors
///
/// If it can't.
pub fn unsubscribe(socket: &AnySocket, topic: &str) -> Outcome {
    socket.unsubscribe(topic).map_err(|error| format!("our unsubscribe: {error}"))
}

/// Closes a socket; its endpoints can be bound again when this returns.
///
/// # Errors
///
/// If it takes too long.
pub async fn close(socket: &AnySocket) -> Outcome {
    let closed = async {
        socket.close().await;
        Ok::<_, String>(())
    };
    within("our close", closed).await
}

/// Sends one message.
///
/// # Errors
///
/// If it can't be sent, or not in time.
pub async fn send(socket: &AnySocket, message: impl Into<Message>) -> Outcome {
    within("our send", socket.send(message)).await
}

/// Sends one message of these parts.
///
/// # Errors
///
/// If it can't be sent, or not in time.
pub async fn send_parts(socket: &AnySocket, parts: &[&[u8]]) -> Outcome {
    send(socket, parts.iter().copied().collect::<Message>()).await
}

/// Receives one message.
///
/// # Errors
///
/// If none comes in time.
pub async fn recv(socket: &AnySocket) -> Outcome<Message> {
    within("our recv", socket.recv()).await
}

/// Receives exactly this message, behind `skip` parts of envelope.
///
/// # Errors
///
/// If none comes in time, or with the first difference.
pub async fn expect(socket: &AnySocket, shape: &Shape, skip: usize) -> Outcome {
    shape.check(&recv(socket).await?, skip).map_err(|problem| format!("our recv: {problem}"))
}

/// Receives exactly one message of these parts.
///
/// # Errors
///
/// If none comes in time, or with what came instead.
pub async fn expect_parts(socket: &AnySocket, parts: &[&[u8]]) -> Outcome {
    let got = recv(socket).await?;
    let same =
        got.parts().len() == parts.len() && got.parts().iter().zip(parts).all(|(got, wanted)| got[..] == **wanted);
    crate::ensure(same, || format!("we received {got:?} instead of {parts:?}"))
}

/// Waits until a peer is ready.
///
/// # Errors
///
/// If none comes in time.
pub async fn peer(socket: &AnySocket) -> Outcome {
    let ready = async {
        socket.wait_for_peer().await;
        Ok::<_, String>(())
    };
    within("our wait for a peer", ready).await
}

/// Waits until the last peer is gone.
///
/// # Errors
///
/// If one stays too long.
pub async fn idle(socket: &AnySocket) -> Outcome {
    let gone = async {
        socket.wait_until_idle().await;
        Ok::<_, String>(())
    };
    within("our wait for the last peer to go", gone).await
}

/// Waits for the event that `pick` takes; the ones before it are dropped.
///
/// # Errors
///
/// If it doesn't come in time; with the events that did.
pub async fn event<T>(
    monitor: &mut Monitor,
    what: &str,
    mut pick: impl FnMut(&MonitorKind) -> Option<T>,
) -> Outcome<T> {
    let mut seen = Vec::new();
    let search = async {
        while let Some(MonitorEvent { kind, .. }) = monitor.next().await {
            if let Some(picked) = pick(&kind) {
                return Ok(picked);
            }
            seen.push(kind.name());
        }
        Err("the monitor ended")
    };
    let found = within(what, search).await;
    found.map_err(|error| format!("{error}; our monitor told {seen:?}"))
}

/// Waits until a peer is ready.
///
/// # Errors
///
/// If none is in time.
pub async fn ready(monitor: &mut Monitor) -> Outcome {
    let ready = |kind: &MonitorKind| matches!(kind, MonitorKind::Ready).then_some(());
    event(monitor, "our handshake", ready).await
}

/// Waits until a PUB or XPUB socket has a subscriber.
///
/// # Errors
///
/// If none comes in time.
pub async fn subscriber(socket: &AnySocket) -> Outcome {
    let subscribed = async {
        socket.wait_for_subscriber().await;
        Ok::<_, String>(())
    };
    within("our wait for a subscriber", subscribed).await
}
