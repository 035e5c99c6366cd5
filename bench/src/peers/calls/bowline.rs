//! Bowline, with its defaults.

use std::future::pending;

use bowline::rpc::{Blob, Client, Codec, Items, Never, Server, Stream};
use futures_util::stream;

use super::{BODY, Body, CallLibrary, Caller, Chunks, Produce, Runtime};
use crate::Result;

#[bowline::service]
pub(crate) trait Peer {
    async fn echo(&self, body: [u8; BODY]) -> [u8; BODY];
    async fn shared_chunks(&self) -> impl Stream<Item = Blob>;
    async fn fresh_chunks(&self) -> impl Stream<Item = Blob>;
}

struct Served;

impl Peer for Served {
    async fn echo(&self, body: Body) -> Body {
        body
    }

    async fn shared_chunks(&self) -> impl Stream<Item = Blob> {
        stream::iter(Produce::Shared.chunks().map(Blob))
    }

    async fn fresh_chunks(&self) -> impl Stream<Item = Blob> {
        stream::iter(Produce::Fresh.chunks().map(Blob))
    }
}

#[derive(Clone)]
pub(in super::super) struct Bowline {
    runtime: Runtime,
}

impl Bowline {
    pub(in super::super) fn new(runtime: Runtime) -> Self {
        Self { runtime }
    }
}

impl CallLibrary for Bowline {
    type Client = Clients;

    fn runtime(&self) -> Runtime {
        self.runtime
    }

    async fn serve(&self, endpoint: &str, bound: impl FnOnce() + Send) -> Result<()> {
        let server = Server::builder().service(PeerServer::new(Served)).build()?;
        server.bind(endpoint).await?;
        bound();
        pending().await
    }

    async fn connect(&self, endpoint: &str) -> Result<Clients> {
        let client = Client::connect(endpoint)?;
        client.wait_ready().await?;
        let for_chunks = PeerClient::new(client.with_codec(Codec::Raw));
        Ok(Clients { for_calls: PeerClient::new(client), for_chunks })
    }
}

/// On one connection.
pub(in super::super) struct Clients {
    for_calls: PeerClient,
    /// With the codec that copies no chunk.
    for_chunks: PeerClient,
}

impl Caller for Clients {
    type Chunks = Items<Blob, Never>;

    async fn echo(&self, body: Body) -> Result<Body> {
        Ok(self.for_calls.echo(body).await?)
    }

    async fn chunks(&self, produce: Produce) -> Result<Items<Blob, Never>> {
        Ok(match produce {
            Produce::Shared => self.for_chunks.shared_chunks(),
            Produce::Fresh => self.for_chunks.fresh_chunks(),
        })
    }
}

impl Chunks for Items<Blob, Never> {
    async fn next(&mut self) -> Result<usize> {
        Ok(Items::next(self).await.ok_or("the stream ended")??.len())
    }
}
