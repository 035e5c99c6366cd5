//! The state of a socket, as its events tell it.

use std::ops::Range;
use std::sync::Arc;

use super::{ConnectionId, MonitorEvent, MonitorKind, TransportState};
use crate::Endpoint;
use crate::error::DisconnectReason;
use crate::map::Sorted;
use crate::peer::PeerInfo;
use crate::time::Instant;

/// All endpoints and connections of a socket at one moment.
///
/// It is what its events add up to: whoever [applies](Self::apply) the events that come after a snapshot to it has the
/// snapshot of a later moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    listening: Vec<Endpoint>,
    /// In the order of their endpoints. One entry for each `connect`: two to the same endpoint are alike, so any of them
    /// will do.
    #[expect(clippy::vec_box, reason = "an entry that comes or goes moves those behind it")]
    dialed: Vec<Box<Dialed>>,
    // Boxed, here and above: most sockets have one of each, and a node of the tree has room for eleven.
    connections: Sorted<ConnectionId, Box<Connection>>,
    ready: usize,
    is_stopped: bool,
}

/// An endpoint that the socket connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialed {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The latest attempt.
    pub connection: ConnectionId,
    /// Its number: 1 for the first since the endpoint last had a stable connection.
    pub attempt: u32,
    /// How far it came.
    pub stage: DialStage,
}

/// Where a dialed endpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialStage {
    /// The transport is connecting.
    Connecting,
    /// There is a connection, ready or in its handshake.
    Connected,
    /// The next attempt waits.
    Waiting {
        /// Until then.
        until: Instant,
    },
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The endpoint that it was made or accepted at.
    pub endpoint: Option<Endpoint>,
    /// The number of the attempt, if we made it.
    pub attempt: Option<u32>,
    /// The peer's address; empty in process.
    pub address: String,
    /// The peer, once the handshake has succeeded.
    pub peer: Option<Arc<PeerInfo>>,
    /// How far it came.
    pub stage: Stage,
    /// Since when it stands there.
    pub since: Instant,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Greetings, security, metadata.
    Handshaking,
    /// Messages flow.
    Ready,
}

impl Snapshot {
    /// The endpoints that are bound.
    pub fn listening(&self) -> &[Endpoint] {
        &self.listening
    }

    /// The endpoints that are connected to, once for each `connect`.
    pub fn dialed(&self) -> impl Iterator<Item = &Dialed> {
        self.dialed.iter().map(|dialed| &**dialed)
    }

    /// The connections, oldest first.
    pub fn connections(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.connections.iter().map(|(id, connection)| (*id, &**connection))
    }

    /// A connection, while it is there.
    pub fn connection(&self, id: ConnectionId) -> Option<&Connection> {
        self.connections.get(&id).map(|connection| &**connection)
    }

    /// How many connections are ready.
    pub const fn ready(&self) -> usize {
        self.ready
    }

    /// Whether the socket is closed for good.
    pub const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// What it comes to.
    pub fn state(&self) -> TransportState {
        match (self.ready > 0, self.dialed.is_empty()) {
            (true, _) => TransportState::Connected,
            (false, false) => TransportState::Connecting,
            (false, true) => TransportState::Disconnected,
        }
    }

    /// Adds to an event of a connection what is known of that.
    pub fn complete(&self, event: &mut MonitorEvent) {
        let Some(connection) = event.connection.and_then(|id| self.connections.get(&id)) else { return };
        if event.endpoint.is_none() {
            event.endpoint.clone_from(&connection.endpoint);
        }
        event.attempt = event.attempt.or(connection.attempt);
        if event.peer.is_none() {
            event.peer.clone_from(&connection.peer);
        }
    }

    /// Takes an event in.
    pub fn apply(&mut self, event: &MonitorEvent) {
        match &event.kind {
            MonitorKind::Listening => self.listening.extend(event.endpoint.clone()),
            MonitorKind::Closed => {
                let at = self.listening.iter().position(|endpoint| Some(endpoint) == event.endpoint.as_ref());
                at.map(|at| self.listening.remove(at));
            }
            MonitorKind::Connecting => self.dial(event),
            MonitorKind::ConnectRetried { delay, .. } => {
                self.move_dialed(event, DialStage::Waiting { until: event.time + *delay });
            }
            MonitorKind::ConnectStopped(_) => self.give_up(event),
            MonitorKind::Connected { address } => {
                self.move_dialed(event, DialStage::Connected);
                self.begin(event, address);
            }
            MonitorKind::Accepted { address } => self.begin(event, address),
            MonitorKind::HandshakeSucceeded => {
                if let Some(connection) = self.of(event) {
                    connection.peer.clone_from(&event.peer);
                }
            }
            MonitorKind::Ready => {
                if let Some(connection) = self.of(event) {
                    (connection.stage, connection.since) = (Stage::Ready, event.time);
                    self.ready += 1;
                }
            }
            MonitorKind::HandshakeFailed { reason, .. } | MonitorKind::Disconnected(reason) => {
                let gone = event.connection.and_then(|id| self.connections.remove(&id));
                self.ready -= usize::from(gone.is_some_and(|gone| gone.stage == Stage::Ready));
                // No attempt follows on our own close, though it may take a while until that is told.
                if *reason == DisconnectReason::LocalClose {
                    self.give_up(event);
                }
            }
            MonitorKind::Stopped => self.is_stopped = true,
            MonitorKind::BindFailed(_)
            | MonitorKind::AcceptFailed(_)
            | MonitorKind::AcceptRefused { .. }
            | MonitorKind::ConnectDelayed
            | MonitorKind::Subscribed(_)
            | MonitorKind::Unsubscribed(_)
            | MonitorKind::Slowed(_)
            | MonitorKind::Dropped(_)
            | MonitorKind::TlsNotReloaded(_)
            | MonitorKind::Lagged(_) => {}
        }
    }

    fn of(&mut self, event: &MonitorEvent) -> Option<&mut Connection> {
        self.connections.get_mut(&event.connection?).map(|connection| &mut **connection)
    }

    fn begin(&mut self, event: &MonitorEvent, address: &str) {
        let Some(id) = event.connection else { return };
        let connection = Connection {
            endpoint: event.endpoint.clone(),
            attempt: event.attempt,
            address: address.to_owned(),
            peer: None,
            stage: Stage::Handshaking,
            since: event.time,
        };
        self.connections.insert(id, Box::new(connection));
    }

    fn dial(&mut self, event: &MonitorEvent) {
        let (Some(endpoint), Some(connection)) = (event.endpoint.clone(), event.connection) else { return };
        let entries = self.dialed_to(&endpoint);
        let end = entries.end;
        let waits = |dialed: &Dialed| matches!(dialed.stage, DialStage::Waiting { .. });
        let waiting = entries.into_iter().find(|&at| waits(&self.dialed[at]));
        let attempt = event.attempt.unwrap_or(1);
        let dialed = Box::new(Dialed { endpoint, connection, attempt, stage: DialStage::Connecting });
        // At the end of its like: of several that wait, the one that has waited longest goes first.
        match waiting {
            Some(at) => {
                self.dialed[at] = dialed;
                self.dialed[at..end].rotate_left(1);
            }
            None => self.dialed.insert(end, dialed),
        }
    }

    fn move_dialed(&mut self, event: &MonitorEvent, stage: DialStage) {
        if let Some(at) = self.dialed_at(event) {
            self.dialed[at].stage = stage;
        }
    }

    fn give_up(&mut self, event: &MonitorEvent) {
        if let Some(at) = self.dialed_at(event) {
            self.dialed.remove(at);
        }
    }

    /// Where the entries of an endpoint stand, or would.
    fn dialed_to(&self, endpoint: &Endpoint) -> Range<usize> {
        let from = self.dialed.partition_point(|dialed| dialed.endpoint < *endpoint);
        let others = &self.dialed[from..];
        from..from + others.partition_point(|dialed| dialed.endpoint == *endpoint)
    }

    /// Where the entry stands whose latest attempt the event is about.
    fn dialed_at(&self, event: &MonitorEvent) -> Option<usize> {
        let mut entries = self.dialed_to(event.endpoint.as_ref()?);
        entries.find(|&at| Some(self.dialed[at].connection) == event.connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::HandshakeStage;
    use std::time::Duration;

    fn event(connection: u64, kind: MonitorKind) -> MonitorEvent {
        let endpoint = Some("tcp://127.0.0.1:5555".parse().unwrap());
        MonitorEvent {
            endpoint,
            connection: Some(ConnectionId(connection)),
            attempt: Some(1),
            ..MonitorEvent::new(Instant::ZERO, kind)
        }
    }

    fn after(events: &[MonitorEvent]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for event in events {
            snapshot.apply(event);
        }
        snapshot
    }

    fn connected() -> MonitorKind {
        MonitorKind::Connected { address: "127.0.0.1:5555".into() }
    }

    fn retried() -> MonitorKind {
        MonitorKind::ConnectRetried { delay: Duration::from_secs(1), cause: None }
    }

    #[test]
    fn the_state_follows_a_dialed_endpoint_through_its_life() {
        let lost = MonitorKind::Disconnected(DisconnectReason::PeerClosed);
        let given_up = MonitorKind::ConnectStopped(DisconnectReason::PeerClosed);
        let life = [
            (1, MonitorKind::Connecting, TransportState::Connecting),
            (1, connected(), TransportState::Connecting),
            (1, MonitorKind::HandshakeSucceeded, TransportState::Connecting),
            (1, MonitorKind::Ready, TransportState::Connected),
            (1, lost, TransportState::Connecting),
            (1, retried(), TransportState::Connecting),
            (2, MonitorKind::Connecting, TransportState::Connecting),
            (2, given_up, TransportState::Disconnected),
        ];
        let mut snapshot = Snapshot::default();
        for (connection, kind, state) in life {
            snapshot.apply(&event(connection, kind.clone()));
            assert_eq!(snapshot.state(), state, "after {kind:?}");
        }
        assert_eq!(snapshot, Snapshot::default());
    }

    #[test]
    fn a_bound_socket_is_connected_while_any_peer_is_ready() {
        let accepted = || MonitorKind::Accepted { address: String::new() };
        let failed =
            MonitorKind::HandshakeFailed { stage: HandshakeStage::Ready, reason: DisconnectReason::PeerClosed };
        let mut snapshot = after(&[event(0, MonitorKind::Listening), event(1, accepted()), event(2, accepted())]);
        assert_eq!(snapshot.state(), TransportState::Disconnected);
        snapshot.apply(&event(2, MonitorKind::Ready));
        assert_eq!(snapshot.state(), TransportState::Connected);
        snapshot.apply(&event(1, failed));
        assert_eq!((snapshot.state(), snapshot.connections().count()), (TransportState::Connected, 1));
        snapshot.apply(&event(2, MonitorKind::Disconnected(DisconnectReason::PeerClosed)));
        assert_eq!(snapshot.state(), TransportState::Disconnected);
        snapshot.apply(&event(0, MonitorKind::Closed));
        assert_eq!(snapshot, Snapshot::default());
    }

    #[test]
    fn an_endpoint_whose_connection_we_closed_is_given_up_at_once() {
        let ends = [
            MonitorKind::Disconnected(DisconnectReason::LocalClose),
            MonitorKind::HandshakeFailed { stage: HandshakeStage::Ready, reason: DisconnectReason::LocalClose },
        ];
        for end in ends {
            let mut snapshot = after(&[event(1, MonitorKind::Connecting), event(1, connected())]);
            snapshot.apply(&event(1, end));
            assert_eq!(snapshot, Snapshot::default());
            snapshot.apply(&event(1, MonitorKind::ConnectStopped(DisconnectReason::LocalClose)));
            assert_eq!(snapshot, Snapshot::default());
        }
    }

    #[test]
    fn two_connects_to_one_endpoint_are_two_entries() {
        let mut snapshot = after(&[
            event(1, MonitorKind::Connecting),
            event(2, MonitorKind::Connecting),
            event(1, retried()),
            event(3, MonitorKind::Connecting),
        ]);
        let attempts = |snapshot: &Snapshot| snapshot.dialed().map(|dialed| dialed.connection.0).collect::<Vec<_>>();
        assert_eq!(attempts(&snapshot), [2, 3]);
        snapshot.apply(&event(3, MonitorKind::ConnectStopped(DisconnectReason::LocalClose)));
        assert_eq!((attempts(&snapshot), snapshot.state()), (vec![2], TransportState::Connecting));
    }

    #[test]
    fn an_event_is_completed_by_what_is_known_of_its_connection() {
        let peer = Arc::new(PeerInfo::of_type(crate::SocketType::Pull));
        let known = MonitorEvent { peer: Some(Arc::clone(&peer)), ..event(1, MonitorKind::HandshakeSucceeded) };
        let snapshot = after(&[event(1, MonitorKind::Connecting), event(1, connected()), known]);
        let mut bare = MonitorEvent::new(Instant::ZERO, MonitorKind::Ready);
        bare.connection = Some(ConnectionId(1));
        snapshot.complete(&mut bare);
        assert_eq!(
            (bare.endpoint, bare.attempt, bare.peer),
            (event(1, MonitorKind::Ready).endpoint, Some(1), Some(peer))
        );
    }
}
