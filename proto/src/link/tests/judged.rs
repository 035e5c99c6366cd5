//! A peer that somebody judges before it is ready.

use super::*;
use crate::auth::{Code, Credentials, Request, Verdict};
use crate::error::{DisconnectReason, HandshakeStage};
use crate::keys::{CurveClient, CurveServer, KeyPair, SecretKey};
use crate::link::{Effect, State};
use crate::options::Identity;

fn keys(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

/// These options, with somebody who judges. The tests answer themselves.
fn judging(options: Options) -> Options {
    options.auth_domain("inner".to_owned()).authenticator(|_| async { Verdict::accept() })
}

/// The mechanisms: what the client has, what the server has, what the client shows, and whom that names.
fn mechanisms() -> [(Options, Options, Credentials, Option<String>); 3] {
    let client = CurveClient::new(keys(1).public(), keys(2));
    let curve = |mechanism| Options::new().mechanism(mechanism);
    [
        (Options::new(), Options::new(), Credentials::Null, None),
        (
            plain_client("secret"),
            Options::new().mechanism(Mechanism::PlainServer(Vec::new())),
            Credentials::Plain(credentials("secret")),
            Some("ann".to_owned()),
        ),
        (
            curve(Mechanism::CurveClient(client)),
            curve(Mechanism::CurveServer(CurveServer::new(keys(1)))),
            Credentials::Curve(keys(2).public()),
            Some(keys(2).public().to_string()),
        ),
    ]
}

/// A client that dialed a server which judges it, as far as they come without a verdict. What the server is asked.
fn asked(client: &Options, server: &Options, split: Split) -> (Pair, Request) {
    let client = client.clone().identity(Identity::new(&b"worker"[..]).unwrap());
    let listener = config(&judging(server.clone()), SocketType::Router).with_address("192.0.2.1:7");
    let mut pair = Pair::new(config(&client, SocketType::Dealer), listener, split);
    pair.run();
    match pair.listener.effects.as_slice() {
        [Effect::Authenticate(request)] => {
            let request = (**request).clone();
            (pair, request)
        }
        other => panic!("not asked: {other:?}"),
    }
}

#[test]
fn all_is_known_when_somebody_is_asked_and_nothing_of_us_is_told_before() {
    for split in SPLITS {
        for (client, server, shown, user) in mechanisms() {
            let (mut pair, request) = asked(&client, &server, split);
            assert_eq!((&request.domain[..], &request.credentials), ("inner", &shown));
            assert_eq!((request.mechanism(), &request.peer.user), (server.mechanism.name(), &None));
            assert_eq!((&request.peer.identity[..], &request.peer.address[..]), (&b"worker"[..], "192.0.2.1:7"));
            let states = [pair.dialer.link.state(), pair.listener.link.state()];
            assert_eq!(states, [State::Handshaking, State::Judged]);
            pair.listener.judge(Verdict::accept().with("Role", "guest"), at(0));
            pair.run();
            assert_eq!(pair.dialer.link.state(), State::Ready);
            let peer = pair.listener.link.peer().unwrap();
            assert_eq!((&peer.user, &peer.metadata[..]), (&user, &[("Role".to_owned(), "guest".into())][..]));
        }
    }
}

#[test]
fn the_judge_may_name_another_user() {
    for (client, server, ..) in mechanisms() {
        let (mut pair, _) = asked(&client, &server, Split::Whole);
        pair.listener.judge(Verdict::accept_as("eve"), at(0));
        assert_eq!(pair.listener.link.peer().unwrap().user.as_deref(), Some("eve"));
    }
}

#[test]
fn a_refusal_tells_the_peer_its_code_and_our_side_its_text() {
    for code in [Code::Temporary, Code::Credentials, Code::Internal] {
        for (client, server, ..) in mechanisms() {
            let (mut pair, _) = asked(&client, &server, Split::Whole);
            let verdict = Verdict::refuse(code, "not on a Sunday");
            let Verdict::Refuse(refusal) = verdict.clone() else { panic!("it is a refusal") };
            pair.listener.judge(verdict, at(0));
            pair.run();
            let reason = DisconnectReason::Unauthorized(refusal);
            let failed = Effect::HandshakeFailed { stage: HandshakeStage::Ready, reason: reason.clone() };
            assert_eq!(pair.listener.effects[1..], [Effect::CloseIo, failed, Effect::Ended(reason)]);
            let told = match code {
                // It is to come again.
                Code::Temporary => DisconnectReason::PeerClosed,
                _ => DisconnectReason::HandshakeRefused { reason: code.as_str().to_owned() },
            };
            assert_eq!(pair.dialer.reason(), Some(&told));
        }
    }
}

#[test]
fn the_side_that_dialed_does_not_judge_with_null_and_does_as_a_server() {
    let mut pair = Pair::new(
        config(&judging(Options::new()), SocketType::Dealer),
        config(&Options::new(), SocketType::Router),
        Split::Whole,
    );
    pair.run();
    assert_eq!(pair.dialer.link.state(), State::Ready);

    let server = Options::new().mechanism(Mechanism::PlainServer(Vec::new()));
    let client = config(&judging(plain_client("secret")), SocketType::Router);
    let mut pair = Pair::new(config(&judging(server), SocketType::Dealer), client, Split::Whole);
    pair.run();
    assert_eq!(pair.dialer.link.state(), State::Judged);
    pair.dialer.judge(Verdict::accept(), at(0));
    pair.run();
    assert_eq!(pair.listener.link.state(), State::Ready, "a client judges nobody");
}

#[test]
fn whoever_the_mechanism_itself_refuses_is_not_asked_about() {
    let listed = CurveServer::new(keys(1)).only([keys(3).public()]);
    let [_, (plain, ..), (curve, ..)] = mechanisms();
    let servers = [Mechanism::PlainServer(vec![credentials("another")]), Mechanism::CurveServer(listed)];
    for (client, mechanism) in [plain, curve].into_iter().zip(servers) {
        let server = judging(Options::new().mechanism(mechanism));
        let mut pair =
            Pair::new(config(&client, SocketType::Dealer), config(&server, SocketType::Router), Split::Whole);
        pair.run();
        assert_eq!(pair.listener.effects.first(), Some(&Effect::CloseIo));
        assert_eq!(pair.listener.reason().and_then(DisconnectReason::code), Some(Code::Credentials));
    }
}

#[test]
fn what_comes_behind_the_last_command_waits_for_the_verdict() {
    let bytes = [introduction(1, "DEALER"), b"\x00\x05hello".to_vec()].concat();
    for split in SPLITS {
        let server = config(&judging(Options::new()), SocketType::Router);
        let mut side = Side::new(server.clone(), Role::Listener, at(0));
        for piece in split.pieces(&bytes) {
            side.feed(piece, at(0));
        }
        assert_eq!((side.link.state(), side.effects.len(), side.received.len()), (State::Judged, 1, 0));
        side.judge(Verdict::accept(), at(0));
        assert_eq!(side.received, [message(&["hello"])]);

        let mut side = Side::new(server, Role::Listener, at(0));
        side.feed(&bytes, at(0));
        side.judge(Verdict::refuse(Code::Credentials, ""), at(0));
        assert!(side.received.is_empty());
    }
}

#[test]
fn the_handshake_times_out_while_somebody_thinks_and_the_verdict_is_late() {
    for (client, server, ..) in mechanisms() {
        let (mut pair, _) = asked(&client, &server, Split::Whole);
        pair.advance(Duration::from_secs(30));
        assert_eq!(pair.listener.reason(), Some(&DisconnectReason::HandshakeTimeout));
        let effects = pair.listener.effects.clone();
        pair.listener.output();
        for late in [Verdict::accept(), Verdict::refuse(Code::Credentials, "")] {
            pair.listener.judge(late, at(30_000));
            assert_eq!(pair.listener.effects, effects);
            assert!(pair.listener.output().is_empty());
        }
    }
}

#[test]
fn a_verdict_that_nobody_asked_for_changes_nothing() {
    let mut side = side(SocketType::Pull);
    side.judge(Verdict::refuse(Code::Credentials, ""), at(0));
    assert_eq!((side.link.state(), side.effects.len()), (State::Handshaking, 0));
    let mut pair = ready_pair(plain(SocketType::Push), plain(SocketType::Pull));
    pair.listener.judge(Verdict::refuse(Code::Credentials, ""), at(0));
    assert_eq!(pair.listener.link.state(), State::Ready);
}

#[test]
fn closing_while_somebody_thinks_is_a_handshake_that_we_gave_up() {
    let [(client, server, ..), ..] = mechanisms();
    let (mut pair, _) = asked(&client, &server, Split::Whole);
    pair.listener.close();
    let reason = DisconnectReason::LocalClose;
    let failed = Effect::HandshakeFailed { stage: HandshakeStage::Ready, reason: reason.clone() };
    assert_eq!(pair.listener.effects[1..], [Effect::CloseIo, failed, Effect::Ended(reason)]);
}
