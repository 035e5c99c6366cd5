//! `tcp://`

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bowline_proto::endpoint::Host;
use bowline_proto::{Endpoint, Options};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream, lookup_host};

use super::{Connected, Listener, Stream};

/// How much may be on its way to a peer in the same machine, in bytes; the reason is with [`Options::send_buffer`].
const NEAR_SEND_BUFFER: usize = 384 * 1024;

/// A connection, and the address of the peer.
pub(super) type Opened = (TcpStream, String);

/// What accepts connections of TCP.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: TcpListener,
    settings: Settings,
}

impl Acceptor {
    /// The next connection. Dropping the future loses none.
    pub(super) async fn accept(&self) -> io::Result<Opened> {
        let (stream, address) = self.listener.accept().await?;
        self.settings.apply(&stream)?;
        Ok((stream, address.to_string()))
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What every connection of a listener gets.
#[derive(Clone, Copy, Debug)]
struct Settings {
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

    fn apply(self, stream: &TcpStream) -> io::Result<()> {
        if self.send_buffer.is_none() && is_near(stream) {
            SockRef::from(stream).set_send_buffer_size(NEAR_SEND_BUFFER)?;
        }
        // Batches are whole when they are written, so nothing is gained by waiting for more.
        stream.set_nodelay(true)
    }
}

/// Whether the peer is in the same machine, as far as the addresses say so. One that is gone already has none.
fn is_near(stream: &TcpStream) -> bool {
    match (stream.local_addr(), stream.peer_addr()) {
        (Ok(ours), Ok(theirs)) => theirs.ip().is_loopback() || theirs.ip() == ours.ip(),
        _ => false,
    }
}

pub(super) async fn connect(host: &Host, port: u16, options: &Options) -> io::Result<Connected> {
    let (stream, address) = open(host, port, options).await?;
    Ok((Stream::Tcp(stream), address))
}

/// As [`connect`], for who puts something around the stream.
pub(super) async fn open(host: &Host, port: u16, options: &Options) -> io::Result<Opened> {
    open_with(|| resolve(host, port), options).await
}

/// All addresses of the host are tried in their order; the name is resolved at every call.
async fn open_with<R>(resolve: impl FnOnce() -> R, options: &Options) -> io::Result<Opened>
where
    R: Future<Output = io::Result<Vec<SocketAddr>>>,
{
    let settings = Settings::new(options);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    // The kind is all that a monitor tells; what the resolver says has none.
    let addresses = resolve().await.map_err(|_| io::ErrorKind::NotFound)?;
    for address in addresses {
        match try_address(settings, address).await {
            Ok(stream) => return Ok((stream, address.to_string())),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn try_address(settings: Settings, address: SocketAddr) -> io::Result<TcpStream> {
    let stream = settings.socket(address)?.connect(address).await?;
    settings.apply(&stream)?;
    Ok(stream)
}

pub(super) async fn listen(host: &Host, port: u16, options: &Options) -> io::Result<(Listener, Endpoint)> {
    let acceptor = bind(host, port, options).await?;
    let endpoint = Endpoint::from_tcp(acceptor.local_addr()?);
    Ok((Listener::Tcp(acceptor), endpoint))
}

/// As [`listen`], for who puts something around the streams.
pub(super) async fn bind(host: &Host, port: u16, options: &Options) -> io::Result<Acceptor> {
    let settings = Settings::new(options);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in resolve(host, port).await? {
        match bind_address(settings, address, options.backlog) {
            Ok(listener) => return Ok(Acceptor { listener, settings }),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind_address(settings: Settings, address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
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

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};
    use std::net::Ipv6Addr;

    use super::*;

    /// A resolver's answer.
    fn answer(addresses: Vec<SocketAddr>) -> Ready<io::Result<Vec<SocketAddr>>> {
        ready(Ok(addresses))
    }

    async fn connect_to(addresses: &[SocketAddr]) -> io::Result<String> {
        open_with(|| answer(addresses.to_vec()), &Options::default()).await.map(|(_, address)| address)
    }

    /// An address of our own where nobody listens.
    fn dead() -> SocketAddr {
        ([127, 255, 77, 1], 5555).into()
    }

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn what_is_on_its_way_within_the_machine_is_bounded_on_both_sides_unless_its_size_is_given() {
        let sizes = async |options: Options| {
            let acceptor = bind(&Host::Ip(Ipv4Addr::LOCALHOST.into()), 0, &options).await.unwrap();
            let address = acceptor.local_addr().unwrap();
            let accepted = async { acceptor.accept().await.unwrap().0 };
            let ((connected, _), accepted) =
                tokio::join!(async { open_with(|| answer(vec![address]), &options).await.unwrap() }, accepted);
            [connected, accepted].map(|stream| SockRef::from(&stream).send_buffer_size().unwrap())
        };
        // Linux says twice what it was told.
        assert!(sizes(Options::new()).await.iter().all(|&size| size % NEAR_SEND_BUFFER == 0));
        assert!(sizes(Options::new().send_buffer(Some(8192))).await.iter().all(|&size| size <= 2 * 8192));
    }

    #[tokio::test]
    async fn the_name_is_resolved_at_every_attempt() {
        let (_listener, live) = listener().await;
        let mut answers = [dead(), live].into_iter();
        let mut attempt = async || {
            let now = answers.next().unwrap();
            open_with(|| answer(vec![now]), &Options::default()).await.map(|(_, address)| address)
        };
        assert_eq!(attempt().await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(attempt().await.unwrap(), live.to_string());
    }

    #[tokio::test]
    async fn the_addresses_of_an_answer_are_tried_in_their_order() {
        let (_first, one) = listener().await;
        let (_second, other) = listener().await;
        assert_eq!(connect_to(&[one, other]).await.unwrap(), one.to_string());
        assert_eq!(connect_to(&[dead(), other, one]).await.unwrap(), other.to_string());
        assert_eq!(connect_to(&[dead(), dead(), one]).await.unwrap(), one.to_string());
    }

    #[tokio::test]
    async fn when_none_answers_the_last_error_is_told() {
        // No connection can be made to it, for another reason.
        let broadcast = SocketAddr::from((Ipv4Addr::BROADCAST, 5555));
        let other = connect_to(&[broadcast]).await.unwrap_err().kind();
        assert_ne!(other, io::ErrorKind::ConnectionRefused);
        assert_eq!(connect_to(&[dead(), broadcast]).await.unwrap_err().kind(), other);
        assert_eq!(connect_to(&[broadcast, dead()]).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn an_address_of_a_family_that_we_lack_is_no_reason_not_to_try_the_next() {
        let (_listener, live) = listener().await;
        // RFC 6666 has it thrown away; or there is no IPv6 at all.
        let nowhere = SocketAddr::from((Ipv6Addr::new(0x0100, 0, 0, 0, 0, 0, 0, 1), 5555));
        assert_eq!(connect_to(&[nowhere, live]).await.unwrap(), live.to_string());
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_not_found_and_neither_is_one_without_addresses() {
        let broken = open_with(async || Err(io::Error::other("no such host")), &Options::default()).await;
        assert_eq!(broken.unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(connect_to(&[]).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
