//! The script of a world: who is there, who calls whom, and when it is over.

use std::time::Duration;

use bowline_proto::mux::{Settings, Side};
use bowline_proto::sim::{Outcome, SocketId, Weather, World};
use bowline_proto::{Options, Reconnect};
use fastrand::Rng;

use super::summary::Summary;
use super::trouble::Down;

/// How much virtual time anything may take once the trouble is over.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3600);

/// Long enough for every loss and silence to be heard of, and for the longest delay between two attempts.
pub(crate) const REST: Duration = Duration::from_secs(30);

/// A world and what is to happen in it.
pub(crate) struct Play {
    pub(crate) w: World,
    pub(crate) rng: Rng,
    pub(crate) clients: Vec<SocketId>,
    pub(crate) servers: Vec<SocketId>,
    /// How often trouble comes; 0 for never.
    pub(crate) risk: u8,
    /// Whether anything but slowness befell the connections.
    pub(crate) is_troubled: bool,
    /// The socket that is not in use for a while.
    pub(crate) down: Option<Down>,
    pub(crate) cuts: usize,
    pub(crate) half_open: usize,
    /// How often somebody does something.
    acts: usize,
    /// How long messages are at the most.
    most: usize,
}

pub(crate) fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(..of.len())]
}

/// Plays the world of this seed.
pub(crate) fn play(seed: u64) -> Summary {
    let mut play = Play::new(seed);
    play.storm();
    play.every_call_ends();
    play.calls_go_on();
    play.finish();
    play.summary()
}

impl Play {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(!seed);
        let weather = Weather::drawn(&mut rng);
        // Many and long messages byte by byte would show nothing that few and short ones do not.
        let (most, acts) = match weather.chunk.min(weather.capacity) {
            ..8 => (40, 3..14),
            8..64 => (200, 3..24),
            64..1024 => (pick(&mut rng, &[60, 2_000]), 3..16),
            1024..8192 => (pick(&mut rng, &[60, 5_000, 20_000]), 3..20),
            _ => (pick(&mut rng, &[60, 5_000, 100_000]), 3..24),
        };
        let acts = rng.usize(acts);
        let mut w = World::new(seed);
        w.set_weather(weather);
        let risk = rng.u8(..3);
        let mut play = Self {
            w,
            rng,
            clients: Vec::new(),
            servers: Vec::new(),
            risk,
            is_troubled: false,
            down: None,
            cuts: 0,
            half_open: 0,
            acts,
            most,
        };
        play.people();
        play
    }

    fn people(&mut self) {
        for side in [Side::Server, Side::Client] {
            for _ in 0..self.rng.usize(1..3) {
                let (options, settings) = (self.options(), self.settings());
                let socket = self.w.caller(side, options, settings);
                match side {
                    Side::Client => self.clients.push(socket),
                    Side::Server => self.servers.push(socket),
                }
            }
        }
        for &server in &self.servers {
            self.w.bind(server, &format!("{server:?}"));
            for &client in &self.clients {
                self.w.connect(client, &format!("{server:?}"));
            }
        }
    }

    fn options(&mut self) -> Options {
        let rng = &mut self.rng;
        let min = Duration::from_millis(rng.u64(1..200));
        let reconnect = if rng.bool() { Reconnect::Fixed(min) } else { Reconnect::Exponential { min, max: 4 * min } };
        let sometimes = |rng: &mut Rng, seconds| (rng.u8(..3) == 0).then_some(Duration::from_secs(seconds));
        Options::new()
            .send_hwm(pick(rng, &[0, 1, 2, 10, 1000]))
            .recv_hwm(pick(rng, &[0, 1, 2, 10, 1000]))
            .reconnect(reconnect)
            .heartbeat_interval(sometimes(rng, 4))
            .heartbeat_timeout(sometimes(rng, 7))
            .heartbeat_ttl(sometimes(rng, 9))
    }

    fn settings(&mut self) -> Settings {
        let rng = &mut self.rng;
        Settings {
            max_streams: pick(rng, &[1, 2, 5, 1024]),
            max_window: (64 * 1024) << rng.u32(..4),
            pool: pick(rng, &[0, 100_000, 16 * 1024 * 1024]),
            max_message: 1024 * 1024,
            send_buffer: pick(rng, &[1, 1_000, 256 * 1024]),
        }
    }

    /// All sockets, of both kinds.
    pub(crate) fn sockets(&self) -> Vec<SocketId> {
        [&self.clients[..], &self.servers[..]].concat()
    }

    /// Any of them.
    pub(crate) fn anybody(&mut self) -> SocketId {
        let sockets = self.sockets();
        pick(&mut self.rng, &sockets)
    }

    /// Lets a little time pass.
    pub(crate) fn breathe(&mut self) {
        let time = Duration::from_millis(self.rng.u64(..50));
        self.w.run_for(time);
    }

    /// Calls are made, with trouble in between in most worlds, and then none any more.
    fn storm(&mut self) {
        for _ in 0..self.acts {
            let caller = self.anybody();
            for _ in 0..self.rng.usize(1..4) {
                self.call(caller);
            }
            if self.rng.u8(..6) == 0 {
                let caller = self.anybody();
                self.w.drop_call(caller);
            }
            if self.rng.bool() {
                self.breathe();
            }
            if self.risk > 0 && self.rng.u8(..2) < self.risk {
                self.trouble();
            }
        }
        self.calm();
    }

    pub(crate) fn call(&mut self, caller: SocketId) {
        let (seed, most) = (self.rng.u64(..), self.most);
        self.w.call(caller, seed, most);
    }

    /// No call hangs, no session keeps anything.
    fn every_call_ends(&mut self) {
        let sockets = self.sockets();
        let ended = self.w.run_until(PATIENCE, |w| sockets.iter().all(|&socket| w.has_no_calls(socket)));
        for &socket in &sockets {
            let hangs = self.w.calls(socket).iter().find(|call| call.ending.is_none());
            assert!(hangs.is_none(), "a call of {socket:?} does not end: {hangs:?}");
            let hangs = self.w.works(socket).iter().find(|work| work.ending.is_none());
            assert!(hangs.is_none(), "{socket:?} executes a call for ever: {hangs:?}");
        }
        assert!(ended, "a session has something left to do");
    }

    /// When the trouble is over, calls are not lost any more.
    fn calls_go_on(&mut self) {
        let sockets = self.sockets();
        let before: Vec<usize> = sockets.iter().map(|&socket| self.w.calls(socket).len()).collect();
        for &socket in &sockets {
            self.call(socket);
        }
        self.every_call_ends();
        for (&socket, before) in sockets.iter().zip(before) {
            for call in &self.w.calls(socket)[before..] {
                let is_lost = call.outcome() == Outcome::NotSent;
                assert!(!is_lost, "calls of {socket:?} go on: {call:?}");
            }
        }
    }

    fn summary(&self) -> Summary {
        let sockets = self.sockets();
        let calls = || sockets.iter().flat_map(|&socket| self.w.calls(socket));
        let count = |outcome| calls().filter(|call| call.outcome() == outcome).count();
        let heard = || calls().chain(sockets.iter().flat_map(|&socket| self.w.works(socket))).flat_map(|it| &it.heard);
        Summary {
            seeds: 1,
            links: 2 * self.w.records().len(),
            cuts: self.cuts,
            half_open: self.half_open,
            restarts: sockets.iter().map(|&socket| self.w.restarts(socket)).sum(),
            calls: calls().count(),
            outcomes: [Outcome::Answered, Outcome::NotSent, Outcome::NotExecuted, Outcome::MaybeExecuted].map(count),
            messages: heard().count(),
            bytes: heard().sum(),
            time: self.w.now().since_origin(),
        }
    }
}
