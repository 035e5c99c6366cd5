//! Connections that are made anew for every request.

use std::sync::Arc;
use std::time::Duration;

use super::{Gauge, role};
use crate::Result;
use crate::case::Work;
use crate::peers::{Kind, Library, Socket};

/// Clients that each open a socket, connect, send one request, receive the reply and close, for ever.
///
/// The reply tells them that the handshake is over: a socket that only sends would begin the next one meanwhile.
pub(super) async fn repeat<L: Library>(library: L, work: &Work, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let runtime = library.runtime();
    let role = role(work, Kind::Req);
    for index in 0..work.case.count {
        let (library, endpoint, gauge) = (library.clone(), endpoint.to_owned(), gauge.clone());
        runtime.spawn(async move {
            let outcome = async {
                for done in 1.. {
                    let mut socket = library.open(role).await?;
                    socket.connect(&endpoint).await?;
                    socket.send().await?;
                    socket.recv().await?;
                    socket.close().await?;
                    gauge.counter(index).set(done);
                }
                Ok(())
            };
            gauge.report(outcome.await);
        });
    }
    loop {
        runtime.sleep(Duration::from_hours(1)).await;
    }
}
