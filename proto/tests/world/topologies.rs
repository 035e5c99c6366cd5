//! The topologies, each with its rules of what may be lost.

use bowline_proto::sim::{SocketId, World};
use bowline_proto::{Identity, Message, Options, SocketType};

use super::Summary;
use super::checks::body;
use super::play::{PATIENCE, Play, REST};

/// Plays the world of this seed.
pub(crate) fn play(seed: u64) -> Summary {
    let mut play = Play::new(seed);
    match seed % 7 {
        0 => push_pull(&mut play),
        1 => dealer_router(&mut play),
        2 => req_rep(&mut play),
        3 => publish(&mut play, SocketType::Pub, SocketType::Sub),
        4 => pair(&mut play),
        5 => publish(&mut play, SocketType::XPub, SocketType::XSub),
        _ => relaxed(&mut play),
    }
    play.summary()
}

fn sockets(play: &mut Play, n: usize, socket_type: SocketType) -> Vec<SocketId> {
    (0..n)
        .map(|_| {
            let options = play.options();
            play.socket(socket_type, options)
        })
        .collect()
}

fn some(play: &mut Play, socket_type: SocketType) -> Vec<SocketId> {
    let n = play.rng.usize(1..4);
    sockets(play, n, socket_type)
}

fn any(play: &mut Play, of: &[SocketId]) -> SocketId {
    of[play.rng.usize(..of.len())]
}

/// Sends one message by each of `from`, and waits until it is received by any of `to`.
fn flows_again(play: &mut Play, from: &[SocketId], to: &[SocketId]) {
    for &socket in from {
        let last = play.message("");
        play.w.send(socket, last.clone());
        let arrived = play.w.run_until(PATIENCE, |w| {
            to.iter().any(|&to| w.received(to).iter().rev().any(|message| body(message) == body(&last)))
        });
        assert!(arrived, "traffic from {socket:?} flows again");
    }
}

fn push_pull(play: &mut Play) {
    let (pushes, pulls) = (some(play, SocketType::Push), some(play, SocketType::Pull));
    play.join(&pushes, &pulls);
    play.storm(|play| {
        for _ in 0..play.rng.usize(..8) {
            let (push, message) = (any(play, &pushes), play.message(""));
            play.w.send(push, message);
        }
    });
    flows_again(play, &pushes, &pulls);
    for &push in &pushes {
        play.w.close(push);
    }
    let over = |w: &World| w.connections() == 0 && pushes.iter().all(|&push| w.endpoints(push) == 0);
    let drained = play.w.run_until(PATIENCE, over);
    assert!(drained, "what waits goes out, and then the connections end");
    let restarted = |play: &Play| pushes.iter().any(|&push| play.restarts_of(push) > 0);
    for &push in &pushes {
        assert!(play.w.discarded(push) == 0 || restarted(play), "nothing that waits at close is dropped");
    }
    play.finish();
    for &push in &pushes {
        play.all_is_accounted_for(push);
    }
    for &pull in &pulls {
        play.all_is_received(pull);
    }
}

fn dealer_router(play: &mut Play) {
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
            let (dealer, message) = (any(play, &dealers), play.message(""));
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

fn ask(play: &mut Play, clients: &[SocketId]) {
    for _ in 0..play.rng.usize(..3) {
        let (client, message) = (any(play, clients), play.message(""));
        play.w.send(client, message);
    }
}

/// Every reply is to the request that was sent last.
fn replies_match(play: &Play, client: SocketId) {
    for (reply, &sent) in play.w.received(client).iter().zip(play.w.sent_before(client)) {
        assert_eq!(*reply, play.w.sent(client)[sent - 1], "{client:?} receives the reply to its last request");
    }
}

fn req_rep(play: &mut Play) {
    let (clients, servers) = (some(play, SocketType::Req), some(play, SocketType::Rep));
    for &server in &servers {
        play.w.serve(server, |request| request);
    }
    play.join(&clients, &servers);
    play.storm(|play| ask(play, &clients));
    for &client in &clients {
        let last = play.message("");
        play.w.send(client, last);
    }
    let all = |w: &World| clients.iter().all(|&client| w.unsent(client) == 0 && is_idle(w, client));
    assert!(play.w.run_until(PATIENCE, all), "every request comes to its end");
    for &client in &clients {
        let (sent, lost) = (play.w.sent(client).len(), play.w.peers_lost(client));
        let over = play.w.received(client).len() + lost;
        // A client that is restarted forgets the request that it waits for.
        let most = over + play.restarts_of(client);
        assert!(over <= sent && sent <= most, "{sent} requests, {over} replies and losses, {lost} lost");
        assert!(play.is_troubled || lost == 0, "no request is lost without a cause");
        replies_match(play, client);
    }
    play.finish();
}

fn relaxed(play: &mut Play) {
    let correlate = play.rng.bool();
    let clients: Vec<SocketId> = (0..play.rng.usize(1..3))
        .map(|_| {
            let options = play.options().req_relaxed(true).req_correlate(correlate);
            play.socket(SocketType::Req, options)
        })
        .collect();
    let servers = some(play, SocketType::Rep);
    for &server in &servers {
        play.w.serve(server, |request| request);
    }
    play.join(&clients, &servers);
    play.storm(|play| {
        ask(play, &clients);
        play.breathe();
    });
    for &client in &clients {
        let arrived = (0..20).any(|_| {
            let last = play.message("");
            play.w.send(client, last.clone());
            // It may meet the end of a connection that was given up for the request before.
            play.w.run_until(PATIENCE, |w| {
                w.received(client).last() == Some(&last) || w.unsent(client) == 0 && is_idle(w, client)
            });
            play.w.received(client).last() == Some(&last)
        });
        assert!(arrived, "the last request of {client:?} is replied to");
        replies_match(play, client);
    }
    play.finish();
}

/// Whether the client has heard the end of its last request.
fn is_idle(w: &World, client: SocketId) -> bool {
    let last = w.sent(client).len();
    w.sent_before(client).last() == Some(&last) || w.lost_before(client).last() == Some(&last)
}

fn pair(play: &mut Play) {
    let sockets = sockets(play, 2, SocketType::Pair);
    play.join(&sockets[..1], &sockets[1..]);
    play.storm(|play| {
        for _ in 0..play.rng.usize(..8) {
            let (from, message) = (any(play, &sockets), play.message(""));
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

const TOPICS: [&str; 5] = ["", "a", "ab", "b", "c"];

fn matches(topics: &[&str], message: &Message) -> bool {
    topics.iter().any(|topic| message.parts()[0].starts_with(topic.as_bytes()))
}

fn publish(play: &mut Play, publisher: SocketType, subscriber: SocketType) {
    let endless = play.rng.bool();
    let options = |play: &mut Play| {
        let options = play.options();
        if endless { options.send_hwm(0).recv_hwm(0) } else { options }
    };
    let publishers: Vec<SocketId> = (0..play.rng.usize(1..3))
        .map(|_| {
            let options: Options = options(play).xpub_nodrop(play.rng.u8(..4) == 0);
            play.socket(publisher, options)
        })
        .collect();
    let subscribers: Vec<(SocketId, Vec<&str>)> = (0..play.rng.usize(1..4))
        .map(|_| {
            let options = options(play);
            let mut topics = TOPICS.to_vec();
            play.rng.shuffle(&mut topics);
            topics.truncate(play.rng.usize(1..3));
            (play.socket(subscriber, options), topics)
        })
        .collect();
    for (socket, topics) in &subscribers {
        for topic in topics {
            play.w.subscribe(*socket, topic.as_bytes());
        }
    }
    let ids: Vec<SocketId> = subscribers.iter().map(|(socket, _)| *socket).collect();
    play.join(&publishers, &ids);
    play.w.run_for(REST);
    play.storm(|play| {
        for _ in 0..play.rng.usize(..8) {
            let head = TOPICS[play.rng.usize(..TOPICS.len())];
            let (from, message) = (any(play, &publishers), play.message(&format!("{head}-")));
            play.w.send(from, message);
        }
    });
    for (socket, topics) in &subscribers {
        let received = play.w.received(*socket);
        assert!(received.iter().all(|message| matches(topics, message)), "only what was subscribed to");
        if endless && !play.is_troubled {
            let sent = publishers.iter().flat_map(|&publisher| play.w.sent(publisher));
            let wanted = sent.filter(|message| matches(topics, message)).count();
            assert_eq!(received.len(), wanted, "nothing is lost without trouble");
        }
    }
    for &from in &publishers {
        for (to, topics) in &subscribers {
            published_again(play, from, *to, topics[0]);
        }
    }
    play.finish();
}

fn published_again(play: &mut Play, from: SocketId, to: SocketId, topic: &str) {
    let last = play.message(&format!("{topic}-"));
    play.w.send(from, last.clone());
    let arrived = play.w.run_until(PATIENCE, |w| w.received(to).iter().rev().any(|message| *message == last));
    assert!(arrived, "{to:?} hears {from:?} again");
}
