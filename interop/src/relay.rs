//! A TCP relay that stands between two peers and counts the heartbeats that pass.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::{Outcome, within};

/// What a heartbeat begins with.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    pings: [&'static [u8]; 2],
    pongs: [&'static [u8]; 2],
}

impl Words {
    /// Commands in clear. RFC 37
    pub const ZMTP: Self = Self { pings: [b"\x04PING"; 2], pongs: [b"\x04PONG"; 2] };
    /// Empty frames of WebSocket, of a server and of a client.
    pub const WEBSOCKET: Self = Self { pings: [b"\x89\x00", b"\x89\x80"], pongs: [b"\x8a\x00", b"\x8a\x80"] };
}

/// PINGs and PONGs that passed, by who sent them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beats {
    /// PINGs of the side that connected to the relay.
    pub pings_in: usize,
    /// PONGs of the side that connected to the relay.
    pub pongs_in: usize,
    /// PINGs of the side that the relay connected to.
    pub pings_out: usize,
    /// PONGs of the side that the relay connected to.
    pub pongs_out: usize,
}

/// Passes one connection on to another address. It ends, and cuts the connection, when it is dropped.
pub struct Relay {
    address: SocketAddr,
    beats: watch::Receiver<Beats>,
    task: AbortHandle,
}

impl Relay {
    /// Listens, and passes the first connection on to `target`.
    ///
    /// # Errors
    ///
    /// If the system has no port left.
    pub async fn to(target: SocketAddr, words: Words) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (sender, beats) = watch::channel(Beats::default());
        let task = tokio::spawn(async move { pass(listener, target, sender, words).await.ok() });
        Ok(Self { address, beats, task: task.abort_handle() })
    }

    /// The address that the relay listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the beats that passed are `enough`.
    ///
    /// # Errors
    ///
    /// If they are not in time; with those that were.
    pub async fn wait_for(&mut self, enough: impl FnMut(&Beats) -> bool) -> Outcome<Beats> {
        let waited = async { self.beats.wait_for(enough).await.map(|beats| *beats) };
        let waited = within("heartbeats through the relay", waited).await;
        waited.map_err(|error| format!("{error}; {:?}", *self.beats.borrow()))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    listener: TcpListener,
    target: SocketAddr,
    beats: watch::Sender<Beats>,
    words: Words,
) -> std::io::Result<()> {
    let (near, _) = listener.accept().await?;
    let far = TcpStream::connect(target).await?;
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    let inward = |beats: &mut Beats, pings, pongs| (beats.pings_in, beats.pongs_in) = (pings, pongs);
    let outward = |beats: &mut Beats, pings, pongs| (beats.pings_out, beats.pongs_out) = (pings, pongs);
    tokio::try_join!(
        copy(near_read, far_write, &beats, words, inward),
        copy(far_read, near_write, &beats, words, outward)
    )?;
    Ok(())
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    beats: &watch::Sender<Beats>,
    Words { pings, pongs }: Words,
    set: impl Fn(&mut Beats, usize, usize),
) -> std::io::Result<()> {
    // All of it is kept, so that a command counts also where a read cuts it; heartbeats are small.
    let mut seen = Vec::new();
    loop {
        let before = seen.len();
        if from.read_buf(&mut seen).await? == 0 {
            return to.shutdown().await;
        }
        to.write_all(&seen[before..]).await?;
        beats.send_modify(|beats| set(beats, occurrences(&seen, pings), occurrences(&seen, pongs)));
    }
}

fn occurrences(bytes: &[u8], words: [&[u8]; 2]) -> usize {
    bytes.windows(words[0].len()).filter(|window| words.contains(window)).count()
}
