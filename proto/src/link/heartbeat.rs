//! Heartbeats: signs of life asked for and promised, as deadlines.
// RFC 37, Connection Heartbeating

use std::time::Duration;

use crate::time::Instant;

/// What was agreed on heartbeats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// How often we ask; `None` never does.
    pub(super) interval: Option<Duration>,
    /// How long after a PING the peer may stay silent.
    pub(super) timeout: Duration,
    /// What our PINGs promise; zero promises nothing.
    pub(super) ttl: Duration,
}

/// The heartbeat of one connection, from ready on.
///
/// Silence alone never ends a connection: only silence after a PING of ours, or after a PING by which the peer
/// promised to be heard again. Time in which we do not read does not count, since the answer may lie unread.
#[derive(Debug)]
pub(super) struct Heartbeat {
    settings: Settings,
    next_ping: Option<Instant>,
    /// The peer owes us bytes by then, for a PING of ours.
    answer_by: Option<Instant>,
    /// The peer owes us bytes by then, for a promise of its own.
    promised_by: Option<Instant>,
    paused_at: Option<Instant>,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// Send a PING with this promise, in tenths of seconds.
    Ping(u16),
    /// The peer is taken for dead.
    Dead,
}

impl Heartbeat {
    /// Starts when the handshake is over. A peer of ZMTP 3.0 knows no PING, so it gets none.
    pub(super) fn new(settings: Settings, peer_minor: u8, now: Instant) -> Self {
        let interval = settings.interval.filter(|_| peer_minor >= 1);
        Self {
            settings: Settings { interval, ..settings },
            next_ping: interval.map(|interval| now + interval),
            answer_by: None,
            promised_by: None,
            paused_at: None,
        }
    }

    /// Bytes arrived, whatever they are: each is a sign of life.
    // RFC 37: any incoming traffic, since a PONG may be stuck behind what is queued
    #[inline]
    pub(super) fn heard(&mut self) {
        self.answer_by = None;
        self.promised_by = None;
    }

    /// The peer promised to be heard again within `ttl`, in tenths of seconds; 0 promises nothing.
    pub(super) fn promised(&mut self, ttl: u16, now: Instant) {
        let ttl = Duration::from_millis(u64::from(ttl) * 100);
        self.promised_by = (!ttl.is_zero()).then(|| now + ttl);
    }

    /// From now on we do not read.
    pub(super) fn pause(&mut self, now: Instant) {
        self.paused_at.get_or_insert(now);
    }

    /// We read again: deadlines move by the time that passed meanwhile.
    pub(super) fn resume(&mut self, now: Instant) {
        let Some(paused_at) = self.paused_at.take() else { return };
        for deadline in [&mut self.answer_by, &mut self.promised_by] {
            *deadline = deadline.map(|deadline| deadline + (now - paused_at));
        }
    }

    /// When something may be due next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let silence = [self.answer_by, self.promised_by].into_iter().flatten().min();
        [self.next_ping, silence.filter(|_| self.paused_at.is_none())].into_iter().flatten().min()
    }

    /// What is due at `now`; an answered `Ping` counts as sent.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        let over = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if self.paused_at.is_none() && (over(self.answer_by) || over(self.promised_by)) {
            return Due::Dead;
        }
        let (Some(at), Some(interval)) = (self.next_ping, self.settings.interval) else { return Due::Nothing };
        if at > now {
            return Due::Nothing;
        }
        // In step with the clock, unless we come so late that the next one would be due already. A PING goes out
        // while reading is paused too: the peer may count on the promise of the last one.
        let next = at + interval;
        self.next_ping = Some(if next > now { next } else { now + interval });
        // Counted as if sent when reading stopped: `resume` then moves it to a whole timeout after the resumption.
        let sent = self.paused_at.unwrap_or(now);
        self.answer_by.get_or_insert(sent + self.settings.timeout);
        let tenths = self.settings.ttl.as_millis().div_ceil(100);
        Due::Ping(u16::try_from(tenths).unwrap_or(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn every_second(minor: u8) -> Heartbeat {
        let settings = Settings {
            interval: Some(Duration::from_secs(1)),
            timeout: Duration::from_secs(3),
            ttl: Duration::from_millis(2_050),
        };
        Heartbeat::new(settings, minor, at(0))
    }

    fn silent() -> Heartbeat {
        Heartbeat::new(Settings { interval: None, timeout: Duration::ZERO, ttl: Duration::ZERO }, 1, at(0))
    }

    #[test]
    fn pings_go_out_in_step_and_round_the_promise_up() {
        let mut beat = every_second(1);
        assert_eq!((beat.deadline(), beat.due(at(0))), (Some(at(1)), Due::Nothing));
        assert_eq!((beat.due(at(1)), beat.due(at(1))), (Due::Ping(21), Due::Nothing));
        assert_eq!((beat.deadline(), beat.due(at(2))), (Some(at(2)), Due::Ping(21)));
    }

    #[test]
    fn only_the_oldest_unanswered_ping_counts() {
        let mut beat = every_second(1);
        for second in 1..4 {
            assert_eq!(beat.due(at(second)), Due::Ping(21));
        }
        assert_eq!(beat.due(at(4)), Due::Dead, "three seconds after the first");
    }

    #[test]
    fn any_sign_of_life_answers_all_pings() {
        let mut beat = every_second(1);
        assert_eq!((beat.due(at(1)), beat.due(at(2))), (Due::Ping(21), Due::Ping(21)));
        beat.heard();
        assert_eq!(beat.due(at(4)), Due::Ping(21), "and the deadline is a new one");
        assert_eq!((beat.due(at(6)), beat.due(at(7))), (Due::Ping(21), Due::Dead));
    }

    #[test]
    fn silence_alone_is_no_death() {
        let mut beat = silent();
        assert_eq!((beat.deadline(), beat.due(at(1_000_000))), (None, Due::Nothing));
    }

    #[test]
    fn a_broken_promise_is() {
        let mut beat = silent();
        beat.promised(15, at(1));
        assert_eq!(beat.deadline(), Some(at(1) + Duration::from_millis(1_500)));
        assert_eq!((beat.due(at(2)), beat.due(at(3))), (Due::Nothing, Due::Dead));
        beat.heard();
        assert_eq!((beat.deadline(), beat.due(at(3))), (None, Due::Nothing), "kept: it promised once");
        beat.promised(0, at(3));
        assert_eq!(beat.deadline(), None);
    }

    #[test]
    fn time_in_which_we_do_not_read_does_not_count() {
        let mut beat = silent();
        beat.promised(20, at(0));
        beat.pause(at(1));
        beat.pause(at(5));
        assert_eq!((beat.deadline(), beat.due(at(100))), (None, Due::Nothing));
        beat.resume(at(101));
        beat.resume(at(200));
        assert_eq!(beat.deadline(), Some(at(102)), "one of the two seconds was left");
    }

    #[test]
    fn a_ping_sent_while_paused_has_its_whole_timeout_afterwards() {
        let mut beat = every_second(1);
        beat.pause(at(0));
        assert_eq!(beat.due(at(5)), Due::Ping(21), "late");
        assert_eq!(beat.deadline(), Some(at(6)), "not a burst");
        beat.resume(at(5));
        assert_eq!((beat.due(at(6)), beat.due(at(7))), (Due::Ping(21), Due::Ping(21)));
        assert_eq!(beat.due(at(8)), Due::Dead);
    }

    #[test]
    fn a_peer_of_3_0_is_not_pinged() {
        let mut beat = every_second(0);
        assert_eq!((beat.deadline(), beat.due(at(100))), (None, Due::Nothing));
    }
}
