//! Sockets of a world that make calls.

use super::caller::{Account, Caller, Farewell};
use super::world::{SocketId, World};
use crate::mux::{Settings, Side};
use crate::{Options, SocketType};

impl World {
    /// Adds a socket whose application makes calls and executes those of its peers, as a plan says that travels with
    /// each call: a DEALER that is the client, or a ROUTER that is the server.
    pub fn caller(&mut self, side: Side, options: Options, settings: Settings) -> SocketId {
        let socket_type = match side {
            Side::Client => SocketType::Dealer,
            Side::Server => SocketType::Router,
        };
        let socket = self.socket(socket_type, options);
        let caller = Caller::new(socket.0, side, settings, self.rng.fork());
        self.nodes[socket.0].make_calls(caller);
        socket
    }

    /// The application makes a call as soon as there is a connection for it: what it is to be is drawn from this seed,
    /// with messages of up to about `most` bytes.
    ///
    /// # Panics
    ///
    /// As all methods here, if the application makes no calls.
    pub fn call(&mut self, socket: SocketId, seed: u64, most: usize) {
        self.change(socket, |caller| caller.call(seed, most));
    }

    /// The application drops one of its calls, or none.
    pub fn drop_call(&mut self, socket: SocketId) {
        self.change(socket, Caller::drop_any);
    }

    /// The application makes no more calls and takes none, and tells its peers; those that are open go on.
    pub fn drain(&mut self, socket: SocketId) {
        self.change(socket, Caller::drain);
    }

    /// All calls that the application made, in all of its lives.
    pub fn calls(&self, socket: SocketId) -> &[Account] {
        self.of(socket).calls()
    }

    /// All calls that the application was asked to execute.
    pub fn works(&self, socket: SocketId) -> &[Account] {
        self.of(socket).works()
    }

    /// What was said about taking no more calls, on each connection that is gone.
    pub fn farewells(&self, socket: SocketId) -> &[Farewell] {
        self.of(socket).farewells()
    }

    /// Whether no call of the application is open, in either direction, and all that came is read.
    pub fn has_no_calls(&self, socket: SocketId) -> bool {
        self.of(socket).is_idle()
    }

    fn of(&self, socket: SocketId) -> &Caller {
        self.nodes[socket.0].caller.as_ref().expect("the application makes calls")
    }

    fn change(&mut self, socket: SocketId, change: impl FnOnce(&mut Caller)) {
        let node = &mut self.nodes[socket.0];
        change(node.caller.as_mut().expect("the application makes calls"));
        node.flag.raise();
    }
}
