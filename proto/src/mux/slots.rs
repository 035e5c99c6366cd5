//! The places of streams: recycled, found by handle or by the id on the wire.

use super::code::Code;
use super::flow::Incoming;
use super::frame::STREAMS_MOST;
use super::outgoing::Outgoing;
use super::stream::{Role, State};

const NONE: u32 = u32::MAX;

/// A stream of a session. An old one finds nothing, also when its place is taken by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId {
    pub(super) key: u32,
    generation: u32,
    sid: u16,
}

impl StreamId {
    /// The id on the wire. Another stream may have it later.
    pub const fn sid(self) -> u16 {
        self.sid
    }

    /// Its place, for tables beside the session: small numbers, used again. It is free with [`Event::Closed`](super::Event::Closed).
    pub const fn index(self) -> usize {
        self.key as usize
    }
}

/// All that a session knows of one stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    pub(super) role: Role,
    pub(super) state: State,
    /// The application knows of it: not so, if it was refused.
    pub(super) told: bool,
    pub(super) urgency: u8,
    /// How many OPENs of ours went before this one and with it; 0 until it is written.
    pub(super) ordinal: u64,
    /// What its OPEN has to say.
    pub(super) opening: Opening,
    pub(super) outgoing: Outgoing,
    pub(super) incoming: Incoming,
    /// How much has come of a message that is not complete.
    pub(super) partial: Option<usize>,
    /// What waits to be written about its end.
    pub(super) last_word: Option<LastWord>,
}

/// What an OPEN of ours has to say besides its payload.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// The place of its method in the table.
    pub(super) method: u16,
    pub(super) one_way: bool,
    /// The encoded rest of its head.
    pub(super) extra: Vec<u8>,
}

/// A frame that ends a stream at once.
#[derive(Debug)]
pub(super) enum LastWord {
    Reset(Code, String),
    End,
}

/// The places of all streams of a session.
#[derive(Debug)]
pub(super) struct Slots {
    places: Vec<Stream>,
    free: Vec<u32>,
    /// The place of each id, by its lowest bit and the rest.
    keys: [Vec<u32>; 2],
    /// Which lowest bit is ours.
    own: u16,
    /// Numbers of ours that had a stream before.
    recycled: Vec<u16>,
    ours: usize,
    theirs: usize,
}

impl Slots {
    /// For a session whose own ids have this lowest bit.
    pub(super) const fn new(own: u16) -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            keys: [Vec::new(), Vec::new()],
            own,
            recycled: Vec::new(),
            ours: 0,
            theirs: 0,
        }
    }

    /// How many streams of ours there are.
    pub(super) const fn ours(&self) -> usize {
        self.ours
    }

    /// How many streams of the peer's there are, with those that are refused and not answered yet.
    pub(super) const fn theirs(&self) -> usize {
        self.theirs
    }

    /// Whether an id is one that we give.
    pub(super) const fn is_ours(&self, sid: u16) -> bool {
        sid & 1 == self.own
    }

    /// The place of the stream that has this id now.
    #[inline]
    pub(super) fn find(&self, sid: u16) -> Option<u32> {
        let key = self.keys[usize::from(sid & 1)].get(usize::from(sid >> 1)).copied();
        key.filter(|&key| key != NONE)
    }

    /// The place of this very stream, if it still has it.
    #[inline]
    pub(super) fn current(&self, id: StreamId) -> Option<u32> {
        self.places.get(id.index()).filter(|stream| stream.id == id && self.find(id.sid()) == Some(id.key))?;
        Some(id.key)
    }

    #[inline]
    pub(super) fn stream(&mut self, key: u32) -> &mut Stream {
        &mut self.places[key as usize]
    }

    /// The places that are taken.
    pub(super) fn taken(&self) -> Vec<u32> {
        let taken = self.places.iter().filter(|stream| self.find(stream.id.sid()) == Some(stream.id.key));
        taken.map(|stream| stream.id.key).collect()
    }

    /// A place for a stream of ours, with an id that nobody has; `None` if they have run out.
    pub(super) fn open(&mut self) -> Option<u32> {
        let number = match self.recycled.pop() {
            Some(number) => number,
            None if self.ours < STREAMS_MOST => self.ours as u16,
            None => return None,
        };
        self.ours += 1;
        Some(self.take(number << 1 | self.own, Role::Opener))
    }

    /// A place for a stream of the peer's, whose id nobody has.
    pub(super) fn accept(&mut self, sid: u16) -> u32 {
        self.theirs += 1;
        self.take(sid, Role::Responder)
    }

    /// Gives a place and its id back.
    pub(super) fn free(&mut self, key: u32) {
        let stream = &mut self.places[key as usize];
        let sid = stream.id.sid;
        stream.outgoing.recycle();
        stream.opening.extra.clear();
        stream.opening.extra.shrink_to(256);
        self.keys[usize::from(sid & 1)][usize::from(sid >> 1)] = NONE;
        self.free.push(key);
        if self.is_ours(sid) {
            self.ours -= 1;
            self.recycled.push(sid >> 1);
        } else {
            self.theirs -= 1;
        }
    }

    /// A place is taken or free, an id has one stream or none, and what is free keeps little memory.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn check(&self) {
        let taken = self.taken();
        assert_eq!(self.places.len(), taken.len() + self.free.len(), "every place is taken or free");
        let ids = self.keys.iter().flatten().filter(|&&key| key != NONE).count();
        assert_eq!(ids, taken.len(), "every id has one stream");
        for stream in self.free.iter().map(|&key| &self.places[key as usize]) {
            let kept = stream.outgoing.kept() + stream.opening.extra.capacity();
            assert!(kept <= 512 && stream.last_word.is_none() && stream.outgoing.is_empty(), "{:?}", stream.id);
            assert!(!taken.contains(&stream.id.key), "{:?} is free and taken", stream.id);
        }
    }

    #[cfg(test)]
    pub(super) fn footprint(&self) -> usize {
        let streams = self.places.iter().map(|it| 1 + it.outgoing.footprint() + it.opening.extra.capacity());
        let tables = self.keys.iter().map(Vec::capacity).sum::<usize>() + self.free.capacity();
        self.places.capacity() + streams.sum::<usize>() + tables + self.recycled.capacity()
    }

    fn take(&mut self, sid: u16, role: Role) -> u32 {
        let key = self.free.pop().unwrap_or(self.places.len() as u32);
        match self.places.get_mut(key as usize) {
            Some(stream) => {
                let generation = stream.id.generation.wrapping_add(1);
                stream.id = StreamId { key, generation, sid };
                (stream.role, stream.state, stream.told) = (role, State::New, false);
                (stream.ordinal, stream.partial) = (0, None);
            }
            None => self.places.push(Stream {
                id: StreamId { key, generation: 0, sid },
                role,
                state: State::New,
                told: false,
                urgency: 0,
                ordinal: 0,
                opening: Opening::default(),
                outgoing: Outgoing::default(),
                incoming: Incoming::default(),
                partial: None,
                last_word: None,
            }),
        }
        let keys = &mut self.keys[usize::from(sid & 1)];
        let number = usize::from(sid >> 1);
        if keys.len() <= number {
            keys.resize(number + 1, NONE);
        }
        keys[number] = key;
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_an_id_are_used_again_and_an_old_handle_finds_neither() {
        let mut slots = Slots::new(1);
        let keys = [(); 3].map(|()| slots.open().unwrap());
        let ids = keys.map(|key| slots.stream(key).id);
        assert_eq!(ids.map(StreamId::sid), [1, 3, 5]);
        slots.free(keys[1]);
        assert_eq!((slots.find(3), slots.current(ids[1]), slots.ours()), (None, None, 2));
        let theirs = slots.accept(6);
        assert_eq!(theirs, keys[1], "the place is used again");
        assert_eq!(slots.find(6), Some(theirs));
        let again = slots.open().unwrap();
        assert_eq!(slots.stream(again).id.sid(), 3, "and so is the id");
        assert_eq!(slots.current(ids[1]), None);
        assert_eq!(slots.current(ids[2]), Some(keys[2]));
    }

    #[test]
    fn no_id_takes_more_than_two_bytes() {
        let mut slots = Slots::new(1);
        let last = std::iter::from_fn(|| slots.open()).last().unwrap();
        assert_eq!(slots.stream(last).id.sid(), 16_383);
    }
}
