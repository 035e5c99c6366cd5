//! How a world runs: whoever was woken has a turn, in any order, and then time passes to the next event.

use std::time::Duration;

use super::agenda::Task;
use super::node::Node;
use super::seat::Seat;
use super::world::{SocketId, World};
use crate::SocketType;
use crate::time::Instant;

/// How many rounds without any time passing make a world that never comes to rest.
const ROUNDS_MOST: usize = 100_000;

impl World {
    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        self.run_until(time, |_| false);
        self.clock.advance_to(end);
    }

    /// Lets time pass until `done`, for up to `most`; whether it is.
    pub fn run_until(&mut self, most: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.clock.now() + most;
        self.settle();
        let is_done = loop {
            if done(self) {
                break true;
            }
            let Some(next) = self.agenda.next().filter(|next| *next <= end) else { break false };
            self.clock.advance_to(next);
            self.settle();
        };
        self.check_rest();
        is_done
    }

    /// Runs everything that was woken until nothing is left to do.
    ///
    /// Whoever is ready has a turn in an order drawn from the seed, and now and then one is passed over.
    pub(super) fn settle(&mut self) {
        let (mut ready, mut due) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS_MOST {
            let now = self.clock.now();
            self.agenda.ring(now, &mut due);
            for (time, task) in due.drain(..) {
                self.ring(time, task);
            }
            self.agenda.collect(&mut ready);
            if ready.is_empty() && !self.bury() {
                return;
            }
            self.rng.shuffle(&mut ready);
            for task in ready.drain(..) {
                if self.rng.u8(..8) == 0 {
                    self.agenda.now(task);
                } else {
                    self.turn(task);
                }
            }
            self.bury();
        }
        panic!("a world that never comes to rest");
    }

    /// A time on the agenda has come.
    fn ring(&mut self, time: Instant, task: Task) {
        match task {
            Task::Seat(id, side) => {
                let now = self.clock.now();
                let Some(at) = self.find(id) else { return };
                let seat = &mut self.connections[at].seats[side];
                seat.planned.take_if(|planned| *planned == time);
                if !self.nodes[seat.node].sleeps {
                    self.connections[at].plan(side, &mut self.agenda, now);
                }
            }
            Task::Application(at) => {
                self.nodes[at].thinks = false;
                self.nodes[at].flag.raise();
            }
            Task::Dial(_) => self.agenda.now(task),
        }
    }

    /// Where the connection stands, if it is not over.
    fn find(&self, id: u64) -> Option<usize> {
        self.connections.binary_search_by_key(&id, |connection| connection.id).ok()
    }

    /// Looks at everybody, after something has happened to the world from outside.
    pub(super) fn plan_all(&mut self) {
        let now = self.clock.now();
        for connection in &mut self.connections {
            for side in 0..2 {
                connection.plan(side, &mut self.agenda, now);
            }
        }
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| node.has_work());
        let dials = self.dials.iter().enumerate().filter(|(_, dial)| dial.has_work(now));
        for task in nodes.map(|(at, _)| Task::Application(at)).chain(dials.map(|(at, _)| Task::Dial(at))) {
            self.agenda.now(task);
        }
    }

    /// Whoever has something to do does it. One who sleeps does not, and is looked at again when that is over.
    fn turn(&mut self, task: Task) {
        let now = self.clock.now();
        match task {
            Task::Application(at) => {
                if self.nodes[at].has_work() {
                    let budget = self.rng.usize(1..8);
                    let is_slow = self.rng.u8(..8) == 0;
                    self.nodes[at].turn(budget, is_slow, now);
                    if let Some(time) = self.nodes[at].wakes_at(now) {
                        self.agenda.at(time, task);
                    }
                    if self.nodes[at].thinks {
                        let time = Duration::from_millis(self.rng.u64(1..300));
                        self.agenda.at(now + time, task);
                    }
                    self.hand_over(at);
                }
            }
            Task::Seat(id, side) => {
                if let Some(at) = self.find(id)
                    && self.connections[at].has_work(side, now)
                    && !self.nodes[self.connections[at].seats[side].node].sleeps
                {
                    self.seat_turn(at, side);
                }
            }
            Task::Dial(at) => {
                if self.dials[at].has_work(now) && !self.nodes[self.dials[at].node].sleeps {
                    self.dial_turn(at);
                }
            }
        }
    }

    fn seat_turn(&mut self, at: usize, side: usize) {
        let now = self.clock.now();
        let connection = &mut self.connections[at];
        let (seat, mut around) = connection.side(side, &mut self.nodes, now);
        seat.turn(&mut around);
        if seat.ended.is_some() {
            self.ending.push(connection.id);
        }
        connection.compare(side);
        for side in 0..2 {
            connection.plan(side, &mut self.agenda, now);
        }
    }

    /// Between the two sockets of an application: one message at a time, when the last one was sent.
    fn hand_over(&mut self, at: usize) {
        let Some(partner) = self.nodes[at].partner else { return };
        for (from, to) in [(at, partner), (partner, at)] {
            if self.nodes[to].outgoing.is_empty()
                && let Some(message) = self.nodes[from].relayed.take()
            {
                self.nodes[to].outgoing.push_back(message);
                self.nodes[to].flag.raise();
                self.nodes[from].flag.raise();
            }
        }
    }

    /// Lets the dialers decide about connections that are over, and files these. Whether there was one.
    fn bury(&mut self) -> bool {
        let ending = std::mem::take(&mut self.ending);
        for &id in &ending {
            let Some(at) = self.find(id) else { continue };
            let connection = &mut self.connections[at];
            let seat = &connection.seats[0];
            if let Some(reason) = seat.ended.clone().filter(|_| !connection.is_told) {
                connection.is_told = true;
                let (dial, ready_at) = (connection.dial, seat.ready_at);
                self.lost(dial, &reason, ready_at);
            }
            if self.connections[at].seats.iter().all(|seat| seat.ended.is_some()) {
                let over = self.connections.remove(at);
                self.records.push(over.into_record());
            }
        }
        !ending.is_empty()
    }

    /// What holds when nothing is left to do: engines and connections agree on who is there, no ROUTER has two peers of
    /// one name, and nobody sleeps who has something to do.
    fn check_rest(&mut self) {
        let mut attached = vec![0; self.nodes.len()];
        for seat in self.connections.iter().flat_map(|connection| &connection.seats) {
            attached[seat.node] += usize::from(seat.is_attached());
            seat.check_sent(&mut self.nodes[seat.node]);
        }
        for (at, node) in self.nodes.iter().enumerate() {
            assert_eq!(node.engine.peer_count(), attached[at], "the peers of {:?}", SocketId(at));
            if node.engine.socket_type() == SocketType::Router && !node.sleeps {
                let seats = self.connections.iter().flat_map(|connection| &connection.seats);
                let mut names: Vec<&[u8]> = seats.filter(|seat| seat.node == at).filter_map(Seat::peer_name).collect();
                names.sort_unstable();
                assert!(names.windows(2).all(|two| two[0] != two[1]), "two peers of one name: {names:?}");
            }
        }
        if self.rng.u8(..4) == 0 {
            self.nodes.iter_mut().for_each(Node::check_sleep);
        }
    }
}
