//! `tls+tcp://`: TCP, and TLS inside of it.

mod fault;
mod stream;

use std::any::Any;
use std::io;
use std::net::SocketAddr;

use bowline_proto::endpoint::Host;
use bowline_proto::{Endpoint, Options};
pub(crate) use stream::TlsStream;

use super::{Connected, Lacking, Listener, Stream, tcp};
use crate::tls::{TlsClient, TlsServer};

/// A connection, and the address of the peer.
type Opened = (TlsStream, String);

/// What an endpoint of TLS accepts with.
#[derive(Debug)]
pub(crate) struct Acceptor {
    below: tcp::Acceptor,
    server: TlsServer,
}

pub(super) async fn connect(host: &Host, port: u16, options: &Options) -> io::Result<Connected> {
    let (stream, address) = open(host, port, options).await?;
    Ok((Stream::Tls(Box::new(stream)), address))
}

/// As [`connect`], for who puts something inside of the stream.
pub(super) async fn open(host: &Host, port: u16, options: &Options) -> io::Result<Opened> {
    // Both were checked when the endpoint was taken on.
    let unfit = || io::Error::from(io::ErrorKind::InvalidInput);
    let client = client(options).ok_or_else(unfit)?;
    let name = client.name_for(host).ok_or_else(unfit)?;
    let (stream, address) = tcp::open(host, port, options).await?;
    let (config, complaint) = client.current();
    Ok((TlsStream::connect(stream, config, name, complaint)?, address))
}

pub(super) async fn listen(host: &Host, port: u16, options: &Options) -> io::Result<(Listener, Endpoint)> {
    let acceptor = bind(host, port, options).await?;
    let address = acceptor.local_addr()?;
    let endpoint = Endpoint::Tls { host: Host::Ip(address.ip()), port: address.port() };
    Ok((Listener::Tls(acceptor), endpoint))
}

/// As [`listen`], for who puts something inside of the streams.
pub(super) async fn bind(host: &Host, port: u16, options: &Options) -> io::Result<Acceptor> {
    let server = server(options).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?.clone();
    Ok(Acceptor { below: tcp::bind(host, port, options).await?, server })
}

impl Acceptor {
    /// The next connection, whose handshake is still to be made: a peer that takes its time keeps no other waiting.
    pub(super) async fn accept(&self) -> io::Result<Opened> {
        let (stream, address) = self.below.accept().await?;
        let (config, complaint) = self.server.current();
        Ok((TlsStream::accept(stream, config, complaint)?, address))
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.below.local_addr()
    }
}

/// What is missing for binding an endpoint of TLS.
pub(super) fn check_bind(options: &Options) -> Result<(), Lacking> {
    server(options).map(drop).ok_or(Lacking::Server)
}

/// What is missing for connecting to `host`.
pub(super) fn check_connect(host: &Host, options: &Options) -> Result<(), Lacking> {
    let name = client(options).ok_or(Lacking::Client)?.name_for(host);
    name.map(drop).ok_or(Lacking::ServerName)
}

fn server(options: &Options) -> Option<&TlsServer> {
    let server: &dyn Any = &**options.tls_server.as_ref()?;
    server.downcast_ref()
}

fn client(options: &Options) -> Option<&TlsClient> {
    let client: &dyn Any = &**options.tls_client.as_ref()?;
    client.downcast_ref()
}
