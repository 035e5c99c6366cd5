//! Everyone who is compared at calls, behind one small interface: a client, a server, and one connection.

mod bowline;
mod tarpc;

use std::future::Future;
use std::net::SocketAddr;

pub(super) use self::bowline::Bowline;
pub(super) use self::tarpc::Tarpc;

use super::Runtime;
use crate::Result;

/// Bytes of what is echoed.
pub(crate) const BODY: usize = 16;
pub(crate) type Body = [u8; BODY];

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
    /// Calls the method that returns its argument.
    fn echo(&self, body: Body) -> impl Future<Output = Result<Body>> + Send;
}

/// The address in an endpoint over tcp, for libraries that have no endpoints.
fn address(endpoint: &str) -> Result<SocketAddr> {
    Ok(endpoint.strip_prefix("tcp://").ok_or("not over tcp")?.parse()?)
}
