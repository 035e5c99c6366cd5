//! What the demo knows of every connection, from lifecycle events alone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bowline::{MonitorEvent, MonitorKind};

use crate::event;

/// Transitions that are remembered for the screen.
const REMEMBERED: usize = 100;

/// The states of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    New,
    Handshaking,
    Ready,
    Closed,
}

impl State {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Handshaking => "handshaking",
            Self::Ready => "ready",
            Self::Closed => "closed",
        }
    }

    /// The state that an event leaves a connection in, if it changes it.
    fn after(kind: &MonitorKind) -> Option<Self> {
        match kind {
            MonitorKind::Connecting => Some(Self::New),
            MonitorKind::Connected { .. } | MonitorKind::Accepted { .. } => Some(Self::Handshaking),
            MonitorKind::Ready => Some(Self::Ready),
            MonitorKind::HandshakeFailed { .. } | MonitorKind::Disconnected(_) => Some(Self::Closed),
            _ => None,
        }
    }
}

/// A connection that is dialed again whenever it is lost.
pub(super) struct Row {
    pub(super) name: String,
    /// Both socket types, as `SUB > PUB`.
    pub(super) pair: &'static str,
    pub(super) endpoint: String,
    pub(super) state: State,
    /// How long the demo ran when `state` began.
    pub(super) since: Duration,
    /// The attempts since it last had a stable connection.
    pub(super) attempt: u32,
    /// Why the connection was closed last.
    pub(super) last_reason: String,
    /// How often it became ready.
    pub(super) readied: u64,
    pub(super) messages: Arc<AtomicU64>,
}

impl Row {
    pub(super) fn reconnects(&self) -> u64 {
        self.readied.saturating_sub(1)
    }

    pub(super) fn count(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }
}

/// One line of what happened.
pub(super) struct Entry {
    pub(super) time: Duration,
    pub(super) name: String,
    pub(super) what: String,
}

#[derive(Default)]
pub(super) struct Board {
    pub(super) rows: Vec<Row>,
    pub(super) log: VecDeque<Entry>,
    pub(super) transitions: u64,
    pub(super) restarts: u64,
}

impl Board {
    /// Adds a row; gives its place, and the counter of its messages.
    pub(super) fn add(&mut self, name: &str, pair: &'static str, endpoint: String) -> (usize, Arc<AtomicU64>) {
        let messages = Arc::new(AtomicU64::new(0));
        self.rows.push(Row {
            name: name.to_owned(),
            pair,
            endpoint,
            state: State::New,
            since: Duration::ZERO,
            attempt: 0,
            last_reason: String::new(),
            readied: 0,
            messages: Arc::clone(&messages),
        });
        (self.rows.len() - 1, messages)
    }

    /// Takes in an event of the actor `name`, `time` after the start.
    pub(super) fn take(&mut self, name: &str, row: Option<usize>, event: &MonitorEvent, time: Duration) {
        let Some(state) = State::after(&event.kind) else {
            // What happens to an endpoint between its connections belongs to the story as well.
            if matches!(event.kind, MonitorKind::ConnectRetried { .. } | MonitorKind::Dropped(_)) {
                self.remember(time, name, event::words(event));
            }
            return;
        };
        self.transitions += 1;
        if let Some(row) = row.and_then(|row| self.rows.get_mut(row)) {
            row.state = state;
            row.since = time;
            row.attempt = event.attempt.unwrap_or(row.attempt);
            match &event.kind {
                MonitorKind::Ready => row.readied += 1,
                MonitorKind::HandshakeFailed { reason, .. } | MonitorKind::Disconnected(reason) => {
                    row.last_reason = reason.to_string();
                }
                _ => {}
            }
        }
        if !matches!(event.kind, MonitorKind::Connecting) {
            self.remember(time, name, event::words(event));
        }
    }

    /// Notes that a peer is restarted on purpose.
    pub(super) fn restart(&mut self, time: Duration, name: &str, what: &str) {
        self.restarts += 1;
        self.remember(time, name, what.to_owned());
    }

    fn remember(&mut self, time: Duration, name: &str, what: String) {
        if self.log.len() == REMEMBERED {
            self.log.pop_front();
        }
        self.log.push_back(Entry { time, name: name.to_owned(), what });
    }

    pub(super) fn ready(&self) -> usize {
        self.rows.iter().filter(|row| row.state == State::Ready).count()
    }

    /// How many of the rows with this pair are ready.
    pub(super) fn ready_of(&self, pair: &str) -> u64 {
        let ready = self.rows.iter().filter(|row| row.pair == pair && row.state == State::Ready);
        ready.count() as u64
    }

    pub(super) fn reconnects(&self) -> u64 {
        self.rows.iter().map(Row::reconnects).sum()
    }

    pub(super) fn messages(&self) -> u64 {
        self.rows.iter().map(Row::count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bowline::DisconnectReason;

    fn event(kind: MonitorKind) -> MonitorEvent {
        MonitorEvent::new(bowline::time::Instant::ZERO, kind)
    }

    #[test]
    fn a_row_follows_its_connection_through_a_reconnect() {
        let mut board = Board::default();
        let (row, _) = board.add("SUB 1", "SUB > PUB", "inproc://x".to_owned());
        let ready = MonitorKind::Ready;
        let life = [
            (MonitorKind::Connecting, State::New),
            (MonitorKind::Connected { address: String::new() }, State::Handshaking),
            (ready.clone(), State::Ready),
            (MonitorKind::Disconnected(DisconnectReason::PeerClosed), State::Closed),
            (MonitorKind::ConnectRetried { delay: Duration::ZERO, cause: None }, State::Closed),
            (MonitorKind::Connecting, State::New),
            (ready, State::Ready),
        ];
        for (kind, state) in life {
            board.take("SUB 1", Some(row), &event(kind), Duration::ZERO);
            assert_eq!(board.rows[row].state, state);
        }
        assert_eq!(board.reconnects(), 1);
        assert_eq!(board.rows[row].last_reason, "closed by the peer");
        assert_eq!(board.transitions, 6, "a retry is no transition of a connection");
        assert_eq!((board.ready(), board.ready_of("SUB > PUB"), board.ready_of("REQ > REP")), (1, 1, 0));
    }

    #[test]
    fn the_log_forgets_the_oldest() {
        let mut board = Board::default();
        for _ in 0..=REMEMBERED {
            board.restart(Duration::ZERO, "PUSH 1", "restarted");
        }
        assert_eq!(board.log.len(), REMEMBERED);
    }
}
