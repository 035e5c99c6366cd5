//! The network of a world: byte streams that split, delay, freeze, fall silent and break.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use fastrand::Rng;

use crate::time::Instant;

/// How the network behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// The most bytes that one read or write moves.
    pub chunk: usize,
    /// How many bytes a direction holds that were written and not read: beyond, it pushes back.
    pub capacity: usize,
    /// The longest delay of what is written.
    pub delay: Duration,
}

impl Weather {
    /// Weather of any kind.
    pub fn drawn(rng: &mut Rng) -> Self {
        let chunk = match rng.u8(..8) {
            0 => 1,
            1 => rng.usize(2..8),
            2 | 3 => rng.usize(16..64),
            4 | 5 => rng.usize(256..4096),
            _ => 65_536,
        };
        let capacity = match rng.u8(..3) {
            0 => rng.usize(64..256),
            1 => rng.usize(1024..8192),
            _ => 262_144,
        };
        Self { chunk, capacity, delay: Duration::from_micros(rng.u64(..20_000)) }
    }
}

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The writer closed: its bytes arrive first.
    Closed,
    /// The connection was reset: bytes that were not read are gone.
    Reset,
}

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Bytes.
    Some,
    /// Nothing yet.
    Nothing,
    /// The writer closed.
    Closed,
    /// The connection was reset.
    Reset,
}

/// One direction of a connection: what the kernels at both ends hold.
#[derive(Debug)]
pub(super) struct Direction {
    weather: Weather,
    rng: Rng,
    /// What was written and not read.
    queued: BytesMut,
    /// How many of these bytes arrive when.
    segments: VecDeque<(Instant, usize)>,
    end: Option<(Instant, End)>,
    /// Nothing arrives before.
    frozen_until: Instant,
    /// Nothing arrives any more, and nobody is told.
    is_silent: bool,
    /// The reader takes nothing any more.
    is_unread: bool,
}

impl Direction {
    pub(super) fn new(weather: Weather, rng: Rng) -> Self {
        Self {
            weather,
            rng,
            queued: BytesMut::new(),
            segments: VecDeque::new(),
            end: None,
            frozen_until: Instant::ZERO,
            is_silent: false,
            is_unread: false,
        }
    }

    /// How many bytes a write would move.
    pub(super) fn room(&self) -> usize {
        self.weather.capacity.saturating_sub(self.queued.len()).min(self.weather.chunk)
    }

    /// Whether a write would do anything: move bytes, or fail.
    pub(super) fn is_writable(&self) -> bool {
        self.room() > 0 || !self.is_open()
    }

    /// Whether a write can succeed.
    pub(super) fn is_open(&self) -> bool {
        self.end.is_none() && !self.is_unread
    }

    /// Takes some of `bytes`; how many. Only while it is open.
    pub(super) fn write(&mut self, bytes: &[u8], now: Instant) -> usize {
        let n = self.rng.usize(1..=self.room()).min(bytes.len());
        let arrives = self.arrival(now);
        self.segments.push_back((arrives, n));
        self.queued.extend_from_slice(&bytes[..n]);
        n
    }

    /// When what happens now arrives: after all that happened before.
    fn arrival(&mut self, now: Instant) -> Instant {
        let most = u64::try_from(self.weather.delay.as_nanos()).unwrap_or(u64::MAX);
        let arrives = now + Duration::from_nanos(self.rng.u64(..=most));
        let last = self.segments.back().map_or(Instant::ZERO, |(arrives, _)| *arrives);
        arrives.max(last).max(self.frozen_until)
    }

    /// When a read finds something next, be it in the past; `None` if nothing is on its way.
    pub(super) fn arrives_at(&self) -> Option<Instant> {
        if self.is_silent {
            return None;
        }
        let first = self.segments.front().map(|(arrives, _)| *arrives);
        first.or(self.end.map(|(arrives, _)| arrives)).map(|arrives| arrives.max(self.frozen_until))
    }

    /// Moves what has arrived into `buffer`, up to a chunk.
    pub(super) fn read(&mut self, buffer: &mut BytesMut, now: Instant) -> Read {
        if self.arrives_at().is_none_or(|arrives| arrives > now) {
            return Read::Nothing;
        }
        let Some((_, segment)) = self.segments.front_mut() else {
            return if matches!(self.end, Some((_, End::Reset))) { Read::Reset } else { Read::Closed };
        };
        let n = self.rng.usize(1..=self.weather.chunk).min(*segment);
        *segment -= n;
        if *segment == 0 {
            self.segments.pop_front();
        }
        buffer.extend_from_slice(&self.queued[..n]);
        self.queued.advance(n);
        Read::Some
    }

    /// The writer closes: what it wrote still arrives.
    pub(super) fn close(&mut self, now: Instant) {
        let arrives = self.arrival(now);
        self.end.get_or_insert((arrives, End::Closed));
    }

    /// The reader closes: writing fails from now on.
    pub(super) fn forsake(&mut self) {
        self.is_unread = true;
        self.empty();
    }

    /// The connection breaks: what is on its way is lost, and the reader hears of it some time later, unless nothing
    /// reaches it any more.
    pub(super) fn reset(&mut self, now: Instant) {
        if self.is_silent {
            return;
        }
        self.empty();
        let arrives = self.arrival(now);
        self.end = Some((arrives, End::Reset));
    }

    /// Nothing arrives before `then`.
    pub(super) fn freeze(&mut self, then: Instant) {
        self.frozen_until = self.frozen_until.max(then);
    }

    /// Nothing arrives any more, neither bytes nor an end; the writer does not hear of it.
    pub(super) const fn silence(&mut self) {
        self.is_silent = true;
    }

    /// The writer's system gave up on a direction that had fallen silent.
    pub(super) fn give_up(&mut self, now: Instant) {
        self.is_silent = false;
        self.reset(now);
    }

    pub(super) const fn is_silent(&self) -> bool {
        self.is_silent
    }

    fn empty(&mut self) {
        self.segments.clear();
        self.queued.clear();
    }
}
