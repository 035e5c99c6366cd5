//! What the two sides of a run do, and how the one that measures looks at them.

mod gauge;
mod idle;
mod measure;
mod round_trip;
mod stream;

use std::sync::Arc;

pub(crate) use gauge::Gauge;
pub(crate) use measure::measure;

use crate::Result;
use crate::case::{Scenario, Work};
use crate::peers::{Kind, Library, Role};

/// The side that measures, on the runtime of its library.
pub(crate) async fn near<L: Library>(library: L, work: Work, endpoint: String, gauge: Arc<Gauge>) -> Result<()> {
    match work.case.scenario {
        Scenario::PushPull | Scenario::ManyPeers => stream::pull(library, &work, &endpoint, &gauge).await,
        Scenario::PubSub => stream::subscribe(library, &work, &endpoint, &gauge).await,
        Scenario::ReqRep => round_trip::ask(library, &work, &endpoint, &gauge, Kind::Req, 1).await,
        Scenario::DealerRouter => round_trip::ask(library, &work, &endpoint, &gauge, Kind::Dealer, WINDOW).await,
        Scenario::IdleMemory => idle::near(library, &work, &endpoint, &gauge).await,
    }
}

/// The other side.
pub(crate) async fn far<L: Library>(library: L, work: Work, endpoint: String, gauge: Arc<Gauge>) -> Result<()> {
    match work.case.scenario {
        Scenario::PushPull => stream::push(library, &work, &endpoint).await,
        Scenario::PubSub => stream::publish(library, &work, &endpoint, &gauge).await,
        Scenario::ReqRep => round_trip::answer(library, &work, &endpoint, &gauge, Kind::Rep).await,
        Scenario::DealerRouter => round_trip::answer(library, &work, &endpoint, &gauge, Kind::Router).await,
        Scenario::ManyPeers | Scenario::IdleMemory => idle::push_from_many(library, &work, &endpoint, &gauge).await,
    }
}

/// How many requests of a DEALER are in flight.
const WINDOW: usize = 100;

fn role(work: &Work, kind: Kind) -> Role {
    Role { kind, size: work.case.size, peers: work.case.count }
}
