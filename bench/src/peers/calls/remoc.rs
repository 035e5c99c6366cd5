//! remoc, with its remote traits and, for chunks, its channels of bytes.

#![expect(clippy::unsafe_derive_deserialize, reason = "its macro writes both, the derive and the method")]

use std::sync::Arc;

use bytes::Buf as _;
use remoc::chmux;
use remoc::prelude::*;
use remoc::rtc::CallError;
use tokio::net::{TcpListener, TcpStream};

use super::{BODY, Body, CallLibrary, Caller, Chunks, Produce, Runtime, address};
use crate::Result;

#[rtc::remote]
pub(crate) trait Peer {
    async fn echo(&self, body: [u8; BODY]) -> std::result::Result<[u8; BODY], CallError>;
    /// Sends chunks until the other side is gone.
    async fn send_chunks(&self, is_fresh: bool, to: rch::bin::Sender) -> std::result::Result<(), CallError>;
}

struct Served;

impl Peer for Served {
    async fn echo(&self, body: Body) -> std::result::Result<Body, CallError> {
        Ok(body)
    }

    async fn send_chunks(&self, is_fresh: bool, to: rch::bin::Sender) -> std::result::Result<(), CallError> {
        let produce = if is_fresh { Produce::Fresh } else { Produce::Shared };
        let Ok(mut to) = to.into_inner().await else { return Ok(()) };
        for chunk in produce.chunks() {
            if to.send(chunk).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

#[derive(Clone)]
pub(in super::super) struct Remoc;

impl CallLibrary for Remoc {
    type Client = PeerClient;

    fn runtime(&self) -> Runtime {
        Runtime::CurrentThread
    }

    async fn serve(&self, endpoint: &str, bound: impl FnOnce() + Send) -> Result<()> {
        let listener = TcpListener::bind(address(endpoint)?).await?;
        bound();
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let (server, client) = PeerServerShared::<_, remoc::codec::Default>::new(Arc::new(Served));
        remoc::Connect::io(remoc::Cfg::default(), reader, writer).provide(client).await?;
        server.serve().await.map_err(|error| error.to_string())?;
        Ok(())
    }

    async fn connect(&self, endpoint: &str) -> Result<PeerClient> {
        let stream = TcpStream::connect(address(endpoint)?).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(remoc::Connect::io(remoc::Cfg::default(), reader, writer).consume().await?)
    }
}

impl Caller for PeerClient {
    type Chunks = chmux::Receiver;

    async fn echo(&self, body: Body) -> Result<Body> {
        Ok(Peer::echo(self, body).await?)
    }

    async fn chunks(&self, produce: Produce) -> Result<chmux::Receiver> {
        let (sender, receiver) = rch::bin::channel();
        let client = self.clone();
        tokio::spawn(async move { client.send_chunks(produce == Produce::Fresh, sender).await });
        Ok(receiver.into_inner().await?)
    }
}

impl Chunks for chmux::Receiver {
    async fn next(&mut self) -> Result<usize> {
        Ok(self.recv().await?.ok_or("the stream ended")?.remaining())
    }
}
