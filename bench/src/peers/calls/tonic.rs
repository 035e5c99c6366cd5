//! tonic, with messages that are the bytes themselves: what protobuf would cost is not measured.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::net::TcpListener;
use tonic::body::Body as HttpBody;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::http::{Request as HttpRequest, Response as HttpResponse};
use tonic::server::{NamedService, ServerStreamingService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};

use super::{Body, CallLibrary, Caller, Chunks, Produce, Runtime, address};
use crate::Result;

#[derive(Clone)]
pub(in super::super) struct Tonic;

const ECHO: &str = "/bench.Peer/Echo";
const SHARED_CHUNKS: &str = "/bench.Peer/SharedChunks";
const FRESH_CHUNKS: &str = "/bench.Peer/FreshChunks";
/// As many as are in flight at most: the default of 200 would let the others wait.
const STREAMS: u32 = 1024;

impl CallLibrary for Tonic {
    type Client = Client;

    fn runtime(&self) -> Runtime {
        Runtime::CurrentThread
    }

    async fn serve(&self, endpoint: &str, bound: impl FnOnce() + Send) -> Result<()> {
        let listener = TcpListener::bind(address(endpoint)?).await?;
        bound();
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let server = Server::builder().max_concurrent_streams(STREAMS).add_service(Served);
        Ok(server.serve_with_incoming(incoming).await?)
    }

    async fn connect(&self, endpoint: &str) -> Result<Client> {
        let endpoint = Endpoint::from_shared(format!("http://{}", address(endpoint)?))?.tcp_nodelay(true);
        Ok(Client(endpoint.connect().await?))
    }
}

pub(in super::super) struct Client(Channel);

impl Client {
    async fn grpc(&self) -> Result<tonic::client::Grpc<Channel>> {
        let mut grpc = tonic::client::Grpc::new(self.0.clone());
        grpc.ready().await?;
        Ok(grpc)
    }
}

impl Caller for Client {
    type Chunks = Streaming<Bytes>;

    async fn echo(&self, body: Body) -> Result<Body> {
        let request = Request::new(Bytes::copy_from_slice(&body));
        let answer = self.grpc().await?.unary(request, PathAndQuery::from_static(ECHO), Plain).await?;
        Ok(answer.into_inner().as_ref().try_into()?)
    }

    async fn chunks(&self, produce: Produce) -> Result<Streaming<Bytes>> {
        let path = PathAndQuery::from_static(match produce {
            Produce::Shared => SHARED_CHUNKS,
            Produce::Fresh => FRESH_CHUNKS,
        });
        Ok(self.grpc().await?.server_streaming(Request::new(Bytes::new()), path, Plain).await?.into_inner())
    }
}

impl Chunks for Streaming<Bytes> {
    async fn next(&mut self) -> Result<usize> {
        Ok(self.message().await?.ok_or("the stream ended")?.len())
    }
}

/// The service, as generated code would have it.
#[derive(Clone)]
struct Served;

impl NamedService for Served {
    const NAME: &'static str = "bench.Peer";
}

impl Service<HttpRequest<HttpBody>> for Served {
    type Response = HttpResponse<HttpBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<HttpBody>) -> Self::Future {
        let mut grpc = tonic::server::Grpc::new(Plain);
        match request.uri().path() {
            ECHO => Box::pin(async move { Ok(grpc.unary(Echo, request).await) }),
            SHARED_CHUNKS => {
                Box::pin(async move { Ok(grpc.server_streaming(AllChunks(Produce::Shared), request).await) })
            }
            FRESH_CHUNKS => {
                Box::pin(async move { Ok(grpc.server_streaming(AllChunks(Produce::Fresh), request).await) })
            }
            _ => Box::pin(ready(Ok(Status::unimplemented("").into_http()))),
        }
    }
}

struct Echo;

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = Ready<Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(request.into_inner())))
    }
}

struct AllChunks(Produce);

impl ServerStreamingService<Bytes> for AllChunks {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        ready(Ok(Response::new(stream::iter(self.0.chunks().map(Ok)).boxed())))
    }
}

/// The codec that is none.
#[derive(Clone, Copy)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
