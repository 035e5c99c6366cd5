//! Sockets that talk over a network that splits, delays, freezes and breaks, in virtual time.

use fastrand::Rng;

use super::Clock;
use super::agenda::{Agenda, Task};
use super::connection::{Connection, ConnectionRecord};
use super::dial::Dial;
use super::net::Weather;
use super::node::{Node, Service};
use super::seat::Seat;
use crate::error::SendErrorKind;
use crate::time::Instant;
use crate::{Message, Options, SocketType};

/// A socket of a [`World`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub(super) usize);

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
    pub(super) clock: Clock,
    pub(super) rng: Rng,
    pub(super) weather: Weather,
    pub(super) nodes: Vec<Node>,
    pub(super) dials: Vec<Dial>,
    pub(super) connections: Vec<Connection>,
    pub(super) records: Vec<ConnectionRecord>,
    pub(super) agenda: Agenda,
    pub(super) next_connection: u64,
    /// Connections of which a side has ended since the dialers were last asked.
    pub(super) ending: Vec<u64>,
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
            agenda: Agenda::default(),
            next_connection: 0,
            ending: Vec::new(),
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
        let at = self.nodes.len();
        let flag = self.agenda.flag(Task::Application(at));
        self.nodes.push(Node::new(socket_type, options, flag));
        SocketId(at)
    }

    /// Binds a socket to a name.
    pub fn bind(&mut self, socket: SocketId, name: &str) {
        self.nodes[socket.0].binds.push(name.to_owned());
    }

    /// Connects a socket to a name, whether or not anybody is bound to it.
    pub fn connect(&mut self, socket: SocketId, name: &str) {
        let node = &mut self.nodes[socket.0];
        let Some(halves) = node.engine.dial() else { return };
        node.wake();
        self.dial(socket.0, name.to_owned(), halves);
    }

    /// One application has both sockets: what it receives by the one it sends by the other, one message at a time.
    pub fn relay(&mut self, one: SocketId, other: SocketId) {
        self.nodes[one.0].partner = Some(other.0);
        self.nodes[other.0].partner = Some(one.0);
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

    /// The application replies to everything twice.
    pub fn stutter(&mut self, socket: SocketId) {
        self.nodes[socket.0].stutters = true;
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

    /// The socket that the same application has beside it.
    pub fn partner(&self, socket: SocketId) -> Option<SocketId> {
        self.nodes[socket.0].partner.map(SocketId)
    }

    /// How many messages the application had in hand when it was restarted, or has now.
    pub fn in_hand(&self, socket: SocketId) -> usize {
        let node = &self.nodes[socket.0];
        node.forgotten + node.outgoing.len() + usize::from(node.relayed.is_some())
    }

    /// How often the socket began again.
    pub fn restarts(&self, socket: SocketId) -> usize {
        self.nodes[socket.0].restarts
    }

    /// Whether the socket is neither closed nor closing.
    pub fn is_up(&self, socket: SocketId) -> bool {
        self.nodes[socket.0].is_up()
    }

    /// How many topics the peers of the socket are subscribed to.
    pub fn subscriptions(&mut self, socket: SocketId) -> usize {
        self.nodes[socket.0].engine.subscriptions()
    }

    /// Whether each endpoint that the socket dials, and did not give up, has its peer. One where nothing is read may
    /// have lost it without having heard.
    pub fn is_connected(&self, socket: SocketId) -> bool {
        let dials = self.dials.iter().enumerate().filter(|(_, dial)| dial.node == socket.0 && dial.is_wanted());
        dials.into_iter().all(|(at, _)| {
            let mut connections = self.connections.iter().filter(|connection| connection.dial == at);
            connections.any(|connection| {
                let mut seats = connection.seats.iter();
                seats.all(Seat::is_attached) || connection.seats[0].is_paused()
            })
        })
    }

    /// How many peers the socket has.
    pub fn peers(&self, socket: SocketId) -> usize {
        self.nodes[socket.0].engine.peer_count()
    }

    /// How many pipes the socket has.
    pub fn pipes(&self, socket: SocketId) -> usize {
        self.nodes[socket.0].engine.pipes().iter().count()
    }

    /// How many messages went with the dialed endpoints of a socket, in all of its lives.
    pub fn discarded(&self, socket: SocketId) -> u64 {
        let dials = self.dials.iter().filter(|dial| dial.node == socket.0);
        dials.map(|dial| dial.halves.outbox.discarded() + if dial.is_over { dial.waiting() } else { 0 }).sum()
    }

    /// How many messages wait in its dialed endpoints.
    pub fn waiting(&self, socket: SocketId) -> u64 {
        self.dials.iter().filter(|dial| dial.node == socket.0 && !dial.is_over).map(Dial::waiting).sum()
    }

    /// How many dialed endpoints of the socket are not left: those that are given up stay until what waits is out.
    pub fn endpoints(&self, socket: SocketId) -> usize {
        self.dials.iter().filter(|dial| dial.node == socket.0 && !dial.is_over).count()
    }

    /// Whether the socket dials this name, and did not give it up.
    pub fn is_dialing(&self, socket: SocketId, name: &str) -> bool {
        self.dials.iter().any(|dial| dial.node == socket.0 && dial.endpoint == name && dial.is_wanted())
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The connections that are over.
    pub fn records(&self) -> &[ConnectionRecord] {
        &self.records
    }
}
