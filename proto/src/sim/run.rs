//! How a world runs: whoever was woken has a turn, in any order, and then time passes to the next event.

use std::time::Duration;

use super::world::{SocketId, World};
use crate::time::Instant;

/// How many rounds without any time passing make a world that never comes to rest.
const ROUNDS_MOST: usize = 100_000;

/// Whose turn it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Task {
    Application(usize),
    /// A connection, and one side of it.
    Seat(usize, usize),
    Dial(usize),
}

impl World {
    /// Lets time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.clock.now() + time;
        self.settle();
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.clock.advance_to(next);
            self.settle();
        }
        self.clock.advance_to(end);
    }

    /// Lets time pass until `done`, for up to `most`; whether it is.
    pub fn run_until(&mut self, most: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.clock.now() + most;
        self.settle();
        while !done(self) {
            let Some(next) = self.next_event().filter(|next| *next <= end) else { return false };
            self.clock.advance_to(next);
            self.settle();
        }
        true
    }

    /// The next time at which something happens by itself.
    fn next_event(&self) -> Option<Instant> {
        let now = self.clock.now();
        let seats = self.connections.iter().flat_map(|connection| connection.seats.iter().zip(&connection.inputs));
        let awake = seats.filter(|(seat, _)| !self.nodes[seat.node].sleeps);
        let due = self.dials.iter().filter(|dial| !self.nodes[dial.node].sleeps).filter_map(|dial| dial.due);
        awake.filter_map(|(seat, input)| seat.next_event(input)).chain(due).filter(|at| *at > now).min()
    }

    /// Runs everything that was woken until nothing is left to do.
    ///
    /// Whoever is ready has a turn in an order drawn from the seed, and now and then one is passed over.
    pub(super) fn settle(&mut self) {
        let mut ready = std::mem::take(&mut self.ready);
        for _ in 0..ROUNDS_MOST {
            self.find_ready(&mut ready);
            if ready.is_empty() && !self.bury() {
                self.ready = ready;
                self.check_peers();
                return;
            }
            self.rng.shuffle(&mut ready);
            for task in ready.drain(..) {
                if self.rng.u8(..8) > 0 {
                    self.turn(task);
                }
            }
            self.bury();
        }
        panic!("a world that never comes to rest");
    }

    fn find_ready(&self, ready: &mut Vec<Task>) {
        let now = self.clock.now();
        for (at, node) in self.nodes.iter().enumerate() {
            if node.has_work() {
                ready.push(Task::Application(at));
            }
        }
        for (at, connection) in self.connections.iter().enumerate() {
            for (side, seat) in connection.seats.iter().enumerate() {
                if connection.has_work(side, now) && !self.nodes[seat.node].sleeps {
                    ready.push(Task::Seat(at, side));
                }
            }
        }
        for (at, dial) in self.dials.iter().enumerate() {
            if dial.has_work(now) && !self.nodes[dial.node].sleeps {
                ready.push(Task::Dial(at));
            }
        }
    }

    fn turn(&mut self, task: Task) {
        let now = self.clock.now();
        match task {
            Task::Application(at) => {
                let budget = self.rng.usize(1..8);
                self.nodes[at].turn(budget);
                self.hand_over(at);
            }
            Task::Seat(at, side) => {
                let connection = &mut self.connections[at];
                let (seat, mut around) = connection.side(side, &mut self.nodes, now);
                seat.turn(&mut around);
                connection.compare(side);
            }
            Task::Dial(at) => self.dial_turn(at),
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
        let mut moved = false;
        for at in 0..self.connections.len() {
            let connection = &mut self.connections[at];
            let seat = &connection.seats[0];
            let Some(retry) = seat.ended.filter(|_| !connection.is_told) else { continue };
            (connection.is_told, moved) = (true, true);
            let (dial, ready_at) = (connection.dial, seat.ready_at);
            self.lost(dial, retry, ready_at);
        }
        for connection in
            self.connections.extract_if(.., |connection| connection.seats.iter().all(|seat| seat.ended.is_some()))
        {
            self.records.push(connection.into_record());
        }
        moved
    }

    /// Engines and connections agree on who is there.
    fn check_peers(&self) {
        for (at, node) in self.nodes.iter().enumerate() {
            let seats = self.connections.iter().flat_map(|connection| &connection.seats);
            let attached = seats.filter(|seat| seat.node == at && seat.is_attached()).count();
            assert_eq!(node.engine.peers(), attached, "the peers of {:?}", SocketId(at));
        }
    }
}
