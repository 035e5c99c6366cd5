//! Where two sockets meet.

use std::fmt;
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

    /// An endpoint that nobody has bound before: a port left to the system, or a new path.
    pub fn fresh(self) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        match self {
            Self::Tcp => "tcp://127.0.0.1:*".into(),
            Self::Ipc => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let name = format!("bowline-interop-{}-{number}", std::process::id());
                format!("ipc://{}", std::env::temp_dir().join(name).display())
            }
        }
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
