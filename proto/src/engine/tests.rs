//! A socket as a whole: its end, its wake-ups, and names of pipes that are gone.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::{Engine, Halves};
use crate::error::{RecvError, SendErrorKind, SubscribeError};
use crate::pattern::{News, Pipe};
use crate::peer::PeerInfo;
use crate::pipe::tests::Count;
use crate::pipe::{PipeId, Take, Waiting, lifecycle};
use crate::{ConnectionId, DisconnectReason, Message, Options, SocketType};

/// Where connections are not told apart.
const HERE: ConnectionId = ConnectionId(1);

fn socket(socket_type: SocketType, options: Options) -> Engine {
    Engine::new(socket_type, Arc::new(options))
}

fn dial(engine: &mut Engine, peer: SocketType) -> Halves {
    let halves = engine.dial().unwrap();
    engine.attach(halves.pipe, HERE, PeerInfo::of_type(peer)).unwrap();
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

/// How many messages wait to be written, closed pipe or not.
fn unsent(engine: &Engine, halves: &Halves) -> usize {
    engine.pipes().get(halves.pipe).map_or_else(|| halves.outbox.len(), Pipe::unsent)
}

#[test]
fn close_lets_what_waits_go_out_and_stop_drops_it() {
    for (stops, state) in [(false, lifecycle::State::Draining), (true, lifecycle::State::Closed)] {
        let mut push = socket(SocketType::Push, Options::new());
        let pipe = dial(&mut push, SocketType::Pull);
        send(&mut push, "a").unwrap();
        assert!(if stops { push.stop() } else { push.close() });
        assert_eq!((pipe.outbox.state(), unsent(&push, &pipe)), (state, usize::from(!stops)));
        assert!(!push.close(), "closing again is no news");
        assert_eq!(push.finish(), !stops);
        assert_eq!((pipe.outbox.state(), unsent(&push, &pipe)), (lifecycle::State::Closed, 0));
        push.detach(pipe.pipe);
        assert_eq!((push.peer_count(), push.pipes().iter().count()), (0, 0));
    }
}

#[test]
fn what_does_not_go_out_before_linger_is_over_is_counted_with_a_peer_and_without() {
    for has_peer in [false, true] {
        let mut push = socket(SocketType::Push, Options::new());
        let pipe = if has_peer { dial(&mut push, SocketType::Pull) } else { push.dial().unwrap() };
        send(&mut push, "a").unwrap();
        send(&mut push, "b").unwrap();
        push.close();
        push.detach(pipe.pipe);
        assert_eq!((unsent(&push, &pipe), pipe.outbox.discarded()), (2, 0), "it may go out by another connection");
        push.close_pipe(pipe.pipe, false);
        assert_eq!((unsent(&push, &pipe), pipe.outbox.discarded()), (0, 2));
        assert_eq!(push.pipes().iter().count(), 0);
    }
}

#[test]
fn what_waits_for_a_peer_that_is_lost_while_the_socket_lingers_is_discarded() {
    let mut push = socket(SocketType::Push, Options::new());
    let pipe = push.accept().unwrap();
    push.attach(pipe.pipe, HERE, PeerInfo::of_type(SocketType::Pull)).unwrap();
    send(&mut push, "a").unwrap();
    push.close();
    assert_eq!(pipe.outbox.state(), lifecycle::State::Draining);
    push.detach(pipe.pipe);
    assert_eq!((pipe.outbox.state(), unsent(&push, &pipe), pipe.outbox.discarded()), (lifecycle::State::Closed, 0, 1));
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
    router.attach(pipe.pipe, HERE, peer).unwrap();
    let mut message = Message::from_iter(["ann", "x"]);
    router.try_send(&mut message.clone()).unwrap();
    assert_eq!(router.try_send(&mut message), Err(SendErrorKind::WouldBlock));
    let room = |router: &mut Engine| {
        let mut batch = crate::wire::batch::Batch::new();
        assert!(router.poll_take(&pipe, &mut Context::from_waker(Waker::noop()), &mut batch).is_ready());
    };
    assert!(wakes(&mut router, Waiting::Send, room) > 0);
    assert!(wakes(&mut router, Waiting::Send, |router| router.detach(pipe.pipe)) > 0, "there is nothing to wait for");
}

#[test]
fn whoever_waits_for_a_message_is_woken_by_the_first_and_by_the_loss_of_a_peer() {
    let mut req = socket(SocketType::Req, Options::new());
    let pipe = dial(&mut req, SocketType::Rep);
    let arrive = |_: &mut Engine| {
        let delivered = pipe.inbox.poll_deliver(&mut Context::from_waker(Waker::noop()), &mut ["x".into()].into());
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
        let delivered = pipe.inbox.poll_deliver(&mut Context::from_waker(Waker::noop()), &mut [message].into());
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
    assert_eq!(pull.peer_count(), 1);
    pull.detach(pipe.pipe);
    assert_eq!((pull.peer_count(), pull.pipes().iter().count()), (0, 0));
    pull.detach(pipe.pipe);
    assert_eq!(pull.peer_count(), 0, "twice is once");
}

#[test]
fn what_a_gone_peer_sent_can_be_read_and_then_its_pipe_is_gone() {
    for close in [Engine::detach, |engine: &mut Engine, id: PipeId| engine.close_pipe(id, false)] {
        let mut pull = socket(SocketType::Pull, Options::new());
        let pipe = pull.accept().unwrap();
        pull.attach(pipe.pipe, HERE, PeerInfo::of_type(SocketType::Push)).unwrap();
        let mut messages = ["a".into(), "b".into()].into();
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
        assert_eq!(engine.attach(gone, HERE, peer), Err(DisconnectReason::LocalClose));
        engine.detach(gone);
        engine.close_pipe(gone, false);
        engine.mailbox().post(crate::pipe::Signal::Readable(gone)).wake();
        engine.mailbox().post(crate::pipe::Signal::Writable(gone)).wake();
        engine.process();
        assert_eq!((engine.peer_count(), here.outbox.state()), (0, lifecycle::State::Active), "{socket_type}");
        assert_eq!(engine.pipes().iter().count(), 1);
    }
}

#[test]
fn a_peer_is_shown_with_what_passed_since_it_came_and_what_waits() {
    let mut push = socket(SocketType::Push, Options::new());
    let pipe = push.dial().unwrap();
    for body in ["a", "b"] {
        send(&mut push, body).unwrap();
    }
    assert_eq!(push.peers().count(), 0, "nobody is there yet");
    push.attach(pipe.pipe, ConnectionId(7), PeerInfo::of_type(SocketType::Pull)).unwrap();
    let tally = |push: &Engine| push.peers().map(|(id, _, tally)| (id.0, tally.sent, tally.unsent)).collect::<Vec<_>>();
    assert_eq!(tally(&push), [(7, 0, 2)]);
    let mut batch = crate::wire::batch::Batch::new();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(push.poll_take(&pipe, &mut cx, &mut batch).is_ready());
    assert_eq!(tally(&push), [(7, 2, 0)]);
    pipe.outbox.restore(&mut batch);
    assert_eq!(tally(&push), [(7, 0, 2)]);
    push.detach(pipe.pipe);
    push.attach(pipe.pipe, ConnectionId(8), PeerInfo::of_type(SocketType::Pull)).unwrap();
    assert!(push.poll_take(&pipe, &mut cx, &mut crate::wire::batch::Batch::new()).is_ready());
    assert_eq!(tally(&push), [(8, 2, 0)]);
}

#[test]
fn what_came_and_waits_is_counted() {
    let mut pull = socket(SocketType::Pull, Options::new());
    let pipe = dial(&mut pull, SocketType::Push);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(pipe.inbox.poll_deliver(&mut cx, &mut ["a".into(), "b".into(), "c".into()].into()).is_ready());
    pull.try_recv().unwrap();
    let (_, _, tally) = pull.peers().next().unwrap();
    assert_eq!((tally.received, tally.unread), (3, 2));
}

#[test]
fn a_peer_that_is_dismissed_is_told_to_go_and_one_that_is_not_there_is_not_found() {
    let mut pull = socket(SocketType::Pull, Options::new());
    let pipe = dial(&mut pull, SocketType::Push);
    assert!(!pull.dismiss(ConnectionId(99)));
    assert!(pull.dismiss(HERE));
    let mut cx = Context::from_waker(Waker::noop());
    let order = pull.poll_take(&pipe, &mut cx, &mut crate::wire::batch::Batch::new());
    assert_eq!(order, Poll::Ready(Take::Kicked(DisconnectReason::Dismissed)));
}

#[test]
fn a_peer_that_came_and_went_leaves_a_trace_for_those_who_wait() {
    let mut pull = socket(SocketType::Pull, Options::new());
    let before = pull.turns();
    let pipe = dial(&mut pull, SocketType::Push);
    pull.detach(pipe.pipe);
    let after = pull.turns();
    assert_eq!((after.arrivals, after.idle), (before.arrivals + 1, before.idle + 1));
}

#[test]
fn a_publisher_tells_who_subscribes_to_what_and_only_what_changes() {
    let mut publisher = socket(SocketType::Pub, Options::new());
    let pipe = publisher.accept().unwrap();
    publisher.attach(pipe.pipe, ConnectionId(7), PeerInfo::of_type(SocketType::Sub)).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let messages = [b"\x01a", b"\x01a", b"\x00b", b"\x00a"].map(|body| Message::from(&body[..]));
    assert!(pipe.inbox.poll_deliver(&mut cx, &mut messages.iter().cloned().collect()).is_ready());
    publisher.process();
    let a = || bytes::Bytes::from_static(b"a");
    let told = [News::Subscribed(a()), News::Unsubscribed(a())].map(|news| (ConnectionId(7), news));
    assert_eq!(publisher.take_news(), told);
    assert_eq!(publisher.turns().subscriptions, 1);
}

#[test]
fn a_subscription_that_waits_for_its_peer_in_process_is_told_as_that_peers() {
    let mut publisher = socket(SocketType::Pub, Options::new());
    let inbox = Arc::new(crate::pipe::Inbox::new(0, false));
    let mut wakes = crate::pipe::Wakes::new();
    inbox.push_beyond(crate::wire::subscription::message(b"a", true), inbox.era(), &mut wakes);
    let pipe = publisher.accept_with(inbox).unwrap();
    publisher.attach(pipe.pipe, ConnectionId(7), PeerInfo::of_type(SocketType::Sub)).unwrap();
    assert_eq!((publisher.subscriptions(), publisher.turns().subscriptions), (1, 1));
    let told = News::Subscribed(bytes::Bytes::from_static(b"a"));
    assert_eq!(publisher.take_news(), [(ConnectionId(7), told)]);
}

#[test]
fn what_waits_at_a_dialed_endpoint_while_the_socket_closes_is_counted_when_it_is_dropped() {
    let mut push = socket(SocketType::Push, Options::new());
    let (wire, near) = (push.dial().unwrap(), push.dial().unwrap());
    push.direct(near.pipe, Arc::new(crate::pipe::Inbox::new(0, false)));
    for body in ["a", "b", "c", "d"] {
        send(&mut push, body).unwrap();
    }
    push.close();
    for (pipe, dropped) in [(&wire, 2), (&near, 2)] {
        assert_eq!(pipe.outbox.take_dropped(), 0);
        push.close_pipe(pipe.pipe, false);
        assert_eq!((pipe.outbox.take_dropped(), pipe.outbox.take_dropped()), (dropped, 0));
    }
    assert_eq!(push.pipes().iter().count(), 0);
}
