//! PUSH, PULL, DEALER and PAIR: in turn, fairly, and to the mark.

use super::*;
use SocketType::{Dealer, Pair, Pull, Push};

#[test]
fn a_push_deals_strictly_in_turn_and_skips_full_pipes() {
    let mut push = with(Push, Options::new().send_hwm(2));
    let pipes: Vec<Halves> = (0..3).map(|_| accept(&mut push, peer(Pull))).collect();
    for n in 0..3 {
        send(&mut push, n.to_string().as_str()).unwrap();
    }
    let first = [&pipes[0], &pipes[1], &pipes[2]].map(|pipe| written(&mut push, pipe));
    assert_eq!(first, [["0"], ["1"], ["2"]]);
    for n in 3..6 {
        send(&mut push, n.to_string().as_str()).unwrap();
    }
    assert_eq!(written(&mut push, &pipes[0]), ["3"]);
    for n in 6..10 {
        send(&mut push, n.to_string().as_str()).unwrap();
    }
    assert_eq!(send(&mut push, "more"), Err(SendErrorKind::WouldBlock), "every pipe is at its mark");
    assert_eq!(written(&mut push, &pipes[0]), ["6", "9"]);
    assert_eq!(written(&mut push, &pipes[1]), ["4", "7"]);
    assert_eq!(written(&mut push, &pipes[2]), ["5", "8"]);
    send(&mut push, "again").unwrap();
}

#[test]
fn a_message_that_would_block_is_left_as_it_was() {
    let mut push = socket(Push);
    let mut message = parts(&["a", "b"]);
    assert_eq!(push.try_send(&mut message), Err(SendErrorKind::WouldBlock));
    assert_eq!(message, parts(&["a", "b"]));
}

#[test]
fn a_pull_takes_one_message_from_each_peer_in_turn() {
    let mut pull = socket(Pull);
    for name in ["a", "b", "c"] {
        let pipe = accept(&mut pull, peer(Push));
        arrive(&pipe, (0..3).map(|n| Message::from(format!("{name}{n}"))));
    }
    assert_eq!(drain(&mut pull), ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]);
    assert_eq!(recv(&mut pull), Err(RecvError::WouldBlock));
}

#[test]
fn who_only_sends_does_not_receive_and_the_reverse() {
    assert_eq!(recv(&mut socket(Push)), Err(RecvError::Unsupported(Push)));
    assert_eq!(send(&mut socket(Pull), "a"), Err(SendErrorKind::Unsupported(Pull)));
}

#[test]
fn in_process_a_pipe_holds_exactly_both_marks() {
    for (ours, theirs) in [(1, 1), (3, 5), (1000, 1)] {
        let mut push = with(Push, Options::new().send_hwm(ours));
        let mut pull = with(Pull, Options::new().recv_hwm(theirs));
        join(&mut push, &mut pull);
        let sent = (0..5000).take_while(|_| send(&mut push, "x").is_ok()).count();
        assert_eq!(sent, ours + theirs);
        assert_eq!(drain(&mut pull).len(), sent);
        assert_eq!(send(&mut push, "x"), Ok(()), "there is room again");
        assert_eq!(recv(&mut pull).unwrap(), "x", "as soon as it is sent");
    }
}

#[test]
fn in_process_without_a_mark_on_either_side_there_is_no_limit() {
    let mut push = with(Push, Options::new().send_hwm(0));
    let mut pull = with(Pull, Options::new().recv_hwm(1));
    join(&mut push, &mut pull);
    assert!((0..5000).all(|_| send(&mut push, "x").is_ok()));
}

#[test]
fn messages_wait_in_a_dialed_pipe_before_there_is_a_peer_and_through_losses() {
    let mut push = socket(Push);
    let pipe = push.dial().unwrap();
    send(&mut push, "early").unwrap();
    push.attach(pipe.pipe, HERE, peer(Pull)).unwrap();
    assert_eq!(written(&mut push, &pipe), ["early"]);
    push.detach(pipe.pipe);
    send(&mut push, "between").unwrap();
    push.attach(pipe.pipe, HERE, peer(Pull)).unwrap();
    assert_eq!(written(&mut push, &pipe), ["between"]);
}

#[test]
fn an_immediate_push_sends_only_to_peers_that_are_there() {
    let mut push = with(Push, Options::new().immediate(true));
    let pipe = push.dial().unwrap();
    assert_eq!(send(&mut push, "a"), Err(SendErrorKind::WouldBlock));
    push.attach(pipe.pipe, HERE, peer(Pull)).unwrap();
    send(&mut push, "b").unwrap();
    push.detach(pipe.pipe);
    assert_eq!(send(&mut push, "c"), Err(SendErrorKind::WouldBlock));
    push.attach(pipe.pipe, HERE, peer(Pull)).unwrap();
    assert_eq!(written(&mut push, &pipe), ["b"], "what it took before the loss still goes");
}

#[test]
fn an_immediate_push_in_process_waits_for_its_peer_too() {
    let mut push = with(Push, Options::new().immediate(true));
    let pipe = push.dial().unwrap();
    push.direct(pipe.pipe, Arc::new(Inbox::new(10, false)));
    assert_eq!(send(&mut push, "a"), Err(SendErrorKind::WouldBlock));
    let mut pull = socket(Pull);
    join_again(&mut push, &mut pull, &pipe);
    send(&mut push, "b").unwrap();
    assert_eq!(drain(&mut pull), ["b"]);
}

#[test]
fn the_queue_of_an_accepted_peer_goes_with_it_and_what_it_sent_stays() {
    let mut dealer = socket(Dealer);
    let pipe = accept(&mut dealer, peer(SocketType::Router));
    send(&mut dealer, "lost").unwrap();
    arrive(&pipe, ["read me".into()]);
    dealer.detach(pipe.pipe);
    assert_eq!(pipe.outbox.discarded(), 1);
    assert_eq!(dealer.pipes().iter().count(), 1);
    assert_eq!(drain(&mut dealer), ["read me"]);
    assert_eq!(dealer.pipes().iter().count(), 0, "and the pipe is gone once all is read");
}

#[test]
fn a_conflating_pull_keeps_the_newest_of_each_peer() {
    let mut pull = with(Pull, Options::new().conflate(true));
    let pipe = accept(&mut pull, peer(Push));
    arrive(&pipe, ["a".into(), "b".into()]);
    arrive(&pipe, ["c".into()]);
    assert_eq!(drain(&mut pull), ["c"]);
}

#[test]
fn conflate_means_nothing_to_sockets_that_carry_envelopes_or_subscriptions() {
    let options = || Options::new().conflate(true);
    let mut xpub = with(SocketType::XPub, options());
    arrive(&accept(&mut xpub, peer(SocketType::Sub)), [b"\x01a".into(), b"\x01b".into()]);
    assert_eq!(xpub.subscriptions(), 2);
    let mut publisher = with(SocketType::Pub, options());
    arrive(&accept(&mut publisher, peer(SocketType::Sub)), [b"\x01a".into(), b"\x01b".into()]);
    assert_eq!(publisher.subscriptions(), 2);
    let mut subscriber = with(SocketType::XSub, options());
    let pipe = dial(&mut subscriber, peer(SocketType::XPub));
    subscriber.subscribe(b"a").unwrap();
    send(&mut subscriber, "upstream").unwrap();
    assert_eq!(written(&mut subscriber, &pipe), ["+a", "upstream"]);
}

#[test]
fn a_pair_talks_to_one_peer_and_refuses_the_next_until_it_goes() {
    let mut pair = socket(Pair);
    assert_eq!(send(&mut pair, "a"), Err(SendErrorKind::WouldBlock));
    let first = accept(&mut pair, peer(Pair));
    let second = pair.accept().unwrap();
    assert_eq!(pair.attach(second.pipe, HERE, peer(Pair)), Err(DisconnectReason::PairTaken));
    assert_eq!(pair.peer_count(), 1);
    send(&mut pair, "a").unwrap();
    assert_eq!((written(&mut pair, &first), unsent(&pair, &second)), (vec!["a".into()], 0));
    pair.detach(first.pipe);
    let third = accept(&mut pair, peer(Pair));
    send(&mut pair, "b").unwrap();
    assert_eq!(written(&mut pair, &third), ["b"]);
    assert_eq!(pair.pipes().iter().count(), 1, "refused and lost pipes are gone");
}

#[test]
fn nothing_of_a_refused_peer_is_received() {
    let mut pair = socket(Pair);
    accept(&mut pair, peer(Pair));
    let other = pair.dial().unwrap();
    assert_eq!(pair.attach(other.pipe, HERE, peer(Pair)), Err(DisconnectReason::PairTaken));
    arrive(&other, ["let me in".into()]);
    assert_eq!(drain(&mut pair), Vec::<String>::new());
}

#[test]
fn a_pair_joined_in_process_talks_both_ways() {
    let (mut near, mut far) = (socket(Pair), socket(Pair));
    join(&mut near, &mut far);
    send(&mut near, parts(&["a", ""])).unwrap();
    send(&mut far, "b").unwrap();
    assert_eq!((drain(&mut far), drain(&mut near)), (vec!["a|".into()], vec!["b".into()]));
}
