//! `tls+tcp://`: TCP, and TLS inside of it.

mod fault;
mod stream;

use std::any::Any;
use std::io;

use bowline_proto::endpoint::Host;
use bowline_proto::{Endpoint, Options};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use stream::TlsStream;

use super::{Connected, Lacking, Listener, Stream, tcp};
use crate::tls::{TlsClient, TlsServer};

/// What an endpoint of TLS accepts with.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: TcpListener,
    settings: tcp::Settings,
    server: TlsServer,
}

pub(super) async fn connect(host: &Host, port: u16, options: &Options) -> io::Result<Connected> {
    // Both were checked when the endpoint was taken on.
    let unfit = || io::Error::from(io::ErrorKind::InvalidInput);
    let client = client(options).ok_or_else(unfit)?;
    let name = client.name_for(host).ok_or_else(unfit)?;
    let (stream, address) = tcp::open(host, port, options).await?;
    let (config, complaint) = client.current();
    let stream = TlsStream::connect(stream, config, name, complaint)?;
    Ok((Stream::Tls(Box::new(stream)), address))
}

pub(super) async fn listen(host: &Host, port: u16, options: &Options) -> io::Result<(Listener, Endpoint)> {
    let server = server(options).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?.clone();
    let (listener, settings) = tcp::bind(host, port, options).await?;
    let address = listener.local_addr()?;
    let endpoint = Endpoint::Tls { host: Host::Ip(address.ip()), port: address.port() };
    Ok((Listener::Tls(Acceptor { listener, settings, server }), endpoint))
}

impl Acceptor {
    /// The next connection, whose handshake is still to be made: a peer that takes its time keeps no other waiting.
    pub(super) async fn accept(&self) -> io::Result<Connected> {
        let (stream, address): (TcpStream, _) = self.listener.accept().await?;
        self.settings.apply(&stream)?;
        let (config, complaint) = self.server.current();
        let stream = TlsStream::accept(stream, config, complaint)?;
        Ok((Stream::Tls(Box::new(stream)), address.to_string()))
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
