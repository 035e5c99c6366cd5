//! What the two sides of a run do, and how the one that measures looks at them.

mod calls;
mod gauge;
mod handshakes;
mod hostile;
mod idle;
mod measure;
mod round_trip;
mod stream;

use std::future::Future;
use std::sync::Arc;

pub(crate) use calls::Calls;
pub(crate) use gauge::Gauge;
pub(crate) use measure::measure;

use crate::Result;
use crate::case::{Scenario, Work};
use crate::peers::{Kind, Library, Role, Runtime, Seal};

/// Both sides of a run.
pub(crate) trait Sides: Clone + Send + 'static {
    /// What each of them runs on.
    fn runtime(&self) -> Runtime;

    /// The side that measures.
    fn near(self, work: Work, endpoint: String, gauge: Arc<Gauge>) -> impl Future<Output = Result<()>> + Send;

    /// The other side.
    fn far(self, work: Work, endpoint: String, gauge: Arc<Gauge>) -> impl Future<Output = Result<()>> + Send;

    /// Makes so many calls to the other side, and no more.
    fn exactly(self, endpoint: String, calls: usize) -> impl Future<Output = Result<()>> + Send;
}

/// Sides that are sockets of a library.
#[derive(Clone)]
pub(crate) struct Sockets<L>(pub(crate) L);

impl<L: Library> Sides for Sockets<L> {
    fn runtime(&self) -> Runtime {
        self.0.runtime()
    }

    async fn near(self, work: Work, endpoint: String, gauge: Arc<Gauge>) -> Result<()> {
        let library = self.0;
        match work.case.scenario {
            Scenario::PushPull | Scenario::CurvePushPull | Scenario::ManyPeers => {
                stream::pull(library, &work, &endpoint, &gauge).await
            }
            Scenario::PubSub => stream::subscribe(library, &work, &endpoint, &gauge).await,
            Scenario::ReqRep => round_trip::ask(library, &work, &endpoint, &gauge, Kind::Req, 1).await,
            Scenario::DealerRouter => round_trip::ask(library, &work, &endpoint, &gauge, Kind::Dealer, WINDOW).await,
            Scenario::IdleMemory => idle::near(library, &work, &endpoint, &gauge).await,
            Scenario::CurveHandshakes => handshakes::repeat(library, &work, &endpoint, &gauge).await,
            Scenario::Hostile => hostile::receive(library, &work, &endpoint, &gauge).await,
            Scenario::RpcStream => stream::drain(library, &work, &endpoint, &gauge).await,
            Scenario::RpcCalls => {
                let in_flight = work.case.count;
                round_trip::ask(library, &work, &endpoint, &gauge, Kind::Dealer, in_flight).await
            }
            Scenario::RpcBeside | Scenario::RpcStalled | Scenario::RpcCost => Err(NO_CLIENT.into()),
        }
    }

    async fn far(self, work: Work, endpoint: String, gauge: Arc<Gauge>) -> Result<()> {
        let library = self.0;
        match work.case.scenario {
            Scenario::PushPull | Scenario::CurvePushPull => stream::push(library, &work, &endpoint).await,
            Scenario::PubSub => stream::publish(library, &work, &endpoint, &gauge).await,
            Scenario::ReqRep | Scenario::CurveHandshakes => {
                round_trip::answer(library, &work, &endpoint, &gauge, Kind::Rep).await
            }
            Scenario::DealerRouter | Scenario::RpcCalls => {
                round_trip::answer(library, &work, &endpoint, &gauge, Kind::Router).await
            }
            Scenario::ManyPeers | Scenario::IdleMemory => idle::push_from_many(library, &work, &endpoint, &gauge).await,
            Scenario::Hostile => hostile::send(library, &work, &endpoint, &gauge).await,
            Scenario::RpcStream => stream::pour(library, &work, &endpoint, &gauge).await,
            Scenario::RpcBeside | Scenario::RpcStalled | Scenario::RpcCost => Err(NO_CLIENT.into()),
        }
    }

    async fn exactly(self, _endpoint: String, _calls: usize) -> Result<()> {
        Err(NO_CLIENT.into())
    }
}

const NO_CLIENT: &str = "sockets have neither a client nor a server";

/// How many requests of a DEALER are in flight.
const WINDOW: usize = 100;

fn role(work: &Work, kind: Kind) -> Role {
    let peers = if work.case.scenario.is_rpc() { 1 } else { work.case.count };
    // Here it is always the side that binds which has the key that others know.
    let server = matches!(kind, Kind::Pull | Kind::Rep);
    let seal = work.case.is_sealed().then_some(if server { Seal::Server } else { Seal::Client });
    Role { kind, size: work.case.size, peers, seal }
}
