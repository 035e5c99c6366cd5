//! Bytes of any kind: nothing panics, and effects keep their order, which every `Side` checks.

use proptest::prelude::*;

use super::*;
use crate::error::DisconnectReason;
use crate::link::{Effect, State};

/// What may happen to a link.
#[derive(Clone, Debug)]
enum Event {
    Bytes(Vec<u8>),
    Tick(u64),
    Pause,
    Resume,
    Send(usize),
    Write,
    End,
    Close,
}

/// Frames that are nearly right get further than noise.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let name =
        prop::sample::select(vec!["READY", "ERROR", "SUBSCRIBE", "CANCEL", "PING", "PONG", "HELLO", "WELCOME", "X"]);
    let noise = prop::collection::vec(any::<u8>(), 0..80);
    let frame = (0u8..9, prop::collection::vec(any::<u8>(), 0..80))
        .prop_map(|(flags, body)| [&[flags & !2, body.len() as u8], &body[..]].concat());
    let named = (name, prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(name, data)| command(&[&[name.len() as u8], name.as_bytes(), &data].concat()));
    let right = prop::sample::select(vec![
        introduction(1, "SUB"),
        introduction(0, "SUB"),
        command(b"\x04PING\0\x05ctx"),
        command(b"\x09SUBSCRIBEtopic"),
        b"\x01\x01a\0\x01b".to_vec(),
        [&[2, 0, 0, 0, 0, 0, 1, 0, 0][..], &[0; 65_536]].concat(),
    ]);
    prop_oneof![noise, frame, named, right]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => bytes().prop_map(Event::Bytes),
        2 => (0..5_000u64).prop_map(Event::Tick),
        1 => Just(Event::Pause),
        1 => Just(Event::Resume),
        1 => (0..5_000usize).prop_map(Event::Send),
        2 => Just(Event::Write),
        1 => Just(Event::End),
        1 => Just(Event::Close),
    ]
}

fn perform(side: &mut Side, event: Event, now: &mut Instant) {
    match event {
        Event::Bytes(bytes) => side.feed(&bytes, *now),
        Event::Tick(millis) => {
            *now += Duration::from_millis(millis);
            side.tick(*now);
        }
        Event::Pause => side.link.pause_reading(*now),
        Event::Resume => side.link.resume_reading(*now),
        Event::Send(len) => side.send(vec![7; len]),
        Event::Write => drop(side.output()),
        Event::End => side.end(DisconnectReason::PeerClosed, *now),
        Event::Close => side.close(),
    }
}

fn options() -> impl Strategy<Value = Options> {
    let base = prop_oneof![Just(Options::new()), Just(plain_server()), Just(plain_client("x"))];
    (base, any::<bool>(), any::<bool>()).prop_map(|(options, beats, limits)| {
        options.heartbeat_interval(beats.then_some(Duration::from_millis(700))).max_message_size(limits.then_some(100))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_happens_ends_once_and_in_order(
        options in options(),
        introduced in any::<bool>(),
        events in prop::collection::vec(event(), 0..30),
    ) {
        let mut side = Side::new(config(&options, SocketType::XPub), Role::Listener, Instant::ZERO);
        let mut now = Instant::ZERO;
        if introduced {
            side.feed(&introduction(1, "XSUB"), now);
        }
        for event in events {
            perform(&mut side, event, &mut now);
        }
        side.end(DisconnectReason::PeerClosed, now);
        prop_assert_eq!(side.link.state(), State::Closed);
        let count = |kind: fn(&Effect) -> bool| side.effects.iter().filter(|effect| kind(effect)).count();
        prop_assert_eq!(count(|effect| matches!(effect, Effect::Ended(_))), 1);
        let is_last = matches!(side.effects.last(), Some(Effect::Ended(_)));
        prop_assert!(is_last);
        prop_assert_eq!(
            count(|effect| matches!(effect, Effect::Attach(_))),
            count(|effect| matches!(effect, Effect::Detach))
        );
        prop_assert_eq!(side.link.poll_timeout(), None);
    }

    #[test]
    fn how_bytes_are_cut_makes_no_difference(stream in prop::collection::vec(bytes(), 0..12), seed in any::<u64>()) {
        let stream = [introduction(1, "SUB"), stream.concat()].concat();
        let run = |split: Split| {
            let mut side = side(SocketType::Pub);
            split.pieces(&stream).into_iter().for_each(|piece| side.feed(piece, Instant::ZERO));
            (side.effects, side.received)
        };
        prop_assert_eq!(run(Split::Whole), run(Split::Chunks(seed)));
    }
}
