//! Endpoints: where sockets meet.
//!
//! | form | meaning |
//! |---|---|
//! | `tcp://HOST:PORT` | `HOST` is a name, an IPv4 address, an IPv6 address in brackets, or `*` for all IPv4 interfaces (bind only) |
//! | `tcp://HOST:*`, `tcp://HOST:0` | a port that the system chooses (bind only) |
//! | `tls+tcp://HOST:PORT` | the same, inside of TLS; the server's certificate is for `HOST` unless the client is told otherwise |
//! | `ws://HOST[:PORT][/PATH]` | WebSocket, for peers that are web pages or behind a proxy for the web; port 80 unless another is given |
//! | `wss://HOST[:PORT][/PATH]` | the same, inside of TLS; port 443 |
//! | `ipc://PATH` | a Unix domain socket |
//! | `ipc://@NAME` | a Unix domain socket in Linux's abstract namespace |
//! | `inproc://NAME` | within this process, up to 256 bytes |

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// An address that a socket binds or connects to.
///
/// ```
/// use bowline_proto::Endpoint;
///
/// let endpoint: Endpoint = "tcp://[::1]:5555".parse().unwrap();
/// assert_eq!(endpoint.to_string(), "tcp://[::1]:5555");
/// assert!("tcp://[::1]".parse::<Endpoint>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Endpoint {
    /// `tcp://HOST:PORT`
    Tcp {
        /// The interface to bind, or the host to connect to.
        host: Host,
        /// 0 lets the system choose when binding.
        port: u16,
    },
    /// `tls+tcp://HOST:PORT`: TCP inside of TLS. Who binds is the server of TLS, who connects its client.
    Tls {
        /// The interface to bind, or the host to connect to.
        host: Host,
        /// 0 lets the system choose when binding.
        port: u16,
    },
    /// `ws://HOST[:PORT][/PATH]`: WebSocket. A web page can connect to it.
    Ws(Box<WebAddress>),
    /// `wss://HOST[:PORT][/PATH]`: WebSocket inside of TLS. Who binds is the server of TLS, who connects its client.
    Wss(Box<WebAddress>),
    /// `ipc://PATH` and `ipc://@NAME`
    Ipc(IpcName),
    /// `inproc://NAME`
    Inproc(String),
}

/// The host of a TCP endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// `*`: every IPv4 interface, as in libzmq.
    Any,
    /// A literal address.
    Ip(IpAddr),
    /// A name, resolved at every attempt to connect.
    Name(String),
}

/// Where a WebSocket is. Boxed where it is an [`Endpoint`]: every connection has some of these, and few are of WebSocket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebAddress {
    /// The interface to bind, or the host to connect to.
    pub host: Host,
    /// 0 lets the system choose when binding.
    pub port: u16,
    /// What follows the port, from the `/` on; empty if nothing does. Who connects asks for it, or for `/`. Who binds
    /// serves this path only, or any if it is empty.
    pub path: String,
}

/// The name of a Unix domain socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IpcName {
    /// A file.
    Path(PathBuf),
    /// A name in the abstract namespace, without the `@`.
    Abstract(String),
}

/// Why a string is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{endpoint}: {cause}")]
pub struct EndpointError {
    /// The string as it was given.
    pub endpoint: String,
    /// What is wrong with it.
    pub cause: EndpointCause,
}

/// What is wrong with an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointCause {
    /// There is no `://`.
    #[error("expected SCHEME://ADDRESS, as in tcp://127.0.0.1:5555")]
    NoScheme,
    /// The scheme is known to nobody.
    #[error("unknown scheme \"{}\"; known are tcp, tls+tcp, ws, wss, ipc and inproc", .0.escape_default())]
    UnknownScheme(String),
    /// The scheme is reserved for a transport that this version does not have.
    #[error("the scheme \"{}\" is not supported yet; supported are tcp, tls+tcp, ws, wss, ipc and inproc", .0.escape_default())]
    ReservedScheme(String),
    /// An endpoint of TCP, plain or inside of TLS, without a port.
    #[error("expected HOST:PORT")]
    NoPort,
    /// The port is not a number from 0 to 65535 and not `*`.
    #[error("invalid port \"{}\"", .0.escape_default())]
    InvalidPort(String),
    /// The host is neither a name nor an address.
    #[error("invalid host \"{}\"", .0.escape_default())]
    InvalidHost(String),
    /// The path of a WebSocket has a character that can't stand in one, or is too long.
    #[error("invalid path \"{}\"", .0.escape_default())]
    InvalidPath(String),
    /// The name is empty.
    #[error("the name is empty")]
    EmptyName,
    /// The name is longer than the transport allows.
    #[error("the name is {len} bytes long; at most {most} are allowed")]
    NameTooLong {
        /// Its length in bytes.
        len: usize,
        /// The longest that is allowed.
        most: usize,
    },
    /// `*` or port 0, which say where to listen but not where to connect to.
    #[error("a wildcard can be bound, not connected to")]
    WildcardConnect,
}

/// The longest `inproc` name, as in libzmq.
const INPROC_MOST: usize = 256;
/// The longest path of a Unix domain socket: `sun_path` without its terminator.
const IPC_MOST: usize = 107;
/// The longest path of a WebSocket: less than what is read of a request at all.
const PATH_MOST: usize = 1024;

impl Endpoint {
    /// The endpoint of a socket address.
    pub fn from_tcp(address: SocketAddr) -> Self {
        Self::Tcp { host: Host::Ip(address.ip()), port: address.port() }
    }

    /// The part before `://`.
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "tcp",
            Self::Tls { .. } => "tls+tcp",
            Self::Ws(_) => "ws",
            Self::Wss(_) => "wss",
            Self::Ipc(_) => "ipc",
            Self::Inproc(_) => "inproc",
        }
    }

    /// Refuses what can be bound but not connected to: `*` and port 0.
    ///
    /// # Errors
    ///
    /// [`EndpointCause::WildcardConnect`].
    pub fn check_connectable(&self) -> Result<(), EndpointError> {
        let (host, port) = match self {
            Self::Tcp { host, port } | Self::Tls { host, port } => (host, *port),
            Self::Ws(address) | Self::Wss(address) => (&address.host, address.port),
            _ => return Ok(()),
        };
        if *host == Host::Any || port == 0 {
            return Err(EndpointError { endpoint: self.to_string(), cause: EndpointCause::WildcardConnect });
        }
        Ok(())
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(endpoint: &str) -> Result<Self, EndpointError> {
        parse(endpoint).map_err(|cause| EndpointError { endpoint: endpoint.into(), cause })
    }
}

impl TryFrom<&str> for Endpoint {
    type Error = EndpointError;

    fn try_from(endpoint: &str) -> Result<Self, EndpointError> {
        endpoint.parse()
    }
}

impl TryFrom<&String> for Endpoint {
    type Error = EndpointError;

    fn try_from(endpoint: &String) -> Result<Self, EndpointError> {
        endpoint.parse()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(endpoint: String) -> Result<Self, EndpointError> {
        endpoint.parse()
    }
}

impl From<&Endpoint> for Endpoint {
    fn from(endpoint: &Endpoint) -> Self {
        endpoint.clone()
    }
}

/// So that functions may take `impl TryInto<Endpoint>` and an endpoint itself fits.
impl From<std::convert::Infallible> for EndpointError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

fn parse(endpoint: &str) -> Result<Endpoint, EndpointCause> {
    let (scheme, address) = endpoint.split_once("://").ok_or(EndpointCause::NoScheme)?;
    match scheme {
        "tcp" => parse_tcp(address).map(|(host, port)| Endpoint::Tcp { host, port }),
        "tls+tcp" => parse_tcp(address).map(|(host, port)| Endpoint::Tls { host, port }),
        "ipc" => parse_ipc(address).map(Endpoint::Ipc),
        "inproc" => Ok(Endpoint::Inproc(name(address, INPROC_MOST)?.into())),
        "ws" => parse_web(address, 80).map(Endpoint::Ws),
        "wss" => parse_web(address, 443).map(Endpoint::Wss),
        "udp" => Err(EndpointCause::ReservedScheme(scheme.into())),
        _ => Err(EndpointCause::UnknownScheme(scheme.into())),
    }
}

fn parse_web(address: &str, default_port: u16) -> Result<Box<WebAddress>, EndpointCause> {
    let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    // What may stand in the first line of a request. The rest of RFC 3986 is for the server to judge.
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    if path.len() > PATH_MOST || !path.bytes().all(is_plain) {
        return Err(EndpointCause::InvalidPath(path.into()));
    }
    let has_port = !authority.ends_with(']') && authority.contains(':');
    let (host, port) = if has_port { parse_tcp(authority)? } else { (parse_host(authority)?, default_port) };
    Ok(Box::new(WebAddress { host, port, path: path.into() }))
}

fn parse_tcp(address: &str) -> Result<(Host, u16), EndpointCause> {
    let (host, port) = address.rsplit_once(':').ok_or(EndpointCause::NoPort)?;
    if host.starts_with('[') && !host.ends_with(']') {
        // "[::1]" was split inside the brackets: there is no port behind them.
        return Err(EndpointCause::NoPort);
    }
    let port = match port {
        "*" => 0,
        digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map_err(|_| EndpointCause::InvalidPort(digits.into()))?
        }
        other => return Err(EndpointCause::InvalidPort(other.into())),
    };
    Ok((parse_host(host)?, port))
}

fn parse_host(host: &str) -> Result<Host, EndpointCause> {
    if host == "*" {
        return Ok(Host::Any);
    }
    let invalid = || EndpointCause::InvalidHost(host.into());
    if let Some(v6) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return v6.parse::<Ipv6Addr>().map(|ip| Host::Ip(ip.into())).map_err(|_| invalid());
    }
    if let Ok(ip) = host.parse::<std::net::Ipv4Addr>() {
        return Ok(Host::Ip(ip.into()));
    }
    let plausible = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.is_empty() || host.len() > 253 || !host.bytes().all(plausible) {
        return Err(invalid());
    }
    Ok(Host::Name(host.into()))
}

fn parse_ipc(address: &str) -> Result<IpcName, EndpointCause> {
    match address.strip_prefix('@') {
        Some(rest) => Ok(IpcName::Abstract(name(rest, IPC_MOST)?.into())),
        None => Ok(IpcName::Path(name(address, IPC_MOST)?.into())),
    }
}

fn name(name: &str, most: usize) -> Result<&str, EndpointCause> {
    match name.len() {
        0 => Err(EndpointCause::EmptyName),
        len if len > most => Err(EndpointCause::NameTooLong { len, most }),
        _ => Ok(name),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Tls { host, port } => write!(f, "tls+tcp://{host}:{port}"),
            Self::Ws(address) => write!(f, "ws://{address}"),
            Self::Wss(address) => write!(f, "wss://{address}"),
            Self::Ipc(name) => write!(f, "ipc://{name}"),
            Self::Inproc(name) => write!(f, "inproc://{name}"),
        }
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}{}", self.host, self.port, self.path)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for IpcName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(endpoint: &str) -> EndpointCause {
        endpoint.parse::<Endpoint>().unwrap_err().cause
    }

    #[test]
    fn every_form_is_printed_as_it_was_read() {
        for endpoint in [
            "tcp://127.0.0.1:5555",
            "tcp://[::1]:5555",
            "tcp://[::]:0",
            "tcp://example.org:80",
            "tcp://*:5555",
            "tls+tcp://example.org:7400",
            "tls+tcp://[::1]:7400",
            "ws://127.0.0.1:8080",
            "ws://*:0/zeromq",
            "wss://[::1]:8443/a/b?c=d",
            "ipc:///tmp/a.sock",
            "ipc://relative",
            "ipc://@abstract",
            "inproc://name with spaces",
        ] {
            assert_eq!(endpoint.parse::<Endpoint>().unwrap().to_string(), endpoint);
        }
        for (endpoint, whole) in [
            ("tcp://*:*", "tcp://*:0"),
            ("ws://*:*", "ws://*:0"),
            ("ws://example.org", "ws://example.org:80"),
            ("wss://[::1]/zeromq", "wss://[::1]:443/zeromq"),
        ] {
            assert_eq!(endpoint.parse::<Endpoint>().unwrap().to_string(), whole);
        }
    }

    #[test]
    fn what_is_wrong_is_said_precisely() {
        assert_eq!(cause("127.0.0.1:1"), EndpointCause::NoScheme);
        assert_eq!(cause("tpc://127.0.0.1:1"), EndpointCause::UnknownScheme("tpc".into()));
        assert_eq!(cause("udp://host:1"), EndpointCause::ReservedScheme("udp".into()));
        assert_eq!(cause("ws://host:x/"), EndpointCause::InvalidPort("x".into()));
        assert_eq!(cause("ws:///path"), EndpointCause::InvalidHost(String::new()));
        assert_eq!(cause("ws://::1:5"), EndpointCause::InvalidHost("::1".into()));
        assert_eq!(cause("ws://host/a b"), EndpointCause::InvalidPath("/a b".into()));
        assert_eq!(cause("ws://host/a#b"), EndpointCause::InvalidPath("/a#b".into()));
        assert_eq!(cause("wss://host/a\r\nb"), EndpointCause::InvalidPath("/a\r\nb".into()));
        assert_eq!(cause("tls://host:1"), EndpointCause::UnknownScheme("tls".into()));
        assert_eq!(cause("tcp://127.0.0.1"), EndpointCause::NoPort);
        assert_eq!(cause("tls+tcp://127.0.0.1"), EndpointCause::NoPort);
        assert_eq!(cause("tcp://[::1]"), EndpointCause::NoPort);
        assert_eq!(cause("tcp://host:65536"), EndpointCause::InvalidPort("65536".into()));
        assert_eq!(cause("tcp://host:+1"), EndpointCause::InvalidPort("+1".into()));
        assert_eq!(cause("tcp://host:"), EndpointCause::InvalidPort(String::new()));
        assert_eq!(cause("tcp://::1:5"), EndpointCause::InvalidHost("::1".into()));
        assert_eq!(cause("tcp://:5"), EndpointCause::InvalidHost(String::new()));
        assert_eq!(cause("tcp://a b:5"), EndpointCause::InvalidHost("a b".into()));
        assert_eq!(cause("ipc://"), EndpointCause::EmptyName);
        assert_eq!(cause("ipc://@"), EndpointCause::EmptyName);
        assert_eq!(cause(&format!("ipc://{}", "x".repeat(108))), EndpointCause::NameTooLong { len: 108, most: 107 });
        assert_eq!(
            "tcp://127.0.0.1:1x".parse::<Endpoint>().unwrap_err().to_string(),
            "tcp://127.0.0.1:1x: invalid port \"1x\""
        );
    }

    #[test]
    fn what_is_wrong_is_shown_with_what_no_eye_would_see() {
        assert_eq!(cause("tcp://host:5555\n").to_string(), r#"invalid port "5555\n""#);
        assert_eq!(cause("tcp\u{1b}://host:1").to_string().split(';').next(), Some(r#"unknown scheme "tcp\u{1b}""#));
    }

    #[test]
    fn a_wildcard_is_for_binding_only() {
        for endpoint in [
            "tcp://*:5555",
            "tcp://127.0.0.1:0",
            "tcp://host:*",
            "tls+tcp://*:5555",
            "tls+tcp://host:0",
            "ws://*/a",
            "wss://host:0",
        ] {
            let error = endpoint.parse::<Endpoint>().unwrap().check_connectable().unwrap_err();
            assert_eq!(error.cause, EndpointCause::WildcardConnect);
        }
    }
}
