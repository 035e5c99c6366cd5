//! Peers in processes of their own, ours and foreign, that are killed and frozen.

use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use bowline::{AnySocket, DisconnectReason, Message, Monitor, MonitorKind, SocketType};
use bowline_interop::census::Census;
use bowline_interop::shapes::hex;
use bowline_interop::trial::endure;
use bowline_interop::{Outcome, Peer, Program, Theirs, Transport, ensure, ours};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{end, fill, is, is_gone, settle, unheard};

#[derive(Clone, Copy, Debug)]
enum Made {
    Bowline,
    Pyzmq,
}

/// How a peer meets us.
#[derive(Clone, Copy, Debug)]
enum Meets {
    Binds,
    Dials,
}

/// What a peer is, how it meets us, and where.
type Case = (Made, Meets, Transport);

/// A PUSH or PULL in a process of its own.
enum Foreign {
    Ours(Program),
    Theirs(Peer, Theirs),
}

impl Foreign {
    async fn start((made, meets, at): Case, kind: &str, place: &str) -> Outcome<Self> {
        match made {
            Made::Bowline => {
                let flag = if matches!(meets, Meets::Binds) { "-b" } else { "-c" };
                let words = format!("{} {flag} {place} -v --reconnect-ivl 0.01", kind.to_lowercase());
                let mut program = Program::start(&words).await?;
                if matches!(meets, Meets::Binds) {
                    program.bound().await?;
                }
                Ok(Self::Ours(program))
            }
            Made::Pyzmq => {
                let mut peer = Peer::over(at).await?;
                let options = json!({"RECONNECT_IVL": 10, "SNDHWM": 0});
                let socket = peer.socket(kind, options).await?;
                match meets {
                    Meets::Binds => drop(peer.bind(&socket, place).await?),
                    Meets::Dials => peer.connect(&socket, place).await?,
                }
                Ok(Self::Theirs(peer, socket))
            }
        }
    }

    async fn kill(self) -> Outcome {
        match self {
            Self::Ours(program) => program.kill().await,
            Self::Theirs(peer, _) => peer.kill().await,
        }
    }

    fn freeze(&self) -> Outcome {
        match self {
            Self::Ours(program) => program.freeze(),
            Self::Theirs(peer, _) => peer.freeze(),
        }
    }

    fn thaw(&self) -> Outcome {
        match self {
            Self::Ours(program) => program.thaw(),
            Self::Theirs(peer, _) => peer.thaw(),
        }
    }

    /// Has it send these numbers.
    async fn send(&mut self, numbers: Range<usize>) -> Outcome {
        match self {
            Self::Ours(program) => {
                let lines: Vec<_> = numbers.map(|n| n.to_string()).collect();
                program.type_in(&(lines.join("\n") + "\n")).await
            }
            Self::Theirs(peer, socket) => {
                let messages: Value = numbers.map(|n| json!([hex(n.to_string().as_bytes())])).collect();
                peer.on(socket, "send", json!({"messages": messages})).await.map(drop)
            }
        }
    }

    /// The number that it receives next.
    async fn recv(&mut self) -> Outcome<usize> {
        let text = match self {
            Self::Ours(program) => program.line().await?,
            Self::Theirs(peer, socket) => {
                let message = peer.on(socket, "recv", json!({})).await?;
                let hex = message[0].as_str().unwrap_or_default().as_bytes();
                let digit = |pair: &[u8]| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).unwrap_or(b'?');
                hex.chunks(2).map(|pair| char::from(digit(pair))).collect()
            }
        };
        text.parse().map_err(|_| format!("they received {text:?}"))
    }
}

/// A socket of ours and what it takes for a foreign peer to meet it again and again.
struct Scene {
    socket: AnySocket,
    monitor: Monitor,
    case: Case,
    kind: &'static str,
    /// Removed at the end.
    _place: bowline_interop::place::Place,
    endpoint: String,
}

impl Scene {
    async fn set(case: Case, ours: SocketType, options: bowline::Options) -> Outcome<(Self, Foreign)> {
        let (_, meets, at) = case;
        let (socket, place) = (ours::socket(ours, options), at.lasting());
        let monitor = socket.monitor();
        let endpoint = match meets {
            Meets::Binds => place.to_string(),
            Meets::Dials => ours::bind(&socket, &place).await?,
        };
        let kind = if ours == SocketType::Push { "PULL" } else { "PUSH" };
        let mut scene = Self { socket, monitor, case, kind, _place: place, endpoint };
        let peer = scene.peer().await?;
        if matches!(meets, Meets::Binds) {
            ours::connect(&scene.socket, &scene.endpoint)?;
        }
        ours::ready(&mut scene.monitor).await?;
        Ok((scene, peer))
    }

    /// A new process in the place of the last one.
    async fn peer(&self) -> Outcome<Foreign> {
        Foreign::start(self.case, self.kind, &self.endpoint).await
    }

    /// A task that sends one number after the other, as fast as they go out.
    fn flow(&self) -> JoinSet<()> {
        let (mut flow, socket) = (JoinSet::new(), self.socket.clone());
        flow.spawn(async move {
            let mut n = 0_usize;
            while socket.send(n.to_string()).await.is_ok() {
                n += 1;
            }
        });
        flow
    }
}

/// Both kinds of peers, both ways to meet, over these transports.
fn all(transports: &[Transport]) -> Vec<Case> {
    let makes = [Made::Bowline, Made::Pyzmq].into_iter();
    let pairs = makes.flat_map(|made| [Meets::Binds, Meets::Dials].map(|meets| (made, meets)));
    pairs.flat_map(|(made, meets)| transports.iter().map(move |&at| (made, meets, at))).collect()
}

fn each(transports: &[Transport], rounds: usize, script: impl AsyncFn(Case) -> Outcome) -> Outcome {
    endure(rounds, || async {
        for case in all(transports) {
            script(case).await.map_err(|problem| format!("{case:?}: {problem}"))?;
        }
        Ok(())
    })
}

#[test]
fn a_puller_that_is_killed_in_the_flow_is_lost_at_once_and_the_next_one_gets_the_rest() -> Outcome {
    each(&Transport::ALL, 1, async |case| {
        let (mut scene, mut peer) = Scene::set(case, SocketType::Push, ours::options().send_hwm(100)).await?;
        let flow = scene.flow();
        for n in 0..10 {
            let got = peer.recv().await?;
            ensure(got == n, || format!("message {got} instead of {n}"))?;
        }
        peer.kill().await?;
        is_gone(&end(&mut scene.monitor).await?)?;
        let mut peer = scene.peer().await?;
        ours::ready(&mut scene.monitor).await?;
        // What the dead one had taken is lost; the rest comes whole and in order.
        let first = peer.recv().await?;
        ensure(first >= 10, || format!("message {first} came twice"))?;
        for n in first + 1..first + 300 {
            let got = peer.recv().await?;
            ensure(got == n, || format!("message {got} instead of {n}"))?;
        }
        drop(flow);
        ours::close(&scene.socket).await?;
        peer.kill().await
    })
}

#[test]
fn a_pusher_that_is_killed_in_the_flow_is_lost_at_once_and_the_next_one_is_heard() -> Outcome {
    each(&Transport::ALL, 1, async |case| {
        let options = ours::options().recv_hwm(10).recv_buffer(Some(4096));
        let (mut scene, mut peer) = Scene::set(case, SocketType::Pull, options).await?;
        peer.send(0..2000).await?;
        let next = async || {
            let message = ours::recv(&scene.socket).await?;
            String::from_utf8_lossy(&message.parts()[0]).parse::<usize>().map_err(|_| format!("{message:?}"))
        };
        for n in 0..100 {
            let got = next().await?;
            ensure(got == n, || format!("message {got} instead of {n}"))?;
        }
        peer.kill().await?;
        let mut peer = scene.peer().await?;
        // What the dead one had sent may still arrive; each of the two is heard in order.
        let (mut from_dead, mut from_next, mut reason) = (100, 10_000, None);
        let hear = async {
            // As long as we do not receive, we do not read either, and can't see the end.
            while from_next < 11_000 || reason.is_none() {
                tokio::select! {
                    biased;
                    got = next() => {
                        let got = got?;
                        let wanted = if got < 10_000 { &mut from_dead } else { &mut from_next };
                        ensure(got == *wanted, || format!("message {got} instead of {wanted}"))?;
                        *wanted += 1;
                    }
                    told = end(&mut scene.monitor), if reason.is_none() => reason = Some(told?),
                }
            }
            Ok(())
        };
        tokio::try_join!(peer.send(10_000..11_000), hear)?;
        is_gone(&reason.ok_or("no reason")?)?;
        ours::close(&scene.socket).await?;
        peer.kill().await
    })
}

#[test]
fn without_heartbeats_a_frozen_peer_keeps_its_connection_and_the_mark_pushes_back() -> Outcome {
    each(&[Transport::Tcp], 1, async |case| {
        let options = ours::options().send_hwm(10).send_buffer(Some(4096));
        let (mut scene, mut peer) = Scene::set(case, SocketType::Push, options).await?;
        unheard(&mut scene.monitor).await;
        peer.freeze()?;
        // Long ones: what comes behind a batch that the system does not take stays in the pipe.
        let sent = fill(&scene.socket, |n| format!("{n:050000}")).await;
        let unsent: Vec<_> = scene.socket.peers().iter().map(|peer| peer.unsent).collect();
        ensure(unsent == [10], || format!("{unsent:?} messages wait instead of 10"))?;
        let heard = unheard(&mut scene.monitor).await;
        ensure(heard.is_empty(), || format!("a frozen peer is no news, but {heard:?}"))?;
        peer.thaw()?;
        for n in 0..sent {
            let got = peer.recv().await?;
            ensure(got == n, || format!("message {got} instead of {n}"))?;
        }
        ours::close(&scene.socket).await?;
        peer.kill().await
    })
}

/// Sends more than any system takes, until the mark is reached. All have the same body, so it costs no memory.
async fn stuff(socket: &AnySocket) {
    static BODY: LazyLock<Message> = LazyLock::new(|| Message::from(vec![0; 16 << 20]));
    fill(socket, |_| BODY.clone()).await;
}

#[test]
fn with_heartbeats_a_frozen_peer_is_lost_and_back_when_it_goes_on() -> Outcome {
    each(&[Transport::Tcp], 1, async |case| {
        let (beat, silence) = (Duration::from_millis(50), Duration::from_millis(500));
        let options = ours::options().heartbeat_interval(Some(beat)).heartbeat_timeout(Some(silence));
        let (mut scene, mut peer) = Scene::set(case, SocketType::Push, options.handshake_timeout(silence)).await?;
        let census = Census::take()?;
        peer.freeze()?;
        is(DisconnectReason::HeartbeatTimeout, &lost(&mut scene.monitor).await?)?;
        if matches!(scene.case.1, Meets::Binds) {
            // The system of a frozen process takes the connection, but nobody greets.
            is(DisconnectReason::HandshakeTimeout, &end(&mut scene.monitor).await?)?;
        }
        peer.thaw()?;
        ours::ready(&mut scene.monitor).await?;
        census.regained().await?;
        ours::send(&scene.socket, "7").await?;
        let got = peer.recv().await?;
        ensure(got == 7, || format!("message {got}"))?;
        ours::close(&scene.socket).await?;
        peer.kill().await
    })
}

async fn lost(monitor: &mut Monitor) -> Outcome<DisconnectReason> {
    let lost = |kind: &MonitorKind| match kind {
        MonitorKind::Disconnected(reason) => Some(reason.clone()),
        _ => None,
    };
    ours::event(monitor, "the loss of a frozen peer", lost).await
}

#[test]
fn close_ends_with_its_linger_though_the_peer_is_frozen_and_says_what_that_cost() -> Outcome {
    each(&Transport::ALL, 1, async |case| {
        let options = ours::options().linger(Some(Duration::from_millis(50))).send_hwm(10);
        let (scene, peer) = Scene::set(case, SocketType::Push, options).await?;
        let census = Census::take()?;
        peer.freeze()?;
        stuff(&scene.socket).await;
        let closed = async { Ok::<_, String>(scene.socket.close().await) };
        let dropped = bowline_interop::within("our close", closed).await?;
        ensure(dropped >= 10, || format!("10 messages waited, but {dropped} were dropped"))?;
        let left = Census::take()?.descriptors();
        ensure(left < census.descriptors(), || format!("{left} descriptors are left"))?;
        peer.kill().await
    })
}

#[test]
fn stop_ends_at_once_though_the_peer_is_frozen() -> Outcome {
    each(&Transport::ALL, 1, async |case| {
        let options = ours::options().linger(None).send_hwm(10);
        let (mut scene, peer) = Scene::set(case, SocketType::Push, options).await?;
        peer.freeze()?;
        stuff(&scene.socket).await;
        scene.socket.stop();
        // All that takes time is left out: a few turns of its tasks are enough.
        settle().await;
        let heard = unheard(&mut scene.monitor).await;
        ensure(heard.last() == Some(&MonitorKind::Stopped), || format!("not over yet: {heard:?}"))?;
        peer.kill().await
    })
}
