//! PUSH and PULL, DEALER and ROUTER, PAIR.

use bowline_proto::sim::{SocketId, World};
use bowline_proto::{Identity, SocketType};

use super::play::{PATIENCE, Play};
use super::topologies::flows_again;

/// What a PUSH took is written to a connection or discarded with the pipe of one; what is written arrives, unless the
/// connection breaks; what arrives is received.
pub(crate) fn push_pull(play: &mut Play) {
    let (pushes, pulls) = (play.some(SocketType::Push), play.some(SocketType::Pull));
    play.join(&pushes, &pulls);
    play.storm(|play| {
        for _ in 0..play.rng.usize(..8) {
            let (push, message) = (play.any(&pushes), play.message(""));
            play.w.send(push, message);
        }
    });
    flows_again(play, &pushes, &pulls);
    play.close_and_drain(&pushes);
    play.finish();
    for &push in &pushes {
        play.all_is_accounted_for(push);
    }
    for &pull in &pulls {
        play.all_is_received(pull);
    }
}

/// As with PUSH, and a ROUTER sends each reply to who asked, or drops it.
pub(crate) fn dealer_router(play: &mut Play) {
    let dealers: Vec<SocketId> = (0..play.rng.usize(1..4))
        .map(|at| {
            let mut options = play.options();
            if play.rng.bool() {
                options = options.identity(Identity::new(format!("dealer {at}")).expect("short enough"));
            }
            play.socket(SocketType::Dealer, options)
        })
        .collect();
    let mut options = play.options().router_mandatory(play.rng.bool());
    // A dealer that comes back may be faster than the news that it went.
    options = options.router_handover(true);
    let router = play.socket(SocketType::Router, options);
    play.w.serve(router, |request| request);
    play.join(&dealers, &[router]);
    play.storm(|play| {
        for _ in 0..play.rng.usize(..8) {
            let (dealer, message) = (play.any(&dealers), play.message(""));
            play.w.send(dealer, message);
        }
    });
    for &dealer in &dealers {
        echo_flows_again(play, dealer);
    }
    play.finish();
    for &dealer in &dealers {
        play.all_is_accounted_for(dealer);
        play.all_is_received(dealer);
        for reply in play.w.received(dealer) {
            assert!(play.w.sent(dealer).contains(reply), "{dealer:?} is sent the reply to what another asked");
        }
    }
    play.all_is_received(router);
}

/// A reply may be dropped at the router's mark, so this asks again.
fn echo_flows_again(play: &mut Play, dealer: SocketId) {
    for _ in 0..50 {
        let last = play.message("");
        play.w.send(dealer, last.clone());
        let arrived = |w: &World| w.received(dealer).contains(&last);
        if play.w.run_until(PATIENCE / 50, arrived) {
            return;
        }
    }
    panic!("{dealer:?} gets replies again");
}

/// As with PUSH, in both directions.
pub(crate) fn pair(play: &mut Play) {
    let sockets = play.several(2, SocketType::Pair);
    play.join(&sockets[..1], &sockets[1..]);
    play.storm(|play| {
        for _ in 0..play.rng.usize(..8) {
            let (from, message) = (play.any(&sockets), play.message(""));
            play.w.send(from, message);
        }
    });
    flows_again(play, &sockets[..1], &sockets[1..]);
    flows_again(play, &sockets[1..], &sockets[..1]);
    play.finish();
    for &socket in &sockets {
        play.all_is_accounted_for(socket);
        play.all_is_received(socket);
    }
}
