//! What goes wrong in a world, and how it comes to rest.

use std::time::Duration;

use bowline_proto::SocketType;
use bowline_proto::sim::SocketId;

use super::play::{PATIENCE, Play, REST, pick};

/// A socket that is not in use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Down {
    /// It was stopped.
    Away(SocketId),
    /// It was closed, when its endpoints had discarded so much.
    Closing(SocketId, u64),
}

impl Play {
    /// Does `act` some times, with trouble in between in most worlds, and then none any more.
    pub(crate) fn storm(&mut self, mut act: impl FnMut(&mut Self)) {
        for _ in 0..self.rng.usize(4..30) {
            act(self);
            if self.rng.bool() {
                self.breathe();
            }
            if self.risk > 0 && self.rng.u8(..2) < self.risk {
                self.trouble();
            }
            if self.rng.u8(..64) == 0 {
                self.idle();
            }
        }
        self.calm();
    }

    /// Something goes wrong.
    fn trouble(&mut self) {
        let connections = self.w.connections();
        match self.rng.u8(..20) {
            0..=3 if connections > 0 => {
                self.w.cut(self.rng.usize(..connections));
                self.cuts += 1;
                self.is_troubled = true;
            }
            4 | 5 if connections > 0 => {
                let time = Duration::from_millis(self.rng.u64(..5000));
                self.w.freeze(self.rng.usize(..connections), time);
                self.is_troubled = true;
            }
            6 | 7 if connections > 0 => {
                let (dialer, listener) = pick(&mut self.rng, &[(true, false), (false, true), (true, true)]);
                self.w.silence(self.rng.usize(..connections), dialer, listener);
                self.half_open += 1;
                self.is_troubled = true;
            }
            8 => self.restart(),
            9..=11 => self.slow_down(),
            12 => {
                let time = pick(&mut self.rng, &[1, 5, 12, 60, 3600, 6 * 3600]);
                self.w.leap(Duration::from_secs(time));
                self.is_troubled = true;
            }
            13 => {
                let socket = self.up();
                self.w.suspend(socket);
                self.is_troubled = true;
            }
            14 => {
                let socket = pick(&mut self.rng, &self.sockets);
                self.w.resume(socket);
            }
            15 | 16 => self.take_down(),
            17 | 18 => self.disconnect(),
            _ => {}
        }
    }

    /// A socket that is in use, if there is any.
    fn up(&mut self) -> SocketId {
        let up: Vec<SocketId> = self.sockets.iter().copied().filter(|&socket| self.w.is_up(socket)).collect();
        if up.is_empty() { pick(&mut self.rng, &self.sockets) } else { pick(&mut self.rng, &up) }
    }

    fn restart(&mut self) {
        let socket = self.up();
        if self.w.is_up(socket) {
            self.w.restart(socket);
            self.is_troubled = true;
        }
    }

    fn slow_down(&mut self) {
        let socket = pick(&mut self.rng, &self.sockets);
        let reads = self.rng.bool();
        if self.w.socket_type(socket) == SocketType::Req && !reads {
            self.inattentive.insert(socket);
        }
        self.w.set_reading(socket, reads);
    }

    /// Nobody does anything for a while.
    fn idle(&mut self) {
        let seconds = pick(&mut self.rng, &[1, 5, 10, 20, 30, 60, 60, 120, 300, 3600]);
        // Who does not read does not answer signs of life either, and whoever asked for them gives it up.
        self.is_troubled |= self.risk > 0;
        self.w.run_for(Duration::from_secs(seconds));
    }

    /// A socket goes for a while, at once or after what waits; or the one that is gone comes back.
    fn take_down(&mut self) {
        self.is_troubled = true;
        match self.down {
            Some(Down::Away(socket)) => {
                self.w.begin_again(socket);
                self.down = None;
            }
            Some(Down::Closing(..)) => {}
            None => {
                let socket = self.up();
                if self.rng.bool() {
                    self.w.stop(socket);
                    self.down = Some(Down::Away(socket));
                } else {
                    self.w.resume(socket);
                    self.down = Some(Down::Closing(socket, self.w.discarded(socket)));
                    self.w.close(socket);
                }
            }
        }
    }

    /// An endpoint is given up, and connected to anew: at once if its peer admits two from one socket, or else when
    /// what waited for the old one is out.
    fn disconnect(&mut self) {
        let socket = self.up();
        let Some(endpoint) = self.w.disconnect(socket) else { return };
        self.is_troubled = true;
        let is_single =
            matches!(self.w.socket_type(socket), SocketType::Pair | SocketType::Dealer | SocketType::Router);
        if is_single || self.rng.bool() {
            self.given_up.push((socket, endpoint));
        } else {
            self.w.connect(socket, &endpoint);
        }
    }

    /// The trouble is over: everything comes to rest, and to life again.
    fn calm(&mut self) {
        if let Some(Down::Away(socket)) = self.down.take_if(|down| matches!(down, Down::Away(_))) {
            // Dialers are patient.
            let minutes = pick(&mut self.rng, &[0, 0, 0, 0, 1, 1, 2, 20]);
            self.w.run_for(Duration::from_secs(60 * minutes));
            self.w.begin_again(socket);
        }
        for &socket in &self.sockets {
            self.w.resume(socket);
            self.w.set_reading(socket, true);
        }
        self.w.run_for(REST);
        // Whoever asks for signs of life has noticed by now; where nobody does, the link just stays.
        self.w.give_up();
        // The news of the last trouble has to get around.
        self.w.run_for(REST);
        if let Some(Down::Closing(socket, discarded)) = self.down.take() {
            self.drained(socket, discarded);
            self.w.begin_again(socket);
            self.w.run_for(REST);
        }
        for (socket, endpoint) in std::mem::take(&mut self.given_up) {
            // A REQ that has asked nothing may have no room for more replies: what waits for it never goes out.
            self.w.run_until(PATIENCE, |w| w.waiting(socket) == 0);
            if !self.w.is_dialing(socket, &endpoint) {
                self.w.connect(socket, &endpoint);
            }
        }
        self.w.run_for(REST);
        assert_eq!(self.w.half_open(), 0, "a link that the systems gave up is gone");
        // A relaxed REQ that had requests to give up lost a connection by each: whoever dials may be waiting still.
        let is_req = |&socket: &SocketId| self.w.socket_type(socket) == SocketType::Req;
        let most = if self.sockets.iter().any(is_req) { PATIENCE } else { Duration::ZERO };
        for &socket in &self.sockets {
            let is_connected = self.w.run_until(most, |w| w.is_connected(socket));
            assert!(is_connected, "every endpoint of {socket:?} finds its peer again");
        }
    }

    /// A socket that was closed ends when all is out.
    fn drained(&mut self, socket: SocketId, discarded: u64) {
        let sockets: Vec<SocketId> = std::iter::once(socket).chain(self.w.partner(socket)).collect();
        if !self.w.run_until(PATIENCE, |w| sockets.iter().all(|&socket| w.is_gone(socket))) {
            let is_excused = |&socket: &SocketId| self.w.is_gone(socket) || self.w.is_held_up(socket);
            assert!(sockets.iter().all(is_excused), "{socket:?} ends when what waits is out");
            return self.w.stop(socket);
        }
        // Of the others' peers those that come next must not hear what was for the last.
        let keeps = matches!(self.w.socket_type(socket), SocketType::Push | SocketType::Dealer | SocketType::Pair);
        assert_eq!(self.w.waiting(socket), 0, "of {socket:?} nothing is left behind");
        assert!(!keeps || self.w.discarded(socket) == discarded, "{socket:?} drops nothing that waits at its end");
    }
}
