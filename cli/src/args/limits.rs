//! What peers may cost.

use bowline::PeerLimits;
use clap::Args;

use super::units;

/// The limits for peers; what is not given stays as the library has it.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Peers")]
pub(crate) struct PeerLimitArgs {
    /// Peers that may connect to us at once
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = units::whole)]
    max_connections: Option<usize>,
    /// The same, from one address
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = units::whole)]
    max_connections_per_ip: Option<usize>,
    /// Peers that may be in their handshake at once
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = units::whole)]
    max_handshakes: Option<usize>,
    /// Parts of a message
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = units::whole)]
    max_parts: Option<usize>,
    /// Topics that a peer may subscribe to
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = units::whole)]
    max_subscriptions: Option<usize>,
    /// Bytes of a peer that may wait to be received; K, M and G are understood
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = units::size)]
    max_unread: Option<u64>,
    /// Messages of a peer in a second; one that is faster is read from more slowly
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = units::whole)]
    max_rate: Option<usize>,
    /// Percent of a processor for those who are still connecting, while others are served
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    newcomer_percent: Option<u8>,
}

impl PeerLimitArgs {
    pub(crate) fn limits(self) -> PeerLimits {
        let usual = PeerLimits::new();
        // More bytes than can be addressed can't wait either.
        let max_unread = self.max_unread.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        usual
            .max_connections(self.max_connections.or(usual.max_connections))
            .max_connections_per_ip(self.max_connections_per_ip.or(usual.max_connections_per_ip))
            .max_handshakes(self.max_handshakes.or(usual.max_handshakes))
            .max_parts(self.max_parts.or(usual.max_parts))
            .max_subscriptions(self.max_subscriptions.or(usual.max_subscriptions))
            .max_unread(max_unread.or(usual.max_unread))
            .max_rate(self.max_rate.or(usual.max_rate))
            .newcomer_percent(self.newcomer_percent.or(usual.newcomer_percent))
    }
}
