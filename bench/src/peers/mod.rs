//! Everyone who is compared, behind one small interface.

mod bowline;
mod calls;
mod keys;
mod libzmq;
mod omq;
mod raw;
mod runtime;
mod rzmq;
mod zmqrs;

use std::future::Future;

use serde::{Deserialize, Serialize};

pub(crate) use self::bowline::mechanism;
pub(crate) use calls::{BODY, Body, CHUNK, CallLibrary, Caller, Chunks, Produce};
pub(crate) use runtime::Runtime;

use crate::Result;
use crate::attack::Attack;
use crate::case::{Case, Placement, Scenario, Transport};
use crate::scenario::{Calls, Sockets};
use crate::worker::Part;

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Push,
    Pull,
    Pub,
    Sub,
    Req,
    Rep,
    Dealer,
    Router,
}

/// What a socket is opened for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Role {
    pub(crate) kind: Kind,
    /// Bytes of each message's body.
    pub(crate) size: usize,
    /// How many peers a socket that binds waits for before it begins; only plain sockets want to know.
    pub(crate) peers: usize,
    /// Its part in CURVE, where there is CURVE.
    pub(crate) seal: Option<Seal>,
}

/// Who a socket is to CURVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seal {
    Server,
    Client,
}

/// A library in one set-up; clones of it share what its sockets share.
pub(crate) trait Library: Clone + Send + Sync + 'static {
    type Socket: Socket;

    /// What its sockets run on.
    fn runtime(&self) -> Runtime;

    /// A socket that is neither bound nor connected; called on that runtime, as all else.
    fn open(&self, role: Role) -> impl Future<Output = Result<Self::Socket>> + Send;
}

/// A socket as its library's users have it: each verb is the ordinary call.
pub(crate) trait Socket: Send + 'static {
    fn bind(&mut self, endpoint: &str) -> impl Future<Output = Result<()>> + Send;

    /// Connects; a SUB subscribes to everything, too.
    fn connect(&mut self, endpoint: &str) -> impl Future<Output = Result<()>> + Send;

    /// Sends; returns how many messages, which is one for all but plain sockets.
    fn send(&mut self) -> impl Future<Output = Result<u64>> + Send;

    /// Receives; returns how many messages, all of the right size.
    fn recv(&mut self) -> impl Future<Output = Result<u64>> + Send;

    /// Receives a message and sends it back to where it came from.
    fn echo(&mut self) -> impl Future<Output = Result<()>> + Send;

    /// Closes; where a library has no call for it, dropping does.
    fn close(self) -> impl Future<Output = Result<()>> + Send
    where
        Self: Sized,
    {
        async {
            drop(self);
            Ok(())
        }
    }
}

/// A message of the wrong size is no result.
fn right_size(size: usize, expected: usize) -> Result<u64> {
    if size == expected { Ok(1) } else { Err(format!("received {size} bytes instead of {expected}").into()) }
}

/// A library in the set-ups in which it is measured; one row of a table each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Peer {
    BowlineSt,
    BowlineMt,
    /// Sends and receives many messages in each call.
    BowlineMany,
    /// Looks again for a while before it sleeps.
    BowlineBusy,
    Libzmq,
    OmqSt,
    OmqBlocking,
    Rzmq,
    RzmqUring,
    ZmqrsSt,
    Tarpc,
    Tonic,
    Jsonrpsee,
    Remoc,
    Muxio,
    RawStd,
    RawTokioSt,
    RawTokioMt,
}

/// What a row is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    Ours,
    Rival,
    /// No library: what the machine can do.
    Limit,
}

impl Peer {
    pub(crate) const ALL: [Self; 18] = [
        Self::BowlineSt,
        Self::BowlineMt,
        Self::BowlineMany,
        Self::BowlineBusy,
        Self::Libzmq,
        Self::OmqSt,
        Self::OmqBlocking,
        Self::Rzmq,
        Self::RzmqUring,
        Self::ZmqrsSt,
        Self::Tarpc,
        Self::Tonic,
        Self::Jsonrpsee,
        Self::Remoc,
        Self::Muxio,
        Self::RawStd,
        Self::RawTokioSt,
        Self::RawTokioMt,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BowlineSt => "bowline-st",
            Self::BowlineMt => "bowline-mt",
            Self::BowlineMany => "bowline-many",
            Self::BowlineBusy => "bowline-busy",
            Self::Libzmq => "libzmq",
            Self::OmqSt => "omq-st",
            Self::OmqBlocking => "omq-blk",
            Self::Rzmq => "rzmq",
            Self::RzmqUring => "rzmq-uring",
            Self::ZmqrsSt => "zmq.rs",
            Self::Tarpc => "tarpc",
            Self::Tonic => "tonic",
            Self::Jsonrpsee => "jsonrpsee",
            Self::Remoc => "remoc",
            Self::Muxio => "muxio",
            Self::RawStd => "raw-std",
            Self::RawTokioSt => "raw-tokio-st",
            Self::RawTokioMt => "raw-tokio-mt",
        }
    }

    pub(crate) const fn rank(self) -> Rank {
        match self {
            Self::BowlineSt | Self::BowlineMt | Self::BowlineMany | Self::BowlineBusy => Rank::Ours,
            Self::RawStd | Self::RawTokioSt | Self::RawTokioMt => Rank::Limit,
            _ => Rank::Rival,
        }
    }

    /// The library, without its set-up.
    pub(crate) fn library(self) -> &'static str {
        self.name().split('-').next().unwrap_or_default()
    }

    /// The peers that `word` of the command line means: a row, or all rows of a library.
    pub(crate) fn named(word: &str) -> Vec<Self> {
        let is_meant = |peer: &&Self| peer.name() == word || peer.library() == word;
        Self::ALL.iter().filter(is_meant).copied().collect()
    }

    /// Whether this row says something in this case that no other row says better.
    pub(crate) fn takes_part(self, case: &Case) -> bool {
        if case.scenario.is_rpc() {
            return self.takes_part_in_calls(case);
        }
        if case.scenario == Scenario::Hostile {
            // libzmq drops what a subscriber has no room for, so a publisher never learns what the pair can do.
            let publishes = case.attack.is_some_and(Attack::is_on_a_publisher);
            return self == Self::BowlineSt || self == Self::Libzmq && !publishes;
        }
        if case.scenario.is_sealed() {
            return self.takes_part_in_curve(case);
        }
        let is_round_trip = matches!(case.scenario, Scenario::ReqRep | Scenario::DealerRouter);
        let is_memory = matches!(case.scenario, Scenario::IdleMemory | Scenario::ManyPeers);
        let one_runtime = case.placement == Placement::OneRuntime;
        match self {
            Self::BowlineSt | Self::OmqSt | Self::Rzmq => true,
            Self::Libzmq => !one_runtime || is_memory,
            Self::BowlineMt => is_round_trip,
            Self::BowlineMany => case.scenario == Scenario::PushPull,
            Self::BowlineBusy => case.scenario == Scenario::ReqRep && !one_runtime,
            Self::OmqBlocking => !one_runtime && !is_memory,
            Self::RzmqUring => case.transport == Transport::Tcp && !one_runtime && !is_memory,
            Self::ZmqrsSt => case.transport != Transport::Inproc,
            Self::RawStd => case.transport != Transport::Inproc && !one_runtime && !is_memory,
            Self::RawTokioSt => {
                matches!(case.scenario, Scenario::ReqRep | Scenario::PushPull) && case.transport != Transport::Inproc
            }
            Self::RawTokioMt => case.scenario == Scenario::ReqRep && case.transport != Transport::Inproc,
            Self::Tarpc | Self::Tonic | Self::Jsonrpsee | Self::Remoc | Self::Muxio => false,
        }
    }

    /// The same where everything is sealed: for those that can.
    fn takes_part_in_curve(self, case: &Case) -> bool {
        match self {
            Self::BowlineSt | Self::Libzmq | Self::OmqSt | Self::Rzmq => true,
            Self::BowlineMt => case.scenario == Scenario::CurveHandshakes,
            Self::BowlineMany | Self::OmqBlocking => case.scenario == Scenario::CurvePushPull,
            _ => false,
        }
    }

    /// The same where there are a client and a server.
    fn takes_part_in_calls(self, case: &Case) -> bool {
        let (calls, streams) = (case.scenario == Scenario::RpcCalls, case.scenario == Scenario::RpcStream);
        match self {
            Self::BowlineSt | Self::Tonic | Self::Remoc => true,
            Self::BowlineMt => calls,
            Self::Tarpc | Self::Jsonrpsee | Self::Muxio => calls || case.scenario == Scenario::RpcCost,
            Self::RawTokioSt => calls || streams,
            Self::RawTokioMt => calls && case.count == 1,
            _ => false,
        }
    }

    /// The limit of a row of ours that shares its runtime.
    pub(crate) const fn raw_on_the_same_runtime(self) -> Option<Self> {
        match self {
            Self::BowlineSt => Some(Self::RawTokioSt),
            Self::BowlineMt => Some(Self::RawTokioMt),
            _ => None,
        }
    }

    /// How many sockets without a connection are opened at most.
    pub(crate) const fn most_idle_sockets(self) -> usize {
        match self {
            // The most that a context has unless told otherwise, for which the crate has no call.
            Self::Libzmq => 1000,
            // Ten thousand take it longer than a run may last.
            Self::Rzmq => 2000,
            _ => usize::MAX,
        }
    }

    /// Whether a publisher has to be told to wait, since it drops what a subscriber has no room for.
    pub(crate) const fn drops_for_slow_subscribers(self) -> bool {
        matches!(self, Self::Libzmq | Self::ZmqrsSt)
    }

    /// Plays a part of a run with this peer.
    pub(crate) fn play(self, part: Part) -> Result<()> {
        let calls = part.work().case.scenario.is_rpc();
        match self {
            Self::BowlineSt if calls => part.play(&Calls(calls::Bowline::new(Runtime::CurrentThread))),
            Self::BowlineMt if calls => part.play(&Calls(calls::Bowline::new(Runtime::MultiThread))),
            Self::BowlineSt => part.play(&Sockets(bowline::Bowline::new(Runtime::CurrentThread))),
            Self::BowlineMt => part.play(&Sockets(bowline::Bowline::new(Runtime::MultiThread))),
            Self::BowlineMany => part.play(&Sockets(bowline::Many)),
            Self::BowlineBusy => part.play(&Sockets(bowline::Bowline::busy())),
            Self::Libzmq => part.play(&Sockets(libzmq::Libzmq::new())),
            Self::OmqSt => part.play(&Sockets(omq::Async)),
            Self::OmqBlocking => part.play(&Sockets(omq::Blocking::new())),
            Self::Rzmq => part.play(&Sockets(rzmq::Rzmq::new(rzmq::Backend::Tokio))),
            Self::RzmqUring => part.play(&Sockets(rzmq::Rzmq::new(rzmq::Backend::Uring))),
            Self::ZmqrsSt => part.play(&Sockets(zmqrs::Zmqrs)),
            Self::Tarpc => part.play(&Calls(calls::Tarpc)),
            Self::Tonic => part.play(&Calls(calls::Tonic)),
            Self::Jsonrpsee => part.play(&Calls(calls::Jsonrpsee)),
            Self::Remoc => part.play(&Calls(calls::Remoc)),
            Self::Muxio => part.play(&Calls(calls::Muxio)),
            Self::RawStd => part.play(&Sockets(raw::Blocking)),
            Self::RawTokioSt => part.play(&Sockets(raw::Tokio::new(Runtime::CurrentThread))),
            Self::RawTokioMt => part.play(&Sockets(raw::Tokio::new(Runtime::MultiThread))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_a_row_or_all_rows_of_a_library() {
        assert_eq!(Peer::named("omq-st"), [Peer::OmqSt]);
        assert_eq!(Peer::named("raw"), [Peer::RawStd, Peer::RawTokioSt, Peer::RawTokioMt]);
        assert_eq!(Peer::named("zmq.rs"), [Peer::ZmqrsSt]);
        assert_eq!(Peer::named("nanomsg"), []);
    }
}
