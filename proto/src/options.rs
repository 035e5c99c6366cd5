//! The options of a socket: one typed struct, defaults with their reasons.

mod carried;
mod origins;
mod reconnect;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use carried::{Carried, TlsClientSettings, TlsServerSettings};
pub use origins::Origins;
pub use reconnect::{Reconnect, ReconnectStop};

use crate::auth::{Authenticator, Judge};
use crate::keys::{CurveClient, CurveServer};
use crate::limits::PeerLimits;

/// An identity that ROUTER peers address a socket by (`ZMQ_ROUTING_ID`): up to 255 bytes, not beginning with a zero.
///
/// The empty identity, the default, lets each ROUTER peer choose one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identity(Bytes);

/// The longest identity, in bytes.
// RFC 37, The READY Command
pub const IDENTITY_MOST: usize = 255;

impl Identity {
    /// Checks and wraps `identity`.
    ///
    /// # Errors
    ///
    /// If it is longer than 255 bytes or begins with a zero byte, which is reserved for identities that a ROUTER makes.
    pub fn new(identity: impl Into<Bytes>) -> Result<Self, InvalidIdentity> {
        let identity = identity.into();
        if identity.len() > IDENTITY_MOST || identity.first() == Some(&0) {
            return Err(InvalidIdentity);
        }
        Ok(Self(identity))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl std::str::FromStr for Identity {
    type Err = InvalidIdentity;

    fn from_str(identity: &str) -> Result<Self, InvalidIdentity> {
        Self::new(identity.as_bytes().to_vec())
    }
}

/// An identity that is too long or begins with a zero byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identity has up to 255 bytes and does not begin with a zero byte")]
pub struct InvalidIdentity;

/// The security mechanism of a socket's connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// No authentication and no secrecy.
    #[default]
    Null,
    /// A user name and a password, in clear text (RFC 24). When the server refuses them, the endpoint is given up: the
    /// monitor tells [`ConnectStopped`](crate::MonitorKind::ConnectStopped).
    PlainClient(PlainCredentials),
    /// Admits the peers that know one of these passwords, and refuses all others. Where there is an
    /// [`authenticator`](Options::authenticator) and no password here, it judges them all.
    PlainServer(Vec<PlainCredentials>),
    /// Speaks only to the server of a certain key, and seals all that passes (RFC 26).
    CurveClient(CurveClient),
    /// Proves its key to the peers, and seals all that passes.
    CurveServer(CurveServer),
}

impl Mechanism {
    /// The name in the greeting.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::PlainClient(_) | Self::PlainServer(_) => "PLAIN",
            Self::CurveClient(_) | Self::CurveServer(_) => "CURVE",
        }
    }

    /// Whether it seals all that passes after the handshake.
    pub const fn seals(&self) -> bool {
        matches!(self, Self::CurveClient(_) | Self::CurveServer(_))
    }

    /// Whether we take the server's part in the handshake.
    pub const fn is_server(&self) -> bool {
        matches!(self, Self::PlainServer(_) | Self::CurveServer(_))
    }
}

/// A user name and a password, each up to 255 bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PlainCredentials {
    username: String,
    password: String,
}

impl PlainCredentials {
    /// Checks and wraps the two.
    ///
    /// # Errors
    ///
    /// If either is longer than 255 bytes, which PLAIN cannot carry.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Result<Self, InvalidCredentials> {
        let (username, password) = (username.into(), password.into());
        // RFC 24: both are strings with a length octet
        if username.len() > 255 || password.len() > 255 {
            return Err(InvalidCredentials);
        }
        Ok(Self { username, password })
    }

    /// The user name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for PlainCredentials {
    /// Shows who, never the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainCredentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A user name or a password that is longer than 255 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user name and a password have up to 255 bytes each")]
pub struct InvalidCredentials;

/// Declares an option once: its field with its documentation, its default, and its chainable setter.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident : $type:ty = $default:expr;)*) => {
        /// The options of a socket. Names follow libzmq's where it has the option.
        ///
        /// Each option is a public field for reading and a method of the same name for setting.
        ///
        /// ```
        /// # use bowline_proto::Options;
        /// use std::time::Duration;
        ///
        /// let options = Options::new()
        ///     .send_hwm(10_000)
        ///     .linger(Some(Duration::from_secs(5)))
        ///     .identity("worker-1".parse().unwrap());
        /// assert_eq!(options.send_hwm, 10_000);
        /// ```
        ///
        /// Both sides of PLAIN, which knows who is there and hides nothing from who listens on the wire:
        ///
        /// ```
        /// # use bowline_proto::{Mechanism, Options, PlainCredentials};
        /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// let ann = PlainCredentials::new("ann", "secret")?;
        /// let server = Options::new().mechanism(Mechanism::PlainServer(vec![ann.clone()]));
        /// let client = Options::new().mechanism(Mechanism::PlainClient(ann));
        /// # assert!(server.mechanism.is_server() && !client.mechanism.is_server());
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// Both sides of CURVE, which proves who is there and seals everything:
        ///
        /// ```
        /// # use bowline_proto::{CurveClient, CurveServer, KeyPair, Mechanism, Options, SecretKey};
        /// # let (server_keys, client_keys): (KeyPair, KeyPair) =
        /// #     (SecretKey::from_bytes([1; 32]).into(), SecretKey::from_bytes([2; 32]).into());
        /// let knows = CurveClient::new(server_keys.public(), client_keys.clone());
        /// let client = Options::new().mechanism(Mechanism::CurveClient(knows));
        /// let admits = CurveServer::new(server_keys).only([client_keys.public()]);
        /// let server = Options::new().mechanism(Mechanism::CurveServer(admits));
        /// # assert!(server.mechanism.is_server() && client.mechanism.seals());
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Options {
            $($(#[$doc])* pub $name: $type,)*

            /// Who judges the peers before they are ready, on the side that does: the server of PLAIN and CURVE, and with
            /// NULL the side that accepted. In process nobody is asked.
            ///
            /// Where the mechanism itself names passwords or clients, those are looked at first; whoever is not among
            /// them is refused without a question.
            ///
            /// Default `None`: nobody is asked.
            pub authenticator: Option<Judge>,
            /// What proves who we are where the socket binds `tls+tcp://` or `wss://`, as `bowline::tls::TlsServer` says it.
            ///
            /// Default `None`: such an endpoint can't be bound, since there is no server of TLS without a certificate.
            pub tls_server: Option<Carried<dyn TlsServerSettings>>,
            /// Whom we trust where the socket connects to `tls+tcp://` or `wss://`, as `bowline::tls::TlsClient` says it.
            ///
            /// Default `None`: such an endpoint can't be connected to. Most sockets have peers of their own, with an
            /// issuer of their own, and to trust everybody whom browsers trust would be more than is meant.
            pub tls_client: Option<Carried<dyn TlsClientSettings>>,
        }

        impl Default for Options {
            fn default() -> Self {
                Self { $($name: $default,)* authenticator: None, tls_server: None, tls_client: None }
            }
        }

        impl Options {
            /// The defaults.
            pub fn new() -> Self {
                Self::default()
            }

            /// Sets the field [`authenticator`](#structfield.authenticator).
            #[must_use]
            pub fn authenticator(mut self, authenticator: impl Authenticator + 'static) -> Self {
                self.authenticator = Some(Judge::new(authenticator));
                self
            }

            $(
                #[doc = concat!("Sets the field [`", stringify!($name), "`](#structfield.", stringify!($name), ").")]
                #[must_use]
                pub fn $name(mut self, value: $type) -> Self {
                    self.$name = value;
                    self
                }
            )*

            /// Sets the field [`tls_server`](#structfield.tls_server).
            #[must_use]
            pub fn tls_server(mut self, server: impl TlsServerSettings) -> Self {
                self.tls_server = Some(Carried::new(Arc::new(server)));
                self
            }

            /// Sets the field [`tls_client`](#structfield.tls_client).
            #[must_use]
            pub fn tls_client(mut self, client: impl TlsClientSettings) -> Self {
                self.tls_client = Some(Carried::new(Arc::new(client)));
                self
            }
        }
    };
}

options! {
    /// The most messages that wait in one pipe on their way out (`ZMQ_SNDHWM`); 0 sets no limit.
    ///
    /// Default 1000, as in libzmq: enough to keep a connection busy, little enough to stay in cache. One batch more may
    /// be on its way from the pipe into the kernel.
    send_hwm: usize = 1000;

    /// The most messages that wait in one pipe on their way in (`ZMQ_RCVHWM`); 0 sets no limit.
    ///
    /// Default 1000, as in libzmq. A full pipe stops the reading, so the transport pushes back on the peer.
    recv_hwm: usize = 1000;

    /// How long `close` waits for unsent messages (`ZMQ_LINGER`); `None` waits for ever.
    ///
    /// Default `None`, as in libzmq: nothing that was accepted is dropped behind the sender's back.
    linger: Option<Duration> = None;

    /// The identity that ROUTER peers know this socket by (`ZMQ_ROUTING_ID`). Default empty: they choose one.
    identity: Identity = Identity::default();

    /// The largest message that is accepted, all parts together, in bytes (`ZMQ_MAXMSGSIZE`, which limits each part).
    ///
    /// Default 1 GiB, larger than what anybody sends as one message, so that a peer which never ends one can't take all the
    /// memory there is; libzmq has no limit, as `None`. Memory grows with what a peer really sends, never with what it announces.
    max_message_size: Option<u64> = Some(1 << 30);

    /// What the peers may cost, besides messages that are too large: connections, handshakes, subscriptions and more.
    limits: PeerLimits = PeerLimits::default();

    /// When to connect again (`ZMQ_RECONNECT_IVL`, `ZMQ_RECONNECT_IVL_MAX`).
    ///
    /// Default: exponential from 100 ms, libzmq's interval, to 10 s, so that a server that stays away costs little.
    reconnect: Reconnect = Reconnect::Exponential { min: Duration::from_millis(100), max: Duration::from_secs(10) };

    /// What makes an endpoint give up (`ZMQ_RECONNECT_STOP`). Default: when it is refused by the peer's authenticator.
    reconnect_stop: ReconnectStop = ReconnectStop::default();

    /// How many attempts in a row may fail before an endpoint is given up; a connection that was ready for 5 s begins
    /// the count again. The monitor tells [`ConnectStopped`](crate::MonitorKind::ConnectStopped).
    ///
    /// Default `None`: any number, as in libzmq, since a peer may always come.
    max_attempts: Option<u32> = None;

    /// How long an attempt to connect may take (`ZMQ_CONNECT_TIMEOUT`); `None` leaves it to the system.
    ///
    /// Default 10 s: a host that drops our packets is tried again well before the two minutes that Linux would take.
    connect_timeout: Option<Duration> = Some(Duration::from_secs(10));

    /// How long the handshake may take, from connection to ready (`ZMQ_HANDSHAKE_IVL`).
    ///
    /// Default 30 s, as in libzmq.
    handshake_timeout: Duration = Duration::from_secs(30);

    /// How often a PING goes out (`ZMQ_HEARTBEAT_IVL`). Default `None`: never, as in libzmq.
    heartbeat_interval: Option<Duration> = None;

    /// How long a PING may stay unanswered (`ZMQ_HEARTBEAT_TIMEOUT`). Default `None`: as long as `heartbeat_interval`.
    heartbeat_timeout: Option<Duration> = None;

    /// What we ask the peer to time us out after (`ZMQ_HEARTBEAT_TTL`), to a tenth of a second, at most 6553.5 s.
    /// Default `None`: nothing is asked.
    heartbeat_ttl: Option<Duration> = None;

    /// The security mechanism. Default [`Mechanism::Null`].
    mechanism: Mechanism = Mechanism::Null;

    /// What the authenticator is told that this socket is used for (`ZMQ_ZAP_DOMAIN`). Default empty.
    auth_domain: String = String::new();

    /// Whether a dialed endpoint takes messages only while it is connected (`ZMQ_IMMEDIATE`). Default `false`: messages
    /// wait for the peer in the endpoint's pipe.
    immediate: bool = false;

    /// Whether each pipe keeps only its newest message (`ZMQ_CONFLATE`). Only for PUSH, PULL, PUB, SUB and DEALER.
    /// Default `false`.
    conflate: bool = false;

    /// Whether a ROUTER reports messages to unknown peers instead of dropping them, and waits for a full peer
    /// (`ZMQ_ROUTER_MANDATORY`). Default `false`, as RFC 28 has it.
    router_mandatory: bool = false;

    /// Whether a new connection takes an identity over from an older one (`ZMQ_ROUTER_HANDOVER`). Default `false`: the
    /// new one is refused, so no peer can push another out by its name.
    router_handover: bool = false;

    /// Whether a REQ may send again before its reply came (`ZMQ_REQ_RELAXED`). Default `false`.
    req_relaxed: bool = false;

    /// Whether a REQ marks its requests and accepts only the reply to the last one (`ZMQ_REQ_CORRELATE`). Default
    /// `false`. Peers see one envelope part more and need not know about it.
    req_correlate: bool = false;

    /// Whether an XPUB hears of every subscription, also of those that others hold already (`ZMQ_XPUB_VERBOSER`).
    /// Default `false`.
    xpub_verbose: bool = false;

    /// Whether PUB and XPUB wait for a full subscriber instead of dropping its messages (`ZMQ_XPUB_NODROP`). Default
    /// `false`: one slow subscriber never delays the others.
    xpub_nodrop: bool = false;

    /// How long a receiver that finds nothing looks again and again before it lets its thread sleep. No option of
    /// libzmq's.
    ///
    /// It makes round trips between two cores shorter: a thread that sleeps takes some 20 µs to wake. Between two looks
    /// the runtime has its turn, with all its tasks and its I/O, and then the system gives the core to whoever else
    /// wants it; so two ends that share a core do not hold each other up. It helps where the answer comes within this
    /// time, and most on a runtime of one thread, which reads the connection itself. It changes nothing else: not what
    /// is received or from whom, not how a `send` waits for room, not the other timers of the runtime.
    ///
    /// The price is a core that seems busy all of that time, at every wait. Some times the length of a round trip is
    /// enough, 50 to 200 µs; a receiver that mostly waits longer gains nothing and pays each time.
    ///
    /// Default zero: it sleeps at once.
    busy_poll: Duration = Duration::ZERO;

    /// Which web pages may connect to what is bound at `ws://` or `wss://`.
    ///
    /// Default [`Origins::None`]: a page from anywhere reaches every port of the computer that it is shown on, and what
    /// listens there for programs does not expect it. Peers that are no pages are not asked.
    origins: Origins = Origins::None;

    /// How many connections may wait to be accepted (`ZMQ_BACKLOG`).
    ///
    /// Default 4096, where libzmq has 100: it costs nothing until they come, and one that finds no place is tried again
    /// by its system after a whole second. The system may allow less, Linux `net.core.somaxconn`.
    backlog: u32 = 4096;

    /// The size of the kernel's send buffer in bytes (`ZMQ_SNDBUF`).
    ///
    /// Default `None`: over tcp the system's, which grows with the flow; to a peer in the same machine 384 KiB, since what
    /// is on its way stays in the processor's cache then, and bodies of 64 KiB pass 1.8 times as fast; over ipc 512 KiB,
    /// since that of a Unix socket does not grow, and with Linux' 208 KiB large messages spend most of their time on
    /// waking one side after the other. It is memory of the system, in use only while something waits there, and limited by it
    /// (`net.core.wmem_max`).
    send_buffer: Option<u32> = None;

    /// The size of the kernel's receive buffer in bytes (`ZMQ_RCVBUF`), over tcp; a Unix socket has only the other one.
    /// Default `None`: the system's, which grows with the flow.
    recv_buffer: Option<u32> = None;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_has_255_bytes_at_most_and_no_leading_zero() {
        assert!(Identity::new(vec![1; 255]).is_ok());
        assert_eq!(Identity::new(vec![1; 256]), Err(InvalidIdentity));
        assert_eq!(Identity::new(vec![0]), Err(InvalidIdentity));
        assert_eq!("".parse(), Ok(Identity::default()));
    }

    #[test]
    fn a_password_is_never_shown() {
        let options = Options::new().mechanism(Mechanism::PlainClient(PlainCredentials::new("ann", "secret").unwrap()));
        let shown = format!("{options:?}");
        assert!(shown.contains("ann") && !shown.contains("secret"), "{shown}");
    }
}
