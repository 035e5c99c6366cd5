//! rzmq: a multi-thread runtime, with the options of its own measurements; on tokio or on `io_uring`.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rzmq::socket::options::{
    ADAPTIVE_THROTTLE, CURVE_SECRET_KEY, CURVE_SERVER, CURVE_SERVER_KEY, RCVHWM, SNDHWM, SUBSCRIBE, TCP_CORK,
    XPUB_NODROP,
};
use rzmq::uring::{UringConfig, initialize_uring_backend};
use rzmq::{Context, Msg, SocketType};

use super::{Kind, Library, Role, Runtime, Seal, Socket, keys, right_size};
use crate::Result;

/// What rzmq's connections run on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Backend {
    Tokio,
    Uring,
}

#[derive(Clone)]
pub(super) struct Rzmq {
    backend: Backend,
    /// Made by the first socket: rzmq wants a runtime for it.
    context: Arc<OnceLock<Context>>,
}

impl Rzmq {
    pub(super) fn new(backend: Backend) -> Self {
        Self { backend, context: Arc::default() }
    }

    fn context(&self) -> Result<&Context> {
        if let Some(context) = self.context.get() {
            return Ok(context);
        }
        if self.backend == Backend::Uring {
            initialize_uring_backend(UringConfig::default())?;
        }
        let context = Context::new()?.with_io_uring_sessions(self.backend == Backend::Uring);
        Ok(self.context.get_or_init(|| context))
    }
}

pub(super) struct Open {
    socket: rzmq::Socket,
    kind: Kind,
    body: Bytes,
}

impl Library for Rzmq {
    type Socket = Open;

    fn runtime(&self) -> Runtime {
        Runtime::MultiThread
    }

    async fn open(&self, role: Role) -> Result<Open> {
        let socket = self.context()?.socket(socket_type(role.kind))?;
        socket.set_option(ADAPTIVE_THROTTLE, 0_i32).await?;
        if matches!(role.kind, Kind::Push | Kind::Pull) {
            // What makes rzmq fastest here: its own measurements set these.
            socket.set_option(SNDHWM, 100_000_i32).await?;
            socket.set_option(RCVHWM, 100_000_i32).await?;
            socket.set_option(TCP_CORK, true).await?;
        }
        match role.seal {
            None => {}
            Some(Seal::Server) => {
                socket.set_option(CURVE_SERVER, true).await?;
                socket.set_option_raw(CURVE_SECRET_KEY, &keys::server().secret).await?;
            }
            Some(Seal::Client) => {
                socket.set_option_raw(CURVE_SECRET_KEY, &keys::client().secret).await?;
                socket.set_option_raw(CURVE_SERVER_KEY, &keys::server().public).await?;
            }
        }
        if role.kind == Kind::Pub {
            socket.set_option(XPUB_NODROP, 1_i32).await?;
        }
        Ok(Open { socket, kind: role.kind, body: vec![b'x'; role.size].into() })
    }
}

impl Socket for Open {
    async fn bind(&mut self, endpoint: &str) -> Result<()> {
        Ok(self.socket.bind(endpoint).await?)
    }

    async fn connect(&mut self, endpoint: &str) -> Result<()> {
        if self.kind == Kind::Sub {
            self.socket.set_option(SUBSCRIBE, "").await?;
        }
        Ok(self.socket.connect(endpoint).await?)
    }

    async fn send(&mut self) -> Result<u64> {
        self.socket.send(Msg::from_bytes(self.body.clone())).await?;
        Ok(1)
    }

    async fn recv(&mut self) -> Result<u64> {
        let message = self.socket.recv().await?;
        right_size(message.size(), self.body.len())
    }

    async fn close(self) -> Result<()> {
        Ok(self.socket.close().await?)
    }

    async fn echo(&mut self) -> Result<()> {
        if self.kind == Kind::Router {
            let parts = self.socket.recv_multipart().await?;
            Ok(self.socket.send_multipart(parts).await?)
        } else {
            let message = self.socket.recv().await?;
            Ok(self.socket.send(message).await?)
        }
    }
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
