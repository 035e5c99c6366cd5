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
    sent: u64,
    /// After so many messages a sender lets others run.
    pause_after: Option<u64>,
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
        // A PUB drops instead of waiting, and the queues of many PUSH sockets are never full: without a pause the
        // runtime would never come to write.
        let pause_after = match role.kind {
            Kind::Pub => Some(64),
            Kind::Push if role.peers > 1 => Some(64),
            _ => None,
        };
        Ok(Open { socket, body: vec![b'x'; role.size].into(), sent: 0, pause_after })
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
            Any::Pub(socket) => socket.send(message).await?,
            _ => return Err("not a socket that only sends".into()),
        }
        self.sent += 1;
        if self.pause_after.is_some_and(|after| self.sent.is_multiple_of(after)) {
            tokio::task::yield_now().await;
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
