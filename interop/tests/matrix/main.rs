//! Every pair of socket types that go together, with us on either side, over every transport and mechanism.

mod cell;
mod flows;

use bowline::SocketType::{self, Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, XPub, XSub};
use bowline_interop::{Outcome, Peer, Transport, ensure, shapes};

use cell::{Cell, Security};

/// Ours and theirs.
const PAIRS: [(SocketType, SocketType); 21] = [
    (Req, Rep),
    (Rep, Req),
    (Req, Router),
    (Router, Req),
    (Dealer, Rep),
    (Rep, Dealer),
    (Dealer, Dealer),
    (Dealer, Router),
    (Router, Dealer),
    (Router, Router),
    (Pub, Sub),
    (Sub, Pub),
    (Pub, XSub),
    (XSub, Pub),
    (XPub, Sub),
    (Sub, XPub),
    (XPub, XSub),
    (XSub, XPub),
    (Push, Pull),
    (Pull, Push),
    (Pair, Pair),
];

#[test]
fn the_matrix_has_every_pair_that_goes_together() {
    let all = SocketType::ALL;
    for (ours, theirs) in all.iter().flat_map(|ours| all.iter().map(move |theirs| (*ours, *theirs))) {
        assert_eq!(PAIRS.contains(&(ours, theirs)), ours.accepts(theirs), "{ours} {theirs}");
    }
}

#[tokio::test]
async fn every_pair_of_socket_types_talks_over_tcp() -> Outcome {
    every_pair(Transport::Tcp).await
}

#[tokio::test]
async fn every_pair_of_socket_types_talks_over_ipc() -> Outcome {
    every_pair(Transport::Ipc).await
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn every_pair_of_socket_types_talks_over_ws() -> Outcome {
    every_pair(Transport::Ws).await
}

#[tokio::test]
async fn messages_of_1_byte_to_10_mb_pass_over_tcp() -> Outcome {
    every_size(Transport::Tcp).await
}

#[tokio::test]
async fn messages_of_1_byte_to_10_mb_pass_over_ipc() -> Outcome {
    every_size(Transport::Ipc).await
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn messages_of_1_byte_to_10_mb_pass_over_ws() -> Outcome {
    every_size(Transport::Ws).await
}

async fn every_pair(transport: Transport) -> Outcome {
    let script = shapes::script();
    let mut table = Table::begin(transport).await?;
    for security in Security::ALL {
        for we_bind in [true, false] {
            for (ours, theirs) in PAIRS {
                let cell = Cell { transport, security, we_bind, ours, theirs };
                table.run(&cell, &script).await?;
            }
        }
    }
    table.end()
}

async fn every_size(transport: Transport) -> Outcome {
    let sizes = shapes::sizes();
    let mut table = Table::begin(transport).await?;
    for (ours, theirs) in [(Push, Pull), (Pull, Push), (Dealer, Router), (Rep, Req), (Pub, Sub)] {
        for security in [Security::Null, Security::CurveWeServe, Security::CurveTheyServe] {
            for we_bind in [true, false] {
                let cell = Cell { transport, security, we_bind, ours, theirs };
                table.run(&cell, &sizes).await?;
            }
        }
    }
    table.end()
}

/// Runs cells, and prints a line for each.
struct Table {
    transport: Transport,
    peer: Peer,
    cells: usize,
    failed: usize,
}

impl Table {
    async fn begin(transport: Transport) -> Outcome<Self> {
        let mut peer = Peer::over(transport).await?;
        // The test runner has left its line open.
        println!("\nbowline and {}", peer.version().await?);
        Ok(Self { transport, peer, cells: 0, failed: 0 })
    }

    async fn run(&mut self, cell: &Cell, script: &[shapes::Shape]) -> Outcome {
        let outcome = cell.run(&mut self.peer, script).await;
        self.cells += 1;
        if let Err(problem) = outcome {
            self.failed += 1;
            println!("{cell}  FAILED: {problem}");
            // The old one may still be busy with the command that took too long.
            self.peer = Peer::over(self.transport).await?;
        } else if let Some(note) = cell.note() {
            println!("{cell}  ok ({note})");
        } else {
            println!("{cell}  ok");
        }
        Ok(())
    }

    fn end(self) -> Outcome {
        println!("{} cells, {} failed", self.cells, self.failed);
        ensure(self.failed == 0, || format!("{} of {} cells failed", self.failed, self.cells))
    }
}
