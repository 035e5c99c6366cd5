//! PUB, SUB, XPUB and XSUB (RFC 29).

use super::*;
use crate::limits::PeerLimits;
use SocketType::{Pub, Sub, XPub, XSub};

fn plus(topic: &str) -> Message {
    [b"\x01", topic.as_bytes()].concat().into()
}

fn minus(topic: &str) -> Message {
    [b"\x00", topic.as_bytes()].concat().into()
}

#[test]
fn each_subscriber_gets_what_begins_with_one_of_its_topics_once() {
    let mut publisher = socket(Pub);
    let [none, some, all] = [(); 3].map(|()| accept(&mut publisher, peer(Sub)));
    arrive(&some, [plus("a"), plus("ab"), plus("b")]);
    arrive(&all, [plus("")]);
    for body in ["abc", "b", "c"] {
        send(&mut publisher, body).unwrap();
    }
    assert_eq!(written(&mut publisher, &none), Vec::<String>::new());
    assert_eq!(written(&mut publisher, &some), ["abc", "b"]);
    assert_eq!(written(&mut publisher, &all), ["abc", "b", "c"]);
}

#[test]
fn a_topic_is_matched_with_the_first_part_only() {
    let mut publisher = socket(Pub);
    let pipe = accept(&mut publisher, peer(Sub));
    arrive(&pipe, [plus("b")]);
    send(&mut publisher, parts(&["a", "b"])).unwrap();
    send(&mut publisher, parts(&["b", "a"])).unwrap();
    assert_eq!(written(&mut publisher, &pipe), ["b|a"]);
}

#[test]
fn a_subscription_repeated_by_one_peer_counts_once() {
    let mut publisher = socket(Pub);
    let pipe = accept(&mut publisher, peer(Sub));
    arrive(&pipe, [plus("a"), plus("a"), minus("a"), minus("never")]);
    send(&mut publisher, "a").unwrap();
    assert_eq!((publisher.subscriptions(), written(&mut publisher, &pipe).len()), (0, 0));
}

#[test]
fn a_full_subscriber_loses_messages_and_delays_nobody() {
    let mut publisher = with(Pub, Options::new().send_hwm(2));
    let [slow, quick] = [(); 2].map(|()| accept(&mut publisher, peer(Sub)));
    arrive(&slow, [plus("")]);
    arrive(&quick, [plus("")]);
    let mut got = Vec::new();
    for n in 0..4 {
        send(&mut publisher, n.to_string().as_str()).unwrap();
        got.extend(written(&mut publisher, &quick));
    }
    assert_eq!(
        (got, written(&mut publisher, &slow)),
        (["0", "1", "2", "3"].map(String::from).into(), vec!["0".into(), "1".into()])
    );
}

#[test]
fn with_nodrop_a_publisher_waits_for_every_subscriber_until_it_goes() {
    let mut publisher = with(XPub, Options::new().send_hwm(1).xpub_nodrop(true));
    let [slow, quick] = [(); 2].map(|()| accept(&mut publisher, peer(Sub)));
    arrive(&slow, [plus("")]);
    arrive(&quick, [plus("")]);
    send(&mut publisher, "0").unwrap();
    written(&mut publisher, &quick);
    assert_eq!(send(&mut publisher, "1"), Err(SendErrorKind::WouldBlock));
    assert_eq!(unsent(&publisher, &quick), 0, "all or none");
    publisher.detach(slow.pipe);
    send(&mut publisher, "1").unwrap();
    assert_eq!(written(&mut publisher, &quick), ["1"]);
}

#[test]
fn a_lost_subscriber_is_forgotten_with_what_waited_for_it() {
    let mut publisher = socket(Pub);
    let pipe = dial(&mut publisher, peer(Sub));
    arrive(&pipe, [plus("a")]);
    send(&mut publisher, "a1").unwrap();
    publisher.detach(pipe.pipe);
    publisher.attach(pipe.pipe, HERE, peer(Sub)).unwrap();
    send(&mut publisher, "a2").unwrap();
    assert_eq!((publisher.subscriptions(), written(&mut publisher, &pipe).len()), (0, 0));
}

#[test]
fn an_xpub_hears_the_first_and_the_last_of_each_topic() {
    let mut xpub = socket(XPub);
    let [first, second] = [(); 2].map(|()| accept(&mut xpub, peer(Sub)));
    arrive(&first, [plus("a"), plus("a")]);
    arrive(&second, [plus("a"), plus("b"), minus("a")]);
    assert_eq!(drain(&mut xpub), [r"\x01a", r"\x01b"]);
    xpub.detach(second.pipe);
    assert_eq!(drain(&mut xpub), [r"\x00b"]);
    xpub.detach(first.pipe);
    assert_eq!(drain(&mut xpub), [r"\x00a"]);
}

#[test]
fn a_verbose_xpub_hears_every_subscription_and_any_xpub_what_is_none() {
    let mut xpub = with(XPub, Options::new().xpub_verbose(true));
    let pipe = accept(&mut xpub, peer(XSub));
    arrive(&pipe, [plus("a"), plus("a"), "upstream".into(), parts(&["\u{1}a", "b"])]);
    assert_eq!(drain(&mut xpub), [r"\x01a", r"\x01a", "upstream", r"\x01a|b"]);
    assert_eq!(xpub.subscriptions(), 1);
}

#[test]
fn subscriptions_that_an_xpub_had_no_room_for_go_with_their_peer() {
    let mut xpub = with(XPub, Options::new().recv_hwm(1).xpub_nodrop(true));
    let busy = accept(&mut xpub, peer(Sub));
    arrive(&busy, [plus("x")]);
    assert_eq!(xpub.subscriptions(), 1, "and its application has not read of it");
    let [dialed, accepted] = [dial(&mut xpub, peer(Sub)), accept(&mut xpub, peer(Sub))];
    arrive(&dialed, [plus("a")]);
    arrive(&accepted, [plus("b")]);
    xpub.process();
    xpub.detach(dialed.pipe);
    xpub.detach(accepted.pipe);
    xpub.attach(dialed.pipe, HERE, peer(Sub)).unwrap();
    assert_eq!(drain(&mut xpub), [r"\x01x"]);
    assert_eq!(xpub.subscriptions(), 1);
    for topic in ["a", "b"] {
        assert_eq!(send(&mut xpub, topic), Ok(()), "nobody gone is waited for");
    }
    assert_eq!(xpub.pipes().iter().count(), 2);
}

#[test]
fn an_xpub_that_is_short_of_room_reads_its_peers_in_turn() {
    let mut xpub = with(XPub, Options::new().recv_hwm(1));
    let [first, second] = [(); 2].map(|()| accept(&mut xpub, peer(Sub)));
    for (pipe, topics) in [(&first, ["a", "b", "c"]), (&second, ["x", "y", "z"])] {
        pipe.inbox.configure(0, false, &mut Wakes::new());
        arrive(pipe, topics.map(plus));
    }
    assert_eq!(drain(&mut xpub), ["a", "b", "x", "c", "y", "z"].map(|topic| format!(r"\x01{topic}")));
}

#[test]
fn the_subscriptions_of_a_closed_pipe_do_not_come_back() {
    let mut publisher = with(Pub, Options::new().xpub_nodrop(true));
    let pipe = dial(&mut publisher, peer(Sub));
    arrive(&pipe, [plus("a")]);
    publisher.close_pipe(pipe.pipe, true);
    assert_eq!(publisher.subscriptions(), 0);
    assert_eq!(send(&mut publisher, "a"), Ok(()));
}

#[test]
fn a_sub_subscribes_at_every_peer_and_again_at_each_that_comes() {
    let mut sub = socket(Sub);
    sub.subscribe(b"a").unwrap();
    let first = dial(&mut sub, peer(Pub));
    assert_eq!(written(&mut sub, &first), ["+a"]);
    sub.subscribe(b"b").unwrap();
    assert_eq!(written(&mut sub, &first), ["+b"]);
    sub.subscribe(b"c").unwrap();
    sub.detach(first.pipe);
    sub.unsubscribe(b"a").unwrap();
    sub.attach(first.pipe, HERE, peer(Pub)).unwrap();
    let mut again = written(&mut sub, &first);
    again.sort();
    assert_eq!(again, ["+b", "+c"], "as it is now, nothing twice");
}

#[test]
fn subscriptions_are_counted_and_only_the_first_and_the_last_are_told() {
    let mut sub = socket(Sub);
    let pipe = dial(&mut sub, peer(Pub));
    for _ in 0..3 {
        sub.subscribe(b"a").unwrap();
    }
    for _ in 0..3 {
        sub.unsubscribe(b"a").unwrap();
    }
    sub.unsubscribe(b"a").unwrap();
    assert_eq!(written(&mut sub, &pipe), ["+a", "-a"]);
}

#[test]
fn a_sub_does_not_hand_on_what_was_under_way_when_it_unsubscribed() {
    let mut sub = socket(Sub);
    let pipe = dial(&mut sub, peer(Pub));
    sub.subscribe(b"a").unwrap();
    sub.subscribe(b"b").unwrap();
    arrive(&pipe, ["a1".into(), "b1".into(), "a2".into()]);
    sub.unsubscribe(b"a").unwrap();
    assert_eq!(drain(&mut sub), ["b1"]);
    assert_eq!(send(&mut sub, "x"), Err(SendErrorKind::Unsupported(Sub)));
}

#[test]
fn an_xsub_subscribes_by_messages_and_sends_others_upstream_to_all() {
    let mut xsub = socket(XSub);
    let [first, second] = [(); 2].map(|()| dial(&mut xsub, peer(XPub)));
    send(&mut xsub, plus("a")).unwrap();
    send(&mut xsub, "upstream").unwrap();
    send(&mut xsub, minus("a")).unwrap();
    for pipe in [&first, &second] {
        assert_eq!(written(&mut xsub, pipe), ["+a", "upstream", "-a"]);
    }
    arrive(&first, ["anything".into()]);
    assert_eq!(drain(&mut xsub), ["anything"], "the application filters");
}

#[test]
fn publisher_and_subscriber_joined_in_process_talk_and_what_was_sent_can_be_read_after_the_end() {
    let (mut sub, mut publisher) = (socket(Sub), socket(Pub));
    sub.subscribe(b"a").unwrap();
    let (ours, theirs) = join(&mut sub, &mut publisher);
    assert_eq!(publisher.subscriptions(), 1);
    send(&mut publisher, "a1").unwrap();
    send(&mut publisher, "b1").unwrap();
    publisher.detach(theirs.pipe);
    sub.detach(ours.pipe);
    assert_eq!(drain(&mut sub), ["a1"]);
}

#[test]
fn others_do_not_subscribe() {
    let error = crate::SubscribeError::Unsupported(SocketType::Pull);
    assert_eq!(socket(SocketType::Pull).subscribe(b"a"), Err(error));
}

/// A publisher with these limits and a subscriber to these topics, and why the subscriber is to go.
fn limited(
    limits: PeerLimits,
    topics: impl IntoIterator<Item = Message>,
) -> (Engine, Halves, Option<DisconnectReason>) {
    let mut publisher = with(Pub, Options::new().limits(limits));
    let pipe = accept(&mut publisher, peer(Sub));
    arrive(&pipe, topics);
    publisher.process();
    let reason = kicked(&mut publisher, &pipe);
    (publisher, pipe, reason)
}

#[test]
fn a_peer_with_too_many_subscriptions_goes_and_those_of_others_stay() {
    let limits = PeerLimits::new().max_subscriptions(Some(2));
    let (mut publisher, pipe, reason) = limited(limits, ["a", "b", "a", "b"].map(plus));
    assert_eq!(reason, None, "what is repeated counts once");
    let other = accept(&mut publisher, peer(Sub));
    arrive(&other, [plus("c")]);
    arrive(&pipe, [minus("a"), plus("d")]);
    publisher.process();
    assert_eq!(kicked(&mut publisher, &pipe), None, "what is taken back no longer counts");
    arrive(&pipe, [plus("c"), plus("e")]);
    publisher.process();
    assert_eq!(kicked(&mut publisher, &pipe), Some(DisconnectReason::TooManySubscriptions { limit: 2 }));
    arrive(&pipe, [plus("f")]);
    assert_eq!(publisher.subscriptions(), 3, "nothing more is heard of it");
    publisher.detach(pipe.pipe);
    assert_eq!(publisher.subscriptions(), 1);
    send(&mut publisher, "c").unwrap();
    assert_eq!(written(&mut publisher, &other), ["c"]);
}

#[test]
fn a_peer_with_too_long_subscriptions_goes() {
    let limits = PeerLimits::new().max_subscription_bytes(Some(10));
    let (mut publisher, pipe, reason) = limited(limits, ["12345", "1234567", "abcde"].map(plus));
    assert_eq!(reason, Some(DisconnectReason::SubscriptionsTooLong { limit: 10 }));
    publisher.detach(pipe.pipe);
    assert_eq!(publisher.subscriptions(), 0);
    let (_, _, reason) = limited(limits, [plus("12345"), minus("12345"), plus("0123456789")]);
    assert_eq!(reason, None);
}

#[test]
fn an_endpoint_whose_peer_had_too_many_subscriptions_hears_the_next_one() {
    let mut publisher = with(Pub, Options::new().limits(PeerLimits::new().max_subscriptions(Some(1))));
    let pipe = dial(&mut publisher, peer(Sub));
    arrive(&pipe, [plus("a"), plus("b")]);
    publisher.process();
    assert_eq!(kicked(&mut publisher, &pipe), Some(DisconnectReason::TooManySubscriptions { limit: 1 }));
    publisher.detach(pipe.pipe);
    publisher.attach(pipe.pipe, HERE, peer(Sub)).unwrap();
    arrive(&pipe, [plus("a")]);
    send(&mut publisher, "abc").unwrap();
    assert_eq!(written(&mut publisher, &pipe), ["abc"]);
}
