//! libzmq through the crate `zmq`: blocking calls, one I/O thread.

use super::{Kind, Library, Role, Runtime, Seal, Socket, keys, right_size};
use crate::Result;

#[derive(Clone)]
pub(super) struct Libzmq {
    context: zmq::Context,
}

impl Libzmq {
    pub(super) fn new() -> Self {
        Self { context: zmq::Context::new() }
    }
}

pub(super) struct Open {
    socket: zmq::Socket,
    kind: Kind,
    body: Vec<u8>,
    message: zmq::Message,
}

impl Library for Libzmq {
    type Socket = Open;

    fn runtime(&self) -> Runtime {
        Runtime::Threads
    }

    async fn open(&self, role: Role) -> Result<Open> {
        let socket = self.context.socket(socket_type(role.kind))?;
        if role.kind == Kind::Pub {
            // The crate has no XPUB_NODROP: room for all that the scenario lets a publisher be ahead.
            socket.set_sndhwm(100_000)?;
        }
        match role.seal {
            None => {}
            Some(Seal::Server) => {
                socket.set_curve_server(true)?;
                socket.set_curve_secretkey(&keys::server().secret)?;
            }
            Some(Seal::Client) => {
                socket.set_curve_serverkey(&keys::server().public)?;
                socket.set_curve_publickey(&keys::client().public)?;
                socket.set_curve_secretkey(&keys::client().secret)?;
            }
        }
        Ok(Open { socket, kind: role.kind, body: vec![b'x'; role.size], message: zmq::Message::new() })
    }
}

impl Socket for Open {
    async fn bind(&mut self, endpoint: &str) -> Result<()> {
        Ok(self.socket.bind(endpoint)?)
    }

    async fn connect(&mut self, endpoint: &str) -> Result<()> {
        if self.kind == Kind::Sub {
            self.socket.set_subscribe(b"")?;
        }
        Ok(self.socket.connect(endpoint)?)
    }

    async fn send(&mut self) -> Result<u64> {
        self.socket.send(&self.body[..], 0)?;
        Ok(1)
    }

    async fn recv(&mut self) -> Result<u64> {
        self.socket.recv(&mut self.message, 0)?;
        right_size(self.message.len(), self.body.len())
    }

    async fn echo(&mut self) -> Result<()> {
        loop {
            let mut part = zmq::Message::new();
            self.socket.recv(&mut part, 0)?;
            let is_last = !part.get_more();
            self.socket.send(part, if is_last { 0 } else { zmq::SNDMORE })?;
            if is_last {
                return Ok(());
            }
        }
    }
}

fn socket_type(kind: Kind) -> zmq::SocketType {
    match kind {
        Kind::Push => zmq::PUSH,
        Kind::Pull => zmq::PULL,
        Kind::Pub => zmq::PUB,
        Kind::Sub => zmq::SUB,
        Kind::Req => zmq::REQ,
        Kind::Rep => zmq::REP,
        Kind::Dealer => zmq::DEALER,
        Kind::Router => zmq::ROUTER,
    }
}
