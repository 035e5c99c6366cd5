//! How a connection leaves its stream.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Connection, write};
use crate::rt;

/// How long a peer may be silent after our last message is written, before we no longer wait for it to close.
///
/// A connection that is closed with unread bytes in it is reset, and so is one that bytes come for afterwards: a reset
/// may overtake what we have sent. A silent peer causes none, so the system delivers the rest without us.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long the farewell takes at the most: a peer that never falls silent must not keep a socket from closing.
const FAREWELL_MOST: Duration = Duration::from_secs(30);

/// How the stream is left.
#[derive(Debug)]
pub(super) enum Parting {
    /// The protocol may have something to say, as far as that goes without waiting.
    LastWords,
    /// All messages are written: the peer gets time to read them.
    Farewell,
    /// A message was written in part: whatever came now would land within it.
    Silent,
}

impl Connection {
    /// Leaves it, unless everything is to end at once.
    pub(super) async fn part(&mut self) {
        let stop = self.seat.core().stop.clone();
        match self.parting {
            Parting::Silent => {}
            Parting::LastWords => self.last_words(),
            Parting::Farewell => tokio::select! {
                biased;
                () = stop.cancelled() => {}
                _ = rt::timeout(FAREWELL_MOST, self.farewell()) => {}
            },
        }
    }

    /// Says what the link still has to say, an ERROR command for one, as far as that goes without waiting.
    fn last_words(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        while self.broken.is_none() {
            while !self.writing.is_empty() {
                let Poll::Ready(Ok(_)) = write(&mut self.link, &mut self.stream, &mut cx, &mut self.writing) else {
                    return;
                };
            }
            self.writing.clear();
            if !self.link.poll_transmit(&mut self.writing) {
                return self.stream.part();
            }
        }
    }

    /// Our side is done; reads and forgets what the peer still sends until it closes too, or falls silent.
    async fn farewell(&mut self) {
        if self.stream.shutdown().await.is_ok() {
            // Not in the future, of which every connection has one that long.
            let mut nowhere = vec![0; 4096];
            while let Ok(Ok(1..)) = rt::timeout(FAREWELL, self.stream.read(&mut nowhere)).await {}
        }
    }
}
