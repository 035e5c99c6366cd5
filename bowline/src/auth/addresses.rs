//! Peers by where they connect from.

use std::net::IpAddr;
use std::str::FromStr;

use bowline_proto::auth::{Authenticator, Code, Judging, Request, Verdict};
use ipnet::IpNet;

/// Accepts peers by the IP address that they connect from.
///
/// Who is in a network that was denied is refused; so is, where networks were allowed, who is in none of them. Peers without
/// an IP address, as those over ipc, are accepted: the permissions of the socket's file are for them.
///
/// ```
/// use bowline::Options;
/// use bowline::auth::{Addresses, Authenticator, Verdict};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let local = Addresses::new().allow("10.0.0.0/8".parse()?).allow("::1".parse()?).deny("10.6.6.6".parse()?);
/// let options = Options::new().authenticator(local.and(|_| async { Verdict::accept_as("local") }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    allowed: Vec<Net>,
    denied: Vec<Net>,
}

/// A network of IP addresses, as `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net(IpNet);

/// A text that is neither a network nor an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a network as 10.0.0.0/8 nor an IP address")]
pub struct InvalidNet;

impl FromStr for Net {
    type Err = InvalidNet;

    fn from_str(text: &str) -> Result<Self, InvalidNet> {
        let one = || text.parse::<IpAddr>().map(|ip| IpNet::from(ip.to_canonical()));
        text.parse().or_else(|_| one()).map(Self).map_err(|_| InvalidNet)
    }
}

impl Addresses {
    /// Accepts everybody.
    pub const fn new() -> Self {
        Self { allowed: Vec::new(), denied: Vec::new() }
    }

    /// Accepts the peers of this network, and of others that were allowed, and no others.
    #[must_use]
    pub fn allow(mut self, net: Net) -> Self {
        self.allowed.push(net);
        self
    }

    /// Refuses the peers of this network, also if they were allowed.
    #[must_use]
    pub fn deny(mut self, net: Net) -> Self {
        self.denied.push(net);
        self
    }

    /// Whether peers from this address are accepted.
    pub fn accepts(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let has = |nets: &[Net]| nets.iter().any(|Net(net)| net.contains(&ip));
        !has(&self.denied) && (self.allowed.is_empty() || has(&self.allowed))
    }
}

impl Authenticator for Addresses {
    fn authenticate(&self, request: Request) -> Judging<'_> {
        let verdict = match request.ip() {
            Some(ip) if !self.accepts(ip) => Verdict::refuse(Code::Credentials, format!("{ip} may not connect")),
            _ => Verdict::accept(),
        };
        Box::pin(std::future::ready(verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_goes_before_what_is_allowed() {
        let nets = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"].map(|net| net.parse().unwrap());
        let allowed = nets.into_iter().fold(Addresses::new(), Addresses::allow).deny("10.6.0.0/16".parse().unwrap());
        let table = [
            ("10.0.0.1", true),
            ("10.6.0.1", false),
            ("::ffff:10.6.0.1", false),
            ("::ffff:10.0.0.1", true),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8::7", true),
            ("::1", false),
        ];
        for (ip, accepted) in table {
            assert_eq!(allowed.accepts(ip.parse().unwrap()), accepted, "{ip}");
        }
        let denied = Addresses::new().deny("::1".parse().unwrap());
        assert!(denied.accepts("127.0.0.1".parse().unwrap()) && !denied.accepts("::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "localhost", "10.0.0.0/33", "10.0.0", "10.0.0.0/8 "] {
            assert_eq!(text.parse::<Net>(), Err(InvalidNet), "{text:?}");
        }
    }
}
