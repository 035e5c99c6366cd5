//! Where two sockets meet.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A transport that foreign peers can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Loopback TCP.
    Tcp,
    /// Unix domain sockets.
    Ipc,
}

impl Transport {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Ipc];

    /// A place that nobody has bound before: a port left to the system, or a new path.
    pub fn fresh(self) -> Place {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Place(match self {
            Self::Tcp => "tcp://127.0.0.1:*".into(),
            Self::Ipc => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let name = format!("bowline-interop-{}-{number}", std::process::id());
                format!("ipc://{}", std::env::temp_dir().join(name).display())
            }
        })
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
        })
    }
}

/// An endpoint to bind. When it is dropped, so is the file that libzmq leaves behind at an ipc path.
#[derive(Debug)]
pub struct Place(String);

impl Deref for Place {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(path) = self.0.strip_prefix("ipc://") {
            std::fs::remove_file(path).ok();
        }
    }
}
