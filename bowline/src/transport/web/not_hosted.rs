//! Where connections come in: nowhere, since nobody can connect to a web page.

use std::io;

use bowline_proto::{Endpoint, Options, SocketType};

use super::{Connected, Lacking};

/// Whether `endpoint` can be bound.
pub(crate) const fn check_bind(endpoint: &Endpoint, _options: &Options) -> Result<(), Lacking> {
    match endpoint {
        Endpoint::Inproc(_) => Ok(()),
        _ => Err(Lacking::Transport),
    }
}

/// Nobody comes here, since endpoints that can't be bound are refused before.
#[expect(clippy::unused_async, reason = "other transports wait")]
pub(crate) async fn listen(
    _endpoint: &Endpoint,
    _options: &Options,
    _ours: SocketType,
) -> io::Result<(Listener, Endpoint)> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What accepts connections: nothing does.
#[derive(Debug)]
pub(crate) enum Listener {}

impl Listener {
    #[expect(clippy::unused_async, reason = "other transports wait")]
    pub(crate) async fn accept(&self) -> io::Result<Connected> {
        match *self {}
    }
}
