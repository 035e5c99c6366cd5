//! The dialed endpoints of a world.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use super::agenda::{Flag, Task};
use super::connection::Connection;
use super::net::Direction;
use super::node::Node;
use super::seat::Seat;
use super::world::World;
use crate::engine::Halves;
use crate::engine::dialer::{Dialer, Next, STABLE_AFTER};
use crate::engine::lifecycle::State;
use crate::error::DisconnectReason;
use crate::link::{Link, LinkConfig, Role};
use crate::monitor::ConnectionId;
use crate::pipe::lifecycle;
use crate::time::Instant;
use crate::{Options, Reconnect};

#[derive(Debug)]
pub(super) struct Dial {
    pub(super) node: usize,
    pub(super) endpoint: String,
    pub(super) halves: Halves,
    dialer: Dialer,
    pub(super) flag: Arc<Flag>,
    /// When the next attempt is due; `None` while there is a connection, and at the end.
    pub(super) due: Option<Instant>,
    pub(super) is_over: bool,
    /// How many delays there were since the last connection that was stable.
    delays: u32,
}

impl Dial {
    /// Whether a turn might do something.
    pub(super) fn has_work(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now || self.flag.is_raised())
    }

    pub(super) fn waiting(&self) -> u64 {
        self.halves.outbox.len() as u64
    }

    /// Whether it was not given up.
    pub(super) fn is_wanted(&self) -> bool {
        self.halves.outbox.state() == lifecycle::State::Active
    }

    /// What every endpoint may count on: the delay that its options ask for, and some jitter on top.
    fn check_delay(&mut self, options: &Options, delay: Duration) {
        let base = match options.reconnect {
            Reconnect::Never => panic!("an endpoint that tries once is tried again"),
            Reconnect::Fixed(base) => base,
            Reconnect::Exponential { min, max } => min.saturating_mul(1 << self.delays.min(20)).min(max),
        };
        assert!((base..=2 * base).contains(&delay), "after {} delays the next is {delay:?}", self.delays);
        self.delays += 1;
    }

    /// Whether anything wants a connection: not what is given up and has nothing left to send.
    fn check_need(&self, node: &Node) {
        assert!(node.engine.state() != State::Closed, "a closed socket connects");
        assert!(!self.is_wanted() || !node.engine.state().is_over(), "a closing socket keeps a pipe open");
        assert!(self.is_wanted() || !self.halves.outbox.is_empty(), "a connection for nothing");
    }
}

impl World {
    /// Connects a socket to a name: the endpoint's pipe is there already.
    pub(super) fn dial(&mut self, node: usize, endpoint: String, halves: Halves) {
        let dialer = Dialer::new(&self.nodes[node].options, self.rng.u64(..));
        let dial = self.dials.len();
        let flag = self.agenda.flag(Task::Dial(dial));
        self.dials.push(Dial { node, endpoint, halves, dialer, flag, due: None, is_over: false, delays: 0 });
        let first = self.dials[dial].dialer.start();
        self.follow(dial, first);
    }

    pub(super) fn dial_turn(&mut self, at: usize) {
        let dial = &mut self.dials[at];
        dial.flag.lower();
        let waker = Waker::from(Arc::clone(&dial.flag));
        let is_up = self.nodes[dial.node].engine.state() != State::Closed;
        let finished = dial.halves.outbox.poll_finished(&mut Context::from_waker(&waker)).is_ready();
        let next = if finished || !is_up {
            dial.dialer.stop()
        } else if dial.due.is_some_and(|due| due <= self.clock.now()) {
            dial.dialer.due()
        } else {
            return;
        };
        self.follow(at, next);
    }

    /// The connection of an endpoint is over.
    pub(super) fn lost(&mut self, at: usize, reason: &DisconnectReason, ready_at: Option<Instant>) {
        let now = self.clock.now();
        let dial = &mut self.dials[at];
        if let Some(ready_at) = ready_at {
            dial.dialer.ready(ready_at);
            if now - ready_at >= STABLE_AFTER {
                dial.delays = 0;
            }
        }
        let next = dial.dialer.lost(reason, now);
        let is_ours = *reason == DisconnectReason::LocalClose;
        assert!(!is_ours || next == Next::Leave, "{next:?}, although we closed");
        self.follow(at, next);
    }

    /// Does what a dialer says.
    fn follow(&mut self, at: usize, next: Next) {
        let now = self.clock.now();
        let dial = &mut self.dials[at];
        let node = &mut self.nodes[dial.node];
        assert!(!dial.is_over, "{next:?} after the endpoint is left");
        match next {
            Next::Connect(_) => {
                dial.check_need(node);
                dial.due = None;
                if !self.open(at) {
                    let failed = self.dials[at].dialer.failed(std::io::ErrorKind::ConnectionRefused);
                    self.follow(at, failed);
                }
            }
            Next::Wait(delay) => {
                dial.check_delay(&node.options, delay);
                dial.due = Some(now + delay);
                self.agenda.at(now + delay, Task::Dial(at));
                dial.flag.raise();
            }
            Next::Leave => {
                (dial.due, dial.is_over) = (None, true);
                node.engine.close_pipe(dial.halves.pipe, false);
                node.wake();
            }
        }
    }

    /// Connects, if anybody is bound.
    fn open(&mut self, at: usize) -> bool {
        let now = self.clock.now();
        let dial = &mut self.dials[at];
        let bound = |node: &Node| node.is_up() && node.binds.contains(&dial.endpoint);
        let Some(listener) = self.nodes.iter().position(bound) else { return false };
        dial.dialer.opened();
        dial.halves.outbox.pardon();
        let link = |node: &Node, role| {
            let config = LinkConfig::new(Arc::clone(&node.options), node.engine.socket_type());
            Link::new(config.with_address(dial.endpoint.clone()), role)
        };
        let (near, far) = (&self.nodes[dial.node], &self.nodes[listener]);
        let id = self.next_connection;
        self.next_connection += 1;
        let [flag, far_flag] = [0, 1].map(|side| self.agenda.flag(Task::Seat(id, side)));
        let mut seats = [
            Seat::new((dial.node, ConnectionId(id)), link(near, Role::Dialer), Some(dial.halves.clone()), flag, now),
            Seat::new((listener, ConnectionId(id)), link(far, Role::Listener), None, far_flag, now),
        ];
        seats[0].watch(&near.options, &far.options);
        seats[1].watch(&far.options, &near.options);
        let inputs = [(); 2].map(|()| Direction::new(self.weather, self.rng.fork()));
        self.connections.push(Connection::new(id, at, seats, inputs));
        true
    }
}
