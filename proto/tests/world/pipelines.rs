//! PUSH and PULL in stages.

use std::collections::HashSet;

use bowline_proto::SocketType;
use bowline_proto::sim::SocketId;

use super::checks::body;
use super::play::{Play, REST};
use super::topologies::flows_again;

/// From sources through one stage or two to sinks. Nothing comes twice, whatever happens; without trouble all of it
/// comes; and at every step what went in and what came out is accounted for.
pub(crate) fn pipeline(play: &mut Play) {
    let sources = play.some(SocketType::Push);
    let mut before = sources.clone();
    let mut stages: Vec<Vec<SocketId>> = Vec::new();
    for _ in 0..play.rng.usize(1..3) {
        let width = play.rng.usize(1..3);
        let (takes, gives) = (play.several(width, SocketType::Pull), play.several(width, SocketType::Push));
        for (&takes, &gives) in takes.iter().zip(&gives) {
            play.w.relay(takes, gives);
        }
        play.join(&before, &takes);
        before.clone_from(&gives);
        stages.push(gives);
    }
    let sinks = play.some(SocketType::Pull);
    play.join(&before, &sinks);
    play.storm(|play| {
        for _ in 0..play.rng.usize(..8) {
            let (source, message) = (play.any(&sources), play.message(""));
            play.w.send(source, message);
        }
    });
    flows_again(play, &sources, &sinks);
    play.close_and_drain(&sources);
    for stage in &stages {
        play.w.run_for(REST);
        play.close_and_drain(stage);
    }
    play.finish();
    for &push in sources.iter().chain(stages.iter().flatten()) {
        play.all_is_accounted_for(push);
    }
    for &gives in stages.iter().flatten() {
        play.all_is_passed_on(gives);
        play.all_is_received(play.w.partner(gives).expect("a stage takes and gives"));
    }
    let mut arrived = HashSet::new();
    for &sink in &sinks {
        play.all_is_received(sink);
        for message in play.w.received(sink) {
            assert!(arrived.insert(body(message)), "{message:?} comes twice");
        }
    }
    let sent: usize = sources.iter().map(|&source| play.w.sent(source).len()).sum();
    assert!(arrived.len() <= sent && (play.is_troubled || arrived.len() == sent), "{} of {sent}", arrived.len());
}
