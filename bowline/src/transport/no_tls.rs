//! In place of `tls` where that feature is off: types without a value, so that the rest of the code is the same. Nobody
//! comes here, since such endpoints are refused before.

use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowline_proto::endpoint::Host;
use bowline_proto::error::TlsSettingsError;
use bowline_proto::{Endpoint, Options, PeerCertificate};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{Connected, Lacking, Listener};

#[derive(Debug)]
pub(crate) enum TlsStream {}

#[derive(Debug)]
pub(crate) enum Acceptor {}

pub(super) fn connect(_host: &Host, _port: u16, _options: &Options) -> Ready<io::Result<Connected>> {
    ready(Err(io::ErrorKind::Unsupported.into()))
}

pub(super) fn listen(_host: &Host, _port: u16, _options: &Options) -> Ready<io::Result<(Listener, Endpoint)>> {
    ready(Err(io::ErrorKind::Unsupported.into()))
}

#[cfg_attr(not(feature = "ws"), expect(dead_code, reason = "only what is inside of TLS asks for it"))]
pub(super) fn open(_host: &Host, _port: u16, _options: &Options) -> Ready<io::Result<(TlsStream, String)>> {
    ready(Err(io::ErrorKind::Unsupported.into()))
}

#[cfg_attr(not(feature = "ws"), expect(dead_code, reason = "only what is inside of TLS asks for it"))]
pub(super) fn bind(_host: &Host, _port: u16, _options: &Options) -> Ready<io::Result<Acceptor>> {
    ready(Err(io::ErrorKind::Unsupported.into()))
}

pub(super) const fn check_bind(_options: &Options) -> Result<(), Lacking> {
    Err(Lacking::Feature("tls"))
}

pub(super) const fn check_connect(_host: &Host, _options: &Options) -> Result<(), Lacking> {
    Err(Lacking::Feature("tls"))
}

impl Acceptor {
    pub(super) fn accept(&self) -> Ready<io::Result<(TlsStream, String)>> {
        match *self {}
    }

    #[cfg_attr(not(feature = "ws"), expect(dead_code, reason = "only what is inside of TLS asks for it"))]
    pub(super) const fn local_addr(&self) -> io::Result<SocketAddr> {
        match *self {}
    }
}

impl TlsStream {
    pub(crate) const fn tcp(&self) -> &TcpStream {
        match *self {}
    }

    pub(crate) const fn take_certificate(&mut self) -> Option<Arc<PeerCertificate>> {
        match *self {}
    }

    pub(crate) const fn take_complaint(&mut self) -> Option<TlsSettingsError> {
        match *self {}
    }

    pub(crate) const fn poll_readable(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(crate) const fn part(&mut self) {
        match *self {}
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}

impl AsyncWrite for TlsStream {
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
    fn an_endpoint_of_tls_names_the_feature_that_is_off() {
        let (endpoint, options) = ("tls+tcp://localhost:1".parse().unwrap(), Options::new());
        assert_eq!(super::super::check_bind(&endpoint, &options), Err(Lacking::Feature("tls")));
        assert_eq!(super::super::check_connect(&endpoint, &options), Err(Lacking::Feature("tls")));
    }
}
