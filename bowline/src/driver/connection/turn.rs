//! When a connection has its turn whose peer makes us work more than it works itself: one that is no peer yet, and one that
//! subscribes. All of them together have their [share](bowline_proto::limits::share) of the time.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowline_proto::limits::share::Place;
use bowline_proto::time::Instant;

use super::{Connection, Ended};
use crate::rt;

/// What a subscription counts for, which the socket takes up later: putting it into a tree of 100,000, forgetting it again, and
/// telling of it.
const SUBSCRIPTION: Duration = Duration::from_micros(2);

/// From so many turns on a peer counts as being served. Whoever comes, says a word and goes is one of those who come and go,
/// and where there is nobody else they may have all the time there is.
const AT_HOME: u8 = 64;

/// Whether a peer waits for its place in the line.
#[derive(Debug, Default)]
pub(super) enum Turn {
    /// Its turn is whenever there is something to do.
    #[default]
    Free,
    /// It is to book a place for what comes next.
    Due,
    /// It waits until then.
    Booked(Place),
    /// It has its turn, which is to be settled.
    Begun(Place),
}

impl Connection {
    /// One turn of whoever it is.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if self.seat.is_newcomer() {
            // All of it waits: who knows what a handshake of TLS finds to do.
            ready!(self.poll_place(cx));
            let begun = rt::now();
            let polled = self.poll_turn(cx);
            self.settle(rt::now() - begun);
            return polled;
        }
        let polled = self.poll_turn(cx);
        let subscribed = std::mem::take(&mut self.subscribed_in_turn);
        if subscribed > 0 {
            self.settle(SUBSCRIPTION * subscribed);
            self.turn = Turn::Due;
        } else if self.turns < AT_HOME {
            self.turns += 1;
        } else {
            self.seat.core().admission.share.stir();
        }
        polled
    }

    /// Ready when a newcomer has its turn, or its time is over.
    fn poll_place(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(self.turn, Turn::Free) {
            self.turn = Turn::Due;
        }
        if !self.must_wait() || self.poll_closing(cx).is_ready() {
            return Poll::Ready(());
        }
        ready!(self.poll_timer(cx));
        let _still = self.must_wait();
        Poll::Ready(())
    }

    /// Whether it is not this peer's turn yet.
    pub(super) fn must_wait(&mut self) -> bool {
        if let Turn::Due = self.turn {
            let now = rt::now();
            let place = self.seat.core().admission.share.book(now);
            if place.at > now {
                self.seat.counters().waited();
            }
            self.turn = Turn::Booked(place);
        }
        if let Turn::Booked(place) = self.turn {
            if place.at > rt::now() {
                return true;
            }
            self.turn = Turn::Begun(place);
        }
        false
    }

    /// When it is, of a peer that waits for it.
    pub(super) const fn turn_at(&self) -> Option<Instant> {
        if let Turn::Booked(place) = self.turn { Some(place.at) } else { None }
    }

    /// The turn took so long.
    fn settle(&mut self, took: Duration) {
        if let Turn::Begun(place) = self.turn {
            self.turn = Turn::Free;
            self.seat.core().admission.share.settle(place, took);
        }
    }
}
