//! Bowline: with its defaults, with many messages in each call, and looking for a while before it sleeps.

use std::collections::VecDeque;
use std::time::Duration;

use bowline::curve::{CurveClient, CurveServer, KeyPair, SecretKey};
use bowline::{AnySocket, Mechanism, Message, Options, Part, SocketType};
use bytes::Bytes;

use super::{Kind, Library, Role, Runtime, Seal, Socket, keys, right_size};
use crate::Result;

#[derive(Clone)]
pub(super) struct Bowline {
    runtime: Runtime,
    busy_poll: Duration,
}

impl Bowline {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self { runtime, busy_poll: Duration::ZERO }
    }

    pub(super) fn busy() -> Self {
        Self { runtime: Runtime::CurrentThread, busy_poll: Duration::from_micros(200) }
    }
}

pub(super) struct Open {
    socket: AnySocket,
    kind: Kind,
    body: Bytes,
}

impl Library for Bowline {
    type Socket = Open;

    fn runtime(&self) -> Runtime {
        self.runtime
    }

    async fn open(&self, role: Role) -> Result<Open> {
        let options = match role.kind {
            // Every subscriber gets every message, as from the rivals that can.
            Kind::Pub => Options::new().xpub_nodrop(true),
            _ => Options::new().busy_poll(self.busy_poll),
        };
        let options = options.mechanism(mechanism(role.seal));
        let socket = AnySocket::new(socket_type(role.kind), options);
        Ok(Open { socket, kind: role.kind, body: vec![b'x'; role.size].into() })
    }
}

impl Socket for Open {
    async fn bind(&mut self, endpoint: &str) -> Result<()> {
        self.socket.bind(endpoint).await?;
        Ok(())
    }

    async fn connect(&mut self, endpoint: &str) -> Result<()> {
        if self.kind == Kind::Sub {
            self.socket.subscribe("")?;
        }
        self.socket.connect(endpoint)?;
        Ok(())
    }

    async fn send(&mut self) -> Result<u64> {
        // A small body is copied into the message, a large one is shared.
        if self.body.len() <= Part::INLINE {
            self.socket.send(&self.body[..]).await?;
        } else {
            self.socket.send(Message::from(self.body.clone())).await?;
        }
        Ok(1)
    }

    async fn recv(&mut self) -> Result<u64> {
        let message = self.socket.recv().await?;
        right_size(message.size(), self.body.len())
    }

    async fn echo(&mut self) -> Result<()> {
        // A ROUTER's messages begin with the sender's identity, both ways.
        let message = self.socket.recv().await?;
        Ok(self.socket.send(message).await?)
    }
}

/// As `Bowline` on runtimes of one thread, but with many messages in each call.
#[derive(Clone)]
pub(super) struct Many;

pub(super) struct OpenMany {
    open: Open,
    outgoing: VecDeque<Message>,
    incoming: Vec<Message>,
}

/// How many messages a call sends, and receives at most.
const BATCH: usize = 256;

impl Library for Many {
    type Socket = OpenMany;

    fn runtime(&self) -> Runtime {
        Runtime::CurrentThread
    }

    async fn open(&self, role: Role) -> Result<OpenMany> {
        let open = Bowline::new(Runtime::CurrentThread).open(role).await?;
        Ok(OpenMany { open, outgoing: VecDeque::new(), incoming: Vec::new() })
    }
}

impl Socket for OpenMany {
    async fn bind(&mut self, endpoint: &str) -> Result<()> {
        self.open.bind(endpoint).await
    }

    async fn connect(&mut self, endpoint: &str) -> Result<()> {
        self.open.connect(endpoint).await
    }

    async fn send(&mut self) -> Result<u64> {
        let body = &self.open.body;
        self.outgoing.extend((0..BATCH).map(|_| Message::from(body.clone())));
        self.open.socket.send_many(&mut self.outgoing).await?;
        Ok(BATCH as u64)
    }

    async fn recv(&mut self) -> Result<u64> {
        self.open.socket.recv_many(&mut self.incoming, BATCH).await?;
        self.incoming.drain(..).map(|message| right_size(message.size(), self.open.body.len())).sum()
    }

    async fn echo(&mut self) -> Result<()> {
        self.open.echo().await
    }
}

/// The mechanism of a socket that has this part in CURVE.
pub(crate) fn mechanism(seal: Option<Seal>) -> Mechanism {
    match seal {
        None => Mechanism::Null,
        Some(Seal::Server) => Mechanism::CurveServer(CurveServer::new(pair(&keys::server()))),
        Some(Seal::Client) => {
            Mechanism::CurveClient(CurveClient::new(pair(&keys::server()).public(), pair(&keys::client())))
        }
    }
}

fn pair(keys: &keys::Pair) -> KeyPair {
    SecretKey::from_bytes(keys.secret).into()
}

fn socket_type(kind: Kind) -> SocketType {
    match kind {
        Kind::Push => SocketType::Push,
        Kind::Pull => SocketType::Pull,
        Kind::Pub => SocketType::Pub,
        Kind::Sub => SocketType::Sub,
        Kind::Req => SocketType::Req,
        Kind::Rep => SocketType::Rep,
        Kind::Dealer => SocketType::Dealer,
        Kind::Router => SocketType::Router,
    }
}
