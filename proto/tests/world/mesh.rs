//! ROUTERs that know each other by name.

use std::collections::HashMap;

use bowline_proto::sim::SocketId;
use bowline_proto::{Identity, Message, Part, SocketType};

use super::checks::body;
use super::play::{PATIENCE, Play, REST, Trust};

fn name(at: usize) -> String {
    format!("router {at}")
}

fn addressed(play: &mut Play, to: usize) -> Message {
    let mut message = play.message("");
    message.push_front(name(to).as_bytes());
    message
}

/// Each is connected to each, and whoever is addressed hears it, once, under the sender's name. A ROUTER that must
/// deliver loses nothing that it took; without trouble that is everything.
pub(crate) fn mesh(play: &mut Play) {
    // Of two that are equal none is the server.
    play.trust = Trust::Blind;
    let (mandatory, handover) = (play.rng.bool(), play.rng.bool());
    let routers: Vec<SocketId> = (0..play.rng.usize(2..5))
        .map(|at| {
            let options = play.options().router_mandatory(mandatory).router_handover(handover);
            play.socket(SocketType::Router, options.identity(Identity::new(name(at)).expect("short enough")))
        })
        .collect();
    for (at, &one) in routers.iter().enumerate() {
        for &other in &routers[at + 1..] {
            play.join(&[one], &[other]);
        }
    }
    play.w.run_for(REST);
    let count = routers.len();
    play.storm(|play| {
        for _ in 0..play.rng.usize(..8) {
            let from = play.rng.usize(..count);
            let to = (from + play.rng.usize(1..count)) % count;
            let message = addressed(play, to);
            play.w.send(routers[from], message);
        }
    });
    for (from, &router) in routers.iter().enumerate() {
        for to in (0..count).filter(|&to| to != from) {
            let last = addressed(play, to);
            play.w.send(router, last.clone());
            let arrived = play.w.run_until(PATIENCE, |w| {
                w.received(routers[to]).iter().rev().any(|message| body(message) == body(&last))
            });
            assert!(arrived, "{from} reaches {to} again");
        }
    }
    play.finish();
    whoever_is_addressed_hears_it(play, &routers);
    for &router in &routers {
        play.all_is_received(router);
        if mandatory {
            play.all_is_accounted_for(router);
        }
        assert!(play.is_troubled || play.w.refused(router).is_empty(), "every peer is known without trouble");
    }
    let sum = |of: fn(&Play, SocketId) -> usize| routers.iter().map(|&router| of(play, router)).sum::<usize>();
    let (sent, received) = (sum(|play, at| play.w.sent(at).len()), sum(|play, at| play.w.received(at).len()));
    assert!(received == sent || play.is_troubled || !mandatory, "{received} of {sent}");
}

fn whoever_is_addressed_hears_it(play: &Play, routers: &[SocketId]) {
    let mut letters: HashMap<&Part, (usize, &Part)> = HashMap::new();
    for (from, &router) in routers.iter().enumerate() {
        letters.extend(play.w.sent(router).iter().map(|message| (body(message), (from, &message.parts()[0]))));
    }
    for (at, &router) in routers.iter().enumerate() {
        for message in play.w.received(router) {
            let (from, to) = letters.remove(body(message)).expect("what is received was sent, and comes once");
            assert_eq!(*message.parts()[0], *name(from).as_bytes(), "under the name of its sender");
            assert_eq!(**to, *name(at).as_bytes(), "by whom it was addressed to");
        }
    }
}
