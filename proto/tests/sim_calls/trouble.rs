//! What goes wrong in a world of calls, and how it comes to rest.

use std::time::Duration;

use bowline_proto::sim::SocketId;

use super::play::{PATIENCE, Play, REST, pick};

/// A socket that is not in use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Down {
    /// It was stopped.
    Away(SocketId),
    /// It lets what was begun come to its end, and will be closed then.
    Draining(SocketId),
    /// It was closed.
    Closing(SocketId),
}

impl Play {
    /// Something goes wrong.
    pub(crate) fn trouble(&mut self) {
        let connections = self.w.connections();
        match self.rng.u8(..20) {
            0..=4 if connections > 0 => {
                self.cut();
                self.is_troubled = true;
            }
            5 | 6 if connections > 0 => {
                let time = Duration::from_millis(self.rng.u64(..5000));
                self.w.freeze(self.rng.usize(..connections), time);
                self.is_troubled = true;
            }
            7 if connections > 0 => {
                let (dialer, listener) = pick(&mut self.rng, &[(true, false), (false, true), (true, true)]);
                self.w.silence(self.rng.usize(..connections), dialer, listener);
                self.half_open += 1;
                self.is_troubled = true;
            }
            8 | 9 => {
                let socket = self.anybody();
                if self.w.is_up(socket) && !self.is_down(socket) {
                    self.w.restart(socket);
                    self.is_troubled = true;
                }
            }
            10 | 11 => {
                let (socket, reads) = (self.anybody(), self.rng.bool());
                self.w.set_reading(socket, reads);
                // Who does not read does not answer signs of life either.
                self.is_troubled = true;
            }
            12 => {
                let time = pick(&mut self.rng, &[1, 5, 12, 60, 3600]);
                self.w.leap(Duration::from_secs(time));
                self.is_troubled = true;
            }
            13 => {
                let socket = self.anybody();
                self.w.suspend(socket);
                self.is_troubled = true;
            }
            14 => {
                let socket = self.anybody();
                self.w.resume(socket);
            }
            15..=18 => self.take_down(),
            _ => self.w.run_for(REST),
        }
    }

    /// A connection breaks, mostly while much is on its way, and while more is asked for.
    fn cut(&mut self) {
        let is_busy = self.rng.u8(..4) > 0;
        for socket in self.sockets() {
            for _ in 0..if is_busy { 3 } else { 0 } {
                self.call(socket);
            }
        }
        if is_busy {
            self.breathe();
        }
        let connections = self.w.connections();
        if connections > 0 {
            self.w.cut(self.rng.usize(..connections));
            self.cuts += 1;
        }
        if is_busy {
            let caller = self.anybody();
            self.call(caller);
        }
    }

    fn is_down(&self, socket: SocketId) -> bool {
        matches!(self.down, Some(Down::Away(it) | Down::Draining(it) | Down::Closing(it)) if it == socket)
    }

    /// A socket goes for a while, at once, or after what it has begun; or the one that goes is a step further.
    fn take_down(&mut self) {
        self.is_troubled = true;
        match self.down {
            Some(Down::Away(socket)) => {
                self.w.begin_again(socket);
                self.down = None;
            }
            Some(Down::Draining(socket)) => self.close(socket),
            Some(Down::Closing(_)) => {}
            None => {
                let socket = self.anybody();
                match self.rng.u8(..3) {
                    0 => {
                        self.w.stop(socket);
                        self.down = Some(Down::Away(socket));
                    }
                    1 => self.close(socket),
                    _ => {
                        self.w.drain(socket);
                        self.down = Some(Down::Draining(socket));
                    }
                }
            }
        }
    }

    fn close(&mut self, socket: SocketId) {
        self.w.resume(socket);
        self.w.close(socket);
        self.down = Some(Down::Closing(socket));
    }

    /// The trouble is over: everything comes to rest, and to life again.
    pub(crate) fn calm(&mut self) {
        for socket in self.sockets() {
            self.w.resume(socket);
            self.w.set_reading(socket, true);
        }
        if let Some(Down::Away(socket)) = self.down {
            self.w.begin_again(socket);
        }
        self.w.run_for(REST);
        // Whoever asks for signs of life has noticed by now; where nobody does, the link just stays.
        self.w.give_up();
        self.w.run_for(REST);
        if let Some(Down::Draining(socket)) = self.down {
            assert!(
                self.w.run_until(PATIENCE, |w| w.has_no_calls(socket)),
                "what {socket:?} has begun comes to its end"
            );
            self.close(socket);
        }
        if let Some(Down::Closing(socket)) = self.down {
            assert!(self.w.run_until(PATIENCE, |w| w.is_gone(socket)), "{socket:?} ends when what waits is out");
            self.w.begin_again(socket);
        }
        self.down = None;
        assert_eq!(self.w.half_open(), 0, "a link that the systems gave up is gone");
    }
}
