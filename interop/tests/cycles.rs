//! Two thousand times connected, asked, answered and disconnected: what is left is what was there after the first two
//! hundred. Each test prints its figures.
#![cfg(target_os = "linux")]

use std::time::Instant;

use bowline::{AnySocket, MonitorKind, SocketType};
use bowline_interop::census::{Census, allocated};
use bowline_interop::place::{prefix, serial};
use bowline_interop::trial::{SLACK, alone};
use bowline_interop::{Outcome, Peer, Transport, ensure, ours};
use serde_json::json;
use tokio::task::JoinSet;

/// The first of them may still allocate what is kept for the next.
const FIRST: usize = 200;
const ALL: usize = 2000;

/// Has `cycles` do so many of them at a time, and compares what is open after each time, and the memory at the end.
async fn compare(name: &str, mut cycles: impl AsyncFnMut(usize) -> Outcome) -> Outcome {
    let (began, before) = (Instant::now(), Census::take()?);
    cycles(FIRST).await?;
    before.regained().await?;
    let early = allocated();
    for _ in 1..ALL / FIRST {
        cycles(FIRST).await?;
        before.regained().await?;
    }
    let (late, after, seconds) = (allocated(), Census::take()?, began.elapsed().as_secs_f32());
    let open = (before.descriptors(), after.descriptors());
    println!(
        "{name}: {ALL} cycles in {seconds:.1} s; {early} bytes after {FIRST}, {late} at the end; {} descriptors before, {} after",
        open.0, open.1
    );
    ensure(late <= early + SLACK, || format!("memory grew from {early} to {late} bytes"))
}

/// Our REP, bound, with a task that answers.
async fn server(place: &str) -> Outcome<(AnySocket, String, JoinSet<()>)> {
    let server = ours::socket(SocketType::Rep, ours::options());
    let endpoint = ours::bind(&server, place).await?;
    let (mut answering, socket) = (JoinSet::new(), server.clone());
    answering.spawn(async move {
        while let Ok(question) = socket.recv().await {
            socket.send(question).await.ok();
        }
    });
    Ok((server, endpoint, answering))
}

async fn ask(requester: &AnySocket) -> Outcome {
    ours::send(requester, "?").await?;
    ours::expect_parts(requester, &[b"?"]).await
}

/// A new socket for each question.
async fn with_new_sockets(endpoint: &str, cycles: usize) -> Outcome {
    for _ in 0..cycles {
        let requester = ours::socket(SocketType::Req, ours::options());
        ours::connect(&requester, endpoint)?;
        ask(&requester).await?;
        ours::close(&requester).await?;
    }
    Ok(())
}

/// One socket that is connected and disconnected for each question.
async fn with_one_socket(requester: &AnySocket, endpoint: &str, cycles: usize) -> Outcome {
    let mut monitor = requester.monitor();
    for _ in 0..cycles {
        ours::connect(requester, endpoint)?;
        ask(requester).await?;
        requester.disconnect(endpoint).map_err(|error| error.to_string())?;
        let stopped = |kind: &MonitorKind| matches!(kind, MonitorKind::ConnectStopped(_)).then_some(());
        ours::event(&mut monitor, "the end of our dialing", stopped).await?;
    }
    Ok(())
}

/// Both ways, against a server of ours.
fn against_ourselves(name: &str, place: &str) -> Outcome {
    alone(async {
        let (server, endpoint, _answering) = server(place).await?;
        let title = format!("{name}, new sockets against ourselves");
        compare(&title, async |cycles| with_new_sockets(&endpoint, cycles).await).await?;
        let requester = ours::socket(SocketType::Req, ours::options());
        let title = format!("{name}, one socket against ourselves");
        compare(&title, async |cycles| with_one_socket(&requester, &endpoint, cycles).await).await?;
        ours::close(&requester).await?;
        ours::close(&server).await
    })
}

#[test]
fn against_ourselves_over_tcp_nothing_is_left() -> Outcome {
    against_ourselves("tcp", &Transport::Tcp.fresh())
}

#[test]
fn against_ourselves_over_ipc_nothing_is_left() -> Outcome {
    against_ourselves("ipc", &Transport::Ipc.fresh())
}

#[test]
fn against_ourselves_in_process_nothing_is_left() -> Outcome {
    against_ourselves("inproc", &format!("inproc://{}{}", prefix(), serial()))
}

#[test]
fn when_they_dial_us_nothing_is_left() -> Outcome {
    alone(async {
        for transport in Transport::ALL {
            let (mut peer, place) = (Peer::over(transport).await?, transport.fresh());
            let (server, endpoint, _answering) = server(&place).await?;
            let title = format!("{transport}, their new sockets against our bound one");
            let mut monitor = server.monitor();
            let asked = async |cycles| {
                for _ in 0..cycles {
                    peer.call("cycle", json!({"endpoint": endpoint})).await?;
                    // libzmq closes in the background. Without this many would be there at a time, now more, now less.
                    let lost = |kind: &MonitorKind| matches!(kind, MonitorKind::Disconnected(_)).then_some(());
                    ours::event(&mut monitor, "their end", lost).await?;
                }
                Ok(())
            };
            compare(&title, asked).await?;
            ours::close(&server).await?;
        }
        Ok(())
    })
}

#[test]
fn when_we_dial_them_nothing_is_left() -> Outcome {
    alone(async {
        for transport in Transport::ALL {
            let (mut peer, place) = (Peer::over(transport).await?, transport.fresh());
            let server = peer.socket("REP", json!({})).await?;
            let endpoint = peer.bind(&server, &place).await?;
            let title = format!("{transport}, our new sockets against their bound one");
            let asked = async |cycles| {
                let answering = peer.on(&server, "echo", json!({"count": cycles}));
                tokio::try_join!(answering, with_new_sockets(&endpoint, cycles))?;
                // libzmq waits for the reader of its monitor when that has missed some thousands of events.
                peer.on(&server, "seen", json!({})).await.map(drop)
            };
            compare(&title, asked).await?;
            let requester = ours::socket(SocketType::Req, ours::options());
            let title = format!("{transport}, our one socket against their bound one");
            let asked = async |cycles| {
                let answering = peer.on(&server, "echo", json!({"count": cycles}));
                tokio::try_join!(answering, with_one_socket(&requester, &endpoint, cycles))?;
                peer.on(&server, "seen", json!({})).await.map(drop)
            };
            compare(&title, asked).await?;
            ours::close(&requester).await?;
        }
        Ok(())
    })
}
