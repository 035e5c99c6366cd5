//! A socket as a whole: its end, its wake-ups, and names of pipes that are gone.

use std::sync::Arc;
use std::task::{Context, Waker};

use super::{Engine, Halves};
use crate::error::{RecvError, SendErrorKind, SubscribeError};
use crate::peer::PeerInfo;
use crate::pipe::tests::Count;
use crate::pipe::{PipeId, Waiting, lifecycle};
use crate::{DisconnectReason, Message, Options, SocketType};

fn socket(socket_type: SocketType, options: Options) -> Engine {
    Engine::new(socket_type, Arc::new(options))
}

fn dial(engine: &mut Engine, peer: SocketType) -> Halves {
    let halves = engine.dial().unwrap();
    engine.attach(halves.pipe, PeerInfo::of_type(peer)).unwrap();
    halves
}

fn send(engine: &mut Engine, body: &str) -> Result<(), SendErrorKind> {
    engine.try_send(&mut body.into())
}

/// Registers a task that waits, lets `act` happen, and says how often the task was woken.
fn wakes(engine: &mut Engine, waiting: Waiting, act: impl FnOnce(&mut Engine)) -> usize {
    let (count, waker) = Count::new();
    let mut wait = engine.mailbox().wait(waiting);
    engine.process();
    assert!(wait.register(&waker));
    act(engine);
    engine.take_wakes().wake();
    count.take()
}

#[test]
fn close_lets_what_waits_go_out_and_stop_drops_it() {
    for (stops, state) in [(false, lifecycle::State::Draining), (true, lifecycle::State::Closed)] {
        let mut push = socket(SocketType::Push, Options::new());
        let pipe = dial(&mut push, SocketType::Pull);
        send(&mut push, "a").unwrap();
        assert!(if stops { push.stop() } else { push.close() });
        assert_eq!((pipe.outbox.state(), pipe.outbox.len()), (state, usize::from(!stops)));
        assert!(!push.close(), "closing again is no news");
        assert_eq!(push.finish(), !stops);
        assert_eq!((pipe.outbox.state(), pipe.outbox.len()), (lifecycle::State::Closed, 0));
        push.detach(pipe.pipe);
        assert_eq!((push.peers(), push.pipes().iter().count()), (0, 0));
    }
}

#[test]
fn what_waits_for_a_peer_that_is_lost_while_the_socket_lingers_is_discarded() {
    let mut push = socket(SocketType::Push, Options::new());
    let pipe = push.accept().unwrap();
    push.attach(pipe.pipe, PeerInfo::of_type(SocketType::Pull)).unwrap();
    send(&mut push, "a").unwrap();
    push.close();
    assert_eq!(pipe.outbox.state(), lifecycle::State::Draining);
    push.detach(pipe.pipe);
    assert_eq!((pipe.outbox.state(), pipe.outbox.len(), pipe.outbox.discarded()), (lifecycle::State::Closed, 0, 1));
    assert_eq!(push.pipes().iter().count(), 0);
}

#[test]
fn a_closed_socket_refuses_everything() {
    let mut sub = socket(SocketType::Sub, Options::new());
    sub.close();
    assert_eq!(send(&mut sub, "a"), Err(SendErrorKind::Closed));
    assert_eq!(sub.try_recv(), Err(RecvError::Closed));
    assert_eq!(sub.subscribe(b"a"), Err(SubscribeError::Closed));
    assert!(sub.dial().is_none() && sub.accept().is_none());
}

#[test]
fn everything_that_waits_is_woken_by_the_end() {
    for end in [Engine::close, Engine::stop] {
        for waiting in [Waiting::Recv, Waiting::Send, Waiting::Peers] {
            let mut dealer = socket(SocketType::Dealer, Options::new());
            assert!(wakes(&mut dealer, waiting, |dealer| assert!(end(dealer))) > 0, "{waiting:?}");
        }
    }
}

#[test]
fn whoever_waits_for_room_is_woken_by_a_new_pipe_by_room_and_by_the_end_of_a_peer() {
    let mut router = socket(SocketType::Router, Options::new().router_mandatory(true).send_hwm(1));
    assert!(wakes(&mut router, Waiting::Send, |router| drop(router.accept())) > 0);
    let peer = PeerInfo { identity: "ann".into(), ..PeerInfo::of_type(SocketType::Dealer) };
    let pipe = router.accept().unwrap();
    router.attach(pipe.pipe, peer).unwrap();
    let mut message = Message::from_iter(["ann", "x"]);
    router.try_send(&mut message.clone()).unwrap();
    assert_eq!(router.try_send(&mut message), Err(SendErrorKind::WouldBlock));
    let room = |_: &mut Engine| {
        let mut batch = crate::wire::batch::Batch::new();
        assert!(pipe.outbox.poll_take(&mut Context::from_waker(Waker::noop()), &mut batch).is_ready());
    };
    assert!(wakes(&mut router, Waiting::Send, room) > 0);
    assert!(wakes(&mut router, Waiting::Send, |router| router.detach(pipe.pipe)) > 0, "there is nothing to wait for");
}

#[test]
fn whoever_waits_for_a_message_is_woken_by_the_first_and_by_the_loss_of_a_peer() {
    let mut req = socket(SocketType::Req, Options::new());
    let pipe = dial(&mut req, SocketType::Rep);
    let arrive = |_: &mut Engine| {
        let delivered = pipe.inbox.poll_deliver(&mut Context::from_waker(Waker::noop()), &mut vec!["x".into()]);
        assert!(delivered.is_ready());
    };
    assert_eq!(wakes(&mut req, Waiting::Recv, arrive), 1);
    assert!(wakes(&mut req, Waiting::Recv, |req| req.detach(pipe.pipe)) > 0);
}

#[test]
fn whoever_waits_for_peers_is_woken_when_one_comes_goes_or_subscribes() {
    let mut publisher = socket(SocketType::Pub, Options::new());
    let mut pipe = None;
    let come = |publisher: &mut Engine| pipe = Some(dial(publisher, SocketType::Sub));
    assert!(wakes(&mut publisher, Waiting::Peers, come) > 0);
    let pipe = pipe.unwrap();
    let subscribe = |publisher: &mut Engine| {
        let message = Message::from(b"\x01a");
        let delivered = pipe.inbox.poll_deliver(&mut Context::from_waker(Waker::noop()), &mut vec![message]);
        assert!(delivered.is_ready());
        publisher.process();
    };
    assert!(wakes(&mut publisher, Waiting::Peers, subscribe) > 0);
    assert!(wakes(&mut publisher, Waiting::Peers, |publisher| publisher.detach(pipe.pipe)) > 0);
}

#[test]
fn a_pipe_that_is_closed_under_its_peer_still_counts_it_until_it_is_gone() {
    let mut pull = socket(SocketType::Pull, Options::new());
    let pipe = dial(&mut pull, SocketType::Push);
    pull.close_pipe(pipe.pipe, true);
    assert_eq!(pull.peers(), 1);
    pull.detach(pipe.pipe);
    assert_eq!((pull.peers(), pull.pipes().iter().count()), (0, 0));
    pull.detach(pipe.pipe);
    assert_eq!(pull.peers(), 0, "twice is once");
}

#[test]
fn what_a_gone_peer_sent_can_be_read_and_then_its_pipe_is_gone() {
    for close in [Engine::detach, |engine: &mut Engine, id: PipeId| engine.close_pipe(id, false)] {
        let mut pull = socket(SocketType::Pull, Options::new());
        let pipe = pull.accept().unwrap();
        pull.attach(pipe.pipe, PeerInfo::of_type(SocketType::Push)).unwrap();
        let mut messages = vec!["a".into(), "b".into()];
        assert!(pipe.inbox.poll_deliver(&mut Context::from_waker(Waker::noop()), &mut messages).is_ready());
        close(&mut pull, pipe.pipe);
        pull.detach(pipe.pipe);
        assert_eq!(pull.try_recv().unwrap(), Message::from("a"));
        assert_eq!(pull.try_recv().unwrap(), Message::from("b"));
        assert_eq!(pull.try_recv(), Err(RecvError::WouldBlock));
        assert_eq!(pull.pipes().iter().count(), 0);
    }
}

#[test]
fn names_of_pipes_that_are_gone_do_nothing() {
    for socket_type in SocketType::ALL {
        let mut engine = socket(socket_type, Options::new());
        let gone = engine.accept().unwrap().pipe;
        engine.close_pipe(gone, false);
        let here = engine.accept().unwrap();
        assert_eq!(here.pipe.index, gone.index, "at the same place");
        let peer = PeerInfo::of_type(SocketType::Pair);
        assert_eq!(engine.attach(gone, peer), Err(DisconnectReason::LocalClose));
        engine.detach(gone);
        engine.close_pipe(gone, false);
        engine.mailbox().post(crate::pipe::Signal::Readable(gone)).wake();
        engine.mailbox().post(crate::pipe::Signal::Writable(gone)).wake();
        engine.process();
        assert_eq!((engine.peers(), here.outbox.state()), (0, lifecycle::State::Active), "{socket_type}");
        assert_eq!(engine.pipes().iter().count(), 1);
    }
}
