//! What all topologies have in common: options, messages, and how sockets are joined.

use std::collections::HashSet;
use std::time::Duration;

use bowline_proto::sim::{SocketId, World};
use bowline_proto::{
    CurveClient, CurveServer, KeyPair, Mechanism, Message, Options, PlainCredentials, Reconnect, SecretKey, SocketType,
};
use fastrand::Rng;

use super::summary::Tally;
use super::trouble::Down;

/// How much virtual time anything may take once the trouble is over.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// Long enough for what is under way to arrive, for every loss and silence to be heard of, and for the longest delay
/// between two attempts.
pub(crate) const REST: Duration = Duration::from_secs(30);

/// A world and what is to happen in it.
pub(crate) struct Play {
    pub(crate) w: World,
    pub(crate) rng: Rng,
    pub(crate) sockets: Vec<SocketId>,
    pub(crate) cuts: usize,
    pub(crate) half_open: usize,
    /// How often trouble comes; 0 for never.
    pub(crate) risk: u8,
    /// Whether anything but slowness befell the connections.
    pub(crate) is_troubled: bool,
    /// The socket that is not in use for a while.
    pub(crate) down: Option<Down>,
    /// REQs that did not listen at some time: they may have missed that a peer was lost.
    pub(crate) inattentive: HashSet<SocketId>,
    /// Endpoints that were given up and are to be connected to again.
    pub(crate) given_up: Vec<(SocketId, String)>,
    /// Whether servers reply twice to everything.
    pub(crate) stutters: bool,
    /// How those that ask and those that serve come to trust each other.
    pub(crate) trust: Trust,
    next: u32,
}

/// What sockets demand of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nothing.
    Blind,
    Passwords,
    /// Keys, by which everything is sealed as well.
    Keys,
}

impl Trust {
    fn client(self) -> Mechanism {
        match self {
            Self::Blind => Mechanism::Null,
            Self::Passwords => Mechanism::PlainClient(ann()),
            Self::Keys => Mechanism::CurveClient(CurveClient::new(keys(1).public(), keys(2))),
        }
    }

    fn server(self) -> Mechanism {
        match self {
            Self::Blind => Mechanism::Null,
            Self::Passwords => Mechanism::PlainServer(vec![ann()]),
            Self::Keys => Mechanism::CurveServer(CurveServer::new(keys(1)).only([keys(2).public()])),
        }
    }
}

fn ann() -> PlainCredentials {
    PlainCredentials::new("ann", "secret").expect("short enough")
}

fn keys(seed: u8) -> KeyPair {
    SecretKey::from_bytes([seed; 32]).into()
}

pub(crate) fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

impl Play {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(!seed);
        Self {
            w: World::new(seed),
            sockets: Vec::new(),
            cuts: 0,
            half_open: 0,
            risk: rng.u8(..3),
            is_troubled: false,
            down: None,
            inattentive: HashSet::new(),
            given_up: Vec::new(),
            stutters: false,
            // Keys are a thousand times as dear as passwords.
            trust: match rng.u8(..32) {
                0..8 => Trust::Passwords,
                8 => Trust::Keys,
                _ => Trust::Blind,
            },
            next: 0,
            rng,
        }
    }

    /// Options of any kind.
    pub(crate) fn options(&mut self) -> Options {
        let rng = &mut self.rng;
        let marks = [0, 1, 2, 3, 10, 1000];
        let min = Duration::from_millis(rng.u64(1..200));
        let reconnect = match rng.u8(..4) {
            0 => Options::new().reconnect,
            1 => Reconnect::Exponential { min, max: 4 * min },
            _ => Reconnect::Fixed(min),
        };
        let sometimes = |rng: &mut Rng, seconds| (rng.u8(..3) == 0).then_some(Duration::from_secs(seconds));
        Options::new()
            .send_hwm(pick(rng, &marks))
            .recv_hwm(pick(rng, &marks))
            .reconnect(reconnect)
            .immediate(rng.u8(..4) == 0)
            .handshake_timeout(Duration::from_secs(pick(rng, &[10, 25])))
            .heartbeat_interval(sometimes(rng, 4))
            .heartbeat_timeout(sometimes(rng, 7))
            .heartbeat_ttl(sometimes(rng, 9))
    }

    /// A socket; those that serve know the password or the key of those that ask.
    pub(crate) fn socket(&mut self, socket_type: SocketType, options: Options) -> SocketId {
        let mechanism = match socket_type {
            SocketType::Pub | SocketType::XPub | SocketType::Push | SocketType::Router | SocketType::Rep => {
                self.trust.server()
            }
            SocketType::Sub | SocketType::XSub | SocketType::Pull | SocketType::Dealer | SocketType::Req => {
                self.trust.client()
            }
            SocketType::Pair => Mechanism::Null,
        };
        let socket = self.w.socket(socket_type, options.mechanism(mechanism));
        self.sockets.push(socket);
        socket
    }

    /// Sockets of one type, with options of any kind.
    pub(crate) fn several(&mut self, n: usize, socket_type: SocketType) -> Vec<SocketId> {
        (0..n)
            .map(|_| {
                let options = self.options();
                self.socket(socket_type, options)
            })
            .collect()
    }

    /// One to three of them.
    pub(crate) fn some(&mut self, socket_type: SocketType) -> Vec<SocketId> {
        let n = self.rng.usize(1..4);
        self.several(n, socket_type)
    }

    pub(crate) fn any(&mut self, of: &[SocketId]) -> SocketId {
        pick(&mut self.rng, of)
    }

    /// Joins each of `here` with each of `there`; one side binds, and peers come in any order.
    pub(crate) fn join(&mut self, here: &[SocketId], there: &[SocketId]) {
        let (binders, dialers) = if self.rng.bool() { (here, there) } else { (there, here) };
        let mut steps: Vec<(SocketId, Option<SocketId>)> = binders.iter().map(|&binder| (binder, None)).collect();
        steps.extend(dialers.iter().flat_map(|&dialer| binders.iter().map(move |&binder| (dialer, Some(binder)))));
        self.rng.shuffle(&mut steps);
        for (socket, peer) in steps {
            match peer {
                None => self.w.bind(socket, &format!("{socket:?}")),
                Some(binder) => self.w.connect(socket, &format!("{binder:?}")),
            }
            if self.rng.u8(..4) == 0 {
                self.breathe();
            }
        }
    }

    /// A message like no other: its last part begins with `head` and a number.
    pub(crate) fn message(&mut self, head: &str) -> Message {
        self.next += 1;
        let padding = match self.rng.u8(..8) {
            0 => self.rng.usize(200..300),
            1 => self.rng.usize(..80),
            2 if self.rng.u8(..8) == 0 => 5000,
            _ => 0,
        };
        let body = format!("{head}{:?} {}", self.next, "x".repeat(padding));
        match self.rng.u8(..4) {
            0 if head.is_empty() => Message::from_iter([format!("part of {}", self.next), body]),
            _ => body.into(),
        }
    }

    /// Lets a little time pass.
    pub(crate) fn breathe(&mut self) {
        let time = Duration::from_millis(self.rng.u64(..50));
        self.w.run_for(time);
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally {
            seeds: 1,
            links: 2 * self.w.records().len(),
            cuts: self.cuts,
            half_open: self.half_open,
            restarts: self.sockets.iter().map(|&socket| self.w.restarts(socket)).sum(),
            messages: self.sockets.iter().map(|&socket| self.w.received(socket).len()).sum(),
            time: self.w.now().since_origin(),
        }
    }
}
