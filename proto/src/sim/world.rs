//! Sockets that talk over a network that splits, delays, freezes and breaks, in virtual time.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use fastrand::Rng;

use super::Clock;
use super::net::{Direction, Weather};
use super::node::{Flag, Node, Service};
use super::seat::{Record, Seat, Surroundings};
use crate::engine::Halves;
use crate::engine::dialer::{Dialer, Next};
use crate::error::SendErrorKind;
use crate::link::{Link, LinkConfig, Role};
use crate::time::Instant;
use crate::{Message, Options, SocketType};

/// A socket of a [`World`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(usize);

/// How many rounds without any time passing make a world that never comes to rest.
const ROUNDS_MOST: usize = 100_000;

/// `n` sockets and the network between them.
///
/// A script: bind, connect and send, let time pass with [`run_for`](Self::run_for), break things, and look at what
/// was received. Each socket has an application of one task, which sends what it is given and receives what comes.
/// Applications, connections and dialed endpoints run when they are woken, never just so.
///
/// Equal seeds and equal scripts make equal worlds.
///
/// # Panics
///
/// Everywhere, if the core breaks a promise that holds at every step: a message delivered outside of `Attach` and
/// `Detach`, a pipe over its high-water mark, a world that does not come to rest.
#[derive(Debug)]
pub struct World {
    clock: Clock,
    rng: Rng,
    weather: Weather,
    nodes: Vec<Node>,
    dials: Vec<Dial>,
    connections: Vec<Connection>,
    records: Vec<ConnectionRecord>,
}

/// What happened on one connection that is over.
#[derive(Clone, Debug)]
pub struct ConnectionRecord {
    /// The socket that connected.
    pub dialer: SocketId,
    /// The socket that accepted.
    pub listener: SocketId,
    /// What happened at the side that connected.
    pub at_dialer: Record,
    /// What happened at the side that accepted.
    pub at_listener: Record,
    /// Whether the network broke it.
    pub was_cut: bool,
}

#[derive(Debug)]
struct Dial {
    node: usize,
    endpoint: String,
    halves: Halves,
    dialer: Dialer,
    flag: Arc<Flag>,
    /// When the next attempt is due; `None` while there is a connection, and at the end.
    due: Option<Instant>,
    is_over: bool,
}

#[derive(Debug)]
struct Connection {
    dial: usize,
    seats: [Seat; 2],
    /// What each seat reads.
    inputs: [Direction; 2],
    was_cut: bool,
    /// The dialer knows that it is over.
    is_told: bool,
}

impl World {
    /// An empty world; the weather is drawn from the seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let weather = Weather::drawn(&mut rng);
        Self {
            clock: Clock::new(),
            rng,
            weather,
            nodes: Vec::new(),
            dials: Vec::new(),
            connections: Vec::new(),
            records: Vec::new(),
        }
    }

    /// What time it is.
    pub const fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Sets the weather for connections from now on.
    pub const fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Adds a socket.
    pub fn socket(&mut self, socket_type: SocketType, options: Options) -> SocketId {
        self.nodes.push(Node::new(socket_type, options));
        SocketId(self.nodes.len() - 1)
    }

    /// Binds a socket to a name.
    pub fn bind(&mut self, socket: SocketId, name: &str) {
        self.nodes[socket.0].binds.push(name.to_owned());
    }

    /// Connects a socket to a name, whether or not anybody is bound to it.
    pub fn connect(&mut self, socket: SocketId, name: &str) {
        let node = &mut self.nodes[socket.0];
        let Some(halves) = node.engine.dial() else { return };
        let dialer = Dialer::new(&node.options, self.rng.u64(..));
        let flag = Flag::raised();
        let endpoint = name.to_owned();
        self.dials.push(Dial { node: socket.0, endpoint, halves, dialer, flag, due: None, is_over: false });
        node.wake();
        let dial = self.dials.len() - 1;
        let first = self.dials[dial].dialer.start();
        self.follow(dial, first);
    }

    /// Subscribes a SUB or an XSUB to a topic, through restarts.
    ///
    /// # Panics
    ///
    /// If it is no such socket, or closed.
    pub fn subscribe(&mut self, socket: SocketId, topic: &[u8]) {
        let node = &mut self.nodes[socket.0];
        node.engine.subscribe(topic).expect("a SUB subscribes while it is open");
        node.subscriptions.push(topic.to_vec());
        node.wake();
    }

    /// Gives the application a message to send, as soon as the socket takes it.
    pub fn send(&mut self, socket: SocketId, message: impl Into<Message>) {
        let node = &mut self.nodes[socket.0];
        node.outgoing.push_back(message.into());
        node.flag.raise();
    }

    /// The application replies to what it receives.
    pub fn serve(&mut self, socket: SocketId, service: Service) {
        self.nodes[socket.0].service = Some(service);
    }

    /// The application stops receiving, or begins again.
    pub fn set_reading(&mut self, socket: SocketId, reads: bool) {
        self.nodes[socket.0].reads = reads;
        self.nodes[socket.0].flag.raise();
    }

    /// The type of a socket.
    pub fn socket_type(&self, socket: SocketId) -> SocketType {
        self.nodes[socket.0].engine.socket_type()
    }

    /// What the socket took from its application to send.
    pub fn sent(&self, socket: SocketId) -> &[Message] {
        &self.nodes[socket.0].sent
    }

    /// What the application was given and the socket did not take yet.
    pub fn unsent(&self, socket: SocketId) -> usize {
        self.nodes[socket.0].outgoing.len()
    }

    /// What the socket refused to send.
    pub fn refused(&self, socket: SocketId) -> &[(Message, SendErrorKind)] {
        &self.nodes[socket.0].refused
    }

    /// What the application has received.
    pub fn received(&self, socket: SocketId) -> &[Message] {
        &self.nodes[socket.0].received
    }

    /// For each message that was received, how many had been sent by then.
    pub fn sent_before(&self, socket: SocketId) -> &[usize] {
        &self.nodes[socket.0].sent_before
    }

    /// How often a REQ heard that its request is lost.
    pub fn peers_lost(&self, socket: SocketId) -> usize {
        self.nodes[socket.0].lost_before.len()
    }

    /// For each time that a REQ heard so, how many requests it had sent by then.
    pub fn lost_before(&self, socket: SocketId) -> &[usize] {
        &self.nodes[socket.0].lost_before
    }

    /// How many peers the socket has.
    pub fn peers(&self, socket: SocketId) -> usize {
        self.nodes[socket.0].engine.peer_count()
    }

    /// How many pipes the socket has.
    pub fn pipes(&self, socket: SocketId) -> usize {
        self.nodes[socket.0].engine.pipes().iter().count()
    }

    /// How many messages the dialed endpoints of a socket discarded, in all of its lives.
    pub fn discarded(&self, socket: SocketId) -> u64 {
        let dials = self.dials.iter().filter(|dial| dial.node == socket.0);
        dials.map(|dial| dial.halves.outbox.discarded() + dial.halves.outbox.len() as u64).sum()
    }

    /// How many dialed endpoints of the socket are not given up.
    pub fn endpoints(&self, socket: SocketId) -> usize {
        self.dials.iter().filter(|dial| dial.node == socket.0 && !dial.is_over).count()
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The connections that are over.
    pub fn records(&self) -> &[ConnectionRecord] {
        &self.records
    }

    /// Breaks a connection, counted from the oldest: what is on its way is lost.
    pub fn cut(&mut self, connection: usize) {
        let now = self.clock.now();
        let connection = &mut self.connections[connection];
        connection.was_cut = true;
        for input in &mut connection.inputs {
            input.reset(now);
        }
    }

    /// Nothing arrives on a connection for a while.
    pub fn freeze(&mut self, connection: usize, time: Duration) {
        let then = self.clock.now() + time;
        for input in &mut self.connections[connection].inputs {
            input.freeze(then);
        }
    }

    /// Closes a socket: what waits still goes out.
    pub fn close(&mut self, socket: SocketId) {
        let node = &mut self.nodes[socket.0];
        node.engine.close();
        node.wake();
    }

    /// Ends a socket at once, with what waits.
    pub fn stop(&mut self, socket: SocketId) {
        let now = self.clock.now();
        let node = &mut self.nodes[socket.0];
        node.engine.stop();
        node.wake();
        for at in 0..self.connections.len() {
            for side in 0..2 {
                if self.connections[at].seats[side].node == socket.0 {
                    let (seat, mut around) = self.connections[at].side(side, &mut self.nodes, now);
                    seat.close(&mut around);
                }
            }
        }
        self.settle();
    }

    /// Stops a socket and begins again with a new one: same options, bound to the same names, connected to the same.
    ///
    /// # Panics
    ///
    /// If anything of the stopped socket is left.
    pub fn restart(&mut self, socket: SocketId) {
        self.stop(socket);
        let mut seats = self.connections.iter().flat_map(|connection| &connection.seats);
        assert!(seats.all(|seat| seat.node != socket.0 || seat.ended.is_some()), "a stopped socket has no connections");
        self.nodes[socket.0].restart();
        let dialed = |dial: &Dial| dial.node == socket.0;
        assert!(self.dials.iter().filter(|dial| dialed(dial)).all(|dial| dial.is_over), "nor dialed endpoints");
        let mut endpoints: Vec<String> =
            self.dials.iter().filter(|dial| dialed(dial)).map(|dial| dial.endpoint.clone()).collect();
        endpoints.sort_unstable();
        endpoints.dedup();
        for endpoint in endpoints {
            self.connect(socket, &endpoint);
        }
    }

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
        let seats = self.connections.iter().flat_map(|connection| {
            connection.seats.iter().zip(&connection.inputs).filter_map(|(seat, input)| seat.next_event(input))
        });
        seats.chain(self.dials.iter().filter_map(|dial| dial.due)).filter(|at| *at > now).min()
    }

    /// Runs everything that was woken, in an order drawn from the seed, until nothing is left to do.
    fn settle(&mut self) {
        for _ in 0..ROUNDS_MOST {
            let mut moved = false;
            let (nodes, connections) = (self.nodes.len(), self.connections.len());
            let total = nodes + connections + self.dials.len();
            let first = self.rng.usize(..total.max(1));
            for at in (first..total).chain(0..first) {
                moved |= if at < nodes {
                    let budget = self.rng.usize(1..8);
                    self.nodes[at].turn(budget)
                } else if at < nodes + connections {
                    self.turn(at - nodes)
                } else {
                    self.dial_turn(at - nodes - connections)
                };
            }
            moved |= self.bury();
            if !moved {
                return;
            }
        }
        panic!("a world that never comes to rest");
    }

    fn turn(&mut self, at: usize) -> bool {
        let now = self.clock.now();
        let mut moved = false;
        for side in 0..2 {
            let connection = &mut self.connections[at];
            if connection.seats[side].has_work(&connection.inputs[1 - side], &connection.inputs[side], now) {
                let (seat, mut around) = connection.side(side, &mut self.nodes, now);
                seat.turn(&mut around);
                moved = true;
            }
        }
        let [dialer, listener] = &self.connections[at].seats;
        check_order(&dialer.record, &listener.record);
        check_order(&listener.record, &dialer.record);
        moved
    }

    /// Lets the dialers decide about connections that are over, and files these.
    fn bury(&mut self) -> bool {
        let now = self.clock.now();
        let mut moved = false;
        for at in 0..self.connections.len() {
            let Connection { dial, seats: [seat, _], is_told, .. } = &mut self.connections[at];
            let Some(reason) = seat.ended.clone().filter(|_| !*is_told) else { continue };
            (*is_told, moved) = (true, true);
            let (dial, ready_at) = (*dial, seat.ready_at);
            let dialer = &mut self.dials[dial].dialer;
            if let Some(at) = ready_at {
                dialer.ready(at);
            }
            let next = dialer.lost(&reason, now);
            self.follow(dial, next);
        }
        let is_over = |connection: &mut Connection| connection.seats.iter().all(|seat| seat.ended.is_some());
        for Connection { seats: [dialer, listener], was_cut, .. } in self.connections.extract_if(.., is_over) {
            self.records.push(ConnectionRecord {
                dialer: SocketId(dialer.node),
                listener: SocketId(listener.node),
                at_dialer: dialer.record,
                at_listener: listener.record,
                was_cut,
            });
        }
        moved
    }

    fn dial_turn(&mut self, at: usize) -> bool {
        let now = self.clock.now();
        let dial = &mut self.dials[at];
        let is_due = dial.due.is_some_and(|due| due <= now);
        if dial.is_over || dial.due.is_none() || !(dial.flag.lower() || is_due) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&dial.flag));
        let is_up = self.nodes[dial.node].engine.state() != crate::engine::lifecycle::State::Closed;
        let finished = dial.halves.outbox.poll_finished(&mut Context::from_waker(&waker)).is_ready();
        let next = if finished || !is_up {
            dial.dialer.stop()
        } else if is_due {
            dial.dialer.due()
        } else {
            return true;
        };
        self.follow(at, next);
        true
    }

    /// Does what a dialer says.
    fn follow(&mut self, at: usize, next: Next) {
        let now = self.clock.now();
        let dial = &mut self.dials[at];
        match next {
            Next::Connect(_) => {
                dial.due = None;
                if !self.open(at) {
                    let failed = self.dials[at].dialer.failed(std::io::ErrorKind::ConnectionRefused);
                    self.follow(at, failed);
                }
            }
            Next::Wait(delay) => {
                dial.due = Some(now + delay);
                dial.flag.raise();
            }
            Next::Leave => {
                (dial.due, dial.is_over) = (None, true);
                let node = &mut self.nodes[dial.node];
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
            let config = LinkConfig::new(&node.options, node.engine.socket_type());
            Link::new(config.with_address(dial.endpoint.clone()), role)
        };
        let near = Seat::new(dial.node, link(&self.nodes[dial.node], Role::Dialer), Some(dial.halves.clone()), now);
        let far = Seat::new(listener, link(&self.nodes[listener], Role::Listener), None, now);
        let inputs = [(); 2].map(|()| Direction::new(self.weather, self.rng.fork()));
        self.connections.push(Connection { dial: at, seats: [near, far], inputs, was_cut: false, is_told: false });
        true
    }
}

impl Connection {
    fn side<'a>(&'a mut self, side: usize, nodes: &'a mut [Node], now: Instant) -> (&'a mut Seat, Surroundings<'a>) {
        let [first, second] = &mut self.inputs;
        let (input, output) = if side == 0 { (first, second) } else { (second, first) };
        let seat = &mut self.seats[side];
        let node = &mut nodes[seat.node];
        (seat, Surroundings { node, output, input, now })
    }
}

/// A connection delivers what was sent by it, in order, from the first: nothing else, nothing twice.
fn check_order(from: &Record, to: &Record) {
    let from = from.sent.get(..to.delivered.len());
    assert!(from == Some(&to.delivered[..]), "delivered {:?} of what was sent: {from:?}", to.delivered);
}
