//! zmq.rs, the crate `zeromq`: a current-thread runtime for each side suits it best.

use bytes::Bytes;
use zeromq::{
    DealerSocket, PubSocket, PullSocket, PushSocket, RepSocket, ReqSocket, RouterSocket, Socket as _, SocketRecv as _,
    SocketSend as _, SubSocket, ZmqMessage,
};

use super::{Kind, Library, Role, Runtime, Socket, right_size};
use crate::Result;

#[derive(Clone)]
pub(super) struct Zmqrs;

enum Any {
    Push(PushSocket),
    Pull(PullSocket),
    Pub(PubSocket),
    Sub(SubSocket),
    Req(ReqSocket),
    Rep(RepSocket),
    Dealer(DealerSocket),
    Router(RouterSocket),
}

/// The same call on whatever socket it is.
macro_rules! on_any {
    ($any:expr, $socket:ident => $call:expr) => {
        match $any {
            Any::Push($socket) => $call,
            Any::Pull($socket) => $call,
            Any::Pub($socket) => $call,
            Any::Sub($socket) => $call,
            Any::Req($socket) => $call,
            Any::Rep($socket) => $call,
            Any::Dealer($socket) => $call,
            Any::Router($socket) => $call,
        }
    };
}

pub(super) struct Open {
    socket: Any,
    body: Bytes,
    published: u64,
}

impl Library for Zmqrs {
    type Socket = Open;

    fn runtime(&self) -> Runtime {
        Runtime::CurrentThread
    }

    async fn open(&self, role: Role) -> Result<Open> {
        let socket = match role.kind {
            Kind::Push => Any::Push(PushSocket::new()),
            Kind::Pull => Any::Pull(PullSocket::new()),
            Kind::Pub => Any::Pub(PubSocket::new()),
            Kind::Sub => Any::Sub(SubSocket::new()),
            Kind::Req => Any::Req(ReqSocket::new()),
            Kind::Rep => Any::Rep(RepSocket::new()),
            Kind::Dealer => Any::Dealer(DealerSocket::new()),
            Kind::Router => Any::Router(RouterSocket::new()),
        };
        Ok(Open { socket, body: vec![b'x'; role.size].into(), published: 0 })
    }
}

impl Socket for Open {
    async fn bind(&mut self, endpoint: &str) -> Result<()> {
        on_any!(&mut self.socket, socket => socket.bind(endpoint).await)?;
        Ok(())
    }

    async fn connect(&mut self, endpoint: &str) -> Result<()> {
        on_any!(&mut self.socket, socket => socket.connect(endpoint).await)?;
        if let Any::Sub(socket) = &mut self.socket {
            socket.subscribe("").await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<u64> {
        let message = ZmqMessage::from(self.body.clone());
        match &mut self.socket {
            Any::Push(socket) => socket.send(message).await?,
            Any::Req(socket) => socket.send(message).await?,
            Any::Dealer(socket) => socket.send(message).await?,
            Any::Pub(socket) => {
                socket.send(message).await?;
                // It drops instead of waiting: without a pause the runtime would never come to write.
                self.published += 1;
                if self.published.is_multiple_of(64) {
                    tokio::task::yield_now().await;
                }
            }
            _ => return Err("not a socket that only sends".into()),
        }
        Ok(1)
    }

    async fn recv(&mut self) -> Result<u64> {
        let message = match &mut self.socket {
            Any::Pull(socket) => socket.recv().await?,
            Any::Sub(socket) => socket.recv().await?,
            Any::Req(socket) => socket.recv().await?,
            Any::Dealer(socket) => socket.recv().await?,
            _ => return Err("not a socket that only receives".into()),
        };
        right_size(message.iter().map(Bytes::len).sum(), self.body.len())
    }

    async fn echo(&mut self) -> Result<()> {
        match &mut self.socket {
            Any::Rep(socket) => {
                let message = socket.recv().await?;
                Ok(socket.send(message).await?)
            }
            Any::Router(socket) => {
                let message = socket.recv().await?;
                Ok(socket.send(message).await?)
            }
            _ => Err("not a socket that replies".into()),
        }
    }
}
