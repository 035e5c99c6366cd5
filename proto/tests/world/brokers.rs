//! Clients and servers with a ROUTER and a DEALER between them.

use bowline_proto::SocketType;
use bowline_proto::sim::SocketId;

use super::play::Play;
use super::requests::{ask, asks_again, every_request_ends, replies_match};

/// Without trouble every request has its reply. With it a client is not told when a request is lost behind the broker:
/// it asks again, and gets the reply to what it asked last.
pub(crate) fn broker(play: &mut Play) {
    let is_strict = play.risk == 0 && play.rng.bool();
    // As everywhere, late replies may fill the room of a client until it asks again.
    play.is_troubled = !is_strict;
    let correlate = play.rng.bool();
    let clients: Vec<SocketId> = (0..play.rng.usize(1..4))
        .map(|_| {
            let options = play.options().req_relaxed(!is_strict).req_correlate(correlate);
            play.socket(SocketType::Req, options)
        })
        .collect();
    // A REP drops a reply that its client has no room for: the broker, which asks for many.
    let servers: Vec<SocketId> = (0..play.rng.usize(1..4))
        .map(|_| {
            let options = play.options();
            let options = if is_strict { options.send_hwm(1000) } else { options };
            play.socket(SocketType::Rep, options)
        })
        .collect();
    for &server in &servers {
        play.w.serve(server, |request| request);
    }
    let [front, back] = [SocketType::Router, SocketType::Dealer].map(|socket_type| {
        let options = play.options();
        play.socket(socket_type, options)
    });
    play.w.relay(front, back);
    play.join(&clients, &[front]);
    play.join(&[back], &servers);
    play.storm(|play| {
        ask(play, &clients);
        play.breathe();
    });
    if is_strict {
        every_request_ends(play, &clients);
    }
    for &client in &clients {
        // A ROUTER knows who answers at its endpoint by one name, also after a connection was given up. So what comes
        // late finds its way, and only the number of the request tells that it is too late; but a client that begins
        // again counts from the start.
        let is_numbered = correlate && play.w.restarts(client) == 0;
        let can_tell = is_strict || is_numbered || play.w.endpoints(front) == 0;
        if !is_strict {
            asks_again(play, client, can_tell);
        }
        if can_tell {
            replies_match(play, client);
        } else {
            let mut replies = play.w.received(client).iter().zip(play.w.sent_before(client));
            let is_own = replies.all(|(reply, &sent)| play.w.sent(client)[..sent].contains(reply));
            assert!(is_own, "{client:?} receives only replies to what it asked");
        }
    }
    play.finish();
    play.all_is_accounted_for(back);
    play.all_is_received(front);
    play.all_is_received(back);
    play.all_is_passed_on(front);
}
