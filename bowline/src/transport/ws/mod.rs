//! `ws://` and `wss://`: TCP, perhaps TLS inside of it, and WebSocket inside of that.

mod carrier;
mod stream;
mod upgrade;

use std::io;
use std::sync::Arc;

use bowline_proto::endpoint::{Host, WebAddress};
use bowline_proto::error::WsFault;
use bowline_proto::{Endpoint, Options, SocketType};
use tungstenite::error::{Error, ProtocolError};

pub(crate) use stream::WsStream;
#[cfg(feature = "axum")]
pub(crate) use upgrade::{Consent, Refusal, refusal_text};

use self::carrier::Inner;
use self::stream::Terms;
use self::upgrade::{Policy, Wish};
use super::{Connected, Lacking, Listener, Stream, tcp, tls};

/// The longest part that a message of ZWS brings, whatever the options allow: address space for it is reserved when it is
/// announced, and a process that gets none ends.
const PART_MOST: usize = 1 << 30;

/// What an endpoint of WebSocket accepts with.
#[derive(Debug)]
pub(crate) struct Acceptor {
    below: Below,
    policy: Arc<Policy>,
    terms: Arc<Terms>,
}

#[derive(Debug)]
enum Below {
    Tcp(tcp::Acceptor),
    Tls(tls::Acceptor),
}

/// What is missing besides what TLS misses.
#[expect(clippy::unnecessary_wraps, reason = "without the feature there is something")]
pub(super) const fn check() -> Result<(), Lacking> {
    Ok(())
}

pub(super) async fn connect(
    address: &WebAddress,
    is_secure: bool,
    options: &Options,
    ours: SocketType,
) -> io::Result<Connected> {
    let WebAddress { host, port, path } = address;
    let (inner, shown, default_port) = if is_secure {
        let (stream, shown) = tls::open(host, *port, options).await?;
        (Inner::Tls(Box::new(stream)), shown, 443)
    } else {
        let (stream, shown) = tcp::open(host, *port, options).await?;
        (Inner::Tcp(stream), shown, 80)
    };
    // RFC 9110, Host: without the port where that is the scheme's own
    let host = if *port == default_port { host.to_string() } else { format!("{host}:{port}") };
    let key = tungstenite::handshake::client::generate_key();
    let wish = Wish { mechanism: options.mechanism.name(), host, path: path.clone(), key };
    let stream = WsStream::connect(inner, wish, terms(options, ours));
    Ok((Stream::Ws(Box::new(stream)), shown))
}

pub(super) async fn listen(
    address: &WebAddress,
    is_secure: bool,
    options: &Options,
    ours: SocketType,
) -> io::Result<(Listener, Endpoint)> {
    let WebAddress { host, port, path } = address;
    let (below, at) = if is_secure {
        let acceptor = tls::bind(host, *port, options).await?;
        let at = acceptor.local_addr()?;
        (Below::Tls(acceptor), at)
    } else {
        let acceptor = tcp::bind(host, *port, options).await?;
        let at = acceptor.local_addr()?;
        (Below::Tcp(acceptor), at)
    };
    let origins = options.origins.clone();
    let policy = Arc::new(Policy { mechanism: options.mechanism.name(), path: path.clone(), origins });
    let address = Box::new(WebAddress { host: Host::Ip(at.ip()), port: at.port(), path: path.clone() });
    let endpoint = if is_secure { Endpoint::Wss(address) } else { Endpoint::Ws(address) };
    Ok((Listener::Ws(Acceptor { below, policy, terms: terms(options, ours) }), endpoint))
}

fn terms(options: &Options, ours: SocketType) -> Arc<Terms> {
    let most =
        options.max_message_size.map_or(PART_MOST, |most| usize::try_from(most).unwrap_or(PART_MOST).min(PART_MOST));
    // One byte more for the flags.
    let most = most + 1;
    Arc::new(Terms { mechanism: options.mechanism.name(), ours, message_most: most })
}

/// What a route of a server accepts with.
#[cfg(feature = "axum")]
#[derive(Debug)]
pub(crate) struct Mount {
    policy: Policy,
    terms: Arc<Terms>,
}

#[cfg(feature = "axum")]
impl Mount {
    pub(crate) fn new(options: &Options, ours: SocketType) -> Self {
        let (path, origins) = (String::new(), options.origins.clone());
        let policy = Policy { mechanism: options.mechanism.name(), path, origins };
        Self { policy, terms: terms(options, ours) }
    }

    /// What the request comes to that has these lines.
    pub(crate) fn judge(&self, request: &http::request::Parts) -> Result<Consent, Refusal> {
        let mut lines: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| httparse::Header { name: name.as_str(), value: value.as_bytes() })
            .collect();
        let asked = httparse::Request {
            method: Some(request.method.as_str()),
            path: Some(request.uri.path()),
            version: Some(u8::from(request.version == http::Version::HTTP_11)),
            headers: &mut lines,
        };
        upgrade::judge(&asked, &self.policy)
    }

    /// The connection that was made of it.
    pub(crate) fn stream(&self, upgraded: hyper::upgrade::Upgraded, consent: &Consent) -> Stream {
        let inner = Inner::Upgraded(hyper_util::rt::TokioIo::new(upgraded));
        Stream::Ws(Box::new(WsStream::upgraded(inner, consent.subprotocol, Arc::clone(&self.terms))))
    }
}

impl Acceptor {
    /// The next connection, whose upgrade is still to be made: a peer that takes its time keeps no other waiting.
    pub(super) async fn accept(&self) -> io::Result<Connected> {
        let (inner, shown) = match &self.below {
            Below::Tcp(acceptor) => {
                let (stream, shown) = acceptor.accept().await?;
                (Inner::Tcp(stream), shown)
            }
            Below::Tls(acceptor) => {
                let (stream, shown) = acceptor.accept().await?;
                (Inner::Tls(Box::new(stream)), shown)
            }
        };
        let stream = WsStream::accept(inner, Arc::clone(&self.policy), Arc::clone(&self.terms));
        Ok((Stream::Ws(Box::new(stream)), shown))
    }
}

/// As an error of a stream, from which [`reason`](crate::transport::reason) takes it again.
fn error(fault: WsFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

/// What tungstenite reports, in our words; `None` is an end without a goodbye, as libzmq's.
fn fault(error: &Error) -> Option<WsFault> {
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Capacity(_) => Some(WsFault::TooLong),
        Error::Utf8(_) => Some(WsFault::Text),
        _ => Some(WsFault::Misbehaved),
    }
}
