//! Bowline, with its defaults.

use std::future::pending;

use bowline::rpc::{Client, Server};

use super::{BODY, Body, CallLibrary, Caller, Runtime};
use crate::Result;

#[bowline::service]
pub(crate) trait Peer {
    async fn echo(&self, body: [u8; BODY]) -> [u8; BODY];
}

struct Served;

impl Peer for Served {
    async fn echo(&self, body: Body) -> Body {
        body
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
    type Client = PeerClient;

    fn runtime(&self) -> Runtime {
        self.runtime
    }

    async fn serve(&self, endpoint: &str, bound: impl FnOnce() + Send) -> Result<()> {
        let server = Server::builder().service(PeerServer::new(Served)).build()?;
        server.bind(endpoint).await?;
        bound();
        pending().await
    }

    async fn connect(&self, endpoint: &str) -> Result<PeerClient> {
        let client = Client::connect(endpoint)?;
        client.wait_ready().await?;
        Ok(PeerClient::new(client))
    }
}

impl Caller for PeerClient {
    async fn echo(&self, body: Body) -> Result<Body> {
        Ok(PeerClient::echo(self, body).await?)
    }
}
