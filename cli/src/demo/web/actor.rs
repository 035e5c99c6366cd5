//! Somebody whom the page connects to: opened, at work, stalled, cut, restarted.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bowline::axum::{Upgrade, upgrade};
use bowline::rpc::Server;
use bowline::{ConnectionId, Message, Monitor, MonitorKind, Options, Pub, Router};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use super::counter::Counter;
use super::services::{ControlServer, Orders, Toybox, ToysServer};
use crate::event;
use crate::failure::Failure;

/// How long somebody who is restarted stays away, so that the absence can be seen.
const ABSENCE: Duration = Duration::from_millis(1500);
/// How often it is told how many connections there are.
const STANDING: Duration = Duration::from_secs(1);
/// What a tick carries when as many are sent as go, in bytes.
const FLOOD: usize = 64;

/// What is to be done to an actor.
#[derive(Debug)]
pub(super) enum Order {
    /// End all connections; how many it were.
    Cut(oneshot::Sender<u32>),
    /// Do nothing for so long.
    Stall(Duration),
    /// Go without a word, and come back.
    Restart,
}

/// One that can be opened again and again.
pub(super) trait Part: Sized + Send + Sync + 'static {
    fn open(options: &Options, script: &Script) -> Result<Self, Failure>;

    fn upgrade(&self) -> Upgrade;

    fn monitor(&self) -> Monitor;

    fn connections(&self) -> Vec<ConnectionId>;

    fn cut(&self, connection: ConnectionId) -> bool;

    /// What it does all the time. It may be dropped at any point.
    fn work(&self, script: &Script) -> impl Future<Output = ()> + Send;

    fn stop(&self);
}

/// What the actors play by.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) control: Orders,
    /// Ticks in a second; 0 for as many as go.
    pub(super) pace: Arc<AtomicU32>,
    /// Tells the page what the actors hear of their connections.
    pub(super) events: Pub,
}

/// Plays a part until it is dropped, or can't be opened.
pub(super) async fn play<P: Part>(
    name: &'static str,
    options: Options,
    counter: Counter,
    script: Script,
    mut orders: mpsc::Receiver<Order>,
) -> Result<(), Failure> {
    loop {
        let part = P::open(&options, &script)?;
        let follower = tokio::spawn(follow(name, part.monitor(), script.events.clone()));
        counter.staff(Some(part.upgrade()));
        perform(&part, &script, &mut orders).await;
        counter.staff(None);
        part.stop();
        // It ends with the last event of the socket, which has stopped.
        let _ended = follower.await;
        tokio::time::sleep(ABSENCE).await;
    }
}

/// At work until a restart.
async fn perform<P: Part>(part: &P, script: &Script, orders: &mut mpsc::Receiver<Order>) {
    let mut stalled: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            Some(order) = orders.recv() => match order {
                Order::Restart => return,
                Order::Stall(time) => stalled = Some(Instant::now() + time),
                Order::Cut(answer) => {
                    let cut = part.connections().into_iter().filter(|&connection| part.cut(connection)).count();
                    // Who has asked may have been cut itself.
                    let _ = answer.send(u32::try_from(cut).unwrap_or(u32::MAX));
                }
            },
            () = tokio::time::sleep_until(stalled.unwrap_or_else(Instant::now)), if stalled.is_some() => stalled = None,
            () = part.work(script), if stalled.is_none() => {}
        }
    }
}

/// Publishes what is heard of connections, each event as an object of JSON; and again and again how many are ready, for a page
/// that was not there when they came.
async fn follow(name: &'static str, mut monitor: Monitor, events: Pub) {
    let mut ready = HashSet::new();
    let mut beat = tokio::time::interval(STANDING);
    loop {
        let mut object = tokio::select! {
            _ = beat.tick() => json!({"event": "standing", "ready": ready.len()}),
            heard = monitor.next() => {
                let Some(heard) = heard else { return };
                match (&heard.kind, heard.connection) {
                    (MonitorKind::Ready, Some(connection)) => _ = ready.insert(connection),
                    (MonitorKind::Disconnected(_), Some(connection)) => _ = ready.remove(&connection),
                    _ => {}
                }
                event::object(&heard)
            }
        };
        object["at"] = name.into();
        // A page that reads no events has no need of them.
        let _ = events.try_send(object.to_string());
    }
}

/// What sockets and servers have by the same names.
macro_rules! verbs {
    () => {
        fn upgrade(&self) -> Upgrade {
            upgrade(self)
        }

        fn monitor(&self) -> Monitor {
            self.monitor()
        }

        fn connections(&self) -> Vec<ConnectionId> {
            self.peers().iter().map(|peer| peer.connection).collect()
        }

        fn cut(&self, connection: ConnectionId) -> bool {
            self.disconnect_peer(connection).is_ok()
        }

        fn stop(&self) {
            self.stop();
        }
    };
}

impl Part for Pub {
    fn open(options: &Options, _script: &Script) -> Result<Self, Failure> {
        Ok(Self::with_options(options.clone()))
    }

    verbs!();

    /// Ticks.
    async fn work(&self, script: &Script) {
        let pace = script.pace.load(Ordering::Relaxed);
        if pace == 0 {
            let tick = Message::from(vec![b'.'; FLOOD]);
            while script.pace.load(Ordering::Relaxed) == 0 {
                if self.send(tick.clone()).await.is_err() {
                    return std::future::pending().await;
                }
            }
            return;
        }
        let mut beat = tokio::time::interval(Duration::from_secs(1) / pace);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 1_u64.. {
            beat.tick().await;
            if script.pace.load(Ordering::Relaxed) != pace {
                return;
            }
            if self.send(format!("tick {number}")).await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

impl Part for Router {
    fn open(options: &Options, _script: &Script) -> Result<Self, Failure> {
        Ok(Self::with_options(options.clone()))
    }

    verbs!();

    /// Sends back what comes.
    async fn work(&self, _script: &Script) {
        while let Ok(message) = self.recv().await {
            // To a peer that has gone meanwhile nothing goes.
            let _ = self.send(message).await;
        }
        std::future::pending::<()>().await;
    }
}

impl Part for Server {
    fn open(options: &Options, script: &Script) -> Result<Self, Failure> {
        let builder = Self::builder().options(options.clone()).service(ToysServer::new(Toybox));
        let builder = builder.service(ControlServer::new(script.control.clone()));
        builder.build().map_err(|clash| Failure::Error(clash.to_string()))
    }

    verbs!();

    /// Its handlers have tasks of their own.
    async fn work(&self, _script: &Script) {
        std::future::pending::<()>().await;
    }
}
