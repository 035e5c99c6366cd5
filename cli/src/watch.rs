//! What a run says about its connections on standard error while it goes on.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bowline::auth::Code;
use bowline::{AnySocket, DisconnectReason, Endpoint, Monitor, MonitorEvent, MonitorKind};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::event;

/// Different troubles that a run tells of without `-vv`. A port scan should not fill a log.
const MOST_TOLD: usize = 100;

/// Attempts to connect that fail before it is told. Peers may come in any order, and one that comes a moment later is
/// nothing to talk about.
const FAILURES_UNTIL_TOLD: u32 = 2;

/// Follows the lifecycle events of one socket.
///
/// Even a quiet run needs them: a peer that never shows up is explained by the last failed attempt, and a peer that
/// will never talk to us should not look like one that is merely late.
pub(crate) struct Watch {
    seen: Mutex<Seen>,
    changed: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Seen {
    verbosity: u8,
    last_trouble: Option<String>,
    told: HashSet<String>,
    /// Attempts that failed since the endpoint last had a peer.
    failures: HashMap<Endpoint, u32>,
    /// A run with a timeout says at its end what it missed.
    patient: bool,
    /// Endpoints that may still give a peer.
    alive: usize,
    given_up: Option<String>,
}

impl Watch {
    /// `patient` is for a run that waits for its peers as long as it takes.
    pub(crate) fn start(socket: &AnySocket, verbosity: u8, endpoints: usize, patient: bool) -> Arc<Self> {
        let seen = Seen {
            verbosity,
            last_trouble: None,
            told: HashSet::new(),
            failures: HashMap::new(),
            patient,
            alive: endpoints,
            given_up: None,
        };
        let watch = Arc::new(Self { seen: Mutex::new(seen), changed: Notify::new(), task: Mutex::new(None) });
        let task = tokio::spawn(Arc::clone(&watch).follow(socket.monitor()));
        *watch.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        watch
    }

    async fn follow(self: Arc<Self>, mut monitor: Monitor) {
        while let Some(event) = monitor.next().await {
            self.seen().take(&event);
            self.changed.notify_waiters();
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the last attempt to get a peer failed, if one did.
    pub(crate) fn last_trouble(&self) -> Option<String> {
        self.seen().last_trouble.clone()
    }

    /// Waits until every endpoint has been given up, and says why the last one was.
    pub(crate) async fn given_up(&self) -> String {
        loop {
            let changed = self.changed.notified();
            if let Some(why) = self.seen().given_up.clone() {
                return why;
            }
            changed.await;
        }
    }

    /// Waits for the next lifecycle event.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Waits until the events of a closed socket have been told.
    pub(crate) async fn finish(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}

impl Seen {
    fn take(&mut self, event: &MonitorEvent) {
        if self.verbosity >= 2 {
            crate::note!("{}", event::line(event));
        }
        let trouble = || event::line(&MonitorEvent { connection: None, ..event.clone() });
        match &event.kind {
            MonitorKind::Ready => {
                self.last_trouble = None;
                if let Some(endpoint) = &event.endpoint {
                    self.failures.remove(endpoint);
                }
            }
            MonitorKind::HandshakeFailed { reason, .. } => {
                let trouble = trouble();
                // Attempts go on and fail alike; once is enough. A refusal ends them, which is told on its own, unless it is
                // for now.
                let is_refused = matches!(reason, DisconnectReason::HandshakeRefused { .. });
                let goes_on = !is_refused || reason.code() == Some(Code::Temporary);
                if goes_on && self.verbosity < 2 && self.told.len() < MOST_TOLD && self.told.insert(trouble.clone()) {
                    crate::note!("{trouble}");
                }
                self.last_trouble = Some(trouble);
            }
            MonitorKind::ConnectRetried { cause: Some(cause), .. } => {
                self.last_trouble = Some(trouble());
                self.tell_of_nobody(event, *cause);
            }
            MonitorKind::AcceptFailed(_) => self.last_trouble = Some(trouble()),
            MonitorKind::ConnectStopped(reason) if *reason != DisconnectReason::LocalClose => {
                self.alive = self.alive.saturating_sub(1);
                if self.alive == 0 {
                    self.given_up = Some(trouble());
                }
            }
            _ => {}
        }
    }

    /// A run that only waits, and says nothing, looks broken to whoever mistyped a port.
    fn tell_of_nobody(&mut self, event: &MonitorEvent, cause: io::ErrorKind) {
        let Some(endpoint) = &event.endpoint else { return };
        let failures = self.failures.entry(endpoint.clone()).or_default();
        *failures = failures.saturating_add(1);
        if *failures == FAILURES_UNTIL_TOLD && self.patient && self.verbosity < 2 {
            crate::note!("{endpoint}: {}; trying again until a peer is there", event::io_words(event, cause));
        }
    }
}
