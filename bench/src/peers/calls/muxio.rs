//! muxio over a WebSocket, with bodies that are the bytes themselves.
//!
//! Its server takes a listener, whose `TCP_NODELAY` the connection inherits; its client has no call for that, so what it
//! sends waits for the acknowledgement of what it sent before, as it does for its users.

use std::sync::Arc;

use muxio_rpc_service::prebuffered::RpcMethodPrebuffered;
use muxio_rpc_service::rpc_method_id;
use muxio_tokio_rpc_client::{RpcCallPrebuffered as _, RpcClient};
use muxio_tokio_rpc_server::{RpcServer, RpcServiceEndpointInterface as _};
use tokio::net::TcpSocket;

use super::{Body, CallLibrary, Caller, NoChunks, Produce, Runtime, address};
use crate::Result;

#[derive(Clone)]
pub(in super::super) struct Muxio;

struct Echo;

impl RpcMethodPrebuffered for Echo {
    const METHOD_ID: u64 = rpc_method_id!("echo");
    type Input = Vec<u8>;
    type Output = Vec<u8>;

    fn encode_request(input: Vec<u8>) -> std::io::Result<Vec<u8>> {
        Ok(input)
    }

    fn decode_request(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }

    fn encode_response(output: Vec<u8>) -> std::io::Result<Vec<u8>> {
        Ok(output)
    }

    fn decode_response(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }
}

impl CallLibrary for Muxio {
    type Client = Arc<RpcClient>;

    fn runtime(&self) -> Runtime {
        Runtime::CurrentThread
    }

    async fn serve(&self, endpoint: &str, bound: impl FnOnce() + Send) -> Result<()> {
        let socket = TcpSocket::new_v4()?;
        socket.set_nodelay(true)?;
        socket.bind(address(endpoint)?)?;
        let listener = socket.listen(16)?;
        let server = Arc::new(RpcServer::new(None));
        let echo = |body, _| async move { Ok(body) };
        server.endpoint().register_prebuffered(Echo::METHOD_ID, echo).await.map_err(|error| format!("{error:?}"))?;
        bound();
        server.serve_with_listener(listener).await?;
        Ok(())
    }

    async fn connect(&self, endpoint: &str) -> Result<Arc<RpcClient>> {
        let address = address(endpoint)?;
        Ok(RpcClient::new(&address.ip().to_string(), address.port()).await?)
    }
}

impl Caller for Arc<RpcClient> {
    type Chunks = NoChunks;

    async fn echo(&self, body: Body) -> Result<Body> {
        let answer = Echo::call(self.as_ref(), body.to_vec()).await.map_err(|error| format!("{error:?}"))?;
        Ok(answer.as_slice().try_into()?)
    }

    async fn chunks(&self, _: Produce) -> Result<NoChunks> {
        Err("its streams have no flow control".into())
    }
}
