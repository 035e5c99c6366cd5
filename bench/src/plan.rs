//! Which cases are measured, and for how long.

use std::time::Duration;

use crate::attack::Attack;
use crate::case::{Case, Placement, Scenario, Transport};
use crate::command::Wishes;
use crate::peers::{BODY, CHUNK, Peer};

/// One table's worth of runs: everyone who takes part in a case.
pub(crate) struct Group {
    pub(crate) case: Case,
    pub(crate) peers: Vec<Peer>,
}

/// How long everything takes.
pub(crate) struct Pace {
    pub(crate) rounds: usize,
    pub(crate) warm_up: Duration,
    pub(crate) window: Duration,
}

impl Pace {
    pub(crate) fn of(wishes: &Wishes) -> Self {
        let (rounds, warm_up, window) = if wishes.quick { (3, 80, 250) } else { (5, 120, 450) };
        Self { rounds, warm_up: Duration::from_millis(warm_up), window: Duration::from_millis(window) }
    }

    /// Memory varies little from run to run, and what is counted less.
    pub(crate) fn rounds_for(&self, case: &Case) -> usize {
        match case.scenario {
            Scenario::IdleMemory => self.rounds / 2,
            Scenario::RpcCost => 1,
            _ => self.rounds,
        }
    }

    /// Of large messages there are few in a second.
    pub(crate) fn window_for(&self, case: &Case) -> Duration {
        if case.size >= LARGE { self.window * 2 } else { self.window }
    }
}

const LARGE: usize = 64 * 1024;
const SIZES: [usize; 6] = [16, 128, 1024, 8 * 1024, LARGE, 1024 * 1024];
/// Those that say most; a quick run measures only these.
const FEW_SIZES: [usize; 3] = [16, 1024, LARGE];

/// The cases that are wished for, in the order of the report.
pub(crate) fn groups(wishes: &Wishes) -> Vec<Group> {
    let cases = Scenario::ALL.into_iter().flat_map(|scenario| cases(scenario, wishes.quick));
    cases
        .filter(|case| wishes.only.is_empty() || wishes.only.contains(&case.scenario))
        .map(|case| {
            let is_asked_for = |peer: &Peer| wishes.peers.is_empty() || wishes.peers.contains(peer);
            let peers = Peer::ALL.into_iter().filter(|peer| is_asked_for(peer) && peer.takes_part(&case)).collect();
            Group { case, peers }
        })
        .filter(|group| !group.peers.is_empty())
        .collect()
}

fn cases(scenario: Scenario, quick: bool) -> Vec<Case> {
    use Placement::{OneRuntime, TwoProcesses, TwoThreads};
    use Transport::{Inproc, Ipc, Tcp};
    let case = |transport, placement, size, count| Case { scenario, transport, placement, size, count, attack: None };
    let sizes: &[usize] = if quick { &FEW_SIZES } else { &SIZES };
    match scenario {
        Scenario::PushPull => [(Tcp, TwoProcesses), (Ipc, TwoProcesses), (Inproc, TwoThreads)]
            .into_iter()
            .flat_map(|(transport, placement)| sizes.iter().map(move |size| case(transport, placement, *size, 1)))
            .collect(),
        Scenario::PubSub => {
            let mut cases: Vec<_> = FEW_SIZES.iter().map(|size| case(Tcp, TwoProcesses, *size, SUBSCRIBERS)).collect();
            cases.push(case(Ipc, TwoProcesses, 16, SUBSCRIBERS));
            cases.push(case(Inproc, TwoThreads, 16, SUBSCRIBERS));
            cases
        }
        Scenario::ReqRep => vec![
            case(Tcp, TwoProcesses, 16, 1),
            case(Tcp, OneRuntime, 16, 1),
            case(Ipc, TwoProcesses, 16, 1),
            case(Ipc, OneRuntime, 16, 1),
            case(Inproc, TwoThreads, 16, 1),
            case(Inproc, OneRuntime, 16, 1),
        ],
        Scenario::DealerRouter => vec![case(Tcp, TwoProcesses, 16, 1), case(Ipc, TwoProcesses, 16, 1)],
        Scenario::ManyPeers => [1, 100, 1000].map(|count| case(Tcp, TwoProcesses, 16, count)).into(),
        Scenario::RpcCalls => IN_FLIGHT.map(|count| case(Tcp, TwoThreads, BODY, count)).into(),
        Scenario::RpcStream | Scenario::RpcBeside => vec![case(Tcp, TwoThreads, CHUNK, 1)],
        Scenario::RpcStalled => vec![case(Tcp, TwoThreads, CHUNK, CALLERS)],
        Scenario::RpcCost => vec![case(Tcp, TwoThreads, BODY, 1)],
        Scenario::CurvePushPull => FEW_SIZES.map(|size| case(Tcp, TwoProcesses, size, 1)).into(),
        Scenario::CurveHandshakes => CLIENTS.map(|count| case(Tcp, TwoProcesses, 16, count)).into(),
        Scenario::Hostile => {
            Attack::ALL.map(|attack| Case { attack: Some(attack), ..case(Tcp, TwoProcesses, 16, 1) }).into()
        }
        Scenario::IdleMemory => vec![case(Tcp, TwoProcesses, 16, 1000), case(Tcp, OneRuntime, 16, 10_000)],
    }
}

const SUBSCRIBERS: usize = 8;
const IN_FLIGHT: [usize; 3] = [1, 64, 1000];
/// How many clients shake hands at once.
const CLIENTS: [usize; 2] = [1, 16];
/// Who calls beside a stream that is not read.
const CALLERS: usize = 64;
