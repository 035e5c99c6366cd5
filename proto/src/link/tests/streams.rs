//! Messages of every shape, subscriptions in both dialects, limits.

use proptest::prelude::*;

use super::*;
use crate::error::DisconnectReason;
use crate::wire::batch::Batch;

fn lens(message: &Message) -> Vec<usize> {
    message.parts().iter().map(|part| part.len()).collect()
}

fn limited(limit: u64) -> Side {
    let options = Options::new().max_message_size(Some(limit));
    ready_side_of(config(&options, SocketType::Pull), 1, SocketType::Push)
}

fn oversize(announced: u64, limit: u64) -> DisconnectReason {
    DisconnectReason::Oversize { announced, limit }
}

#[test]
fn messages_behind_ready_in_the_same_read_arrive_after_the_peer() {
    let mut side = side(SocketType::Pull);
    side.feed(&[&introduction(1, "PUSH")[..], b"\0\x01a\x01\0\0\x01b"].concat(), at(0));
    assert_eq!(side.received, [message(&["a"]), message(&["", "b"])]);
}

#[test]
fn long_frames_may_carry_short_bodies() {
    let mut side = ready_side(SocketType::Pull, SocketType::Push);
    side.feed(b"\x02\0\0\0\0\0\0\0\x01a\x03\0\0\0\0\0\0\0\0\0\x01b", at(0));
    assert_eq!(side.received, [message(&["a"]), message(&["", "b"])]);
}

#[test]
fn small_bodies_are_inline_and_large_ones_are_slices_of_what_was_read() {
    let mut side = ready_side(SocketType::Pull, SocketType::Push);
    side.link.read_buffer().extend_from_slice(&[&[0, 40][..], &[1; 40], &[0, 41], &[2; 41]].concat());
    let buffer = side.link.read_buffer().as_ptr() as usize;
    side.link.handle_read(at(0));
    let received: Vec<_> = side.link.inbound().drain().collect();
    let [small, large] = &*received else { panic!("two messages") };
    assert!(small.parts()[0].as_shared().is_none());
    let body = large.parts()[0].as_shared().expect("shared").as_ptr() as usize;
    assert_eq!(body, buffer + 44, "not copied");
}

#[test]
fn what_was_read_is_not_asked_for_again_and_announcements_are_not_believed() {
    let options = Options::new().max_message_size(None);
    let mut side = ready_side_of(config(&options, SocketType::Pull), 1, SocketType::Push);
    assert_eq!(side.link.read_room(), 8 * 1024);
    side.feed(&[&[2][..], &100_000u64.to_be_bytes()].concat(), at(0));
    assert_eq!(side.link.read_room(), 100_000);
    side.feed(&vec![0; 60_000], at(0));
    assert_eq!(side.link.read_room(), 40_000, "that many are missing");
    side.feed(&vec![0; 40_000], at(0));
    assert_eq!(lens(&side.received[0]), [100_000]);
    side.feed(&[&[2][..], &(i64::MAX as u64).to_be_bytes()].concat(), at(0));
    assert_eq!((side.link.read_room(), side.reason()), (1024 * 1024, None));
    assert!(side.link.read_buffer().capacity() < 1024 * 1024);
}

#[test]
fn a_message_may_be_as_large_as_the_limit_and_is_refused_by_its_header_beyond() {
    let table: &[(u64, &[u8], Option<DisconnectReason>)] = &[
        (4, b"\0\x04abcd", None),
        (4, b"\0\x05", Some(oversize(5, 4))),
        (4, b"\x01\x02ab\x01\x02cd\0\0", None),
        (4, b"\x01\x02ab\0\x03", Some(oversize(5, 4))),
        (4, b"\x01\x02ab\x01\x03", Some(oversize(5, 4))),
        (0, b"\0\0", None),
        (0, b"\0\x01", Some(oversize(1, 0))),
        (100, b"\0\x65", Some(oversize(101, 100))),
        (100, b"\x02\x7f\xff\xff\xff\xff\xff\xff\xff", Some(oversize(i64::MAX as u64, 100))),
    ];
    for (limit, bytes, reason) in table {
        for split in SPLITS {
            let mut side = limited(*limit);
            for piece in split.pieces(bytes) {
                side.feed(piece, at(0));
            }
            assert_eq!(side.reason(), reason.as_ref(), "{limit} {}", bytes.escape_ascii());
            assert_eq!(side.received.len(), usize::from(reason.is_none()));
        }
    }
}

#[test]
fn the_limit_counts_each_message_anew() {
    let mut side = limited(4);
    side.feed(&b"\x01\x02ab\0\x02cd".repeat(10), at(0));
    assert_eq!((side.received.len(), side.reason()), (10, None));
}

#[test]
fn pings_pass_however_small_messages_have_to_be() {
    let mut side = limited(0);
    side.feed(&command(b"\x04PING\0\0abc"), at(0));
    assert_eq!((side.output(), side.reason()), (command(b"\x04PONGabc"), None));
}

#[test]
fn unknown_commands_are_ignored() {
    let mut side = ready_side(SocketType::Pull, SocketType::Push);
    side.feed(&[&command(b"\x04JOINgroup")[..], &command(b"\x08X-Future")[..], b"\0\x01a"].concat(), at(0));
    assert_eq!((&side.received[..], side.reason()), (&[message(&["a"])][..], None));
}

#[test]
fn subscriptions_arrive_as_messages_in_both_dialects_and_in_order() {
    for ours in [SocketType::Pub, SocketType::XPub] {
        for minor in [0, 1] {
            let mut side = ready_side_of(plain(ours), minor, SocketType::XSub);
            let commands = [command(b"\x09SUBSCRIBEa"), command(b"\x06CANCELa"), command(b"\x09SUBSCRIBE")].concat();
            side.feed(&[&commands[..], b"\0\x02\x01b\0\x02\0b\0\x03\x02up\x01\x01x\0\x01y"].concat(), at(0));
            let expected: &[&[&[u8]]] =
                &[&[b"\x01a"], &[b"\0a"], &[b"\x01"], &[b"\x01b"], &[b"\0b"], &[b"\x02up"], &[b"x", b"y"]];
            let received: Vec<Vec<&[u8]>> =
                side.received.iter().map(|message| message.parts().iter().map(|part| &part[..]).collect()).collect();
            assert_eq!(received, expected);
        }
    }
}

fn subscriptions() -> Batch {
    let mut batch = Batch::new();
    batch.push_subscription(b"a", true);
    batch.push_subscription(b"a", false);
    batch.push_subscription(&[b'x'; 300], true);
    batch.push(&message(&["up", "stream"]));
    batch
}

#[test]
fn subscriptions_go_out_in_the_dialect_of_the_peer() {
    let upstream = b"\x01\x02up\0\x06stream";
    let long = [b'x'; 300];
    let old = [&b"\0\x02\x01a\0\x02\0a\x02\0\0\0\0\0\0\x01\x2d\x01"[..], &long, upstream].concat();
    let new = [
        &command(b"\x09SUBSCRIBEa")[..],
        &command(b"\x06CANCELa"),
        b"\x06\0\0\0\0\0\0\x01\x36\x09SUBSCRIBE",
        &long,
        upstream,
    ]
    .concat();
    for (minor, expected) in [(0, &old), (1, &new), (7, &new)] {
        let mut side = ready_side_of(plain(SocketType::XSub), minor, SocketType::XPub);
        side.queue = subscriptions();
        assert_eq!(&side.output(), expected, "3.{minor}");
    }
}

#[test]
fn a_subscriber_and_a_publisher_understand_each_other() {
    let mut pair = ready_pair(plain(SocketType::Sub), plain(SocketType::XPub));
    pair.dialer.queue = subscriptions();
    pair.run();
    let heads: Vec<u8> = pair.listener.received.iter().map(|message| message.parts()[0][0]).collect();
    assert_eq!(heads, [1, 0, 1, b'u']);
}

fn shapes() -> impl Strategy<Value = Vec<Message>> {
    let len = prop_oneof![Just(0usize), 1..50usize, 45..48usize, 250..260usize, 4090..4100usize, Just(70_000)];
    let part = (len, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]);
    let one = prop::collection::vec(part.clone(), 1..2);
    let many = prop::collection::vec(part, 1..6);
    prop::collection::vec(prop_oneof![3 => one, 1 => many].prop_map(Message::from_iter), 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_of_every_shape_arrive_as_sent(messages in shapes(), seed in any::<u64>(), whole in any::<bool>()) {
        let split = if whole { Split::Whole } else { Split::Chunks(seed) };
        let mut pair = Pair::new(plain(SocketType::Dealer), plain(SocketType::Dealer), split);
        for message in &messages {
            pair.dialer.send(message.clone());
        }
        pair.run();
        prop_assert_eq!(&pair.listener.received, &messages);
        prop_assert!(pair.listener.reason().is_none());
    }
}
