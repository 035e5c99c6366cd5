//! PUSH to PULL and PUB to SUB: first the latency of lone messages, then as many as will go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bowline::{AnySocket, Endpoint, Message, SendErrorKind, SocketType};
use tokio::sync::{mpsc, oneshot};

use super::latency::Latencies;
use super::{Figures, Plan, sides};
use crate::failure::Failure;

/// Lone messages, the first of which only warm up; fewer where they are so large that the time is up before.
const PINGS: u32 = 2200;
const PINGS_TO_WARM_UP: u32 = 200;
/// Messages between two looks at whatever else is to be done, and bytes.
const TURN: u32 = 1024;
const TURN_BYTES: usize = 16 << 20;
/// How often the sender looks whether everybody hears it.
const GREETING: Duration = Duration::from_millis(2);

#[derive(Clone, Copy)]
pub(super) enum Pattern {
    PushPull,
    /// With this many subscribers.
    PubSub(usize),
}

/// What the two sides tell each other past the sockets.
struct Shared {
    origin: Instant,
    /// When the ping that is under way was sent, in nanoseconds since `origin`.
    pinged: AtomicU64,
    /// The receivers have counted enough.
    enough: AtomicBool,
}

pub(super) fn measure(plan: &Plan, pattern: Pattern) -> Result<Figures, Failure> {
    let shared = Shared { origin: Instant::now(), pinged: AtomicU64::new(0), enough: AtomicBool::new(false) };
    let (tell_place, place) = oneshot::channel();
    let (acknowledge, acknowledged) = mpsc::unbounded_channel();
    let (tell_done, done) = oneshot::channel();
    let shared = &shared;
    match pattern {
        // The collecting side is the server of a pipeline, the publishing side that of a feed.
        Pattern::PushPull => sides::run(
            move || async move {
                let receiver = AnySocket::new(SocketType::Pull, plan.options.clone());
                let _ = tell_place.send(bind(&receiver, plan).await?);
                receive(plan, shared, vec![receiver], acknowledge, done).await
            },
            move || async move {
                let Ok(place) = place.await else { return Ok(()) };
                let sender = AnySocket::new(SocketType::Push, plan.options.clone());
                connect(&sender, &place)?;
                send(plan, shared, sender, acknowledged, tell_done).await
            },
        ),
        Pattern::PubSub(subscribers) => sides::run(
            move || async move {
                let Ok(place) = place.await else { return Err(Failure::of(&plan.endpoint, "could not be bound")) };
                let mut receivers = Vec::new();
                for _ in 0..subscribers {
                    let receiver = AnySocket::new(SocketType::Sub, plan.options.clone());
                    receiver.subscribe("").map_err(|error| Failure::of(&place, error))?;
                    connect(&receiver, &place)?;
                    receivers.push(receiver);
                }
                receive(plan, shared, receivers, acknowledge, done).await
            },
            move || async move {
                let sender = AnySocket::new(SocketType::Pub, plan.options.clone());
                let _ = tell_place.send(bind(&sender, plan).await?);
                send(plan, shared, sender, acknowledged, tell_done).await
            },
        ),
    }
}

async fn bind(socket: &AnySocket, plan: &Plan) -> Result<Endpoint, Failure> {
    socket.bind(&plan.endpoint).await.map_err(|error| Failure::Error(error.to_string()))
}

fn connect(socket: &AnySocket, place: &Endpoint) -> Result<(), Failure> {
    socket.connect(place).map(drop).map_err(|error| Failure::Error(error.to_string()))
}

/// The sender: greets until everybody hears it, pings, then sends until it is enough.
async fn send(
    plan: &Plan,
    shared: &Shared,
    socket: AnySocket,
    mut acknowledged: mpsc::UnboundedReceiver<bool>,
    _tell_done: oneshot::Sender<()>,
) -> Result<(), Failure> {
    let failed = |error: bowline::SendError| Failure::of(&plan.endpoint, error);
    loop {
        // Two parts tell a greeting from what is measured.
        socket.send(Message::from_iter(["", ""])).await.map_err(failed)?;
        if let Ok(heard) = tokio::time::timeout(GREETING, acknowledged.recv()).await {
            if heard.is_none() {
                return Ok(());
            }
            break;
        }
    }
    let body = plan.body();
    loop {
        shared.pinged.store(shared.now(), Ordering::Release);
        socket.send(body.clone()).await.map_err(failed)?;
        match acknowledged.recv().await {
            Some(true) => {}
            Some(false) => break,
            None => return Ok(()),
        }
    }
    let turn = turn(plan.size);
    while !shared.enough.load(Ordering::Relaxed) {
        for _ in 0..turn {
            // `send` gives other tasks their turn every now and then; this loop does that itself.
            if let Err(error) = socket.try_send(body.clone()) {
                match error.kind {
                    SendErrorKind::WouldBlock => socket.send(*error.message).await.map_err(failed)?,
                    _ => return Err(failed(error)),
                }
            }
        }
        tokio::task::yield_now().await;
    }
    socket.stop();
    Ok(())
}

/// Messages of `size` bytes between two looks: large ones would make the sender deaf for long.
fn turn(size: usize) -> u32 {
    u32::try_from(TURN_BYTES / size.max(1)).unwrap_or(TURN).clamp(1, TURN)
}

impl Shared {
    fn now(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The receivers, all on this thread.
async fn receive(
    plan: &Plan,
    shared: &Shared,
    sockets: Vec<AnySocket>,
    acknowledge: mpsc::UnboundedSender<bool>,
    done: oneshot::Receiver<()>,
) -> Result<Figures, Failure> {
    let failed = |error: bowline::RecvError| Failure::of(&plan.endpoint, error);
    for socket in &sockets {
        socket.recv().await.map_err(failed)?;
    }
    // Each acknowledgement says whether one more ping is wanted.
    let _ = acknowledge.send(true);
    let mut latencies = Latencies::default();
    let begin = Instant::now();
    for ping in 1..=PINGS {
        let warm = ping > PINGS_TO_WARM_UP || begin.elapsed() >= plan.warm_up;
        for socket in &sockets {
            while socket.recv().await.map_err(failed)?.parts().len() > 1 {}
            let time = shared.now().saturating_sub(shared.pinged.load(Ordering::Acquire));
            if warm {
                latencies.add(Duration::from_nanos(time));
            }
        }
        let more = ping < PINGS && !(warm && begin.elapsed() >= plan.time);
        let _ = acknowledge.send(more);
        if !more {
            break;
        }
    }
    let count = Arc::new(AtomicU64::new(0));
    for socket in sockets {
        tokio::spawn(drain(socket, Arc::clone(&count)));
    }
    tokio::time::sleep(plan.warm_up).await;
    let (begin, before) = (Instant::now(), count.load(Ordering::Relaxed));
    tokio::time::sleep(plan.time).await;
    let (time, messages) = (begin.elapsed(), count.load(Ordering::Relaxed) - before);
    shared.enough.store(true, Ordering::Relaxed);
    // The sender may be waiting for room; it is drained until it has seen that it is enough.
    let _ = done.await;
    Ok(Figures { messages, time, latencies })
}

async fn drain(socket: AnySocket, count: Arc<AtomicU64>) {
    loop {
        let mut received = 0;
        while received < TURN {
            // Whatever has come is counted before waiting for more.
            match socket.try_recv() {
                Ok(_) => received += 1,
                Err(_) => break,
            }
        }
        count.fetch_add(u64::from(received), Ordering::Relaxed);
        if received == TURN {
            tokio::task::yield_now().await;
        } else if socket.recv().await.is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        } else {
            return;
        }
    }
}
