//! The topologies. Each has its own rules of what may be lost.

use bowline_proto::SocketType;
use bowline_proto::sim::SocketId;

use super::checks::body;
use super::play::{PATIENCE, Play};
use super::summary::Summary;
use super::{brokers, direct, mesh, pipelines, publishing, requests};

type Topology = (&'static str, fn(&mut Play));

const TOPOLOGIES: [Topology; 12] = [
    ("PUSH PULL", direct::push_pull),
    ("DEALER ROUTER", direct::dealer_router),
    ("PAIR", direct::pair),
    ("REQ REP", requests::strict),
    ("REQ relaxed", requests::relaxed),
    ("REQ stuttered", requests::stuttering),
    ("broker", brokers::broker),
    ("PUB SUB", |play| publishing::direct(play, SocketType::Pub, SocketType::Sub)),
    ("XPUB XSUB", |play| publishing::direct(play, SocketType::XPub, SocketType::XSub)),
    ("forwarders", publishing::forwarders),
    ("pipeline", pipelines::pipeline),
    ("ROUTER mesh", mesh::mesh),
];

/// Plays the world of this seed.
pub(crate) fn play(seed: u64) -> Summary {
    let (name, script) = TOPOLOGIES[(seed % TOPOLOGIES.len() as u64) as usize];
    let mut play = Play::new(seed);
    script(&mut play);
    Summary::of(name, play.tally())
}

/// Sends one message by each of `from`, and waits until it is received by any of `to`.
pub(crate) fn flows_again(play: &mut Play, from: &[SocketId], to: &[SocketId]) {
    for &socket in from {
        let last = play.message("");
        play.w.send(socket, last.clone());
        let arrived = play.w.run_until(PATIENCE, |w| {
            to.iter().any(|&to| w.received(to).iter().rev().any(|message| body(message) == body(&last)))
        });
        assert!(arrived, "traffic from {socket:?} flows again");
    }
}
