//! What the peers of a socket may cost it.

pub mod share;

use std::fmt;

/// Declares a limit once: its field with its documentation, its default, and its chainable setter.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident : $type:ty = $default:expr;)*) => {
        /// What the peers of a socket may cost it. None of them is soft, and `None` sets no limit.
        ///
        /// The defaults are out of reach for honest peers, and let no single peer use up a server's memory. Where
        /// strangers can reach a socket, set [`max_message_size`](crate::Options::max_message_size) lower too, and think of
        /// the product: what one peer may cost, times how many may come.
        ///
        /// ```
        /// # use bowline_proto::{Options, PeerLimits};
        /// let limits = PeerLimits::new().max_connections(Some(1000)).max_connections_per_ip(Some(10));
        /// let options = Options::new().limits(limits);
        /// assert_eq!(options.limits.max_connections, Some(1000));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct PeerLimits { $($(#[$doc])* pub $name: $type,)* }

        impl Default for PeerLimits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl PeerLimits {
            /// The defaults.
            pub fn new() -> Self {
                Self::default()
            }

            $(
                #[doc = concat!("Sets the field [`", stringify!($name), "`](#structfield.", stringify!($name), ").")]
                #[must_use]
                pub const fn $name(mut self, value: $type) -> Self {
                    self.$name = value;
                    self
                }
            )*
        }
    };
}

limits! {
    /// How many connections the peers that dial us may have, all bound endpoints of the socket together. One that comes
    /// in addition is closed as soon as it is accepted, and the monitor tells
    /// [`AcceptRefused`](crate::MonitorKind::AcceptRefused). Connections in process do not count.
    ///
    /// Default 65,536: more than one address can have to one port, and about as many as a process has descriptors for
    /// where somebody has raised their number. What runs out first is told as well, as
    /// [`AcceptFailed`](crate::MonitorKind::AcceptFailed).
    max_connections: Option<usize> = Some(65_536);

    /// How many of those may come from one IP address; of IPv6, from one network of 64 bits, since whoever has one
    /// address has all of them. Connections over ipc have no address and do not count.
    ///
    /// Default `None`: all peers behind a proxy or on one host share their address, and nobody else knows how many they
    /// are.
    max_connections_per_ip: Option<usize> = None;

    /// How many connections that peers have dialed may be in their handshake at once. It bounds what those cost who
    /// only begin: each goes after [`handshake_timeout`](crate::Options::handshake_timeout).
    ///
    /// Default 4096, as many as may wait to be [accepted](crate::Options::backlog): so many may come at one instant,
    /// after a restart for one. A peer that is closed for this tries again by its own clock.
    max_handshakes: Option<usize> = Some(4096);

    /// The most bytes that a peer may say of itself in the handshake, all properties together. There may be 256 of them
    /// besides its socket type and its identity.
    ///
    /// Default 16 KiB: an honest peer says its socket type, an identity of up to 255 bytes, and a few words about the
    /// application. It is what a peer can make us hold before it is known.
    max_metadata: usize = 16 * 1024;

    /// The most parts of a message. The next one ends the connection before it is read.
    ///
    /// Default 65,536. A part takes 48 bytes of memory besides its body, also when it is empty, so a message that is
    /// never finished takes 3 MiB at the most besides what was sent. libzmq has no limit.
    max_parts: Option<usize> = Some(65_536);

    /// How many topics a peer of a PUB or XPUB may be subscribed to. One more ends its connection.
    ///
    /// Default 1,000,000, which a proxy may come near that speaks for many subscribers. Random topics of 16 bytes take 200
    /// bytes of memory each, 200 MB all together; set it lower where strangers subscribe.
    max_subscriptions: Option<usize> = Some(1_000_000);

    /// The most bytes in all topics together that a peer of a PUB or XPUB is subscribed to. More ends its connection.
    ///
    /// Default 64 MiB, a million topics of 67 bytes. The bytes of a long topic take five times their number in memory: a
    /// peer that is at both limits takes 370 MB.
    max_subscription_bytes: Option<usize> = Some(64 * 1024 * 1024);

    /// How many bytes of one peer's messages may wait to be received. Beyond it nothing is read from the peer, as at
    /// [`recv_hwm`](crate::Options::recv_hwm), so the transport pushes back on it; nothing is lost. One read more may be
    /// there, up to 1 MiB or one message, and any message is let through when nothing else waits. What the receiver has
    /// begun to take counts until it has taken all of it. Messages in process do not count.
    ///
    /// Default 64 MiB: at 64 KiB a message the 1000 of `recv_hwm` come first, and what is larger than that is not sent in
    /// such numbers.
    max_unread: Option<usize> = Some(64 * 1024 * 1024);

    /// How many messages a peer may send in a second. One that is faster is not read from until it has slowed down to
    /// that, so the transport pushes back on it; nothing is lost, and the monitor tells
    /// [`Slowed`](crate::MonitorKind::Slowed). What a peer did not send in the last second it may send at once, and
    /// what one read brings comes in any case: up to 8 KiB of small messages. Subscriptions, heartbeats and other
    /// commands count as messages, and so do the frames of calls; messages in process do not.
    ///
    /// While a peer is held, its loss is not noticed, and its PINGs are not answered: at a rate of less than a few
    /// hundred, that may take longer than it waits for an answer.
    ///
    /// Default `None`: only the application knows how much is too much. Zero is taken for one.
    max_rate: Option<usize> = None;

    /// How much of the time those may take together who dial us and are no peers yet, in percent of one processor, while others
    /// are served: accepting them and their handshakes, and what peers of a PUB or XPUB subscribe to. Beyond it they wait,
    /// each in its place, and nothing of them is read. While there is nobody who has been served for some time, there is no
    /// bound. 100 is none either, and zero is taken for one.
    ///
    /// Default 25, which lets a thousand peers of CURVE in within a second or two, hundreds of times more than come and go in
    /// most systems, and leaves the rest to those who are there, whatever strangers do.
    newcomer_percent: Option<u8> = Some(25);
}

/// The limit that a connection is over which was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcceptLimit {
    /// [`PeerLimits::max_connections`], with its value.
    Connections(usize),
    /// [`PeerLimits::max_connections_per_ip`], with its value.
    ConnectionsPerIp(usize),
    /// [`PeerLimits::max_handshakes`], with its value.
    Handshakes(usize),
}

impl AcceptLimit {
    /// Its name in snake case, without its value: for metrics and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections(_) => "max_connections",
            Self::ConnectionsPerIp(_) => "max_connections_per_ip",
            Self::Handshakes(_) => "max_handshakes",
        }
    }
}

impl fmt::Display for AcceptLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connections(most) => write!(f, "there are {most} connections already"),
            Self::ConnectionsPerIp(most) => write!(f, "there are {most} connections from this address already"),
            Self::Handshakes(most) => write!(f, "there are {most} handshakes already"),
        }
    }
}
