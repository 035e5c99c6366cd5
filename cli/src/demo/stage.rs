//! What all actors of the demo share.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bowline::{Endpoint, Options, Reconnect};
use tokio::sync::watch;

use super::account::Accounts;
use super::board::Board;
use crate::failure::{Failure, plain_io};

/// How far the demo has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Phase {
    /// Everybody talks; some are restarted.
    Running,
    /// Nothing new begins; what was begun is finished.
    Draining,
    /// Everybody leaves.
    Over,
}

pub(super) struct Stage {
    pub(super) started: Instant,
    pub(super) length: Duration,
    board: Mutex<Board>,
    accounts: Mutex<Accounts>,
    phase: watch::Sender<Phase>,
    /// Holds the ipc sockets.
    folder: PathBuf,
}

impl Stage {
    pub(super) fn new(length: Duration) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("bowline-demo-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| Failure::of(folder.display(), plain_io(&error)))?;
        Ok(Self {
            started: Instant::now(),
            length,
            board: Mutex::default(),
            accounts: Mutex::default(),
            phase: watch::Sender::new(Phase::Running),
            folder,
        })
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    pub(super) fn is_running(&self) -> bool {
        *self.phase.borrow() == Phase::Running
    }

    /// Waits until the demo has come as far as `phase`.
    pub(super) async fn reached(&self, phase: Phase) {
        let mut phases = self.phase.subscribe();
        // The sender lives as long as `self`, so this can't fail.
        let _ = phases.wait_for(|current| *current >= phase).await;
    }

    /// Waits until nothing is owed any longer.
    pub(super) async fn settled(&self) {
        while !self.accounts().settled() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Where the scene `name` can be found: one endpoint a transport. The system chooses the tcp port.
    pub(super) fn places(&self, name: &str) -> Result<Vec<Endpoint>, Failure> {
        let ipc = format!("ipc://{}", self.folder.join(name).display());
        ["tcp://127.0.0.1:0", &ipc, &format!("inproc://demo-{name}")]
            .into_iter()
            .map(|text| text.parse().map_err(|error: bowline::EndpointError| Failure::Error(error.to_string())))
            .collect()
    }

    /// Peers come back soon here: nobody wants to watch a pause.
    pub(super) fn options() -> Options {
        let pause = Reconnect::Exponential { min: Duration::from_millis(20), max: Duration::from_millis(200) };
        Options::new().reconnect(pause).linger(Some(Duration::from_secs(5)))
    }

    /// Removes what the demo has left in the file system.
    pub(super) fn tidy(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
