//! Links against links, against recorded bytes, and against bytes of any kind.

mod curve;
mod heartbeats;
mod limits;
mod malformed;
mod random;
mod ready;
mod streams;

use std::time::Duration;

use super::{LinkConfig, Role};
use crate::message::Message;
use crate::options::{Mechanism, Options, PlainCredentials};
use crate::sim::{Pair, Side, Split};
use crate::socket_type::SocketType;
use crate::time::Instant;
use crate::wire::greeting::Greeting;

const SPLITS: [Split; 5] = [Split::Whole, Split::Bytewise, Split::Chunks(1), Split::Chunks(2), Split::Chunks(0x5eed)];

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn config(options: &Options, socket_type: SocketType) -> LinkConfig {
    LinkConfig::new(options.clone(), socket_type)
}

fn plain(socket_type: SocketType) -> LinkConfig {
    config(&Options::new(), socket_type)
}

fn credentials(password: &str) -> PlainCredentials {
    PlainCredentials::new("ann", password).unwrap()
}

fn plain_client(password: &str) -> Options {
    Options::new().mechanism(Mechanism::PlainClient(credentials(password)))
}

fn plain_server() -> Options {
    Options::new().mechanism(Mechanism::PlainServer(vec![credentials("secret")]))
}

/// A side of this type that waits for the bytes of a peer.
fn side(socket_type: SocketType) -> Side {
    Side::new(plain(socket_type), Role::Listener, Instant::ZERO)
}

/// The frame of a command with this body.
fn command(body: &[u8]) -> Vec<u8> {
    assert!(body.len() < 256);
    [&[4, body.len() as u8], body].concat()
}

/// A NULL peer of ZMTP 3.`minor` and this type up to its READY, as bytes.
fn introduction(minor: u8, socket_type: &str) -> Vec<u8> {
    let mut bytes = Greeting::new("NULL", false).with_minor(minor).encode().to_vec();
    let head = b"\x05READY\x0bSocket-Type\0\0\0";
    bytes.extend(command(&[head, &[socket_type.len() as u8][..], socket_type.as_bytes()].concat()));
    bytes
}

/// A side that is ready, with a NULL peer of ZMTP 3.1 of which only bytes exist.
fn ready_side(ours: SocketType, theirs: SocketType) -> Side {
    ready_side_of(plain(ours), 1, theirs)
}

fn ready_side_of(config: LinkConfig, minor: u8, theirs: SocketType) -> Side {
    let mut side = Side::new(config, Role::Listener, Instant::ZERO);
    side.feed(&introduction(minor, theirs.as_str()), Instant::ZERO);
    assert!(side.link.peer().is_some(), "{:?}", side.effects);
    side.output();
    side
}

fn ready_pair(dialer: LinkConfig, listener: LinkConfig) -> Pair {
    let mut pair = Pair::new(dialer, listener, Split::Whole);
    pair.run();
    assert!(pair.dialer.link.peer().is_some(), "{:?}", pair.dialer.effects);
    assert!(pair.listener.link.peer().is_some(), "{:?}", pair.listener.effects);
    pair
}

fn message(parts: &[&str]) -> Message {
    parts.iter().copied().collect()
}
