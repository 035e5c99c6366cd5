//! The traffic of one direction: many boxes under one key, whose nonces are counted.
//!
//! A box takes its own blocks of the key stream, the first of which also gives the key of its tag. Blocks are made eight at
//! a time, of as many boxes as that takes: eight small messages cost what one block would.

#![cfg_attr(
    feature = "vectors",
    expect(clippy::inline_always, reason = "what is called for a kind of vectors must be compiled for it")
)]

use std::fmt;

#[cfg(feature = "vectors")]
use fearless_simd::{Level, Simd as _, dispatch};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::mac::{self, TAG};
use super::salsa::{BLOCK, Block, LANES, Places, Schedule};

/// How much of a box's first block is the key of its tag, in bytes; the text takes what follows.
const MAC_KEY: usize = 32;

/// The boxes of all nonces that begin with the same 16 bytes.
pub(super) struct Stream {
    schedule: Schedule,
    #[cfg(feature = "vectors")]
    level: Level,
}

/// Where a box lies: its tag, and behind it the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) nonce: [u8; 8],
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Slot {
    /// How many blocks it takes.
    const fn blocks(&self) -> usize {
        (MAC_KEY + self.to - self.from - TAG).div_ceil(BLOCK)
    }

    /// Which block of the key stream this one is.
    fn place(&self, block: usize) -> [u32; 4] {
        let [n0, n1, n2, n3, n4, n5, n6, n7] = self.nonce;
        let nonce = [u32::from_le_bytes([n0, n1, n2, n3]), u32::from_le_bytes([n4, n5, n6, n7])];
        [nonce[0], nonce[1], block as u32, (block as u64 >> 32) as u32]
    }

    /// What the block of this number is for, within the text; the first has its key in front.
    fn text_of(&self, block: usize) -> (std::ops::Range<usize>, usize) {
        let text = self.from + TAG;
        let from = if block == 0 { text } else { text + block * BLOCK - MAC_KEY };
        (from..self.to.min(text + (block + 1) * BLOCK - MAC_KEY), if block == 0 { MAC_KEY } else { 0 })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Seal,
    Open,
}

impl Stream {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            schedule: Schedule::new(key),
            #[cfg(feature = "vectors")]
            level: Level::new(),
        }
    }

    /// Seals one box in place.
    pub(super) fn seal(&self, nonce: [u8; 8], bytes: &mut [u8]) {
        self.seal_all(&[Slot { nonce, from: 0, to: bytes.len() }], bytes);
    }

    /// Opens one box in place. Whether it was as it had been sealed.
    pub(super) fn open(&self, nonce: [u8; 8], bytes: &mut [u8]) -> bool {
        self.open_all(&[Slot { nonce, from: 0, to: bytes.len() }], bytes) == 1
    }

    /// Seals boxes in place.
    pub(super) fn seal_all(&self, slots: &[Slot], bytes: &mut [u8]) {
        self.pass(slots, bytes, Direction::Seal);
    }

    /// Opens boxes in place, up to the first that is not as it was sealed: how many it opened.
    pub(super) fn open_all(&self, slots: &[Slot], bytes: &mut [u8]) -> usize {
        self.pass(slots, bytes, Direction::Open)
    }

    #[cfg(feature = "vectors")]
    fn pass(&self, slots: &[Slot], bytes: &mut [u8], direction: Direction) -> usize {
        dispatch!(self.level, simd => simd.vectorize(
            #[inline(always)]
            || pass(
                &self.schedule,
                #[inline(always)]
                |places, out| self.schedule.blocks(simd, places, out),
                slots,
                bytes,
                direction,
            )
        ))
    }

    #[cfg(not(feature = "vectors"))]
    fn pass(&self, slots: &[Slot], bytes: &mut [u8], direction: Direction) -> usize {
        pass(&self.schedule, |places, out| self.schedule.each(places, out), slots, bytes, direction)
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// All boxes, one after the other, by blocks that `together` makes. How many were right.
#[cfg_attr(feature = "vectors", inline(always))]
fn pass(
    schedule: &Schedule,
    together: impl Fn(&Places, &mut [Block; LANES]),
    slots: &[Slot],
    bytes: &mut [u8],
    direction: Direction,
) -> usize {
    let mut stream = [[0; 16]; LANES];
    let mut mac_key = [0; MAC_KEY];
    let (mut slot, mut block) = (0, 0);
    let right = 'all: loop {
        if block > 0 {
            block = long_run(&together, &slots[slot], block, bytes, &mut stream);
        }
        let mut lanes = [(0, 0); LANES];
        let mut places: Places = [[0; LANES]; 4];
        let mut filled = 0;
        while filled < LANES && slot < slots.len() {
            for (words, word) in places.iter_mut().zip(slots[slot].place(block)) {
                words[filled] = word;
            }
            lanes[filled] = (slot, block);
            filled += 1;
            block += 1;
            if block == slots[slot].blocks() {
                (slot, block) = (slot + 1, 0);
            }
        }
        match filled {
            0 => break slots.len(),
            // Two take less than eight together.
            1 | 2 => {
                for lane in 0..filled {
                    stream[lane] = schedule.block(places.map(|words| words[lane]));
                }
            }
            _ => together(&places, &mut stream),
        }
        for (&(slot, block), words) in lanes[..filled].iter().zip(&stream) {
            let at = &slots[slot];
            if block == 0 {
                for (key, word) in mac_key.as_chunks_mut::<4>().0.iter_mut().zip(words) {
                    *key = word.to_le_bytes();
                }
                if direction == Direction::Open {
                    let (tag, text) = bytes[at.from..at.to].split_at(TAG);
                    if !bool::from(mac::tag(&mac_key, text).ct_eq(tag)) {
                        break 'all slot;
                    }
                }
            }
            let (range, skipped) = at.text_of(block);
            mix(&mut bytes[range], &words[skipped / 4..]);
            if direction == Direction::Seal && block + 1 == at.blocks() {
                let (tag, text) = bytes[at.from..at.to].split_at_mut(TAG);
                tag.copy_from_slice(&mac::tag(&mac_key, text));
            }
        }
    };
    stream.zeroize();
    mac_key.zeroize();
    right
}

/// The blocks of a long box from `block` on, as far as eight of them are whole and none is the last; what is left begins
/// with the block that is returned. Nothing is looked up for each of them, which saves a third of the time that the stream takes.
#[cfg_attr(feature = "vectors", inline(always))]
fn long_run(
    together: impl Fn(&Places, &mut [Block; LANES]),
    slot: &Slot,
    mut block: usize,
    bytes: &mut [u8],
    stream: &mut [Block; LANES],
) -> usize {
    while block + LANES < slot.blocks() {
        let mut places: Places = [[0; LANES]; 4];
        for lane in 0..LANES {
            for (words, word) in places.iter_mut().zip(slot.place(block + lane)) {
                words[lane] = word;
            }
        }
        together(&places, stream);
        let from = slot.text_of(block).0.start;
        mix_words(bytes[from..from + LANES * BLOCK].as_chunks_mut().0, stream.as_flattened());
        block += LANES;
    }
    block
}

/// Adds a key stream to a text.
#[cfg_attr(feature = "vectors", inline(always))]
fn mix(text: &mut [u8], words: &[u32]) {
    if let (Some(text), Ok(words)) = (text.first_chunk_mut::<BLOCK>(), <&Block>::try_from(words)) {
        return mix_words(text.as_chunks_mut::<4>().0, words);
    }
    let (whole, rest) = text.as_chunks_mut::<4>();
    let whole_len = whole.len();
    mix_words(whole, words);
    if let Some(word) = words.get(whole_len) {
        for (byte, key) in rest.iter_mut().zip(word.to_le_bytes()) {
            *byte ^= key;
        }
    }
}

#[cfg_attr(feature = "vectors", inline(always))]
fn mix_words(text: &mut [[u8; 4]], words: &[u32]) {
    for (bytes, word) in text.iter_mut().zip(words) {
        *bytes = (u32::from_le_bytes(*bytes) ^ word).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A box by the book: the key stream in one piece, its beginning for the tag.
    fn sealed(schedule: &Schedule, nonce: [u8; 8], text: &[u8]) -> Vec<u8> {
        let words: Vec<u32> = nonce.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let mut stream = (0..).flat_map(|n| schedule.block([words[0], words[1], n, 0])).flat_map(u32::to_le_bytes);
        let key: Vec<u8> = stream.by_ref().take(MAC_KEY).collect();
        let hidden: Vec<u8> = text.iter().zip(stream).map(|(a, b)| a ^ b).collect();
        [&mac::tag(&key.try_into().unwrap(), &hidden)[..], &hidden].concat()
    }

    fn texts() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let len = prop_oneof![0..3usize, 15..50usize, 90..100usize, 500..600usize, 4000..4500usize];
        prop::collection::vec(len.prop_map(|len| (0..len).map(|i| (i * 7 + len) as u8).collect()), 1..20)
    }

    proptest! {
        #[test]
        fn boxes_that_are_sealed_together_are_those_that_are_sealed_alone(texts in texts()) {
            let stream = Stream::new(&[5; 32]);
            let (mut bytes, mut slots, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            for (n, text) in texts.iter().enumerate() {
                let (nonce, from) = ((n as u64).to_be_bytes(), bytes.len());
                bytes.extend_from_slice(&[0; TAG]);
                bytes.extend_from_slice(text);
                slots.push(Slot { nonce, from, to: bytes.len() });
                expected.extend(sealed(&stream.schedule, nonce, text));
            }
            let plain = bytes.clone();
            stream.seal_all(&slots, &mut bytes);
            prop_assert_eq!(&bytes, &expected);
            prop_assert_eq!(stream.open_all(&slots, &mut bytes), slots.len());
            for slot in &slots {
                prop_assert_eq!(&bytes[slot.from + TAG..slot.to], &plain[slot.from + TAG..slot.to]);
            }
        }

        #[test]
        fn a_flipped_bit_stops_the_opening_at_its_box(texts in texts(), at: prop::sample::Index, bit in 0..8u8) {
            let stream = Stream::new(&[5; 32]);
            let (mut bytes, mut slots) = (Vec::new(), Vec::new());
            for (n, text) in texts.iter().enumerate() {
                let from = bytes.len();
                bytes.extend_from_slice(&[0; TAG]);
                bytes.extend_from_slice(text);
                slots.push(Slot { nonce: [n as u8; 8], from, to: bytes.len() });
            }
            stream.seal_all(&slots, &mut bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let hit = slots.iter().position(|slot| (slot.from..slot.to).contains(&at)).unwrap();
            prop_assert_eq!(stream.open_all(&slots, &mut bytes), hit);
        }
    }
}
