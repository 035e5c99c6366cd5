//! A connection's seat at its socket: the one place where effects are performed.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bowline_proto::auth::Verdict;
use bowline_proto::engine::Halves;
use bowline_proto::error::HandshakeStage;
use bowline_proto::link::Effect;
use bowline_proto::pipe::{Inbox, lifecycle};
use bowline_proto::time::Instant;
use bowline_proto::{ConnectionId, DisconnectReason, MonitorEvent, MonitorKind, PeerInfo};

use super::admission::Permit;
use super::attendant::Attended;
use super::core::Core;
use super::judging::Judging;
use crate::observe::Counters;
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
    connection: ConnectionId,
    /// The pipe: a dialed endpoint's from the start, an accepted connection's from ready on.
    halves: Option<Halves>,
    /// In process, the inbox that an accepted connection's pipe is to have.
    inbox: Option<Arc<Inbox>>,
    /// In process, the peer's inbox that its pipe is to write to.
    direct: Option<Arc<Inbox>>,
    /// Somebody judges the peer.
    judging: Option<Judging>,
    peer: Option<Arc<PeerInfo>>,
    attached: bool,
    /// What the connection carries, where that is not for the pipe.
    attended: Option<Box<dyn Attended>>,
    /// The bytes that were read and written before the peer was attached.
    early: [usize; 2],
    ready_at: Option<Instant>,
    ended: Option<Box<Ended>>,
    /// What it counts for, of a peer that dialed us.
    permit: Option<Permit>,
}

impl Drop for Seat {
    /// A connection that did not come to its end: its runtime is gone.
    fn drop(&mut self) {
        if self.attached {
            self.detach();
            self.lost(&DisconnectReason::LocalClose);
            self.tell(MonitorKind::Disconnected(DisconnectReason::LocalClose));
        }
    }
}

impl Seat {
    /// The seat of a connection that the monitors have heard of; the pipe of a dialed endpoint comes with it.
    pub(crate) fn new(core: Arc<Core>, connection: ConnectionId, halves: Option<Halves>) -> Self {
        Self {
            core,
            connection,
            halves,
            inbox: None,
            direct: None,
            judging: None,
            peer: None,
            attached: false,
            attended: None,
            early: [0; 2],
            ready_at: None,
            ended: None,
            permit: None,
        }
    }

    /// The connection counts for the limits of those that peers have dialed.
    pub(crate) fn admitted(mut self, permit: Permit) -> Self {
        self.permit = Some(permit);
        self
    }

    /// In process, the pipe of the accepted connection will read from `inbox` and write straight into `direct`.
    pub(crate) fn in_process(mut self, inbox: Arc<Inbox>, direct: Arc<Inbox>) -> Self {
        (self.inbox, self.direct) = (Some(inbox), Some(direct));
        self
    }

    /// No connection comes of it: the two sockets do not want each other.
    pub(crate) fn refused(self, reason: DisconnectReason) {
        self.tell(MonitorKind::HandshakeFailed { stage: HandshakeStage::Ready, reason });
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.core.observer().counters
    }

    pub(crate) const fn connection(&self) -> ConnectionId {
        self.connection
    }

    pub(crate) fn halves(&self) -> Option<&Halves> {
        self.halves.as_ref()
    }

    /// What the connection carries, where that is not for the pipe.
    pub(crate) fn attended(&self) -> Option<&dyn Attended> {
        self.attended.as_deref()
    }

    /// Whether the last effect was performed.
    pub(crate) fn ended(&self) -> Option<&Ended> {
        self.ended.as_deref()
    }

    /// Whether somebody has dialed us who is no peer yet.
    pub(crate) fn is_newcomer(&self) -> bool {
        self.permit.as_ref().is_some_and(Permit::shakes_hands)
    }

    /// Whether somebody judges the peer: nothing is to be read of it.
    pub(crate) const fn is_judging(&self) -> bool {
        self.judging.is_some()
    }

    /// The verdict about the peer, when it is there.
    pub(crate) fn poll_judge(&mut self, cx: &mut Context<'_>) -> Option<Verdict> {
        let Poll::Ready(verdict) = self.judging.as_mut()?.poll(cx) else { return None };
        self.judging = None;
        Some(verdict)
    }

    /// The transport gave so many bytes.
    pub(crate) fn count_read(&mut self, bytes: usize) {
        self.counters().read(bytes);
        self.early[0] += bytes;
        self.pass_counts();
    }

    /// The transport took so many bytes.
    pub(crate) fn count_written(&mut self, bytes: usize) {
        self.counters().wrote(bytes);
        self.early[1] += bytes;
        self.pass_counts();
    }

    /// Nothing is read for a while; of some pauses the monitors hear how long they are.
    pub(crate) fn held(&self, told: Option<Duration>) {
        self.counters().held();
        if let Some(pause) = told {
            self.tell(MonitorKind::Slowed(pause));
        }
    }

    /// A peer's counts begin when it is attached: what it took to get there is counted then.
    fn pass_counts(&mut self) {
        if let Some(halves) = self.halves.as_ref().filter(|_| self.attached) {
            let [read, written] = std::mem::take(&mut self.early);
            halves.inbox.count_bytes(read);
            halves.outbox.count_bytes(written);
        }
    }

    /// Performs one effect.
    ///
    /// # Errors
    ///
    /// The reason why the socket refuses the peer.
    pub(crate) fn apply(&mut self, effect: Effect) -> Result<(), DisconnectReason> {
        match effect {
            Effect::Authenticate(request) => {
                self.judging = self.core.options.authenticator.as_ref().map(|judge| Judging::new(judge, *request));
            }
            Effect::Attach(peer) => return self.attach(peer),
            Effect::HandshakeSucceeded => {
                let told = MonitorEvent::new(rt::now(), MonitorKind::HandshakeSucceeded);
                let (connection, peer) = (Some(self.connection), self.peer.take());
                self.core.tell_event(MonitorEvent { connection, peer, ..told });
            }
            Effect::Ready => self.tell(MonitorKind::Ready),
            Effect::Detach => self.detach(),
            // The transport is dropped by its owner when this seat has ended.
            Effect::CloseIo => {}
            Effect::HandshakeFailed { stage, reason } => {
                self.tell(MonitorKind::HandshakeFailed { stage, reason });
            }
            Effect::Disconnected(reason) => {
                self.lost(&reason);
                self.tell(MonitorKind::Disconnected(reason));
            }
            Effect::Ended(reason) => {
                self.judging = None;
                self.ended = Some(Box::new(Ended { ready_at: self.ready_at, reason }));
            }
        }
        Ok(())
    }

    fn attach(&mut self, peer: PeerInfo) -> Result<(), DisconnectReason> {
        let peer = Arc::new(peer);
        self.peer = Some(Arc::clone(&peer));
        self.ready_at = Some(rt::now());
        if let Some(permit) = &mut self.permit {
            permit.has_shaken_hands();
        }
        let connection = self.connection;
        let (inbox, direct, halves) = (self.inbox.take(), self.direct.take(), &mut self.halves);
        let info = Arc::clone(&peer);
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
            engine.attach(halves.pipe, connection, peer).map(|()| true)
        })?;
        self.pass_counts();
        if let (true, Some(attendant)) = (self.attached, self.core.attendant()) {
            self.attended = Some(attendant.joined(connection, &info));
        }
        Ok(())
    }

    /// Whoever deals with the peer is done with it before anybody else hears.
    fn lost(&mut self, reason: &DisconnectReason) {
        if let Some(attended) = self.attended.take() {
            attended.lost(reason);
        }
    }

    fn detach(&mut self) {
        let Some(halves) = self.halves.as_ref().filter(|_| std::mem::take(&mut self.attached)) else { return };
        self.core.with(|engine| engine.detach(halves.pipe));
        // The pipe of an accepted connection has gone with it; of a dialed one, what only this peer had wanted.
        let dropped = halves.outbox.take_dropped();
        if dropped > 0 {
            self.tell(MonitorKind::Dropped(dropped));
        }
    }

    fn tell(&self, kind: MonitorKind) {
        self.core.tell_of(self.connection, kind);
    }
}
