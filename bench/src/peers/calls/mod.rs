//! Everyone who is compared at calls, behind one small interface: a client, a server, and one connection.

mod bowline;
mod jsonrpsee;
mod muxio;
mod remoc;
mod tarpc;
mod tonic;

use std::future::Future;
use std::net::SocketAddr;

pub(super) use self::bowline::Bowline;
pub(super) use self::jsonrpsee::Jsonrpsee;
pub(super) use self::muxio::Muxio;
pub(super) use self::remoc::Remoc;
pub(super) use self::tarpc::Tarpc;
pub(super) use self::tonic::Tonic;

use bytes::Bytes;

use super::Runtime;
use crate::Result;

/// Bytes of what is echoed.
pub(crate) const BODY: usize = 16;
pub(crate) type Body = [u8; BODY];

/// Bytes of one item of a stream.
pub(crate) const CHUNK: usize = 64 * 1024;

/// A library in one set-up.
pub(crate) trait CallLibrary: Clone + Send + Sync + 'static {
    type Client: Caller;

    /// What its client and its server run on.
    fn runtime(&self) -> Runtime;

    /// Serves at this endpoint for ever; says `bound` as soon as a client can connect.
    fn serve(&self, endpoint: &str, bound: impl FnOnce() + Send) -> impl Future<Output = Result<()>> + Send;

    /// A client with one connection.
    fn connect(&self, endpoint: &str) -> impl Future<Output = Result<Self::Client>> + Send;
}

/// A client as its library's users have it; several tasks call through it.
pub(crate) trait Caller: Send + Sync + 'static {
    type Chunks: Chunks;

    /// Calls the method that returns its argument, which is text.
    fn echo(&self, body: Body) -> impl Future<Output = Result<Body>> + Send;

    /// Calls the method that returns a stream of chunks.
    fn chunks(&self, produce: Produce) -> impl Future<Output = Result<Self::Chunks>> + Send;
}

/// A stream of chunks as it arrives.
pub(crate) trait Chunks: Send + 'static {
    /// The bytes of the next one.
    fn next(&mut self) -> impl Future<Output = Result<usize>> + Send;
}

/// The stream of a library that has none.
pub(crate) enum NoChunks {}

impl Chunks for NoChunks {
    async fn next(&mut self) -> Result<usize> {
        match *self {}
    }
}

/// What the server sends as a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Produce {
    /// The same memory again and again, without an end.
    Shared,
    /// A GiB, each chunk of it in memory of its own: what waits anywhere can be seen.
    Fresh,
}

impl Produce {
    fn chunks(self) -> impl Iterator<Item = Bytes> + Send + 'static {
        let shared = Bytes::from(vec![b'x'; CHUNK]);
        let (fresh, count) = match self {
            Self::Shared => (false, usize::MAX),
            Self::Fresh => (true, (1 << 30) / CHUNK),
        };
        (0..count).map(move |_| if fresh { Bytes::copy_from_slice(&shared) } else { shared.clone() })
    }
}

/// The address in an endpoint over tcp, for libraries that have no endpoints.
fn address(endpoint: &str) -> Result<SocketAddr> {
    Ok(endpoint.strip_prefix("tcp://").ok_or("not over tcp")?.parse()?)
}
