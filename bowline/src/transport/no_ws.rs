//! In place of `ws` where that feature is off: types without a value, so that the rest of the code is the same. Nobody comes
//! here, since such endpoints are refused before.

use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowline_proto::endpoint::WebAddress;
use bowline_proto::error::TlsSettingsError;
use bowline_proto::{Endpoint, Options, PeerCertificate, SocketType};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Connected, Lacking, Listener};

#[derive(Debug)]
pub(crate) enum WsStream {}

#[derive(Debug)]
pub(crate) enum Acceptor {}

pub(super) fn connect(
    _address: &WebAddress,
    _is_secure: bool,
    _options: &Options,
    _ours: SocketType,
) -> Ready<io::Result<Connected>> {
    ready(Err(io::ErrorKind::Unsupported.into()))
}

pub(super) fn listen(
    _address: &WebAddress,
    _is_secure: bool,
    _options: &Options,
    _ours: SocketType,
) -> Ready<io::Result<(Listener, Endpoint)>> {
    ready(Err(io::ErrorKind::Unsupported.into()))
}

pub(super) const fn check() -> Result<(), Lacking> {
    Err(Lacking::Feature("ws"))
}

impl Acceptor {
    pub(super) fn accept(&self) -> Ready<io::Result<Connected>> {
        match *self {}
    }
}

impl WsStream {
    pub(crate) const fn ip(&self) -> Option<IpAddr> {
        match *self {}
    }

    pub(crate) const fn take_certificate(&mut self) -> Option<Arc<PeerCertificate>> {
        match *self {}
    }

    pub(crate) const fn take_complaint(&mut self) -> Option<TlsSettingsError> {
        match *self {}
    }

    pub(crate) const fn ready(&mut self) {
        match *self {}
    }

    pub(crate) const fn poll_readable(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(crate) const fn part(&mut self) {
        match *self {}
    }
}

impl AsyncRead for WsStream {
    fn poll_read(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for WsStream {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_of_websocket_names_the_feature_that_is_off() {
        let (endpoint, options) = ("ws://localhost:1".parse().unwrap(), Options::new());
        assert_eq!(super::super::check_bind(&endpoint, &options), Err(Lacking::Feature("ws")));
        assert_eq!(super::super::check_connect(&endpoint, &options), Err(Lacking::Feature("ws")));
    }
}
