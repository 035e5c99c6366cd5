//! What all topologies have in common: options, messages, and trouble.

use std::time::Duration;

use bowline_proto::sim::{SocketId, World};
use bowline_proto::{Message, Options, Reconnect, SocketType};
use fastrand::Rng;

use super::Summary;

/// How much virtual time anything may take once the trouble is over.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// Long enough for what is under way to arrive, and for every loss to be heard of.
pub(crate) const REST: Duration = Duration::from_secs(20);

/// A world and what is to happen in it.
pub(crate) struct Play {
    pub(crate) w: World,
    pub(crate) rng: Rng,
    pub(crate) sockets: Vec<SocketId>,
    /// How often each was restarted.
    pub(crate) restarts: Vec<usize>,
    pub(crate) cuts: usize,
    /// Whether anything but slowness befell the connections.
    pub(crate) is_troubled: bool,
    next: u32,
}

fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

impl Play {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            w: World::new(seed),
            rng: Rng::with_seed(!seed),
            sockets: Vec::new(),
            restarts: Vec::new(),
            cuts: 0,
            is_troubled: false,
            next: 0,
        }
    }

    /// Options of any kind.
    pub(crate) fn options(&mut self) -> Options {
        let rng = &mut self.rng;
        let marks = [0, 1, 2, 3, 10, 1000];
        let min = Duration::from_millis(rng.u64(1..200));
        let exponential = Reconnect::Exponential { min, max: 4 * min };
        let reconnect = if rng.bool() { Reconnect::Fixed(min) } else { exponential };
        let heartbeat = if rng.u8(..4) == 0 { Some(Duration::from_secs(4)) } else { None };
        Options::new()
            .send_hwm(pick(rng, &marks))
            .recv_hwm(pick(rng, &marks))
            .reconnect(reconnect)
            .immediate(rng.u8(..4) == 0)
            .heartbeat_interval(heartbeat)
    }

    pub(crate) fn socket(&mut self, socket_type: SocketType, options: Options) -> SocketId {
        let socket = self.w.socket(socket_type, options);
        self.sockets.push(socket);
        self.restarts.push(0);
        socket
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

    /// Something goes wrong.
    pub(crate) fn trouble(&mut self) {
        let connections = self.w.connections();
        match self.rng.u8(..8) {
            0..=2 if connections > 0 => {
                self.w.cut(self.rng.usize(..connections));
                self.cuts += 1;
                self.is_troubled = true;
            }
            3 if connections > 0 => {
                let time = Duration::from_millis(self.rng.u64(..5000));
                self.w.freeze(self.rng.usize(..connections), time);
                self.is_troubled = true;
            }
            4 if self.rng.bool() => {
                let at = self.rng.usize(..self.sockets.len());
                self.w.restart(self.sockets[at]);
                self.restarts[at] += 1;
                self.is_troubled = true;
            }
            5 => {
                let socket = pick(&mut self.rng, &self.sockets);
                let reads = self.rng.bool();
                // A REQ that does not listen may send again after a loss, and never hears of it.
                self.w.set_reading(socket, reads || self.w.socket_type(socket) == SocketType::Req);
            }
            _ => {}
        }
    }

    /// Does `act` some times, with trouble in between in most worlds, and then none any more.
    pub(crate) fn storm(&mut self, mut act: impl FnMut(&mut Self)) {
        let (rounds, risk) = (self.rng.usize(4..30), self.rng.u8(..3));
        for _ in 0..rounds {
            act(self);
            if self.rng.bool() {
                self.breathe();
            }
            if risk > 0 && self.rng.u8(..2) < risk {
                self.trouble();
            }
        }
        for &socket in &self.sockets {
            self.w.set_reading(socket, true);
        }
        // The news of the last trouble has to get around.
        self.w.run_for(REST);
    }

    pub(crate) fn restarts_of(&self, socket: SocketId) -> usize {
        self.sockets.iter().position(|&other| other == socket).map_or(0, |at| self.restarts[at])
    }

    pub(crate) fn summary(&self) -> Summary {
        Summary {
            seeds: 1,
            links: 2 * self.w.records().len(),
            cuts: self.cuts,
            restarts: self.restarts.iter().sum(),
            messages: self.sockets.iter().map(|&socket| self.w.received(socket).len()).sum(),
            time: self.w.now().since_origin(),
        }
    }
}
