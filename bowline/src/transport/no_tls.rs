//! In place of `tls` where that feature is off: types without a value, so that the rest of the code is the same. Nobody
//! comes here, since such endpoints are refused before.

use std::io;
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

pub(super) async fn connect(_host: &Host, _port: u16, _options: &Options) -> io::Result<Connected> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) async fn listen(_host: &Host, _port: u16, _options: &Options) -> io::Result<(Listener, Endpoint)> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) const fn check_bind(_options: &Options) -> Result<(), Lacking> {
    Ok(())
}

pub(super) const fn check_connect(_host: &Host, _options: &Options) -> Result<(), Lacking> {
    Ok(())
}

impl Acceptor {
    pub(super) async fn accept(&self) -> io::Result<Connected> {
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
