//! REQ and REP (RFC 28).

use super::*;
use SocketType::{Rep, Req, Router};

/// A REQ with two connections, and their pipes.
fn req(options: Options) -> (Engine, [Halves; 2]) {
    let mut req = with(Req, options);
    let pipes = [(); 2].map(|()| dial(&mut req, peer(Rep)));
    (req, pipes)
}

fn reply(body: &str) -> Message {
    parts(&["", body])
}

#[test]
fn a_req_asks_and_listens_in_turn() {
    let (mut req, [first, second]) = req(Options::new());
    assert_eq!(recv(&mut req), Err(RecvError::OutOfTurn));
    send(&mut req, "one").unwrap();
    assert_eq!(send(&mut req, "two"), Err(SendErrorKind::OutOfTurn));
    assert_eq!(recv(&mut req), Err(RecvError::WouldBlock));
    assert_eq!(written(&mut req, &first), ["|one"]);
    arrive(&first, [reply("reply")]);
    assert_eq!(recv(&mut req).unwrap(), "reply");
    assert_eq!(recv(&mut req), Err(RecvError::OutOfTurn));
    send(&mut req, "two").unwrap();
    assert_eq!(written(&mut req, &second), ["|two"], "the next peer in turn");
}

#[test]
fn only_the_peer_that_was_asked_can_reply_and_only_with_a_delimiter() {
    let (mut req, [first, second]) = req(Options::new());
    send(&mut req, "one").unwrap();
    arrive(&second, [reply("not you")]);
    arrive(&first, ["no delimiter".into(), parts(&["not empty", "x"]), reply("yes")]);
    assert_eq!(recv(&mut req).unwrap(), "yes");
}

#[test]
fn what_came_unasked_is_no_reply_to_the_next_request() {
    let (mut req, [first, second]) = req(Options::new());
    send(&mut req, "one").unwrap();
    arrive(&second, [reply("stale")]);
    arrive(&first, [reply("yes"), reply("yes again")]);
    assert_eq!(recv(&mut req).unwrap(), "yes");
    for pipe in [&second, &first] {
        send(&mut req, "next").unwrap();
        assert_eq!(recv(&mut req), Err(RecvError::WouldBlock));
        arrive(pipe, [reply("fresh")]);
        assert_eq!(recv(&mut req).unwrap(), "fresh");
    }
}

#[test]
fn a_req_hears_that_the_peer_went_with_its_request_and_may_ask_again() {
    let (mut req, [first, _]) = req(Options::new());
    send(&mut req, "one").unwrap();
    written(&mut req, &first);
    req.detach(first.pipe);
    assert_eq!(recv(&mut req), Err(RecvError::PeerLost));
    assert_eq!(recv(&mut req), Err(RecvError::OutOfTurn), "once");
    send(&mut req, "two").unwrap();
}

#[test]
fn a_lost_request_stays_lost_when_another_peer_comes_before_anybody_asks() {
    let (mut req, [first, second]) = req(Options::new());
    // A reply that was read before must not be taken for one that waits.
    send(&mut req, "zero").unwrap();
    arrive(&first, [reply("0")]);
    recv(&mut req).unwrap();
    send(&mut req, "one").unwrap();
    written(&mut req, &second);
    req.detach(second.pipe);
    req.attach(second.pipe, HERE, peer(Rep)).unwrap();
    assert_eq!(recv(&mut req), Err(RecvError::PeerLost));
}

#[test]
fn a_request_that_never_left_goes_to_the_next_peer() {
    let (mut req, [first, _]) = req(Options::new());
    send(&mut req, "one").unwrap();
    req.detach(first.pipe);
    assert_eq!(recv(&mut req), Err(RecvError::WouldBlock));
    req.attach(first.pipe, HERE, peer(Rep)).unwrap();
    assert_eq!(written(&mut req, &first), ["|one"]);
    arrive(&first, [reply("yes")]);
    assert_eq!(recv(&mut req).unwrap(), "yes");
}

#[test]
fn an_immediate_req_keeps_a_request_that_never_left_as_well() {
    let (mut req, [first, _]) = req(Options::new().immediate(true));
    send(&mut req, "one").unwrap();
    req.detach(first.pipe);
    assert_eq!(send(&mut req, "two"), Err(SendErrorKind::OutOfTurn));
    req.attach(first.pipe, HERE, peer(Rep)).unwrap();
    assert_eq!(written(&mut req, &first), ["|one"]);
    arrive(&first, [reply("yes")]);
    assert_eq!(recv(&mut req).unwrap(), "yes");
}

#[test]
fn a_reply_that_came_before_the_loss_is_received() {
    for accepted in [false, true] {
        let mut req = socket(Req);
        let pipe = if accepted { accept(&mut req, peer(Rep)) } else { dial(&mut req, peer(Rep)) };
        send(&mut req, "one").unwrap();
        written(&mut req, &pipe);
        arrive(&pipe, [reply("just in time")]);
        req.detach(pipe.pipe);
        assert_eq!(recv(&mut req).unwrap(), "just in time");
    }
}

#[test]
fn an_endpoint_that_is_given_up_loses_its_request() {
    let (mut req, [first, _]) = req(Options::new());
    send(&mut req, "one").unwrap();
    req.close_pipe(first.pipe, true);
    assert_eq!(recv(&mut req), Err(RecvError::PeerLost));
}

#[test]
fn a_relaxed_req_gives_the_old_request_up_wherever_it_stands() {
    let mut req = with(Req, Options::new().req_relaxed(true));
    let pipe = dial(&mut req, peer(Rep));
    send(&mut req, "old").unwrap();
    let mut batch = Batch::new();
    assert_eq!(take(&mut req, &pipe, &mut batch), Some(Take::Batch));
    send(&mut req, "new").unwrap();
    assert_eq!(kicked(&mut req, &pipe), Some(DisconnectReason::RequestAbandoned));
    arrive(&pipe, [reply("to the old one")]);
    pipe.outbox.restore(&mut batch);
    req.detach(pipe.pipe);
    req.attach(pipe.pipe, HERE, peer(Rep)).unwrap();
    assert_eq!(written(&mut req, &pipe), ["|new"]);
    assert_eq!(recv(&mut req), Err(RecvError::WouldBlock));
    arrive(&pipe, [reply("to the new one")]);
    assert_eq!(recv(&mut req).unwrap(), "to the new one");
}

#[test]
fn a_relaxed_req_that_correlates_keeps_its_connection_and_tells_replies_apart() {
    let mut req = with(Req, Options::new().req_relaxed(true).req_correlate(true));
    let pipe = dial(&mut req, peer(Rep));
    send(&mut req, "old").unwrap();
    send(&mut req, "new").unwrap();
    let asked = written(&mut req, &pipe);
    assert_eq!(asked, [r"\x00\x00\x00\x01||old", r"\x00\x00\x00\x02||new"]);
    let answer = |number: u8, body: &str| Message::from_iter([&[0, 0, 0, number], &b""[..], body.as_bytes()]);
    arrive(&pipe, [answer(1, "late"), answer(2, "right")]);
    assert_eq!(recv(&mut req).unwrap(), "right");
}

#[test]
fn a_rep_replies_with_the_envelope_to_where_the_request_came_from() {
    let mut rep = socket(Rep);
    let pipes = [(); 2].map(|()| accept(&mut rep, peer(Router)));
    assert_eq!(send(&mut rep, "x"), Err(SendErrorKind::OutOfTurn));
    arrive(&pipes[1], [parts(&["hop", "far", "", "question", ""])]);
    assert_eq!(recv(&mut rep).unwrap(), "question|");
    assert_eq!(recv(&mut rep), Err(RecvError::OutOfTurn));
    send(&mut rep, parts(&["answer", ""])).unwrap();
    assert_eq!(send(&mut rep, "x"), Err(SendErrorKind::OutOfTurn));
    assert_eq!((unsent(&rep, &pipes[0]), written(&mut rep, &pipes[1])), (0, vec!["hop|far||answer|".into()]));
}

#[test]
fn a_rep_ignores_what_has_no_delimiter_or_nothing_behind_it() {
    let mut rep = socket(Rep);
    let pipe = accept(&mut rep, peer(Req));
    arrive(&pipe, ["x".into(), parts(&["a", "b"]), parts(&["a", ""]), "".into(), parts(&["", "ok"])]);
    assert_eq!(recv(&mut rep).unwrap(), "ok");
}

#[test]
fn with_two_requests_queued_and_one_client_lost_no_reply_goes_to_the_other() {
    let mut rep = socket(Rep);
    let (lost, stays) = (accept(&mut rep, peer(Req)), accept(&mut rep, peer(Req)));
    arrive(&lost, [reply("from the lost one")]);
    arrive(&stays, [reply("from the other")]);
    assert_eq!(recv(&mut rep).unwrap(), "from the lost one");
    rep.detach(lost.pipe);
    // Its place in the slab is taken by a newcomer.
    let newcomer = accept(&mut rep, peer(Req));
    send(&mut rep, "to the lost one").unwrap();
    assert_eq!((unsent(&rep, &stays), unsent(&rep, &newcomer)), (0, 0));
    assert_eq!(recv(&mut rep).unwrap(), "from the other");
    send(&mut rep, "to the other").unwrap();
    assert_eq!((written(&mut rep, &stays), unsent(&rep, &newcomer)), (vec!["|to the other".into()], 0));
}

#[test]
fn the_next_peer_of_a_dialed_rep_gets_no_reply_to_what_the_last_one_asked() {
    let mut rep = socket(Rep);
    let pipe = dial(&mut rep, peer(Req));
    arrive(&pipe, [reply("one"), reply("two"), reply("three")]);
    recv(&mut rep).unwrap();
    send(&mut rep, "reply to one, unsent").unwrap();
    assert_eq!(recv(&mut rep).unwrap(), "two");
    rep.detach(pipe.pipe);
    rep.attach(pipe.pipe, HERE, peer(Req)).unwrap();
    send(&mut rep, "reply to two").unwrap();
    assert_eq!(recv(&mut rep), Err(RecvError::WouldBlock), "three cannot be answered any more");
    assert_eq!(written(&mut rep, &pipe), Vec::<String>::new());
}

#[test]
fn a_client_that_does_not_read_its_replies_loses_them_and_blocks_nobody() {
    let mut rep = with(Rep, Options::new().send_hwm(1));
    let (slow, other) = (accept(&mut rep, peer(Req)), accept(&mut rep, peer(Req)));
    arrive(&slow, (0..3).map(|_| reply("again")));
    arrive(&other, [reply("me too")]);
    for _ in 0..4 {
        recv(&mut rep).unwrap();
        send(&mut rep, "reply").unwrap();
    }
    assert_eq!((unsent(&rep, &slow), written(&mut rep, &other)), (1, vec!["|reply".into()]));
}

#[test]
fn req_and_rep_joined_in_process_talk_and_the_req_hears_of_the_loss() {
    let (mut req, mut rep) = (socket(Req), socket(Rep));
    let (ours, theirs) = join(&mut req, &mut rep);
    send(&mut req, "ping").unwrap();
    assert_eq!(recv(&mut rep).unwrap(), "ping");
    send(&mut rep, "pong").unwrap();
    assert_eq!(recv(&mut req).unwrap(), "pong");
    send(&mut req, "ping").unwrap();
    rep.detach(theirs.pipe);
    req.detach(ours.pipe);
    assert_eq!(recv(&mut rep).unwrap(), "ping", "what the gone peer sent can still be read");
    send(&mut rep, "pong to nobody").unwrap();
    assert_eq!(recv(&mut req), Err(RecvError::PeerLost));
}
