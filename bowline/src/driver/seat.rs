//! A connection's seat at its socket: the one place where effects are performed.

use std::sync::Arc;

use bowline_proto::engine::Halves;
use bowline_proto::link::Effect;
use bowline_proto::pipe::{Inbox, lifecycle};
use bowline_proto::time::Instant;
use bowline_proto::{ConnectionId, DisconnectReason, Endpoint, MonitorKind, PeerInfo};

use super::core::Core;
use crate::rt;

/// How a connection ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// When it was ready, if it ever was.
    pub(crate) ready_at: Option<Instant>,
    /// Why.
    pub(crate) reason: DisconnectReason,
}

/// One connection, as its socket sees it.
#[derive(Debug)]
pub(crate) struct Seat {
    core: Arc<Core>,
    endpoint: Endpoint,
    connection: ConnectionId,
    /// The pipe: a dialed endpoint's from the start, an accepted connection's from ready on.
    halves: Option<Halves>,
    /// In process, the inbox that an accepted connection's pipe is to have.
    inbox: Option<Arc<Inbox>>,
    /// In process, the peer's inbox that its pipe is to write to.
    direct: Option<Arc<Inbox>>,
    peer: Option<PeerInfo>,
    attached: bool,
    ready_at: Option<Instant>,
    ended: Option<Ended>,
}

impl Drop for Seat {
    /// A connection that did not come to its end: its runtime is gone.
    fn drop(&mut self) {
        if self.attached {
            self.detach();
            self.emit(MonitorKind::Disconnected(DisconnectReason::LocalClose));
        }
    }
}

impl Seat {
    pub(crate) fn new(core: Arc<Core>, endpoint: Endpoint, connection: ConnectionId, halves: Option<Halves>) -> Self {
        Self {
            core,
            endpoint,
            connection,
            halves,
            inbox: None,
            direct: None,
            peer: None,
            attached: false,
            ready_at: None,
            ended: None,
        }
    }

    /// The pipe of the accepted connection will read from `inbox`.
    pub(crate) fn with_inbox(mut self, inbox: Arc<Inbox>) -> Self {
        self.inbox = Some(inbox);
        self
    }

    /// The pipe of the accepted connection will write straight into `inbox`.
    pub(crate) fn direct_to(&mut self, inbox: Arc<Inbox>) {
        self.direct = Some(inbox);
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) fn halves(&self) -> Option<&Halves> {
        self.halves.as_ref()
    }

    /// Whether the last effect was performed.
    pub(crate) fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Performs one effect.
    ///
    /// # Errors
    ///
    /// The reason why the socket refuses the peer.
    pub(crate) fn apply(&mut self, effect: Effect) -> Result<(), DisconnectReason> {
        match effect {
            Effect::Attach(peer) => return self.attach(peer),
            Effect::HandshakeSucceeded => {
                if let Some(peer) = self.peer.take() {
                    self.emit(MonitorKind::HandshakeSucceeded(peer));
                }
            }
            Effect::Ready => self.emit(MonitorKind::Ready),
            Effect::Detach => self.detach(),
            // The transport is dropped by its owner when this seat has ended.
            Effect::CloseIo => {}
            Effect::HandshakeFailed { stage, reason } => {
                self.emit(MonitorKind::HandshakeFailed { stage, reason });
            }
            Effect::Disconnected(reason) => {
                self.emit(MonitorKind::Disconnected(reason));
            }
            Effect::Ended(reason) => self.ended = Some(Ended { ready_at: self.ready_at, reason }),
        }
        Ok(())
    }

    fn attach(&mut self, peer: PeerInfo) -> Result<(), DisconnectReason> {
        self.peer = Some(peer.clone());
        self.ready_at = Some(rt::now());
        let (inbox, direct, halves) = (self.inbox.take(), self.direct.take(), &mut self.halves);
        // Under one lock: in process the peer's messages are there already, and can be answered as soon as it ends.
        self.attached = self.core.with(|engine| {
            if halves.is_none() {
                *halves = match inbox {
                    Some(inbox) => engine.accept_with(inbox),
                    None => engine.accept(),
                };
            }
            let Some(halves) = halves else { return Err(DisconnectReason::LocalClose) };
            if halves.outbox.state() != lifecycle::State::Active {
                // The pattern has let go of the pipe: the connection is there for what waits in it.
                return Ok(false);
            }
            if let Some(inbox) = direct {
                engine.direct(halves.pipe, inbox);
            }
            engine.attach(halves.pipe, peer).map(|()| true)
        })?;
        Ok(())
    }

    fn detach(&mut self) {
        if let Some(halves) = self.halves.as_ref().filter(|_| std::mem::take(&mut self.attached)) {
            self.core.with(|engine| engine.detach(halves.pipe));
        }
    }

    fn emit(&self, kind: MonitorKind) {
        self.core.emit(Some(&self.endpoint), Some(self.connection), kind);
    }
}
