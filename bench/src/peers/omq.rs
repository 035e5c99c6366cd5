//! omq-tokio: sockets on the caller's runtime, and the blocking ones beside an I/O thread.

use omq_tokio::{Context, CurveKeypair, CurvePublicKey, CurveSecretKey, Message, Options, SocketType};

use super::{Kind, Library, Role, Runtime, Seal, Socket, keys, right_size};
use crate::Result;

/// Sockets that are tasks of the runtime which uses them.
#[derive(Clone)]
pub(super) struct Async;

/// Sockets that block, as libzmq's do.
#[derive(Clone)]
pub(super) struct Blocking {
    context: Context,
}

impl Blocking {
    pub(super) fn new() -> Self {
        Self { context: Context::new() }
    }
}

pub(super) struct Open<S> {
    socket: S,
    role: Role,
    /// Sent as clones, as omq's own measurements do.
    message: Message,
}

impl<S> Open<S> {
    fn new(socket: S, role: Role) -> Self {
        Self { socket, role, message: Message::from_slice(&vec![b'x'; role.size]) }
    }
}

impl Library for Async {
    type Socket = Open<omq_tokio::Socket>;

    fn runtime(&self) -> Runtime {
        Runtime::CurrentThread
    }

    async fn open(&self, role: Role) -> Result<Self::Socket> {
        Ok(Open::new(omq_tokio::Socket::try_new(socket_type(role.kind), options(role))?, role))
    }
}

impl Library for Blocking {
    type Socket = Open<omq_tokio::blocking::Socket>;

    fn runtime(&self) -> Runtime {
        Runtime::Threads
    }

    async fn open(&self, role: Role) -> Result<Self::Socket> {
        Ok(Open::new(self.context.blocking_socket(socket_type(role.kind), options(role)), role))
    }
}

impl Socket for Open<omq_tokio::Socket> {
    async fn bind(&mut self, endpoint: &str) -> Result<()> {
        self.socket.bind(endpoint).await?;
        Ok(())
    }

    async fn connect(&mut self, endpoint: &str) -> Result<()> {
        self.socket.connect(endpoint).await?;
        if self.role.kind == Kind::Sub {
            self.socket.subscribe("").await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<u64> {
        self.socket.send(self.message.clone()).await?;
        Ok(1)
    }

    async fn recv(&mut self) -> Result<u64> {
        let message = self.socket.recv().await?;
        right_size(message.byte_len(), self.role.size)
    }

    async fn close(self) -> Result<()> {
        Ok(self.socket.close().await?)
    }

    async fn echo(&mut self) -> Result<()> {
        let message = self.socket.recv().await?;
        Ok(self.socket.send(message).await?)
    }
}

impl Socket for Open<omq_tokio::blocking::Socket> {
    async fn bind(&mut self, endpoint: &str) -> Result<()> {
        self.socket.bind(endpoint)?;
        Ok(())
    }

    async fn connect(&mut self, endpoint: &str) -> Result<()> {
        self.socket.connect(endpoint)?;
        if self.role.kind == Kind::Sub {
            self.socket.subscribe("")?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<u64> {
        self.socket.send(self.message.clone())?;
        Ok(1)
    }

    async fn recv(&mut self) -> Result<u64> {
        let message = self.socket.recv()?;
        right_size(message.byte_len(), self.role.size)
    }

    async fn echo(&mut self) -> Result<()> {
        let message = self.socket.recv()?;
        Ok(self.socket.send(message)?)
    }
}

fn options(role: Role) -> Options {
    // Its default profile is the best in every scenario; the one for latency was slower even in round trips.
    let mut options = Options::new();
    options.xpub_nodrop = role.kind == Kind::Pub;
    match role.seal {
        None => options,
        Some(Seal::Server) => options.curve_server(pair(&keys::server())),
        Some(Seal::Client) => {
            options.curve_client(pair(&keys::client()), CurvePublicKey::from_bytes(keys::server().public))
        }
    }
}

fn pair(keys: &keys::Pair) -> CurveKeypair {
    CurveKeypair { public: CurvePublicKey::from_bytes(keys.public), secret: CurveSecretKey::from_bytes(keys.secret) }
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
