//! No descriptors are left: what is connected is served, and what is not has its turn later.

use bowline::{MonitorKind, SocketType};
use bowline_interop::census::descriptors;
use bowline_interop::proxy::address;
use bowline_interop::trial::endure;
use bowline_interop::{Outcome, Program, Transport, ensure, ours, within};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;

use crate::event;

#[test]
fn a_server_without_descriptors_serves_its_peers_and_accepts_again_when_it_has_some() -> Outcome {
    endure(2, || async {
        let mut server = Program::start("pull -b tcp://127.0.0.1:* -vv").await?;
        let endpoint = server.bound().await?;
        let good = ours::socket(SocketType::Push, ours::options());
        ours::connect(&good, &endpoint)?;
        ours::send(&good, "before").await?;
        server.prints("before").await?;

        let process = server.id()?.to_string();
        let before = descriptors(&process)?.len();
        server.limit_descriptors(before + 10)?;
        let mut crowd = Vec::new();
        // The system takes them all, but the server can't.
        for _ in 0..20 {
            crowd.push(within("a connection", TcpStream::connect(address(&endpoint)?)).await?);
        }
        server.tells("can't accept").await?;
        let open = descriptors(&process)?;
        ensure(open.len() >= before + 10, || format!("{} descriptors of {}: {open:?}", open.len(), before + 10))?;
        ours::send(&good, "meanwhile").await?;
        server.prints("meanwhile").await?;

        let late = ours::socket(SocketType::Push, ours::options());
        ours::connect(&late, &endpoint)?;
        ours::send(&late, "late").await?;
        drop(crowd);
        server.prints("late").await?;
        ours::send(&good, "after").await?;
        server.prints("after").await?;
        ours::close(&late).await?;
        let regained = async {
            while descriptors(&process)?.len() != before {
                tokio::task::yield_now().await;
            }
            Ok::<_, String>(())
        };
        within("the server's descriptors back to where they were", regained).await?;
        ours::close(&good).await?;
        server.kill().await
    })
}

#[test]
fn a_client_without_descriptors_tells_it_and_connects_when_it_has_some() -> Outcome {
    endure(10, || async {
        let (pull, push) =
            (ours::socket(SocketType::Pull, ours::options()), ours::socket(SocketType::Push, ours::options()));
        let endpoint = ours::bind(&pull, &Transport::Tcp.fresh()).await?;
        let mut monitor = push.monitor();
        let limit = getrlimit(Resource::Nofile);
        // Those that are open stay open.
        set(Rlimit { current: Some(0), ..limit })?;
        let connected = ours::connect(&push, &endpoint);
        let retried = event(&mut monitor, "connect_retried").await;
        let bound = push.bind("tcp://127.0.0.1:*").await;
        let told = event(&mut monitor, "bind_failed").await;
        set(limit)?;
        connected?;
        let cause = retried.map(|event| event.kind)?;
        let is_cause = matches!(cause, MonitorKind::ConnectRetried { cause: Some(_), .. });
        ensure(is_cause, || format!("{cause:?} has no cause"))?;
        ensure(bound.is_err(), || "a socket was bound without a descriptor".into())?;
        told?;
        ours::ready(&mut monitor).await?;
        ours::send(&push, "late").await?;
        ours::expect_parts(&pull, &[b"late"]).await?;
        ours::close(&push).await?;
        ours::close(&pull).await
    })
}

fn set(limit: Rlimit) -> Outcome {
    setrlimit(Resource::Nofile, limit).map_err(|error| format!("could not limit this process: {error}"))
}
