//! What goes wrong in a world.

use std::time::Duration;

use super::seat::Seat;
use super::world::{SocketId, World};
use crate::SocketType;

impl World {
    /// Breaks a connection, counted from the oldest: what is on its way is lost.
    pub fn cut(&mut self, connection: usize) {
        let now = self.clock.now();
        let connection = &mut self.connections[connection];
        connection.was_cut = true;
        for input in &mut connection.inputs {
            input.reset(now);
        }
        self.plan_all();
    }

    /// Nothing arrives on a connection for a while.
    pub fn freeze(&mut self, connection: usize, time: Duration) {
        let then = self.clock.now() + time;
        for input in &mut self.connections[connection].inputs {
            input.freeze(then);
        }
        self.plan_all();
    }

    /// From now on nothing reaches the side that connected, or the side that accepted, or neither; no side is told, and
    /// the network takes what they write until it is full.
    pub fn silence(&mut self, connection: usize, dialer: bool, listener: bool) {
        let connection = &mut self.connections[connection];
        for (side, is_deaf) in [dialer, listener].into_iter().enumerate() {
            if is_deaf {
                connection.inputs[side].silence();
                connection.seats[side].deafen();
            }
        }
    }

    /// How many connections have a side that nothing reaches any more.
    pub fn half_open(&self) -> usize {
        self.connections.iter().filter(|connection| connection.is_half_open()).count()
    }

    /// The systems give up on all connections that are half open: both sides hear of it.
    ///
    /// # Panics
    ///
    /// If a side is still there that had to notice by itself. So call it only after all timeouts.
    pub fn give_up(&mut self) {
        let now = self.clock.now();
        for connection in self.connections.iter_mut().filter(|connection| connection.is_half_open()) {
            for (seat, input) in connection.seats.iter_mut().zip(&mut connection.inputs) {
                assert!(!seat.is_oblivious(now), "silence goes unnoticed: {:?}", seat.record.effects);
                seat.undeafen();
                input.give_up(now);
            }
            connection.was_cut = true;
        }
        self.plan_all();
    }

    /// Time passes and nothing runs, as when a machine sleeps: bytes arrive, timers come late.
    pub fn leap(&mut self, time: Duration) {
        self.clock.advance(time);
    }

    /// The application of a socket, and all that works for it, stands still until [`resume`](Self::resume).
    pub fn suspend(&mut self, socket: SocketId) {
        for at in self.process(socket) {
            self.nodes[at].sleeps = true;
        }
    }

    /// It runs again.
    pub fn resume(&mut self, socket: SocketId) {
        for at in self.process(socket) {
            self.nodes[at].sleeps = false;
        }
        self.plan_all();
    }

    /// Gives up one of the dialed endpoints of a socket: what waits for it still goes out. Its name, if there was one.
    pub fn disconnect(&mut self, socket: SocketId) -> Option<String> {
        let node = &mut self.nodes[socket.0];
        let dials: Vec<_> = self.dials.iter().filter(|dial| dial.node == socket.0 && dial.is_wanted()).collect();
        let dial = self.rng.choice(dials)?;
        node.engine.close_pipe(dial.halves.pipe, true);
        node.wake();
        Some(dial.endpoint.clone())
    }

    /// Closes a socket, and that of the same application: what waits still goes out.
    pub fn close(&mut self, socket: SocketId) {
        for at in self.process(socket) {
            let node = &mut self.nodes[at];
            node.engine.close();
            node.end_calls();
            node.wake();
        }
    }

    /// Ends a socket at once, with what waits, and that of the same application.
    pub fn stop(&mut self, socket: SocketId) {
        let now = self.clock.now();
        self.resume(socket);
        for ended in self.process(socket) {
            let node = &mut self.nodes[ended];
            node.engine.stop();
            node.end_calls();
            node.wake();
            for connection in &mut self.connections {
                for side in 0..2 {
                    if connection.seats[side].node == ended {
                        let (seat, mut around) = connection.side(side, &mut self.nodes, now);
                        seat.close(&mut around);
                        self.ending.push(connection.id);
                    }
                }
            }
        }
        for dial in self.dials.iter().filter(|dial| self.process(socket).any(|at| at == dial.node)) {
            // Its engine knows nothing any more of an endpoint that was given up before.
            dial.flag.raise();
        }
        self.plan_all();
        self.settle();
    }

    /// Begins again with a new socket in the place of one that is closed or was stopped: same options, bound to the same
    /// names, connected to the same. So with that of the same application.
    ///
    /// # Panics
    ///
    /// If anything of the old socket is left.
    pub fn begin_again(&mut self, socket: SocketId) {
        for at in self.process(socket) {
            assert!(self.is_gone(SocketId(at)), "of a socket that is over something is left");
            self.nodes[at].restart();
            let dials = self.dials.iter().filter(|dial| dial.node == at);
            let mut endpoints: Vec<String> = dials.map(|dial| dial.endpoint.clone()).collect();
            endpoints.sort_unstable();
            endpoints.dedup();
            for endpoint in endpoints {
                self.connect(SocketId(at), &endpoint);
            }
        }
    }

    /// Stops a socket and begins again.
    pub fn restart(&mut self, socket: SocketId) {
        self.stop(socket);
        self.begin_again(socket);
    }

    /// Whether neither a connection nor a dialed endpoint of the socket is left.
    pub fn is_gone(&self, socket: SocketId) -> bool {
        let mut seats = self.connections.iter().flat_map(|connection| &connection.seats);
        seats.all(|seat| seat.node != socket.0 || seat.ended.is_some()) && self.endpoints(socket) == 0
    }

    /// Whether the connections that the socket still has all lead to a REQ without room for more replies: it reads on only
    /// when it asks again.
    pub fn is_held_up(&self, socket: SocketId) -> bool {
        let is_own = |seat: &Seat| seat.node == socket.0 && seat.ended.is_none();
        let is_full = |seat: &Seat| seat.is_paused() && self.nodes[seat.node].engine.socket_type() == SocketType::Req;
        let mut left = self.connections.iter().filter(|connection| connection.seats.iter().any(is_own)).peekable();
        left.peek().is_some() && left.all(|connection| connection.seats.iter().any(is_full))
    }

    /// The sockets of the application that has this one.
    fn process(&self, socket: SocketId) -> impl Iterator<Item = usize> + use<> {
        std::iter::once(socket.0).chain(self.nodes[socket.0].partner)
    }
}
