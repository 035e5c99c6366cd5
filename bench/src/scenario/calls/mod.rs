//! A client and a server that share one connection.

mod beside;
mod calling;
mod chunks;
mod cost;
mod stalled;

use std::sync::Arc;
use std::time::Duration;

use super::{Gauge, Sides};
use crate::Result;
use crate::case::{Scenario, Work};
use crate::peers::{BODY, Body, CallLibrary, Runtime};

/// Sides that are the client and the server of a library.
#[derive(Clone)]
pub(crate) struct Calls<L>(pub(crate) L);

impl<L: CallLibrary> Sides for Calls<L> {
    fn runtime(&self) -> Runtime {
        self.0.runtime()
    }

    async fn near(self, work: Work, endpoint: String, gauge: Arc<Gauge>) -> Result<()> {
        let library = self.0;
        match work.case.scenario {
            Scenario::RpcCalls => calling::many(&library, &work, &endpoint, &gauge).await,
            Scenario::RpcStream => chunks::count(&library, &endpoint, &gauge).await,
            Scenario::RpcBeside => beside::compare(&library, &work, &endpoint, &gauge).await,
            Scenario::RpcStalled => stalled::compare(&library, &work, &endpoint, &gauge).await,
            Scenario::RpcCost => cost::account(&library, &work, &endpoint, &gauge).await,
            _ => Err("a scenario of sockets".into()),
        }
    }

    async fn far(self, _work: Work, endpoint: String, gauge: Arc<Gauge>) -> Result<()> {
        self.0.serve(&endpoint, move || gauge.bound()).await
    }

    async fn exactly(self, endpoint: String, calls: usize) -> Result<()> {
        calling::some(&self.0.connect(&endpoint).await?, calls).await
    }
}

/// The side that measures must not end before it is told to.
async fn stay(runtime: Runtime) -> Result<()> {
    loop {
        runtime.sleep(Duration::from_hours(1)).await;
    }
}

/// The body of a caller, which nobody else sends: text, which every library can carry.
fn body_of(caller: usize) -> Body {
    let mut body = [b'0'; BODY];
    let number = caller.to_string();
    body[BODY - number.len()..].copy_from_slice(number.as_bytes());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_number_of_its_caller_as_text() {
        assert_eq!(&body_of(0), b"0000000000000000");
        assert_eq!(&body_of(999), b"0000000000000999");
    }
}
