//! Behind the port that we dial: one who says nothing, one who says it slowly, and those who speak something else.

use std::time::Duration;

use bowline::error::HandshakeStage;
use bowline::{DisconnectReason, Monitor, MonitorKind, Options, ProtocolError, Reconnect, ReconnectStop, SocketType};
use bowline_interop::census::Census;
use bowline_interop::trial::endure;
use bowline_interop::{Outcome, ensure, ours, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::raw::greeting;
use crate::{event, is};

/// What a stranger does with a connection.
type Habit = fn(TcpStream) -> JoinSet<()>;

fn habit(doing: impl Future<Output = ()> + Send + 'static) -> JoinSet<()> {
    let mut task = JoinSet::new();
    task.spawn(doing);
    task
}

/// A stranger behind a port, who treats every connection the same and counts them.
struct Stranger {
    endpoint: String,
    accepted: tokio::sync::watch::Receiver<usize>,
    _task: JoinSet<()>,
}

impl Stranger {
    async fn with(habit: Habit) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let endpoint = format!("tcp://{}", listener.local_addr().map_err(|error| error.to_string())?);
        let (count, accepted) = tokio::sync::watch::channel(0);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                connections.retain(|task: &JoinSet<()>| !task.is_empty());
                connections.push(habit(stream));
            }
        });
        Ok(Self { endpoint, accepted, _task: task })
    }
}

/// Reads and forgets until the other side closes.
async fn listen(stream: &mut TcpStream) {
    let mut nowhere = [0; 1024];
    while stream.read(&mut nowhere).await.is_ok_and(|n| n > 0) {}
}

/// Says `bytes` as soon as it is spoken to, then only listens.
async fn answer(mut stream: TcpStream, bytes: &[u8]) {
    let mut first = [0; 64];
    if stream.read(&mut first).await.is_ok() && stream.write_all(bytes).await.is_ok() {
        listen(&mut stream).await;
    }
}

async fn refusal(monitor: &mut Monitor) -> Outcome<(HandshakeStage, DisconnectReason)> {
    let failed = |kind: &MonitorKind| match kind {
        MonitorKind::HandshakeFailed { stage, reason } => Some((*stage, reason.clone())),
        _ => None,
    };
    ours::event(monitor, "the failure of a handshake", failed).await
}

/// We dial such a stranger again and again; each time the handshake fails at this stage for this reason.
async fn fails(habit: Habit, options: Options, stage: HandshakeStage, reason: impl Into<DisconnectReason>) -> Outcome {
    let (stranger, reason) = (Stranger::with(habit).await?, reason.into());
    let before = Census::take()?;
    let push = ours::socket(SocketType::Push, options);
    let mut monitor = push.monitor();
    ours::connect(&push, &stranger.endpoint)?;
    ours::send(&push, "waits").await?;
    for attempt in 1..=3 {
        let (at, why) = refusal(&mut monitor).await?;
        is(reason.clone(), &why)?;
        ensure(at == stage, || format!("it failed in the stage {at} instead of {stage}"))?;
        let retried = event(&mut monitor, "connect_retried").await?;
        ensure(retried.attempt == Some(attempt), || format!("attempt {attempt} was told as {:?}", retried.attempt))?;
    }
    ensure(!push.is_connected(), || "a stranger is no peer".into())?;
    ours::close(&push).await?;
    before.regained().await
}

fn impatient() -> Options {
    ours::options().handshake_timeout(Duration::from_millis(500))
}

#[test]
fn a_peer_that_accepts_and_never_greets_is_given_up_in_time() -> Outcome {
    let silent: Habit = |mut stream| habit(async move { listen(&mut stream).await });
    endure(3, || fails(silent, impatient(), HandshakeStage::Greeting, DisconnectReason::HandshakeTimeout))
}

#[test]
fn a_peer_that_greets_byte_by_byte_does_not_gain_time() -> Outcome {
    let slow: Habit = |mut stream| {
        habit(async move {
            for byte in greeting() {
                // The fault is the pace: the whole greeting takes longer than the handshake may.
                tokio::time::sleep(Duration::from_millis(20)).await;
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
            listen(&mut stream).await;
        })
    };
    endure(3, || fails(slow, impatient(), HandshakeStage::Greeting, DisconnectReason::HandshakeTimeout))
}

#[test]
fn a_peer_that_greets_and_says_nothing_more_is_given_up_in_time() -> Outcome {
    let terse: Habit = |stream| habit(async move { answer(stream, &greeting()).await });
    endure(3, || fails(terse, impatient(), HandshakeStage::Ready, DisconnectReason::HandshakeTimeout))
}

const HTTP: Habit =
    |stream| habit(async move { answer(stream, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await });

#[test]
fn an_http_server_is_known_by_its_first_byte() -> Outcome {
    endure(10, || fails(HTTP, ours::options(), HandshakeStage::Greeting, ProtocolError::NotZmtp))
}

#[test]
fn a_tls_server_is_known_by_its_first_bytes() -> Outcome {
    // An alert: no such protocol version.
    let tls: Habit = |stream| habit(async move { answer(stream, b"\x15\x03\x01\x00\x02\x02\x46").await });
    endure(10, || fails(tls, ours::options(), HandshakeStage::Greeting, ProtocolError::SpeaksTls))
}

#[test]
fn an_http_server_is_given_up_where_that_is_asked_for() -> Outcome {
    endure(10, || async {
        let stranger = Stranger::with(HTTP).await?;
        let before = Census::take()?;
        let push = ours::socket(
            SocketType::Push,
            ours::options().reconnect_stop(ReconnectStop::default().protocol_error(true)),
        );
        let mut monitor = push.monitor();
        ours::connect(&push, &stranger.endpoint)?;
        let stopped = event(&mut monitor, "connect_stopped").await?;
        let wanted = MonitorKind::ConnectStopped(ProtocolError::NotZmtp.into());
        ensure(stopped.kind == wanted, || format!("{:?} instead of {wanted:?}", stopped.kind))?;
        // The socket is open, and the endpoint costs nothing any more.
        before.regained().await?;
        ensure(*stranger.accepted.borrow() == 1, || "it was asked again".into())?;
        ours::close(&push).await
    })
}

#[test]
fn a_peer_that_hangs_up_at_once_is_asked_less_and_less_often() -> Outcome {
    endure(3, || async {
        let stranger = Stranger::with(|stream| {
            drop(stream);
            JoinSet::new()
        })
        .await?;
        let (min, max) = (Duration::from_millis(1), Duration::from_millis(64));
        let push = ours::socket(SocketType::Push, ours::options().reconnect(Reconnect::Exponential { min, max }));
        let mut monitor = push.monitor();
        ours::connect(&push, &stranger.endpoint)?;
        let attempts = 9;
        for attempt in 1..=attempts {
            let failed = event(&mut monitor, "connect_retried").await?;
            let MonitorKind::ConnectRetried { delay, .. } = failed.kind else { unreachable!("it has this name") };
            let base = (min * (1 << (attempt - 1))).min(max);
            ensure((base..=2 * base).contains(&delay), || format!("attempt {attempt} is followed by {delay:?}"))?;
            ensure(failed.attempt == Some(attempt), || format!("attempt {attempt} is told as {:?}", failed.attempt))?;
        }
        // It was asked as often as was told, and no more.
        let accepted = *stranger.accepted.borrow();
        ensure(accepted == attempts as usize, || format!("{accepted} connections in {attempts} attempts"))?;
        ours::close(&push).await
    })
}

#[test]
fn a_stranger_is_forgotten_when_the_right_peer_takes_its_place() -> Outcome {
    endure(3, || async {
        let place = bowline_interop::Transport::Tcp.lasting();
        let address = place.trim_start_matches("tcp://").to_owned();
        let listener = TcpListener::bind(&address).await.map_err(|error| error.to_string())?;
        let push = ours::socket(SocketType::Push, ours::options());
        let mut monitor = push.monitor();
        ours::connect(&push, &place)?;
        ours::send(&push, "waits").await?;
        let (stream, _) = within("our call", listener.accept()).await?;
        drop(listener);
        answer_once(stream).await?;
        is(ProtocolError::NotZmtp, &refusal(&mut monitor).await?.1)?;
        let pull = ours::socket(SocketType::Pull, ours::options());
        ours::bind(&pull, &place).await?;
        ours::expect_parts(&pull, &[b"waits"]).await?;
        ours::close(&push).await?;
        ours::close(&pull).await
    })
}

async fn answer_once(mut stream: TcpStream) -> Outcome {
    within("an answer of HTTP", stream.write_all(b"HTTP/1.1 200 OK\r\n")).await
}
