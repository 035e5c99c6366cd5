//! Flow: how much a peer may send on a stream before it is given more.
//!
//! Each direction of a stream begins with a window of 64 KiB. What came uses it up; what the application has consumed
//! is given back once it is half of the window, or three quarters of it where the peer is near. So a reader that stalls
//! holds its window, and nothing else. A window that is read promptly grows, for as long as that does not only make a
//! queue longer.

use super::delay::{TRIPS, Trend};

/// The window that each direction of each stream begins with, in bytes. No handshake: everybody knows it.
pub(super) const WINDOW: usize = 64 * 1024;

/// What a message costs at the least, in bytes: or empty ones would be without limit.
pub(super) const LEAST: usize = 32;

/// In which round trip behind a growth it can be seen: the first one began with the credit for it.
const AFTER: u64 = 2;

/// What a payload of `len` bytes costs of the credit of its direction: its length, and at least 32 bytes.
///
/// [`Session::consumed`](super::Session::consumed) takes the sum of that.
pub const fn cost(len: usize) -> usize {
    if len < LEAST { LEAST } else { len }
}

/// What all windows of a connection together may grow.
#[derive(Debug)]
pub(super) struct Pool {
    left: usize,
    /// The largest window.
    most: usize,
}

impl Pool {
    pub(super) const fn new(size: usize, most: usize) -> Self {
        Self { left: size, most }
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) const fn left(&self) -> usize {
        self.left
    }
}

/// What the peer may send on one stream.
#[derive(Debug)]
pub(super) struct Incoming {
    window: usize,
    /// What it may still send.
    credit: usize,
    /// What a message that came whole had beyond that.
    debt: usize,
    /// What came and was not consumed yet.
    held: usize,
    /// All that came was consumed at one time since credit was given last: the reader is faster than the sender.
    emptied: bool,
    /// The round trip in which the window was last made larger or smaller.
    changed: Option<u64>,
}

impl Default for Incoming {
    fn default() -> Self {
        Self { window: WINDOW, credit: WINDOW, debt: 0, held: 0, emptied: false, changed: None }
    }
}

/// The peer sent more than it had credit for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Exceeded;

impl Incoming {
    /// How large the window is, in bytes.
    pub(super) const fn window(&self) -> usize {
        self.window
    }

    /// A payload of `len` bytes came; where messages come whole, there need be credit only for its beginning.
    pub(super) fn received(&mut self, len: usize, is_whole: bool) -> Result<(), Exceeded> {
        let cost = cost(len);
        if self.credit < if is_whole { LEAST } else { cost } {
            return Err(Exceeded);
        }
        self.debt += cost.saturating_sub(self.credit);
        self.credit = self.credit.saturating_sub(cost);
        self.held += cost;
        Ok(())
    }

    /// The application has taken payloads of this cost.
    pub(super) fn consumed(&mut self, cost: usize) {
        // Never more than there was: a window must not grow because somebody counts wrong.
        self.held = self.held.saturating_sub(cost);
        self.emptied |= self.held == 0;
    }

    /// Whether the peer is to be given credit: half of the window was consumed since the last time.
    ///
    /// Three quarters for one that `is_near`. The last quarter lasts until the credit is there, and the more is handed over at
    /// a time, the less do the two sides wait for each other's locks: between two cores it made a stream 1.2 times as fast.
    pub(super) const fn is_due(&self, is_near: bool) -> bool {
        let enough = if is_near { self.window / 4 * 3 } else { self.window / 2 };
        self.due() >= enough
    }

    /// What was consumed since credit was given last.
    const fn due(&self) -> usize {
        self.window + self.debt - self.credit - self.held
    }

    /// The credit that is to be given now, and counts as given; it may be none.
    ///
    /// A window that was read promptly is doubled, as far as the pool has room, and one that only makes a queue longer is
    /// halved, by what is kept back. Whether that is so shows in the `round` trips behind the last change.
    pub(super) fn give(&mut self, pool: &mut Pool, trend: Trend, round: u64) -> usize {
        let mut due = self.due();
        let was_emptied = std::mem::take(&mut self.emptied);
        let growth = self.window;
        let trips = self.changed.map_or(u64::MAX, |changed| round - changed);
        if trend == Trend::Shrink && trips >= TRIPS as u64 {
            let less = due.min(self.window - (self.window / 2).max(WINDOW));
            self.window -= less;
            pool.left += less;
            due -= less;
            self.changed = Some(round);
        } else if trend == Trend::Grow
            && trips >= AFTER
            && was_emptied
            && 2 * growth <= pool.most
            && growth <= pool.left
        {
            pool.left -= growth;
            self.window += growth;
            due += growth;
            self.changed = Some(round);
        }
        let repaid = due.min(self.debt);
        self.debt -= repaid;
        self.credit += due - repaid;
        due
    }

    /// What the pool lends to this window.
    #[cfg(any(test, feature = "sim"))]
    pub(super) const fn lent(&self) -> usize {
        self.window - WINDOW
    }

    /// The stream has ended: the pool has back what it lent.
    pub(super) fn end(&mut self, pool: &mut Pool) {
        pool.left += self.window - WINDOW;
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    fn pool() -> Pool {
        Pool::new(512 * KIB, 256 * KIB)
    }

    #[test]
    fn credit_comes_back_when_half_of_the_window_was_consumed_or_three_quarters_where_the_peer_is_near() {
        for (is_near, due) in [(false, 32 * KIB), (true, 48 * KIB)] {
            let (mut incoming, mut pool) = (Incoming::default(), pool());
            incoming.received(64 * KIB, false).unwrap();
            assert_eq!(incoming.received(0, false), Err(Exceeded));
            incoming.consumed(due - 1);
            assert!(!incoming.is_due(is_near));
            incoming.consumed(32);
            assert!(incoming.is_due(is_near));
            assert_eq!(incoming.give(&mut pool, Trend::Grow, 0), due + 31);
            assert!(!incoming.is_due(is_near));
        }
    }

    #[test]
    fn an_empty_message_is_not_free() {
        let mut incoming = Incoming::default();
        assert_eq!((0..WINDOW).find(|_| incoming.received(0, false).is_err()), Some(WINDOW / LEAST));
    }

    #[test]
    fn behind_a_whole_message_nothing_comes_until_as_much_is_consumed() {
        let (mut incoming, mut pool) = (Incoming::default(), Pool::new(0, WINDOW));
        incoming.received(1000 * KIB, true).unwrap();
        assert_eq!(incoming.received(0, true), Err(Exceeded));
        assert!(!incoming.is_due(true));
        incoming.consumed(1000 * KIB);
        assert!(incoming.is_due(true));
        assert_eq!(incoming.give(&mut pool, Trend::Grow, 0), 1000 * KIB);
        assert_eq!((incoming.credit, incoming.debt, incoming.held), (64 * KIB, 0, 0));
    }

    #[test]
    fn a_window_that_is_read_promptly_doubles_out_of_the_pool_and_goes_back_to_it() {
        let (mut incoming, mut pool) = (Incoming::default(), pool());
        for (round, given, left) in [(0, 128, 448), (2, 256, 320), (4, 256, 320)] {
            let size = incoming.credit;
            for _ in 0..size / KIB {
                incoming.received(KIB, false).unwrap();
            }
            for _ in 0..size / KIB {
                incoming.consumed(KIB);
            }
            assert_eq!(incoming.give(&mut pool, Trend::Grow, round), given * KIB);
            assert_eq!(pool.left, left * KIB);
        }
        incoming.end(&mut pool);
        assert_eq!(pool.left, 512 * KIB);
    }

    #[test]
    fn a_window_does_not_grow_for_a_reader_that_lags() {
        let (mut incoming, mut pool) = (Incoming::default(), pool());
        incoming.received(64 * KIB, false).unwrap();
        for round in 0..100 {
            incoming.consumed(32 * KIB);
            assert_eq!(incoming.give(&mut pool, Trend::Grow, round), 32 * KIB);
            incoming.received(32 * KIB, false).unwrap();
        }
    }

    /// Takes what there is credit for, all of it, and has the next credit given.
    fn pass(incoming: &mut Incoming, pool: &mut Pool, trend: Trend, round: u64) -> usize {
        let size = incoming.credit;
        incoming.received(size, false).unwrap();
        incoming.consumed(size);
        incoming.give(pool, trend, round)
    }

    #[test]
    fn a_window_changes_only_when_it_can_be_seen_what_came_of_the_last_change() {
        let (mut incoming, mut pool) = (Incoming::default(), pool());
        let given = [(Trend::Grow, 3), (Trend::Grow, 4), (Trend::Keep, 5), (Trend::Grow, 5), (Trend::Shrink, 6)]
            .map(|(trend, round)| pass(&mut incoming, &mut pool, trend, round) / KIB);
        assert_eq!(given, [128, 128, 128, 256, 256]);
    }

    #[test]
    fn a_window_that_makes_a_queue_is_halved_down_to_the_one_that_is_promised() {
        let (mut incoming, mut pool) = (Incoming::default(), pool());
        for round in [0, 2] {
            pass(&mut incoming, &mut pool, Trend::Grow, round);
        }
        let given = [5, 6, 9, 10, 14].map(|round| pass(&mut incoming, &mut pool, Trend::Shrink, round) / KIB);
        assert_eq!((given, pool.left), ([256, 128, 128, 64, 64], 512 * KIB));
    }

    #[test]
    fn what_is_kept_back_of_a_window_is_no_more_than_was_consumed() {
        let (mut incoming, mut pool) = (Incoming::default(), pool());
        pass(&mut incoming, &mut pool, Trend::Grow, 0);
        incoming.received(40 * KIB, false).unwrap();
        incoming.consumed(40 * KIB);
        assert_eq!(incoming.give(&mut pool, Trend::Shrink, 4), 0);
        assert_eq!((incoming.credit, incoming.window, pool.left), (88 * KIB, 88 * KIB, 488 * KIB));
        incoming.received(20 * KIB, false).unwrap();
        assert_eq!(incoming.give(&mut pool, Trend::Shrink, 8), 0, "what is held is not given");
        assert_eq!((incoming.credit, incoming.held), (68 * KIB, 20 * KIB));
    }

    #[test]
    fn an_empty_pool_leaves_everybody_the_window_that_is_promised() {
        let (mut incoming, mut pool) = (Incoming::default(), Pool::new(10, 256 * KIB));
        incoming.received(40 * KIB, false).unwrap();
        incoming.consumed(40 * KIB);
        assert_eq!(incoming.give(&mut pool, Trend::Grow, 0), 40 * KIB);
    }

    #[test]
    fn who_consumes_what_never_came_gets_no_credit_for_it() {
        let (mut incoming, mut pool) = (Incoming::default(), Pool::new(0, WINDOW));
        incoming.received(KIB, false).unwrap();
        incoming.consumed(64 * KIB);
        assert_eq!(incoming.give(&mut pool, Trend::Grow, 0), KIB);
    }
}
