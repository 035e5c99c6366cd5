//! jsonrpsee over a WebSocket; the body is a text, which JSON has, unlike bytes.

use jsonrpsee::client_transport::ws::{Url, WsTransportClientBuilder};
use jsonrpsee::core::client::{Client, ClientT as _};
use jsonrpsee::server::{RpcModule, Server, ServerConfig};

use super::{Body, CallLibrary, Caller, NoChunks, Produce, Runtime, address};
use crate::Result;

#[derive(Clone)]
pub(in super::super) struct Jsonrpsee;

/// As many as are in flight at most: with the default of 256 the others are refused.
const REQUESTS: usize = 1024;

impl CallLibrary for Jsonrpsee {
    type Client = Client;

    fn runtime(&self) -> Runtime {
        Runtime::CurrentThread
    }

    async fn serve(&self, endpoint: &str, bound: impl FnOnce() + Send) -> Result<()> {
        let mut module = RpcModule::new(());
        module.register_method("echo", |params, (), _| params.one::<String>())?;
        let config = ServerConfig::builder().set_message_buffer_capacity(REQUESTS as u32).build();
        let server = Server::builder().set_config(config).build(address(endpoint)?).await?;
        bound();
        server.start(module).stopped().await;
        Ok(())
    }

    async fn connect(&self, endpoint: &str) -> Result<Client> {
        let url = Url::parse(&format!("ws://{}", address(endpoint)?))?;
        let (sender, receiver) = WsTransportClientBuilder::default().build(url).await?;
        Ok(Client::builder().max_concurrent_requests(REQUESTS).build_with_tokio(sender, receiver))
    }
}

impl Caller for Client {
    type Chunks = NoChunks;

    async fn echo(&self, body: Body) -> Result<Body> {
        let answer: String = self.request("echo", [str::from_utf8(&body)?]).await?;
        Ok(answer.as_bytes().try_into()?)
    }

    async fn chunks(&self, _: Produce) -> Result<NoChunks> {
        Err("JSON has no bytes".into())
    }
}
