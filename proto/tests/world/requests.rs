//! REQ and REP.

use bowline_proto::SocketType;
use bowline_proto::sim::{SocketId, World};

use super::checks::body;
use super::play::{PATIENCE, Play, REST};

pub(crate) fn ask(play: &mut Play, clients: &[SocketId]) {
    for _ in 0..play.rng.usize(..3) {
        let (client, message) = (play.any(clients), play.message(""));
        play.w.send(client, message);
    }
}

/// Every reply is to the request that was sent last.
pub(crate) fn replies_match(play: &Play, client: SocketId) {
    for (reply, &sent) in play.w.received(client).iter().zip(play.w.sent_before(client)) {
        assert_eq!(*reply, play.w.sent(client)[sent - 1], "{client:?} receives the reply to its last request");
    }
}

/// Whether the client has heard the end of its last request.
fn is_idle(w: &World, client: SocketId) -> bool {
    let last = w.sent(client).len();
    w.sent_before(client).last() == Some(&last) || w.lost_before(client).last() == Some(&last)
}

/// Each of `clients` asks once more, and hears the end of every request: its reply, or, after trouble, that its peer
/// went away with it. Only a client that was restarted forgets what it asked, and one that did not listen may have asked
/// again without having heard of a loss.
pub(crate) fn every_request_ends(play: &mut Play, clients: &[SocketId]) {
    for &client in clients {
        let last = play.message("");
        play.w.send(client, last);
    }
    let all = |w: &World| clients.iter().all(|&client| w.unsent(client) == 0 && is_idle(w, client));
    assert!(play.w.run_until(PATIENCE, all), "every request comes to its end");
    for &client in clients {
        let (sent, lost) = (play.w.sent(client).len(), play.w.peers_lost(client));
        let over = play.w.received(client).len() + lost;
        let most = over + play.w.restarts(client);
        let is_attentive = !play.inattentive.contains(&client);
        assert!(
            over <= sent && (sent <= most || !is_attentive),
            "{sent} requests, {over} replies and losses, {lost} lost"
        );
        assert!(play.is_troubled || lost == 0, "no request is lost without a cause");
    }
}

/// A client that may ask before it has its reply gets the one to its last request, after a few attempts at the most; or
/// any, where it can't tell one from another.
pub(crate) fn asks_again(play: &mut Play, client: SocketId, can_tell: bool) {
    let arrived = (0..20).any(|_| {
        let last = play.message("");
        let before = play.w.received(client).len();
        play.w.send(client, last.clone());
        // It may meet the end of a connection that was given up for the request before.
        play.w.run_until(PATIENCE / 20, |w| {
            w.received(client).last() == Some(&last) || w.unsent(client) == 0 && is_idle(w, client)
        });
        let received = play.w.received(client);
        received.last() == Some(&last) || !can_tell && received.len() > before
    });
    assert!(arrived, "the last request of {client:?} is replied to");
}

/// Every request comes to its end.
pub(crate) fn strict(play: &mut Play) {
    let (clients, servers) = (play.some(SocketType::Req), play.some(SocketType::Rep));
    for &server in &servers {
        play.w.serve(server, |request| request);
    }
    play.join(&clients, &servers);
    play.storm(|play| ask(play, &clients));
    every_request_ends(play, &clients);
    for &client in &clients {
        replies_match(play, client);
    }
    play.finish();
}

/// Servers that reply twice to everything. A client that numbers its requests is not misled, nor is one that asks when
/// all replies have come; any other takes no reply but from whom it asked last.
pub(crate) fn stuttering(play: &mut Play) {
    let (correlate, is_paced) = (play.rng.bool(), play.rng.bool());
    play.stutters = true;
    let clients: Vec<SocketId> = (0..play.rng.usize(1..4))
        .map(|_| {
            let options = play.options().req_correlate(correlate);
            play.socket(SocketType::Req, options)
        })
        .collect();
    // With room for both replies: a ROUTER drops what finds none. And without heartbeats: a client that does not listen
    // until it asks again may have no room for the second, and then hears no PING.
    let servers: Vec<SocketId> = (0..play.rng.usize(1..4))
        .map(|_| {
            let options = play.options().send_hwm(1000).heartbeat_interval(None);
            play.socket(SocketType::Router, options)
        })
        .collect();
    for &server in &servers {
        play.w.serve(server, |request| request);
        play.w.stutter(server);
    }
    play.join(&clients, &servers);
    play.storm(|play| {
        if is_paced {
            let (client, message) = (play.any(&clients), play.message(""));
            play.w.send(client, message);
            play.w.run_for(REST);
        } else {
            ask(play, &clients);
        }
    });
    every_request_ends(play, &clients);
    for &client in &clients {
        if correlate && play.w.restarts(client) == 0 || is_paced && !play.is_troubled {
            replies_match(play, client);
            continue;
        }
        let server = |sought| {
            servers.iter().find(|&&server| play.w.received(server).iter().any(|message| body(message) == sought))
        };
        for (reply, &sent) in play.w.received(client).iter().zip(play.w.sent_before(client)) {
            let request = &play.w.sent(client)[sent - 1];
            let (from, to) = (server(body(reply)), server(body(request)));
            assert!(to.is_none() || from == to, "{client:?} takes the reply of {from:?}, but asked {to:?}");
        }
    }
    play.finish();
}

/// A request may be given up for a newer one; no reply is ever taken for that to another request.
pub(crate) fn relaxed(play: &mut Play) {
    // Replies that come too late may fill its room until it asks again: so long it hears no PING.
    play.is_troubled = true;
    let correlate = play.rng.bool();
    let clients: Vec<SocketId> = (0..play.rng.usize(1..3))
        .map(|_| {
            let options = play.options().req_relaxed(true).req_correlate(correlate);
            play.socket(SocketType::Req, options)
        })
        .collect();
    let servers = play.some(SocketType::Rep);
    for &server in &servers {
        play.w.serve(server, |request| request);
    }
    play.join(&clients, &servers);
    play.storm(|play| {
        ask(play, &clients);
        play.breathe();
    });
    for &client in &clients {
        asks_again(play, client, true);
        replies_match(play, client);
    }
    play.finish();
}
