//! What was sent, what came, and whether that is the same.

use std::time::Duration;

use serde_json::{Value, json};

/// The accounts of the three scenes.
#[derive(Default)]
pub(super) struct Accounts {
    pub(super) pipeline: Pipeline,
    pub(super) service: Service,
    pub(super) ticker: Ticker,
}

impl Accounts {
    /// Whether everybody who owed something has delivered it, so the demo can end.
    pub(super) fn settled(&self) -> bool {
        self.pipeline.active == 0 && self.pipeline.missing() == 0 && self.service.active == 0
    }

    pub(super) fn balanced(&self) -> bool {
        self.pipeline.balanced() && self.service.balanced()
    }
}

/// PUSH/PULL: each pusher numbers its messages, and each number must come exactly once.
///
/// The numbers of one pusher may come out of order: a restarted pusher has a new connection, and a PULL takes from all
/// connections in turn, from those that have ended as well.
#[derive(Default)]
pub(super) struct Pipeline {
    lanes: Vec<Lane>,
    duplicates: u64,
    /// Numbers that nobody has sent.
    strange: u64,
    /// Pushers that are still at work.
    pub(super) active: usize,
}

#[derive(Default)]
struct Lane {
    sent: u64,
    came: Vec<bool>,
    received: u64,
}

impl Pipeline {
    /// A new pusher; gives its lane.
    pub(super) fn open(&mut self) -> usize {
        self.active += 1;
        self.lanes.push(Lane::default());
        self.lanes.len() - 1
    }

    /// The number for the next message of this pusher. It counts as sent from now on.
    pub(super) fn next(&mut self, lane: usize) -> u64 {
        let number = self.lanes[lane].sent;
        self.lanes[lane].sent += 1;
        number
    }

    /// The socket did not accept the message that was just numbered.
    pub(super) fn unsent(&mut self, lane: usize) {
        self.lanes[lane].sent -= 1;
    }

    pub(super) fn received(&mut self, lane: usize, number: u64) {
        let Some(lane) = self.lanes.get_mut(lane).filter(|lane| number < lane.sent) else {
            self.strange += 1;
            return;
        };
        let at = usize::try_from(number).expect("numbers count what fits in memory");
        if lane.came.len() <= at {
            lane.came.resize(at + 1, false);
        }
        if std::mem::replace(&mut lane.came[at], true) {
            self.duplicates += 1;
        } else {
            lane.received += 1;
        }
    }

    pub(super) fn sent(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.sent).sum()
    }

    pub(super) fn taken(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.received).sum()
    }

    pub(super) fn missing(&self) -> u64 {
        self.sent() - self.taken()
    }

    pub(super) fn balanced(&self) -> bool {
        self.sent() > 0 && self.missing() == 0 && self.duplicates == 0 && self.strange == 0
    }

    pub(super) fn object(&self) -> Value {
        json!({
            "sent": self.sent(),
            "received": self.taken(),
            "missing": self.missing(),
            "duplicates": self.duplicates + self.strange,
            "balanced": self.balanced(),
        })
    }

    pub(super) fn line(&self) -> String {
        let counts = format!("sent {}, received {}", self.sent(), self.taken());
        with_troubles(counts, &[("missing", self.missing()), ("duplicates", self.duplicates + self.strange)])
    }
}

/// REQ/REP: each attempt at a request ends as replied or as reported lost, and each request is replied in the end.
#[derive(Default)]
pub(super) struct Service {
    pub(super) requests: u64,
    pub(super) attempts: u64,
    pub(super) replied: u64,
    /// The socket told us that the peer is gone and the request with it.
    pub(super) lost: u64,
    /// No reply and no loss was told in time.
    pub(super) silent: u64,
    /// Replies to something else.
    pub(super) wrong: u64,
    /// Clients that are still at work.
    pub(super) active: usize,
}

impl Service {
    pub(super) fn unanswered(&self) -> u64 {
        self.requests - self.replied
    }

    pub(super) fn balanced(&self) -> bool {
        self.replied > 0
            && self.unanswered() == 0
            && self.wrong == 0
            && self.silent == 0
            && self.attempts == self.replied + self.lost
    }

    pub(super) fn object(&self) -> Value {
        json!({
            "requests": self.requests,
            "replied": self.replied,
            "lost_and_asked_again": self.lost,
            "silent": self.silent,
            "wrong": self.wrong,
            "unanswered": self.unanswered(),
            "balanced": self.balanced(),
        })
    }

    pub(super) fn line(&self) -> String {
        let counts = format!("requests {}, replied {}", self.requests, self.replied);
        let troubles = [
            ("lost with a killed service and asked again", self.lost),
            ("never heard of again", self.silent),
            ("answered wrongly", self.wrong),
            ("unanswered", self.unanswered()),
        ];
        with_troubles(counts, &troubles)
    }
}

/// PUB/SUB: what a subscriber missed, and whether it was there at all.
#[derive(Default)]
pub(super) struct Ticker {
    pub(super) published: u64,
    /// Published while no subscriber was connected.
    pub(super) unheard: u64,
    pub(super) subscribers: u64,
    pub(super) received: u64,
    /// Ticks that a subscriber's connection was not ready for, over all subscribers.
    pub(super) away: u64,
}

impl Ticker {
    /// A tick goes out while `ready` of the subscribers are connected.
    pub(super) fn publish(&mut self, ready: u64) -> u64 {
        self.published += 1;
        self.away += self.subscribers.saturating_sub(ready);
        self.unheard += u64::from(ready == 0);
        self.published
    }

    pub(super) fn missed(&self) -> u64 {
        (self.published * self.subscribers).saturating_sub(self.received)
    }

    /// Why a PUB's messages may be lost, in one sentence.
    pub(super) const WHY: &'static str = "a PUB keeps nothing for subscribers that are away, and what is on its way to \
        a killed peer goes with it";

    pub(super) fn object(&self) -> Value {
        json!({
            "published": self.published,
            "subscribers": self.subscribers,
            "received": self.received,
            "missed": self.missed(),
            "missed_while_away": self.away.min(self.missed()),
            "published_to_nobody": self.unheard,
            "why": Self::WHY,
        })
    }

    pub(super) fn line(&self) -> String {
        format!(
            "published {} to {} subscribers, received {}, missed {}",
            self.published,
            self.subscribers,
            self.received,
            self.missed()
        )
    }
}

/// Appends those of `troubles` that there were.
fn with_troubles(counts: String, troubles: &[(&str, u64)]) -> String {
    let there_were = troubles.iter().filter(|(_, count)| *count > 0);
    there_were.fold(counts, |line, (what, count)| format!("{line}, {what} {count}"))
}

/// A number of events a second.
pub(super) fn per_second(count: u64, time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
    count.saturating_mul(1000) / millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_balances_when_each_number_came_once_in_any_order() {
        let mut pipeline = Pipeline::default();
        let lane = pipeline.open();
        assert!(!pipeline.balanced(), "nothing sent proves nothing");
        let numbers: Vec<u64> = (0..3).map(|_| pipeline.next(lane)).collect();
        for number in numbers.into_iter().rev() {
            assert!(!pipeline.balanced());
            pipeline.received(lane, number);
        }
        assert!(pipeline.balanced());
        pipeline.received(lane, 1);
        assert!(!pipeline.balanced(), "a duplicate");
    }

    #[test]
    fn a_number_that_nobody_sent_is_strange() {
        let mut pipeline = Pipeline::default();
        let lane = pipeline.open();
        let number = pipeline.next(lane);
        pipeline.received(lane, number);
        pipeline.received(lane, 7);
        pipeline.received(9, 0);
        assert!(!pipeline.balanced());
        assert_eq!(pipeline.missing(), 0);
    }

    #[test]
    fn a_refused_message_is_not_owed() {
        let mut pipeline = Pipeline::default();
        let lane = pipeline.open();
        let number = pipeline.next(lane);
        pipeline.received(lane, number);
        pipeline.next(lane);
        pipeline.unsent(lane);
        assert!(pipeline.balanced());
    }

    #[test]
    fn a_service_balances_when_every_attempt_ended_and_every_request_was_replied() {
        let mut service = Service { requests: 2, attempts: 3, replied: 2, lost: 1, ..Service::default() };
        assert!(service.balanced());
        service.attempts = 4;
        assert!(!service.balanced(), "an attempt that ended in no way");
        service.silent = 1;
        assert!(!service.balanced(), "silence is no account");
    }

    #[test]
    fn what_a_subscriber_missed_is_counted() {
        let mut ticker = Ticker { subscribers: 2, ..Ticker::default() };
        ticker.publish(2);
        ticker.publish(1);
        ticker.publish(0);
        ticker.received = 3;
        assert_eq!((ticker.missed(), ticker.away, ticker.unheard), (3, 3, 1));
    }
}
