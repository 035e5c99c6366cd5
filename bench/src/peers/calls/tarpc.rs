//! tarpc, with bincode; a current-thread runtime for each side suits it best.

use futures_util::StreamExt as _;
use tarpc::server::Channel as _;
use tarpc::tokio_serde::formats::Bincode;
use tarpc::{client, context, serde_transport, server};
use tokio::net::{TcpListener, TcpStream};

use super::{BODY, Body, CallLibrary, Caller, NoChunks, Produce, Runtime, address};
use crate::Result;

#[tarpc::service]
pub(crate) trait Peer {
    async fn echo(body: [u8; BODY]) -> [u8; BODY];
}

#[derive(Clone)]
struct Served;

impl Peer for Served {
    async fn echo(self, _: context::Context, body: Body) -> Body {
        body
    }
}

#[derive(Clone)]
pub(in super::super) struct Tarpc;

/// As many may wait to be written as are in flight: with the default of 100 callers wait for that, too.
const BUFFER: usize = 1000;

impl CallLibrary for Tarpc {
    type Client = PeerClient;

    fn runtime(&self) -> Runtime {
        Runtime::CurrentThread
    }

    async fn serve(&self, endpoint: &str, bound: impl FnOnce() + Send) -> Result<()> {
        let listener = TcpListener::bind(address(endpoint)?).await?;
        bound();
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let transport = serde_transport::Transport::from((stream, Bincode::default()));
        let channel = server::BaseChannel::new(server::Config { pending_response_buffer: BUFFER }, transport);
        channel.execute(Served.serve()).for_each(|call| async { drop(tokio::spawn(call)) }).await;
        Ok(())
    }

    async fn connect(&self, endpoint: &str) -> Result<PeerClient> {
        let stream = TcpStream::connect(address(endpoint)?).await?;
        stream.set_nodelay(true)?;
        let transport = serde_transport::Transport::from((stream, Bincode::default()));
        let mut config = client::Config::default();
        config.pending_request_buffer = BUFFER;
        Ok(PeerClient::new(config, transport).spawn())
    }
}

impl Caller for PeerClient {
    type Chunks = NoChunks;

    async fn echo(&self, body: Body) -> Result<Body> {
        Ok(PeerClient::echo(self, context::current(), body).await?)
    }

    async fn chunks(&self, _: Produce) -> Result<NoChunks> {
        Err("it has no streams".into())
    }
}
