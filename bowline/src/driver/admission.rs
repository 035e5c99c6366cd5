//! How many peers may dial us, and how much time they get: whoever comes in addition is turned away before it costs anything,
//! and whoever is no peer yet waits for its turn.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use bowline_proto::limits::share::Share;
use bowline_proto::lock::Mutex;
use bowline_proto::map::Map;
use bowline_proto::{AcceptLimit, Options, PeerLimits};

/// The connections that peers have dialed, of one socket.
#[derive(Debug)]
pub(crate) struct Admission {
    options: Arc<Options>,
    admitted: Mutex<Admitted>,
    /// The time that those get who are no peers yet.
    pub(crate) share: Share,
}

#[derive(Debug, Default)]
struct Admitted {
    connections: usize,
    handshakes: usize,
    /// Only where their number is limited; as many entries as there are connections at the most.
    from: Map<IpAddr, usize>,
}

/// What a connection counts for, until this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    origin: Option<IpAddr>,
    shakes_hands: bool,
}

impl Admission {
    pub(crate) fn new(options: Arc<Options>) -> Self {
        let share = Share::new(options.limits.newcomer_percent);
        Self { options, admitted: Mutex::default(), share }
    }

    /// Counts a connection whose handshake begins; `address` is asked only where somebody counts addresses.
    ///
    /// # Errors
    ///
    /// The limit that it is over; nothing is counted then.
    pub(crate) fn admit(self: &Arc<Self>, address: impl FnOnce() -> Option<IpAddr>) -> Result<Permit, AcceptLimit> {
        let PeerLimits { max_connections, max_connections_per_ip, max_handshakes, .. } = self.options.limits;
        let origin = max_connections_per_ip.and_then(|most| Some((most, network(address()?))));
        let mut admitted = self.admitted.lock();
        let over = |most: Option<usize>, now: usize| most.filter(|&most| now >= most);
        if let Some(most) = over(max_connections, admitted.connections) {
            return Err(AcceptLimit::Connections(most));
        }
        if let Some(most) = over(max_handshakes, admitted.handshakes) {
            return Err(AcceptLimit::Handshakes(most));
        }
        if let Some((most, origin)) = origin {
            if admitted.from.get(&origin).is_some_and(|&now| now >= most) || most == 0 {
                return Err(AcceptLimit::ConnectionsPerIp(most));
            }
            *admitted.from.entry(origin).or_default() += 1;
        }
        admitted.connections += 1;
        admitted.handshakes += 1;
        Ok(Permit { admission: Arc::clone(self), origin: origin.map(|(_, origin)| origin), shakes_hands: true })
    }
}

impl Permit {
    /// Whether the handshake is not over.
    pub(crate) const fn shakes_hands(&self) -> bool {
        self.shakes_hands
    }

    /// The handshake is over.
    pub(crate) fn has_shaken_hands(&mut self) {
        if std::mem::take(&mut self.shakes_hands) {
            self.admission.admitted.lock().handshakes -= 1;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut admitted = self.admission.admitted.lock();
        admitted.connections -= 1;
        admitted.handshakes -= usize::from(self.shakes_hands);
        if let Some(origin) = self.origin
            && let Some(now) = admitted.from.get_mut(&origin)
        {
            *now -= 1;
            if *now == 0 {
                admitted.from.remove(&origin);
            }
        }
    }
}

/// Whom an address belongs to: a host has a whole network of IPv6, and one address of IPv4 however it is written.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        IpAddr::V4(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(admission: &Arc<Admission>, address: &str) -> Result<Permit, AcceptLimit> {
        admission.admit(|| Some(address.parse().unwrap()))
    }

    fn admission(limits: PeerLimits) -> Arc<Admission> {
        Arc::new(Admission::new(Arc::new(Options::new().limits(limits))))
    }

    #[test]
    fn a_connection_counts_until_it_is_gone_and_its_handshake_until_that_is_over() {
        let limits = PeerLimits::new().max_connections(Some(2)).max_handshakes(Some(1));
        let admission = admission(limits);
        let mut first = from(&admission, "10.0.0.1").unwrap();
        assert_eq!(from(&admission, "10.0.0.2").unwrap_err(), AcceptLimit::Handshakes(1));
        first.has_shaken_hands();
        first.has_shaken_hands();
        let second = from(&admission, "10.0.0.2").unwrap();
        assert_eq!(from(&admission, "10.0.0.3").unwrap_err(), AcceptLimit::Connections(2));
        drop(second);
        drop(first);
        let admitted = admission.admitted.lock();
        assert_eq!((admitted.connections, admitted.handshakes), (0, 0));
    }

    #[test]
    fn a_host_is_counted_as_one_whichever_of_its_addresses_it_takes() {
        let admission = admission(PeerLimits::new().max_connections_per_ip(Some(1)));
        let held = ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8:0:1::1"].map(|ip| from(&admission, ip).unwrap());
        for again in ["10.0.0.1", "::ffff:10.0.0.2", "2001:db8::ffff:2", "2001:db8:0:1:8000::"] {
            assert_eq!(from(&admission, again).unwrap_err(), AcceptLimit::ConnectionsPerIp(1), "{again}");
        }
        assert!(admission.admit(|| None).is_ok(), "who has no address is not counted");
        drop(held);
        assert!(admission.admitted.lock().from.is_empty());
    }
}
