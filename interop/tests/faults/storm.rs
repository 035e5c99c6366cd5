//! Thousands of connections that come to nothing, while an honest peer is served.

use bowline::{Monitor, MonitorKind, SocketType};
use bowline_interop::census::Census;
use bowline_interop::proxy::address;
use bowline_interop::trial::endure;
use bowline_interop::{Outcome, Transport, ensure, ours, within};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::raw::{greeting, shake_hands};
use crate::{nth, number};

const CONNECTIONS: usize = 2000;
/// How many there are at a time; more would only wait to be accepted.
const AT_ONCE: usize = 50;

/// One of the ways to come to nothing: where the connection ends, and how.
async fn come_to_nothing(to: std::net::SocketAddr, way: usize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(to).await?;
    match way % 5 {
        0 => {}
        1 => stream.write_all(&greeting()[..20]).await?,
        2 => stream.write_all(&greeting()).await?,
        3 => shake_hands(&mut stream, "PUSH").await?,
        // Half a message.
        _ => {
            shake_hands(&mut stream, "PUSH").await?;
            stream.write_all(b"\x00\x64half of it").await?;
        }
    }
    // In peace, and by a reset.
    if way.is_multiple_of(2) { stream.set_zero_linger() } else { Ok(()) }
}

/// Counts the connections that were accepted and that have ended, until all have.
async fn all_ended(mut monitor: Monitor) -> Outcome {
    let (mut accepted, mut ready, mut failed, mut lost) = (0, 0, 0, 0);
    let counting = async {
        while failed + lost < CONNECTIONS {
            match monitor.next().await.map(|event| event.kind) {
                Some(MonitorKind::Accepted { .. }) => accepted += 1,
                Some(MonitorKind::Ready) => ready += 1,
                Some(MonitorKind::HandshakeFailed { .. }) => failed += 1,
                Some(MonitorKind::Disconnected(_)) => lost += 1,
                Some(MonitorKind::HandshakeSucceeded) => {}
                other => return Err(format!("a storm is no reason for {other:?}")),
            }
        }
        Ok(())
    };
    within("the end of all connections", counting).await?;
    ensure(accepted == CONNECTIONS && ready == lost, || {
        format!("{accepted} accepted, {ready} ready, {failed} failed, {lost} lost of {CONNECTIONS}")
    })
}

#[test]
fn two_thousand_connections_come_to_nothing_and_an_honest_peer_does_not_notice() -> Outcome {
    endure(2, || async {
        let pull = ours::socket(SocketType::Pull, ours::options());
        let endpoint = ours::bind(&pull, &Transport::Tcp.fresh()).await?;
        let push = ours::socket(SocketType::Push, ours::options());
        ours::connect(&push, &endpoint)?;
        ours::peer(&pull).await?;
        let (monitor, mut honest, before) = (pull.monitor(), push.monitor(), Census::take()?);
        let (to, mut storm) = (address(&endpoint)?, JoinSet::new());
        let counting = tokio::spawn(all_ended(monitor));
        for way in 0..CONNECTIONS {
            storm.spawn(come_to_nothing(to, way));
            if storm.len() < AT_ONCE {
                continue;
            }
            let came = storm.join_next().await;
            ensure(matches!(came, Some(Ok(Ok(())))), || format!("a connection could not be made: {came:?}"))?;
            ours::send(&push, nth(way)).await?;
            let got = number(&ours::recv(&pull).await?)?;
            ensure(got == way, || format!("message {got} instead of {way}"))?;
        }
        while let Some(came) = storm.join_next().await {
            ensure(matches!(came, Ok(Ok(()))), || format!("a connection could not be made: {came:?}"))?;
        }
        counting.await.map_err(|error| error.to_string())??;
        before.regained().await?;
        let heard = crate::unheard(&mut honest).await;
        ensure(heard.is_empty(), || format!("the honest peer has heard {heard:?}"))?;
        ours::close(&push).await?;
        ours::close(&pull).await
    })
}
