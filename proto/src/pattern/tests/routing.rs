//! ROUTER (RFC 28): identities.

use super::*;
use SocketType::{Dealer, Router};

#[test]
fn a_router_makes_identities_and_uses_those_that_peers_announce() {
    let mut router = socket(Router);
    let anonymous = accept(&mut router, peer(Dealer));
    let ann = accept(&mut router, named(Dealer, "ann"));
    arrive(&anonymous, ["a".into()]);
    arrive(&ann, [parts(&["b", "c"])]);
    let first = router.try_recv().unwrap();
    let made = first.parts()[0].clone();
    assert!(made.len() == 5 && made[0] == 0, "begins with a zero, which no peer may choose");
    assert_eq!(recv(&mut router).unwrap(), "ann|b|c");
    send(&mut router, Message::from_iter([made, "to a".into()])).unwrap();
    send(&mut router, parts(&["ann", "to b", ""])).unwrap();
    assert_eq!(
        (written(&mut router, &anonymous), written(&mut router, &ann)),
        (vec!["to a".into()], vec!["to b|".into()])
    );
}

#[test]
fn what_cannot_be_routed_is_dropped_unless_that_is_an_error() {
    let mut router = socket(Router);
    assert_eq!(send(&mut router, parts(&["nobody", "x"])), Ok(()));
    assert_eq!(send(&mut router, "no body"), Err(SendErrorKind::NoIdentity));
    let mut strict = with(Router, Options::new().router_mandatory(true).send_hwm(1));
    let mut message = parts(&["ann", "x"]);
    assert_eq!(strict.try_send(&mut message), Err(SendErrorKind::Unroutable));
    assert_eq!(message, parts(&["ann", "x"]), "left as it was");
    let ann = accept(&mut strict, named(Dealer, "ann"));
    strict.try_send(&mut message).unwrap();
    assert_eq!(send(&mut strict, parts(&["ann", "y"])), Err(SendErrorKind::WouldBlock));
    assert_eq!(written(&mut router, &ann), ["x"]);
    send(&mut strict, parts(&["ann", "y"])).unwrap();
    strict.detach(ann.pipe);
    assert_eq!(send(&mut strict, parts(&["ann", "z"])), Err(SendErrorKind::Unroutable));
}

#[test]
fn an_identity_that_is_taken_is_refused_and_free_again_after_the_loss() {
    let mut router = socket(Router);
    let first = accept(&mut router, named(Dealer, "ann"));
    let second = router.accept().unwrap();
    assert_eq!(router.attach(second.pipe, HERE, named(Dealer, "ann")), Err(DisconnectReason::IdentityTaken));
    send(&mut router, parts(&["ann", "still first"])).unwrap();
    assert_eq!(written(&mut router, &first), ["still first"]);
    router.detach(first.pipe);
    let third = accept(&mut router, named(Dealer, "ann"));
    send(&mut router, parts(&["ann", "now third"])).unwrap();
    assert_eq!(written(&mut router, &third), ["now third"]);
}

#[test]
fn with_handover_a_new_connection_takes_the_identity_and_the_old_one_goes() {
    let mut router = with(Router, Options::new().router_handover(true));
    let first = accept(&mut router, named(Dealer, "ann"));
    let second = accept(&mut router, named(Dealer, "ann"));
    assert_eq!(kicked(&mut router, &first), Some(DisconnectReason::Superseded));
    arrive(&first, ["last words".into()]);
    router.detach(first.pipe);
    send(&mut router, parts(&["ann", "x"])).unwrap();
    assert_eq!(written(&mut router, &second), ["x"], "the end of the old one does not take the name from the new one");
    assert_eq!(recv(&mut router).unwrap(), "ann|last words");
}

#[test]
fn a_dialed_endpoint_keeps_the_identity_that_was_made_for_it() {
    let mut router = socket(Router);
    let pipe = dial(&mut router, peer(Dealer));
    arrive(&pipe, ["a".into()]);
    let identity = router.try_recv().unwrap().parts()[0].clone();
    router.detach(pipe.pipe);
    send(&mut router, Message::from_iter([identity.clone(), "waits".into()])).unwrap();
    router.attach(pipe.pipe, HERE, peer(Dealer)).unwrap();
    assert_eq!(written(&mut router, &pipe), ["waits"]);
    arrive(&pipe, ["b".into()]);
    assert_eq!(router.try_recv().unwrap().parts()[0], identity);
}

#[test]
fn router_and_dealer_joined_in_process_talk() {
    let (mut dealer, mut router) = (socket(Dealer), socket(Router));
    join(&mut dealer, &mut router);
    send(&mut dealer, "ask").unwrap();
    let mut message = router.try_recv().unwrap();
    router.try_send(&mut message).unwrap();
    assert_eq!(drain(&mut dealer), ["ask"]);
}
