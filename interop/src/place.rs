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
    /// WebSocket over loopback TCP. Needs a [`Peer`](crate::Peer) with a libzmq that has it.
    Ws,
}

impl Transport {
    /// Those that pyzmq has as it comes.
    pub const USUAL: [Self; 2] = [Self::Tcp, Self::Ipc];
    /// All that there are here: only on Linux can pyzmq be given another libzmq.
    #[cfg(target_os = "linux")]
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Ipc, Self::Ws];
    /// All that there are here.
    #[cfg(not(target_os = "linux"))]
    pub const ALL: [Self; 2] = Self::USUAL;

    /// A place that nobody has bound before: a port left to the system, or a new path.
    pub fn fresh(self) -> Place {
        match self {
            Self::Tcp => Place("tcp://127.0.0.1:*".into()),
            Self::Ws => Place("ws://127.0.0.1:*".into()),
            Self::Ipc => self.lasting(),
        }
    }

    /// A place that nobody else will bind while its peer is away: an address of our own, or a new path.
    pub fn lasting(self) -> Place {
        Place(match self {
            // No other program takes a port of this address by chance, and no connection gets it for its own end.
            Self::Tcp | Self::Ws => {
                let (process, number) = (std::process::id(), serial());
                format!("{self}://127.{}.{}.{}:5555", process / 250 % 250 + 1, process % 250 + 1, number % 250 + 1)
            }
            Self::Ipc => format!("ipc://{}", std::env::temp_dir().join(format!("{}{}", prefix(), serial())).display()),
        })
    }
}

/// What the names of this process begin with: files of ipc endpoints, abstract names, names in process.
pub fn prefix() -> String {
    format!("bowline-interop-{}-", std::process::id())
}

/// Tells the places of this process apart.
pub fn serial() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
            Self::Ws => "ws",
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
