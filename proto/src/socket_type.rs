//! The eleven socket types and who may talk to whom.

use std::fmt;
use std::str::FromStr;

/// The type of a socket: it decides where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
// A word: an error that names it is then moved beside messages without taking them to pieces (see `message::Len`).
#[repr(u64)]
pub enum SocketType {
    /// One peer, both ways (RFC 31).
    Pair,
    /// Fans messages out to subscribers (RFC 29).
    Pub,
    /// Receives what it subscribed to (RFC 29).
    Sub,
    /// Asks, then waits for the reply (RFC 28).
    Req,
    /// Answers requests one at a time (RFC 28).
    Rep,
    /// Asks round-robin without waiting (RFC 28).
    Dealer,
    /// Addresses peers by identity (RFC 28).
    Router,
    /// Collects from its peers in turn (RFC 30).
    Pull,
    /// Spreads over its peers in turn (RFC 30).
    Push,
    /// A publisher that sees the subscriptions (RFC 29).
    XPub,
    /// A subscriber that sends its subscriptions as messages (RFC 29).
    XSub,
}

use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};

impl SocketType {
    /// All types, in the order of libzmq's constants.
    pub const ALL: [Self; 11] = [Pair, Pub, Sub, Req, Rep, Dealer, Router, Pull, Push, XPub, XSub];

    /// The name on the wire, as in the `Socket-Type` property.
    pub const fn as_str(self) -> &'static str {
        match self {
            Pair => "PAIR",
            Pub => "PUB",
            Sub => "SUB",
            Req => "REQ",
            Rep => "REP",
            Dealer => "DEALER",
            Router => "ROUTER",
            Pull => "PULL",
            Push => "PUSH",
            XPub => "XPUB",
            XSub => "XSUB",
        }
    }

    /// Whether a socket of this type may talk to a `peer` of that type.
    pub const fn accepts(self, peer: Self) -> bool {
        // RFC 37, The READY Command: the valid combinations
        matches!(
            (self, peer),
            (Pair, Pair)
                | (Pub | XPub, Sub | XSub)
                | (Sub | XSub, Pub | XPub)
                | (Req, Rep | Router)
                | (Rep, Req | Dealer)
                | (Dealer, Rep | Dealer | Router)
                | (Router, Req | Dealer | Router)
                | (Pull, Push)
                | (Push, Pull)
        )
    }

    /// Whether sockets of this type announce an identity that peers of type ROUTER address them by.
    pub const fn has_identity(self) -> bool {
        // RFC 37: the Identity property is for REQ, DEALER and ROUTER
        matches!(self, Req | Dealer | Router)
    }

    /// Whether sockets of this type may keep the newest message only; to the others the option means nothing, since
    /// they carry envelopes or subscriptions.
    pub const fn conflates(self) -> bool {
        matches!(self, Push | Pull | Pub | Sub | Dealer)
    }

    /// Whether peers of this type tell us what they subscribe to.
    pub const fn is_subscribed_to(self) -> bool {
        matches!(self, Pub | XPub)
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no socket type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown socket type {0:?}")]
pub struct UnknownSocketType(pub String);

impl FromStr for SocketType {
    type Err = UnknownSocketType;

    /// Reads the name in any letter case.
    fn from_str(name: &str) -> Result<Self, UnknownSocketType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownSocketType(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compatibility_table_is_symmetric() {
        for a in SocketType::ALL {
            for b in SocketType::ALL {
                assert_eq!(a.accepts(b), b.accepts(a), "{a} and {b}");
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        for kind in SocketType::ALL {
            assert_eq!(kind.as_str().to_lowercase().parse(), Ok(kind));
        }
        assert_eq!("STREAM".parse::<SocketType>(), Err(UnknownSocketType("STREAM".into())));
    }
}
