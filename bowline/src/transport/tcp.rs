//! `tcp://`

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bowline_proto::endpoint::Host;
use bowline_proto::{Endpoint, Options};
use tokio::net::{TcpSocket, TcpStream, lookup_host};

use super::{Connected, Listener, Stream};

/// What every connection of a listener gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    send_buffer: Option<u32>,
    recv_buffer: Option<u32>,
}

impl Settings {
    fn new(options: &Options) -> Self {
        Self { send_buffer: options.send_buffer, recv_buffer: options.recv_buffer }
    }

    fn socket(self, address: SocketAddr) -> io::Result<TcpSocket> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Buffers are sized before the connection exists: the window is agreed on at the start.
        if let Some(size) = self.send_buffer {
            socket.set_send_buffer_size(size)?;
        }
        if let Some(size) = self.recv_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        Ok(socket)
    }

    /// Batches are whole when they are written, so nothing is gained by waiting for more.
    #[expect(clippy::unused_self, reason = "keepalive and the type of service will join here")]
    pub(super) fn apply(self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)
    }
}

/// All addresses of the host are tried in their order; the name is resolved at every call.
pub(super) async fn connect(host: &Host, port: u16, options: &Options) -> io::Result<Connected> {
    let settings = Settings::new(options);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    // The kind is all that a monitor tells; what the resolver says has none.
    let addresses = resolve(host, port).await.map_err(|_| io::ErrorKind::NotFound)?;
    for address in addresses {
        match settings.socket(address)?.connect(address).await {
            Ok(stream) => {
                settings.apply(&stream)?;
                return Ok((Stream::Tcp(stream), address.to_string()));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

pub(super) async fn listen(host: &Host, port: u16, options: &Options) -> io::Result<(Listener, Endpoint)> {
    let settings = Settings::new(options);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in resolve(host, port).await? {
        match open(settings, address, options.backlog) {
            Ok(listener) => {
                let endpoint = Endpoint::from_tcp(listener.local_addr()?);
                return Ok((Listener::Tcp(listener, settings), endpoint));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn open(settings: Settings, address: SocketAddr, backlog: u32) -> io::Result<tokio::net::TcpListener> {
    let socket = settings.socket(address)?;
    // A restarted server gets its port back although old connections are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(backlog)
}

async fn resolve(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(match host {
        Host::Any => vec![(IpAddr::from(Ipv4Addr::UNSPECIFIED), port).into()],
        Host::Ip(ip) => vec![(*ip, port).into()],
        Host::Name(name) => lookup_host((name.as_str(), port)).await?.collect(),
    })
}
