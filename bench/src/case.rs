//! What is measured: a scenario over a transport, in one placement.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::attack::Attack;
use crate::peers::Peer;

/// What the sockets do, or the client and the server of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Scenario {
    /// One sender, one receiver, as fast as they can.
    PushPull,
    /// One publisher, several subscribers to everything.
    PubSub,
    /// One request at a time.
    ReqRep,
    /// A window of requests in flight.
    DealerRouter,
    /// One receiver, many senders.
    ManyPeers,
    /// Sockets and connections that do nothing.
    IdleMemory,
    /// So many callers at one client, each with one call at a time.
    RpcCalls,
    /// A stream from the server, as fast as it goes.
    RpcStream,
    /// One call at a time, beside such a stream.
    RpcBeside,
    /// Many callers beside a stream that nobody reads.
    RpcStalled,
    /// Calls of which bytes and allocations are counted.
    RpcCost,
    /// As `PushPull`, with everything sealed by CURVE.
    CurvePushPull,
    /// So many clients, each with one connection at a time: a handshake of CURVE, a round trip, and the next connection.
    CurveHandshakes,
    /// An honest pair beside a hostile peer.
    Hostile,
}

impl Scenario {
    pub(crate) const ALL: [Self; 14] = [
        Self::PushPull,
        Self::PubSub,
        Self::ReqRep,
        Self::DealerRouter,
        Self::ManyPeers,
        Self::IdleMemory,
        Self::RpcCalls,
        Self::RpcStream,
        Self::RpcBeside,
        Self::RpcStalled,
        Self::RpcCost,
        Self::CurvePushPull,
        Self::CurveHandshakes,
        Self::Hostile,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PushPull => "push-pull",
            Self::PubSub => "pub-sub",
            Self::ReqRep => "req-rep",
            Self::DealerRouter => "dealer-router",
            Self::ManyPeers => "many-peers",
            Self::IdleMemory => "idle-memory",
            Self::RpcCalls => "rpc-calls",
            Self::RpcStream => "rpc-stream",
            Self::RpcBeside => "rpc-beside",
            Self::RpcStalled => "rpc-stalled",
            Self::RpcCost => "rpc-cost",
            Self::CurvePushPull => "curve-push-pull",
            Self::CurveHandshakes => "curve-handshakes",
            Self::Hostile => "hostile",
        }
    }

    /// The scenarios that `word` of the command line means: one, all that call, or all with CURVE.
    pub(crate) fn named(word: &str) -> Vec<Self> {
        let is_meant = |scenario: &&Self| {
            scenario.name() == word || word == "rpc" && scenario.is_rpc() || word == "curve" && scenario.is_sealed()
        };
        Self::ALL.iter().filter(is_meant).copied().collect()
    }

    /// Whether there are a client and a server instead of sockets.
    pub(crate) const fn is_rpc(self) -> bool {
        matches!(self, Self::RpcCalls | Self::RpcStream | Self::RpcBeside | Self::RpcStalled | Self::RpcCost)
    }

    /// Whether everything passes sealed by CURVE.
    pub(crate) const fn is_sealed(self) -> bool {
        matches!(self, Self::CurvePushPull | Self::CurveHandshakes)
    }

    /// Whether its cases differ in how many there are, rather than in the size of messages.
    pub(crate) const fn varies_in_count(self) -> bool {
        matches!(self, Self::ManyPeers | Self::RpcCalls | Self::CurveHandshakes)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Transport {
    Tcp,
    Ipc,
    Inproc,
}

impl Transport {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
            Self::Inproc => "inproc",
        }
    }
}

/// Where the two sides of a run are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Placement {
    /// Each in a process of its own, with a runtime of its own.
    TwoProcesses,
    /// In one process, each with a thread and a runtime of its own.
    TwoThreads,
    /// Tasks of one runtime.
    OneRuntime,
}

impl Placement {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TwoProcesses => "two processes",
            Self::TwoThreads => "two threads",
            Self::OneRuntime => "tasks of one runtime",
        }
    }
}

/// One thing that every peer is measured at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) scenario: Scenario,
    pub(crate) transport: Transport,
    pub(crate) placement: Placement,
    /// Bytes of a message's body.
    pub(crate) size: usize,
    /// How many subscribers, senders, connections, sockets, callers or clients there are.
    pub(crate) count: usize,
    /// What a hostile peer does meanwhile.
    pub(crate) attack: Option<Attack>,
}

impl Case {
    /// Whether the side that measures is the one that binds.
    pub(crate) fn near_binds(&self) -> bool {
        match self.scenario {
            Scenario::PushPull | Scenario::CurvePushPull | Scenario::ManyPeers | Scenario::IdleMemory => true,
            Scenario::Hostile => self.attack.is_some_and(|attack| !attack.is_on_a_publisher()),
            _ => false,
        }
    }

    /// Whether everything passes sealed by CURVE.
    pub(crate) fn is_sealed(&self) -> bool {
        self.scenario.is_sealed() || self.attack.is_some_and(Attack::is_sealed)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, transport, placement, size, count, attack } = self;
        match scenario {
            Scenario::ManyPeers => write!(f, "{} {}, {count} senders", scenario.name(), transport.name()),
            Scenario::IdleMemory if *placement == Placement::OneRuntime => {
                write!(f, "{}, {count} sockets", scenario.name())
            }
            Scenario::IdleMemory => write!(f, "{} {}, {count} connections", scenario.name(), transport.name()),
            Scenario::RpcCalls => write!(f, "{} {}, {count} in flight", scenario.name(), transport.name()),
            Scenario::Hostile => {
                write!(f, "{} {}, {}", scenario.name(), transport.name(), attack.map_or("nobody", Attack::title))
            }
            Scenario::CurveHandshakes => write!(f, "{} {}, {count} at once", scenario.name(), transport.name()),
            _ if scenario.is_rpc() => write!(f, "{} {}, {}", scenario.name(), transport.name(), Bytes(*size)),
            _ => write!(f, "{} {} {}, {}", scenario.name(), transport.name(), Bytes(*size), placement.name()),
        }
    }
}

/// A number of bytes as people say it.
pub(crate) struct Bytes(pub(crate) usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => write!(f, "{} MiB", bytes >> 20),
            bytes if bytes >= 1 << 10 && bytes % (1 << 10) == 0 => write!(f, "{} KiB", bytes >> 10),
            bytes => write!(f, "{bytes} B"),
        }
    }
}

/// What the two processes of a run are told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) case: Case,
    pub(crate) peer: Peer,
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
    /// For the files of ipc; the run leaves them there.
    pub(crate) folder: std::path::PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_the_largest_unit_that_fits() {
        assert_eq!(Bytes(16).to_string(), "16 B");
        assert_eq!(Bytes(1024).to_string(), "1 KiB");
        assert_eq!(Bytes(1 << 20).to_string(), "1 MiB");
        assert_eq!(Bytes(1500).to_string(), "1500 B");
    }
}
