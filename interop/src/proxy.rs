//! A TCP proxy that breaks the connections it passes on.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::{Outcome, within};

/// What becomes of a connection. Numbers count the bytes of the side that connected to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All is passed on.
    Pass,
    /// After so many bytes both sides are reset.
    Reset(usize),
    /// After so many bytes both sides are closed.
    Cut(usize),
    /// After so many bytes nothing passes any more, in neither direction, until [`Proxy::release`].
    Stall(usize),
    /// Each byte is passed on by itself.
    Drip,
    /// Whatever is read waits for so long before it is passed on.
    Delay(Duration),
}

/// Passes connections on to another address. It ends, and cuts them, when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    flows: watch::Sender<bool>,
    task: AbortHandle,
}

impl Proxy {
    /// Listens, and passes connections on to `target`: the first with the first of the fates, and so on. What comes
    /// after the last is passed on unharmed.
    ///
    /// # Errors
    ///
    /// If `target` is no TCP endpoint with an address, or the system has no port left.
    pub async fn to(target: &str, fates: impl IntoIterator<Item = Fate>) -> Outcome<Self> {
        let target = address(target)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let flows = watch::Sender::new(true);
        let fates: Vec<_> = fates.into_iter().collect();
        let task = tokio::spawn(serve(listener, target, fates, flows.clone()));
        Ok(Self { address, flows, task: task.abort_handle() })
    }

    /// The endpoint that the proxy listens on.
    pub fn endpoint(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Waits until a connection stalls.
    ///
    /// # Errors
    ///
    /// If none does in time.
    pub async fn stalled(&self) -> Outcome {
        let mut flows = self.flows.subscribe();
        let stalled = async { flows.wait_for(|flows| !flows).await.map(drop) };
        within("a connection that stalls", stalled).await
    }

    /// Lets a stalled connection go on.
    pub fn release(&self) {
        self.flows.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The address of a TCP endpoint.
///
/// # Errors
///
/// If it is none.
pub fn address(endpoint: &str) -> Outcome<SocketAddr> {
    let address = endpoint.strip_prefix("tcp://").unwrap_or(endpoint);
    address.parse().map_err(|error| format!("{endpoint}: {error}"))
}

async fn serve(listener: TcpListener, target: SocketAddr, fates: Vec<Fate>, flows: watch::Sender<bool>) {
    let mut connections = JoinSet::new();
    let mut fates = fates.into_iter();
    while let Ok((near, _)) = listener.accept().await {
        // What has ended is forgotten, so that the proxy does not grow.
        while connections.try_join_next().is_some() {}
        let fate = fates.next().unwrap_or(Fate::Pass);
        connections.spawn(pass(near, target, fate, flows.clone()));
    }
}

async fn pass(mut near: TcpStream, target: SocketAddr, fate: Fate, flows: watch::Sender<bool>) {
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    for stream in [&near, &far] {
        stream.set_nodelay(true).ok();
    }
    let passed = {
        let ((near_in, near_out), (far_in, far_out)) = (near.split(), far.split());
        tokio::try_join!(copy(near_in, far_out, fate, true, &flows), copy(far_in, near_out, fate, false, &flows))
    };
    if let (Err(End::Fate), Fate::Reset(_)) = (passed, fate) {
        for stream in [&near, &far] {
            stream.set_zero_linger().ok();
        }
    }
}

/// Why a connection does not go on.
enum End {
    /// It was its fate.
    Fate,
    /// A side is gone.
    Gone,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

async fn copy(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    fate: Fate,
    is_inward: bool,
    flows: &watch::Sender<bool>,
) -> Result<(), End> {
    let mut left = match fate {
        Fate::Reset(bytes) | Fate::Cut(bytes) | Fate::Stall(bytes) if is_inward => bytes,
        _ => usize::MAX,
    };
    let mut buffer = vec![0; 16 * 1024];
    loop {
        if left == 0 {
            let Fate::Stall(_) = fate else { return Err(End::Fate) };
            flows.send_replace(false);
            left = usize::MAX;
        }
        flows.subscribe().wait_for(|flows| *flows).await.map_err(|_| End::Gone)?;
        let most = left.min(buffer.len());
        let read = from.read(&mut buffer[..most]).await;
        // An end does not pass either.
        flows.subscribe().wait_for(|flows| *flows).await.map_err(|_| End::Gone)?;
        let n = read?;
        if n == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        left -= n;
        match fate {
            Fate::Drip => {
                for byte in &buffer[..n] {
                    to.write_all(std::slice::from_ref(byte)).await?;
                    tokio::task::yield_now().await;
                }
            }
            // The fault is that time passes.
            Fate::Delay(delay) => {
                tokio::time::sleep(delay).await;
                to.write_all(&buffer[..n]).await?;
            }
            _ => to.write_all(&buffer[..n]).await?,
        }
    }
}
