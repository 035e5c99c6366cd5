//! What connections that are quiet keep in memory, to the byte.
#![cfg(target_os = "linux")]

use bowline::SocketType;
use bowline_interop::census::allocated;
use bowline_interop::trial::alone;
use bowline_interop::{Outcome, Transport, ours, within};

const PEERS: usize = 200;

/// Of it 320 are the queues of what waits to be received, three at each end: each has a place for small messages and one for others.
const PLAIN: usize = 10_200;

/// For both ends and the socket that dialed, in bytes.
const fn most(transport: Transport) -> usize {
    match transport {
        Transport::Tcp | Transport::Ipc => PLAIN,
        // Each end has a buffer of its own to read frames into, which it keeps: 16 KiB.
        Transport::Ws => PLAIN + 2 * 17 * 1024 + 1000,
    }
}

#[test]
fn a_connection_that_was_busy_gives_back_what_it_does_not_need() -> Outcome {
    alone(async {
        for transport in Transport::ALL {
            let (pull, place) = (ours::socket(SocketType::Pull, ours::options()), transport.fresh());
            let endpoint = ours::bind(&pull, &place).await?;
            let before = allocated();
            let mut peers = Vec::with_capacity(PEERS);
            for _ in 0..PEERS {
                let push = ours::socket(SocketType::Push, ours::options());
                ours::connect(&push, &endpoint)?;
                ours::send(&push, "?").await?;
                ours::expect_parts(&pull, &[b"?"]).await?;
                peers.push(push);
            }
            let each = || (allocated() - before) / PEERS;
            let busy = each();
            let quiet = async {
                // On a slow machine the first of them are quiet before the last are there.
                while each() > most(transport) || each() > busy {
                    tokio::task::yield_now().await;
                }
                Ok::<_, String>(())
            };
            let waited = within("less memory in use", quiet).await;
            println!("{transport}: {busy} bytes a connection, {} when it is quiet", each());
            waited?;
            for push in &peers {
                ours::close(push).await?;
            }
            ours::close(&pull).await?;
        }
        Ok(())
    })
}
