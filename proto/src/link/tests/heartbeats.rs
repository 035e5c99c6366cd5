//! Heartbeats in virtual time.

use super::*;
use crate::error::DisconnectReason;
use crate::link::State;

const DEAD: Option<&DisconnectReason> = Some(&DisconnectReason::HeartbeatTimeout);

fn beating() -> Options {
    Options::new()
        .heartbeat_interval(Some(Duration::from_secs(1)))
        .heartbeat_timeout(Some(Duration::from_secs(3)))
        .heartbeat_ttl(Some(Duration::from_secs(5)))
}

fn pair(dialer: &Options, listener: &Options) -> Pair {
    ready_pair(config(dialer, SocketType::Push), config(listener, SocketType::Pull))
}

fn ping(side: &mut Side, at_millis: u64, ttl: u16) {
    let ttl = ttl.to_be_bytes();
    side.feed(&command(&[b"\x04PING", &ttl[..]].concat()), at(at_millis));
}

#[test]
fn idle_peers_that_answer_live_for_ever() {
    for (dialer, listener) in [(beating(), beating()), (beating(), Options::new()), (Options::new(), beating())] {
        let mut pair = pair(&dialer, &listener);
        pair.advance(Duration::from_secs(1000));
        assert_eq!((pair.dialer.link.state(), pair.listener.link.state()), (State::Ready, State::Ready));
    }
}

#[test]
fn a_peer_that_hangs_is_found_out_by_its_unanswered_ping() {
    let mut pair = pair(&beating(), &Options::new());
    pair.advance(Duration::from_millis(2_500));
    pair.listener.hangs = true;
    pair.advance(Duration::from_millis(3_499));
    assert_eq!(pair.dialer.reason(), None);
    pair.advance(Duration::from_millis(1));
    assert_eq!((pair.dialer.reason(), pair.now()), (DEAD, at(6_000)), "three seconds after the PING at 3 s");
}

#[test]
fn with_the_default_timeout_a_healthy_idle_link_lives_and_a_hung_one_has_its_reason() {
    // The timeout is as long as the interval, and counts from the PING that is unanswered.
    let beating = Options::new().heartbeat_interval(Some(Duration::from_secs(1)));
    let mut pair = pair(&beating, &Options::new());
    pair.advance(Duration::from_millis(1_000_500));
    assert_eq!((pair.dialer.link.state(), pair.listener.link.state()), (State::Ready, State::Ready));
    pair.listener.hangs = true;
    pair.advance(Duration::from_millis(1_499));
    assert_eq!(pair.dialer.reason(), None);
    pair.advance(Duration::from_millis(1));
    assert_eq!((pair.dialer.reason(), pair.now()), (DEAD, at(1_002_000)));
}

#[test]
fn the_other_side_keeps_the_promise_that_the_ping_made() {
    let mut pair = pair(&beating(), &Options::new());
    pair.advance(Duration::from_millis(1_500));
    pair.dialer.hangs = true;
    pair.advance(Duration::from_millis(4_499));
    assert_eq!(pair.listener.reason(), None);
    pair.advance(Duration::from_millis(1));
    assert_eq!(pair.listener.reason(), DEAD, "five seconds after the PING at 1 s");
}

#[test]
fn without_heartbeats_a_hung_peer_goes_unnoticed() {
    let mut pair = pair(&Options::new(), &Options::new());
    pair.listener.hangs = true;
    pair.advance(Duration::from_secs(100_000));
    assert_eq!(pair.dialer.link.state(), State::Ready);
}

#[test]
fn a_ping_is_answered_with_its_context_and_libzmqs_bytes_are_right() {
    let mut side = ready_side(SocketType::Pull, SocketType::Push);
    side.feed(&command(b"\x04PING\0\x0a0123456789abcdef"), at(0));
    assert_eq!(side.output(), command(b"\x04PONG0123456789abcdef"));
    let mut side = ready_side_of(config(&beating(), SocketType::Pull), 1, SocketType::Push);
    side.tick(at(1_000));
    assert_eq!(side.output(), b"\x04\x07\x04PING\0\x32", "50 tenths of a second, no context");
}

#[test]
fn a_ping_slips_between_the_parts_of_a_message_as_libzmq_sends_it() {
    let mut side = ready_side(SocketType::Pull, SocketType::Push);
    let bytes = [b"\x01\x01a", &command(b"\x04PING\0\0")[..], b"\0\x01b"].concat();
    side.feed(&bytes, at(0));
    assert_eq!(side.received, [message(&["a", "b"])]);
    assert_eq!(side.output(), command(b"\x04PONG"));
}

#[test]
fn any_byte_answers_a_ping_even_half_a_frame() {
    let mut side = ready_side_of(config(&beating(), SocketType::Pull), 1, SocketType::Push);
    side.tick(at(1_000));
    side.feed(b"\0", at(3_900));
    side.tick(at(4_000));
    assert_eq!(side.reason(), None);
    assert_eq!(side.link.poll_timeout(), Some(at(5_000)), "the next PING");
    side.tick(at(6_999));
    side.tick(at(7_000));
    assert_eq!(side.reason(), DEAD);
}

#[test]
fn a_call_without_new_bytes_is_no_sign_of_life() {
    let mut side = ready_side_of(config(&beating(), SocketType::Pull), 1, SocketType::Push);
    side.feed(b"\0\x05a", at(500));
    side.tick(at(1_000));
    side.link.handle_read(at(2_000));
    side.tick(at(4_000));
    assert_eq!(side.reason(), DEAD);
}

#[test]
fn the_peers_own_promise_counts_only_from_its_ping_and_until_it_is_heard() {
    let mut side = ready_side(SocketType::Pull, SocketType::Push);
    ping(&mut side, 0, 20);
    assert_eq!(side.link.poll_timeout(), Some(at(2_000)));
    side.feed(b"\0\x01a", at(1_999));
    assert_eq!(side.link.poll_timeout(), None, "it was heard");
    ping(&mut side, 10_000, 20);
    ping(&mut side, 11_000, 0);
    assert_eq!(side.link.poll_timeout(), None, "and promises no more");
    ping(&mut side, 20_000, 20);
    side.tick(at(22_000));
    assert_eq!(side.reason(), DEAD);
}

#[test]
fn what_comes_along_behind_a_ping_is_traffic_too() {
    let mut side = ready_side(SocketType::Pull, SocketType::Push);
    side.feed(&[&command(b"\x04PING\0\x14")[..], b"\0\x01a"].concat(), at(0));
    assert_eq!(side.link.poll_timeout(), None);
}

#[test]
fn time_in_which_we_do_not_read_does_not_count_against_the_peer() {
    let mut side = ready_side_of(config(&beating(), SocketType::Pull), 1, SocketType::Push);
    ping(&mut side, 0, 20);
    side.tick(at(1_000));
    side.link.pause_reading(at(1_500));
    for second in 2..60 {
        side.tick(at(second * 1_000));
    }
    assert_eq!(side.reason(), None);
    side.link.resume_reading(at(60_000));
    side.tick(at(60_499));
    assert_eq!(side.reason(), None);
    side.tick(at(60_500));
    assert_eq!(side.reason(), DEAD, "half a second of its promise was left");
}

#[test]
fn pings_stop_at_3_0_peers() {
    let mut side = ready_side_of(config(&beating(), SocketType::Pull), 0, SocketType::Push);
    assert_eq!(side.link.poll_timeout(), None);
    side.tick(at(100_000));
    assert_eq!((side.output(), side.reason()), (vec![], None));
}

#[test]
fn the_answers_to_a_flood_of_pings_are_bounded() {
    let mut side = ready_side(SocketType::Pull, SocketType::Push);
    let flood = command(b"\x04PING\0\0").repeat(100_000);
    side.feed(&flood, at(0));
    assert!(side.output().len() < 5_000);
    ping(&mut side, 1, 0);
    assert_eq!(side.output(), command(b"\x04PONG"), "once they were read it goes on");
}
