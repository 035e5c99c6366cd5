//! PUB and SUB, also as XPUB and XSUB, and with forwarders between them.

use bowline_proto::sim::SocketId;
use bowline_proto::{Message, Options, SocketType};

use super::play::{PATIENCE, Play, REST};

/// No two are of one length: subscriptions of one length come in any order, and equal seeds are to make equal worlds.
const TOPICS: [&str; 5] = ["", "a", "ab", "bcd", "abcd"];

/// A subscriber, and what it subscribed to.
type Subscriber = (SocketId, Vec<&'static str>);

fn matches(topics: &[&str], message: &Message) -> bool {
    topics.iter().any(|topic| message.parts()[0].starts_with(topic.as_bytes()))
}

/// Whether marks are endless in this world, so that nothing is dropped for want of room.
struct Marks(bool);

impl Marks {
    fn options(&self, play: &mut Play) -> Options {
        let options = play.options();
        if self.0 { options.send_hwm(0).recv_hwm(0) } else { options }
    }

    fn publishers(&self, play: &mut Play, socket_type: SocketType) -> Vec<SocketId> {
        (0..play.rng.usize(1..3))
            .map(|_| {
                let options = self.options(play).xpub_nodrop(play.rng.u8(..4) == 0);
                play.socket(socket_type, options)
            })
            .collect()
    }

    fn subscribers(&self, play: &mut Play, socket_type: SocketType) -> Vec<Subscriber> {
        (0..play.rng.usize(1..4))
            .map(|_| {
                let options = self.options(play);
                let mut topics = TOPICS.to_vec();
                play.rng.shuffle(&mut topics);
                topics.truncate(play.rng.usize(1..3));
                let socket = play.socket(socket_type, options);
                for topic in &topics {
                    play.w.subscribe(socket, topic.as_bytes());
                }
                (socket, topics)
            })
            .collect()
    }
}

fn ids(subscribers: &[Subscriber]) -> Vec<SocketId> {
    subscribers.iter().map(|(socket, _)| *socket).collect()
}

/// Publishes to whom it may concern, and checks what came of it: nothing but what was subscribed to, and all of that if
/// there was room and no trouble. Afterwards all who publish know all subscriptions, and no others.
fn publish(play: &mut Play, marks: &Marks, publishers: &[SocketId], between: &[SocketId], subscribers: &[Subscriber]) {
    play.w.run_for(REST);
    play.storm(|play| {
        for _ in 0..play.rng.usize(..8) {
            let head = TOPICS[play.rng.usize(..TOPICS.len())];
            let (from, message) = (play.any(publishers), play.message(&format!("{head}-")));
            play.w.send(from, message);
        }
    });
    for (socket, topics) in subscribers {
        let received = play.w.received(*socket);
        assert!(received.iter().all(|message| matches(topics, message)), "only what was subscribed to");
        if play.is_troubled {
            continue;
        }
        for &publisher in publishers {
            let sent = || play.w.sent(publisher).iter().filter(|message| matches(topics, message));
            let heard: Vec<&Message> = received.iter().filter(|message| sent().any(|sent| sent == *message)).collect();
            let mut order = sent();
            assert!(heard.iter().all(|heard| order.any(|sent| sent == *heard)), "in the order of {publisher:?}");
            assert!(!marks.0 || heard.len() == sent().count(), "nothing is lost without trouble");
        }
    }
    let informed: Vec<SocketId> = publishers.iter().chain(between).copied().collect();
    all_know(play, &informed, subscribers);
    for &from in publishers {
        for (to, topics) in subscribers {
            published_again(play, from, *to, topics[0]);
        }
    }
    // What the last one wanted alone nobody wants any more.
    let (last, others) = subscribers.split_last().expect("somebody subscribes");
    play.w.stop(last.0);
    play.w.run_for(REST);
    all_know(play, &informed, others);
}

/// These have all subscriptions of all subscribers, and no others.
fn all_know(play: &mut Play, publishers: &[SocketId], subscribers: &[Subscriber]) {
    let mut topics: Vec<&str> = subscribers.iter().flat_map(|(_, topics)| topics.iter().copied()).collect();
    topics.sort_unstable();
    topics.dedup();
    for &publisher in publishers {
        assert_eq!(play.w.subscriptions(publisher), topics.len(), "{publisher:?} knows all of {topics:?}, once");
    }
}

fn published_again(play: &mut Play, from: SocketId, to: SocketId, topic: &str) {
    let last = play.message(&format!("{topic}-"));
    play.w.send(from, last.clone());
    let arrived = play.w.run_until(PATIENCE, |w| w.received(to).iter().rev().any(|message| *message == last));
    assert!(arrived, "{to:?} hears {from:?} again");
}

/// Everybody subscribes to every publisher.
pub(crate) fn direct(play: &mut Play, publisher: SocketType, subscriber: SocketType) {
    let marks = Marks(play.rng.bool());
    let publishers = marks.publishers(play, publisher);
    let subscribers = marks.subscribers(play, subscriber);
    play.join(&publishers, &ids(&subscribers));
    publish(play, &marks, &publishers, &[], &subscribers);
    play.finish();
}

/// One forwarder or two, one after the other: messages go one way, subscriptions the other.
pub(crate) fn forwarders(play: &mut Play) {
    let marks = Marks(play.rng.bool());
    let publishers = marks.publishers(play, SocketType::Pub);
    let mut before = publishers.clone();
    let mut between = Vec::new();
    for _ in 0..play.rng.usize(1..3) {
        let [takes, gives] = [SocketType::XSub, SocketType::XPub].map(|socket_type| {
            let options = marks.options(play);
            play.socket(socket_type, options)
        });
        play.w.relay(takes, gives);
        play.join(&before, &[takes]);
        before = vec![gives];
        between.push(gives);
    }
    let subscribers = marks.subscribers(play, SocketType::Sub);
    play.join(&before, &ids(&subscribers));
    publish(play, &marks, &publishers, &between, &subscribers);
    play.finish();
    for gives in between {
        play.all_is_passed_on(gives);
    }
}
