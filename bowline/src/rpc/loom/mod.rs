//! What calls promise, in every order in which the tasks that share them can meet: who calls, who serves the connection,
//! who handles, who closes.
//!
//! A task here sleeps until it is woken, and nothing else wakes it: a wake that is lost is a deadlock, which the model
//! checker reports. `cargo xtask test loom` runs these.

mod calls;
mod hub;
mod places;
pub(super) mod sync;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bowline_proto::message::Queue;
use bowline_proto::mux::frame;
use bowline_proto::mux::{Code, End, Event, Session, Settings, Side, StreamId};
use bowline_proto::{ConnectionId, DisconnectReason, Message, Part, PeerInfo, SocketType};
use loom::sync::Notify as Signal;
use loom::thread;

use super::connection::Connection;
use super::{Call, CallError, Client, Kind, Limits, Method, Never, Outcome};
use crate::driver::attendant::{Attendant, Attended};

static METHOD: Method = Method::new("Test", "method", Kind::Unary);

/// What a call may end with.
type Ended = Result<u8, CallError<Never>>;

#[derive(Default)]
struct Sleeper(Signal);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Runs a task to its end: polls, and sleeps until it is woken.
fn run<T>(task: impl Future<Output = T>) -> T {
    let sleeper = Arc::<Sleeper>::default();
    let waker = Waker::from(Arc::clone(&sleeper));
    let mut task = pin!(task);
    loop {
        match task.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => sleeper.0.wait(),
        }
    }
}

/// Polls a task once, which has nothing to say yet.
fn begin(task: &mut (impl Future + Unpin)) {
    let polled = pin!(task).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

/// Tries the orders in which no more than `most` times a task is stopped where it could go on; all orders are too many.
fn model_with_preemptions(most: usize, tasks: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(most);
    builder.check(tasks);
}

/// A client without a connection.
fn client(limits: Limits) -> Client {
    Client::builder().limits(limits).unconnected().expect("no services, no clash")
}

/// A call that is answered with what it sends.
fn call(client: &Client, number: u8) -> Call<u8, Never> {
    client.unary(&METHOD, &number)
}

/// A connection of the client's, as the task that serves it has it, and the session of the peer behind it.
struct Line {
    attended: Box<dyn Attended>,
    connection: Arc<Connection>,
    peer: Session,
    /// The calls that came and are not answered.
    asked: VecDeque<(StreamId, Part)>,
    /// The client takes no more calls.
    is_leaving: bool,
}

impl Line {
    /// The peer is there.
    fn joins(client: &Client, id: u64) -> Self {
        let info = Arc::new(PeerInfo::of_type(SocketType::Router));
        let attended = Arc::clone(client.hub()).joined(ConnectionId(id), &info);
        let connection = client.hub().pick().ok().flatten().expect("it has joined");
        let peer = Session::new(Side::Server, Settings::default());
        Self { attended, connection, peer, asked: VecDeque::new(), is_leaving: false }
    }

    /// Sends what there is to be sent, at once or when there is something.
    fn poll_give(&mut self, cx: &Context<'_>) -> Poll<()> {
        let mut frames = Vec::new();
        let given = self.attended.poll_give(cx, &mut |header, payload| {
            frames.push(frame::message(header, payload));
            true
        });
        for frame in frames {
            self.peer.handle(&frame).expect("it keeps to the protocol");
        }
        while let Some(event) = self.peer.poll_event() {
            match event {
                Event::Data { id, payload, .. } => self.asked.push_back((id, payload)),
                Event::GoAway { .. } => self.is_leaving = true,
                Event::Reset { id, .. } => self.asked.retain(|(asked, _)| *asked != id),
                _ => {}
            }
        }
        given
    }

    /// Sends what there is to be sent now.
    fn give(&mut self) {
        let _given = self.poll_give(&Context::from_waker(Waker::noop()));
    }

    /// Sends, and sleeps while there is nothing to be sent, until it is so.
    fn gives_until(&mut self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            run(std::future::poll_fn(|cx| self.poll_give(cx)));
        }
    }

    /// Waits for so many calls, one after the other, and answers each.
    fn answers(&mut self, calls: usize) {
        for _ in 0..calls {
            self.gives_until(|line| !line.asked.is_empty());
            self.answer();
        }
    }

    /// Answers one of the calls that were asked, if there is one.
    fn answer(&mut self) {
        if let Some((id, payload)) = self.asked.pop_front() {
            self.peer.send(id, payload, End::Finish).expect("the call is open");
        }
        self.take();
    }

    /// What the peer has to say arrives.
    fn take(&mut self) {
        let mut frames: Queue = std::iter::from_fn(|| self.peer.poll_transmit()).collect();
        while !frames.is_empty() {
            self.attended.take(&mut frames, false).expect("the peer keeps to the protocol");
        }
    }

    /// The connection is gone.
    fn lost(&mut self) {
        self.attended.lost(&DisconnectReason::PeerClosed);
    }

    /// All has come to its end: nobody holds anything of the connection.
    fn ends(mut self) {
        self.give();
        self.take();
        assert!(self.connection.is_idle() && self.peer.is_idle(), "something is left of a call");
        let waiting = self.connection.waiting.load(super::sync::Ordering::Relaxed);
        assert_eq!((self.connection.calls(), waiting), (0, 0));
        self.lost();
    }
}
