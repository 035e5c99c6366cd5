//! What passes on a connection in process that does not go by the pipes.

use std::sync::Arc;
use std::task::{Context, Poll};

use bowline_proto::message::Queue;
use bowline_proto::mux::frame;
use bowline_proto::pipe::{Inbox, Mailbox, PipeId, Signal, Wait, Waiting, Wakes};
use bowline_proto::{DisconnectReason, Part};

use super::attendant::Attended;
use crate::rt;

/// How often both directions are served before other tasks have their turn.
const ROUNDS: usize = 4;

/// The two inboxes of a connection in process, as one side sees them that deals with its messages itself. The other side
/// may be one like it, or a socket.
#[derive(Debug)]
pub(super) struct Passage {
    /// Where the inboxes post their edges: not to the socket, which does not look.
    mailbox: Arc<Mailbox>,
    edges: Vec<Signal>,
    waits: [Wait; 2],
    pipe: PipeId,
    /// What the peer sends.
    near: Arc<Inbox>,
    /// What it receives, and until when it is the same peer.
    far: Arc<Inbox>,
    era: u64,
    /// What was taken out of the inbox, and is still to be taken in.
    waiting: Queue,
}

impl Passage {
    pub(super) fn new(pipe: PipeId, near: Arc<Inbox>, far: Arc<Inbox>) -> Self {
        let mailbox = Arc::<Mailbox>::default();
        let mut wakes = Wakes::new();
        near.attach_reader(Arc::clone(&mailbox), pipe, &mut wakes);
        wakes.wake();
        let waits = [Waiting::Recv, Waiting::Send].map(|waiting| mailbox.wait(waiting));
        let era = far.era();
        Self { mailbox, edges: Vec::new(), waits, pipe, near, far, era, waiting: Queue::new() }
    }

    /// Lets pass what can; ready when there is nothing more for now.
    ///
    /// # Errors
    ///
    /// Why the connection is to end.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, attended: &dyn Attended) -> Poll<Result<(), DisconnectReason>> {
        for _ in 0..ROUNDS {
            // Both directions are looked at below, so the edges that have come say nothing new.
            self.mailbox.collect(&mut self.edges);
            self.edges.clear();
            let taken = self.take(attended)?;
            if self.give(cx, attended) || taken {
                continue;
            }
            if self.waits.iter_mut().all(|wait| wait.register(cx.waker())) {
                return Poll::Ready(Ok(()));
            }
        }
        rt::poll_yield(cx)
    }

    /// Takes what has come, a turn of it; whether there was anything.
    fn take(&mut self, attended: &dyn Attended) -> Result<bool, DisconnectReason> {
        if self.waiting.is_empty() {
            let mut wakes = Wakes::new();
            self.near.take(&mut self.waiting, &mut wakes);
            wakes.wake();
        }
        if self.waiting.is_empty() {
            return Ok(false);
        }
        attended.take(&mut self.waiting, false).map(|()| true)
    }

    /// Takes all that has come. The peer is gone, so there is no more.
    pub(super) fn take_rest(&mut self, attended: &dyn Attended) {
        while let Ok(true) = self.take(attended) {}
    }

    /// Gives what the peer has room for; whether there was anything.
    fn give(&self, cx: &Context<'_>, attended: &dyn Attended) -> bool {
        let writer = (&self.mailbox, self.pipe);
        if !self.far.has_room(self.era, writer) {
            return false;
        }
        let mut wakes = Wakes::new();
        let mut give = |header: &[u8], payload: &Part| {
            // There is room, or the peer is gone.
            let _pushed = self.far.push(&frame::message(header, payload), self.era, writer, &mut wakes);
            self.far.has_room(self.era, writer)
        };
        let given = attended.poll_give(cx, &mut give);
        wakes.wake();
        given.is_ready()
    }
}

impl Drop for Passage {
    /// What came and was not taken is not for the next connection of the same endpoint.
    fn drop(&mut self) {
        let mut wakes = Wakes::new();
        self.near.take(&mut Queue::new(), &mut wakes);
        wakes.wake();
    }
}
