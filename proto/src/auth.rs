//! Who may connect: what is asked about a peer, and what is answered.
//!
//! An [`Authenticator`] is asked by the side that judges: the server of PLAIN and CURVE, whichever side dialed, and with
//! NULL the side that accepted the connection. It is asked once, when all is known that will be: the peer has shown what it
//! has, and has said what it is. Until the verdict the peer is told nothing and nothing more of it is read.

use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::keys::PublicKey;
use crate::options::PlainCredentials;
use crate::peer::{PeerInfo, Properties};

/// What is asked about a peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// What our socket is used for, as [`Options::auth_domain`](crate::Options::auth_domain) says: one authenticator may
    /// judge for several.
    pub domain: String,
    /// What the peer has shown.
    pub credentials: Credentials,
    /// What it says of itself (socket type, identity, properties), and its address. The user is not known yet, nor are
    /// the metadata.
    pub peer: PeerInfo,
}

impl Request {
    /// The mechanism of the connection: `NULL`, `PLAIN` or `CURVE`.
    pub const fn mechanism(&self) -> &'static str {
        self.peer.mechanism
    }

    /// The IP address that the peer connects from, or that we connected to; `None` where the transport has none. One of IPv4
    /// is given as such, also where the system wraps it into one of IPv6.
    pub fn ip(&self) -> Option<IpAddr> {
        let address = &self.peer.address;
        let ip = address.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| address.parse());
        ip.ok().map(|ip| ip.to_canonical())
    }
}

/// What a peer has shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credentials {
    /// Nothing.
    Null,
    /// A user name and a password. Nobody has compared them yet.
    Plain(PlainCredentials),
    /// Its permanent public key, and that it has the secret of it: this is proved.
    Curve(PublicKey),
}

impl Credentials {
    /// Whom they name: the user name, or the public key in Z85.
    pub fn user(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Plain(credentials) => Some(credentials.username().to_owned()),
            Self::Curve(key) => Some(key.to_string()),
        }
    }
}

/// What is answered about a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may connect.
    Accept {
        /// Who it is, for [`PeerInfo::user`]. `None` leaves whom it has shown to be: the user name, or the public key.
        user: Option<String>,
        /// What else is known of it, for [`PeerInfo::metadata`].
        metadata: Properties,
    },
    /// It may not, and is told so by the code of the refusal.
    Refuse(Refusal),
}

impl Verdict {
    /// It may connect, as whom it has shown to be.
    pub const fn accept() -> Self {
        Self::Accept { user: None, metadata: Properties::new() }
    }

    /// It may connect, as this user.
    pub fn accept_as(user: impl Into<String>) -> Self {
        Self::Accept { user: Some(user.into()), metadata: Properties::new() }
    }

    /// It may not connect. The text is for this side's monitors and logs alone: the peer is told the code.
    pub fn refuse(code: Code, text: impl Into<String>) -> Self {
        Self::Refuse(Refusal { code, text: text.into() })
    }

    /// Adds something that is known of a peer that may connect; nothing of one that may not.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> Self {
        if let Self::Accept { metadata, .. } = &mut self {
            metadata.push((name.into(), value.into()));
        }
        self
    }

    /// Whether it may connect.
    pub const fn is_accepted(&self) -> bool {
        matches!(self, Self::Accept { .. })
    }
}

/// Why a peer may not connect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// What the peer is told, unless it is [`Code::Temporary`].
    pub code: Code,
    /// What this side's monitors and logs are told; empty for nothing.
    pub text: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, text } = self;
        if text.is_empty() { code.fmt(f) } else { write!(f, "{code}, {text}") }
    }
}

/// The kind of a refusal: the status codes of RFC 27.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// 300, not now: the same credentials may be right later. The connection is closed without an ERROR command, which would
    /// be final for peers of libzmq; so whoever dials tries again.
    Temporary,
    /// 400, not with these credentials. Whoever dials gives up, unless told otherwise.
    Credentials,
    /// 500, an error of this side: nobody could be asked. Whoever dials gives up, unless told otherwise.
    Internal,
}

impl Code {
    /// Its three digits, which stand in the ERROR command.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temporary => "300",
            Self::Credentials => "400",
            Self::Internal => "500",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Code {
    type Err = UnknownCode;

    fn from_str(digits: &str) -> Result<Self, UnknownCode> {
        let known =
            [Self::Temporary, Self::Credentials, Self::Internal].into_iter().find(|code| code.as_str() == digits);
        known.ok_or(UnknownCode)
    }
}

/// A text that is no status code of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a refusal has the code 300, 400 or 500")]
pub struct UnknownCode;

/// A verdict that is still to come.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// Judges the peers of sockets. Any function that takes a [`Request`] and returns the future of a [`Verdict`] is one.
///
/// It is asked in the task of the connection that it judges, with no lock held: it may take its time, wait for files or
/// a database, and keeps no other peer waiting. [`handshake_timeout`](crate::Options::handshake_timeout) goes on meanwhile.
/// Work that keeps the thread itself busy belongs on other threads.
///
/// A panic in it refuses the peer with [`Code::Internal`], and does nothing else.
///
/// # Cancel safety
///
/// The future is dropped when the handshake times out, when the connection or the socket is closed, and with the runtime.
/// That the peer goes is not heard of until the verdict: nothing more of it is read.
pub trait Authenticator: Send + Sync {
    /// Judges one peer.
    fn authenticate(&self, request: Request) -> Judging<'_>;

    /// Whoever this one accepts is judged by the other one too, and is refused if either refuses. The user is whom the
    /// last of them names; the metadata are those of both.
    fn and<T: Authenticator>(self, other: T) -> And<Self, T>
    where
        Self: Sized,
    {
        And(self, other)
    }
}

/// Two authenticators that both have to accept.
#[derive(Clone, Debug)]
pub struct And<A, B>(A, B);

impl<A: Authenticator, B: Authenticator> Authenticator for And<A, B> {
    fn authenticate(&self, request: Request) -> Judging<'_> {
        Box::pin(async move {
            let (user, mut metadata) = match self.0.authenticate(request.clone()).await {
                Verdict::Accept { user, metadata } => (user, metadata),
                refused @ Verdict::Refuse(_) => return refused,
            };
            match self.1.authenticate(request).await {
                Verdict::Accept { user: other, metadata: more } => {
                    metadata.extend(more);
                    Verdict::Accept { user: other.or(user), metadata }
                }
                refused @ Verdict::Refuse(_) => refused,
            }
        })
    }
}

impl<F, T> Authenticator for F
where
    F: Fn(Request) -> T + Send + Sync,
    T: Future<Output = Verdict> + Send + 'static,
{
    fn authenticate(&self, request: Request) -> Judging<'_> {
        Box::pin(self(request))
    }
}

/// An authenticator that sockets share, as their options hold it. Two are the same if they share it.
#[derive(Clone)]
pub struct Judge(Arc<dyn Authenticator>);

impl Judge {
    /// Takes the authenticator in.
    pub fn new(authenticator: impl Authenticator + 'static) -> Self {
        Self(Arc::new(authenticator))
    }

    /// The verdict on one peer, which may be waited for anywhere.
    pub fn judge(&self, request: Request) -> Judging<'static> {
        let authenticator = Arc::clone(&self.0);
        // Only when it is polled, so that whoever waits also catches what happens before the first wait.
        Box::pin(async move { authenticator.authenticate(request).await })
    }
}

impl Authenticator for Judge {
    fn authenticate(&self, request: Request) -> Judging<'_> {
        self.judge(request)
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judge(..)")
    }
}

impl PartialEq for Judge {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Judge {}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::SocketType;

    fn from(address: &str) -> Request {
        let peer = PeerInfo { address: address.to_owned(), ..PeerInfo::of_type(SocketType::Push) };
        Request { domain: String::new(), credentials: Credentials::Null, peer }
    }

    #[test]
    fn the_ip_is_that_of_the_address_where_there_is_one() {
        let table = [
            ("192.0.2.1:5555", Some("192.0.2.1")),
            ("[2001:db8::1]:5555", Some("2001:db8::1")),
            ("[::ffff:192.0.2.1]:5555", Some("192.0.2.1")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("pid 7", None),
            ("", None),
        ];
        for (address, ip) in table {
            assert_eq!(from(address).ip(), ip.map(|ip| ip.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_password_is_not_shown_with_its_request() {
        let credentials = Credentials::Plain(PlainCredentials::new("ann", "secret").unwrap());
        let shown = format!("{:?}", Request { credentials, ..from("") });
        assert!(shown.contains("ann") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn codes_are_read_back_and_no_others() {
        for code in [Code::Temporary, Code::Credentials, Code::Internal] {
            assert_eq!(code.as_str().parse(), Ok(code));
        }
        for other in ["", "200", "40", "4000", "no"] {
            assert_eq!(other.parse::<Code>(), Err(UnknownCode), "{other}");
        }
    }

    #[test]
    fn of_two_both_have_to_accept() {
        fn says(verdict: Verdict) -> impl Authenticator {
            move |_| std::future::ready(verdict.clone())
        }
        fn judged(first: Verdict, second: Verdict) -> Verdict {
            let mut cx = Context::from_waker(Waker::noop());
            let judge = Judge::new(says(first).and(says(second)));
            match judge.judge(from("")).as_mut().poll(&mut cx) {
                Poll::Ready(verdict) => verdict,
                Poll::Pending => panic!("both have answered"),
            }
        }
        let refused = |text| Verdict::refuse(Code::Credentials, text);
        let ann = || Verdict::accept_as("ann").with("Role", "editor");
        assert_eq!(judged(refused("first"), ann()), refused("first"));
        assert_eq!(judged(ann(), refused("second")), refused("second"));
        assert_eq!(judged(ann(), Verdict::accept().with("Age", "7")), ann().with("Age", "7"));
        assert_eq!(judged(ann(), Verdict::accept_as("eve")), Verdict::accept_as("eve").with("Role", "editor"));
    }

    #[test]
    fn metadata_are_of_those_who_are_accepted() {
        let accepted = Verdict::accept_as("ann").with("Role", "admin");
        let metadata = vec![("Role".to_owned(), "admin".into())];
        assert_eq!(accepted, Verdict::Accept { user: Some("ann".to_owned()), metadata });
        let refused = Verdict::refuse(Code::Credentials, "unknown");
        assert_eq!(refused.clone().with("Role", "admin"), refused);
    }
}
