//! Where connections come in: where the page has somebody who listens for it, and brings what comes as a WebSocket that is
//! open. The tests have such a one, so that whatever can be bound natively can be bound in a page, and bytes pass between
//! the two.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use bowline_proto::endpoint::WebAddress;
use bowline_proto::lock::Mutex;
use bowline_proto::{Endpoint, Options, SocketType};
use tokio::sync::mpsc;
use web_sys::WebSocket;

use super::{Connected, Lacking, Stream};

/// Takes a WebSocket that has come, open and not heard yet, and the address that it came from.
pub type Take = Box<dyn Fn(WebSocket, String)>;
/// The port where connections come in now, and what is to be kept for as long as they do.
pub type Hosting = Pin<Box<dyn Future<Output = io::Result<(u16, Box<dyn Any + Send + Sync>)>> + Send>>;

/// How many wait to be accepted.
const WAITING_MOST: usize = 128;

thread_local! {
    static HOST: Cell<Option<fn(String, Take) -> Hosting>> = const { Cell::new(None) };
}

/// From now on endpoints `ws://` are bound by `listen`, which is given `HOST:PORT`.
pub fn host(listen: fn(String, Take) -> Hosting) {
    HOST.set(Some(listen));
}

/// Whether `endpoint` can be bound.
pub(crate) fn check_bind(endpoint: &Endpoint, _options: &Options) -> Result<(), Lacking> {
    match endpoint {
        Endpoint::Inproc(_) => Ok(()),
        Endpoint::Ws(_) if HOST.get().is_some() => Ok(()),
        _ => Err(Lacking::Transport),
    }
}

/// Listens at `endpoint`; returns the endpoint that it came to be.
pub(crate) async fn listen(
    endpoint: &Endpoint,
    _options: &Options,
    _ours: SocketType,
) -> io::Result<(Listener, Endpoint)> {
    let (Endpoint::Ws(address), Some(host)) = (endpoint, HOST.get()) else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let (tell, came) = mpsc::channel(WAITING_MOST);
    // Who finds no room is closed, as is who comes when nobody listens any more.
    let take = move |socket, from| drop(tell.try_send((Stream::accepted(socket), from)));
    let (port, place) = host(format!("{}:{}", address.host, address.port), Box::new(take)).await?;
    let bound = Endpoint::Ws(Box::new(WebAddress { port, ..(**address).clone() }));
    Ok((Listener { came: Mutex::new(came), _place: place }, bound))
}

/// What accepts connections.
pub(crate) struct Listener {
    came: Mutex<mpsc::Receiver<Connected>>,
    _place: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}

impl Listener {
    /// The next connection. Dropping the future loses none.
    pub(crate) async fn accept(&self) -> io::Result<Connected> {
        let came = poll_fn(|cx| self.came.lock().poll_recv(cx)).await;
        came.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}
