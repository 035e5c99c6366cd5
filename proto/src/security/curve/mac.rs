//! Poly1305: a tag for a text under a key that is used once.
//!
//! The crate `poly1305` is faster from some KiB on, and is used there; for 17 bytes it takes 1,300 ns where this takes 45.
// RFC 8439, The Poly1305 Algorithm

#![expect(clippy::inline_always, reason = "what is called for a kind of vectors must be compiled for it")]

use poly1305::universal_hash::{KeyInit, UniversalHash};
use poly1305::{Block, Poly1305};

/// The length of a tag, in bytes.
pub(super) const TAG: usize = 16;

/// From this length on vectors are worth their preparation, in bytes.
const LONG: usize = 4096;

/// From this many blocks on four at a time are worth the powers that this takes.
const MANY: usize = 8;

const LOW_44: u64 = (1 << 44) - 1;
const LOW_42: u64 = (1 << 42) - 1;

/// The tag of `text` under `key`.
#[inline(always)]
pub(super) fn tag(key: &[u8; 32], text: &[u8]) -> [u8; TAG] {
    if text.len() >= LONG { long(key, text) } else { short(key, text) }
}

fn long(key: &[u8; 32], text: &[u8]) -> [u8; TAG] {
    let mut mac = Poly1305::new(key.into());
    let (blocks, rest) = Block::slice_as_chunks(text);
    mac.update(blocks);
    mac.compute_unpadded(rest).into()
}

#[inline(always)]
fn short(key: &[u8; 32], text: &[u8]) -> [u8; TAG] {
    let [r0, r1, pad @ ..] = words::<4>(key);
    let factor = [r0 & 0xffc_0fff_ffff, ((r0 >> 44) | (r1 << 20)) & 0xfff_ffc0_ffff, (r1 >> 24) & 0xf_ffff_fc0f];
    let mut sum = [0; 3];
    let (blocks, rest) = text.as_chunks::<TAG>();
    let (fours, ones) = if blocks.len() < MANY { (&[][..], blocks) } else { blocks.as_chunks::<4>() };
    if !fours.is_empty() {
        let mut powers = [factor; 4];
        for i in (0..3).rev() {
            powers[i] = carried(product(powers[i + 1], factor));
        }
        for four in fours {
            sum = four_steps(sum, four, &powers);
        }
    }
    for block in ones {
        sum = step(sum, limbs(block, 1 << 40), factor);
    }
    if !rest.is_empty() {
        let mut last = [0; TAG];
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = 1;
        sum = step(sum, limbs(&last, 0), factor);
    }
    finished(sum, pad)
}

/// Little-endian words.
#[inline(always)]
fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// A block as a number of 44, 44 and 42 bits, with the bit that stands behind it.
#[inline(always)]
fn limbs(block: &[u8; TAG], end: u64) -> [u64; 3] {
    let [low, high] = words(block);
    [low & LOW_44, ((low >> 44) | (high << 20)) & LOW_44, ((high >> 24) & LOW_42) | end]
}

/// `(sum + block) * factor` modulo 2^130 - 5, up to a few bits.
#[inline(always)]
fn step(sum: [u64; 3], block: [u64; 3], factor: [u64; 3]) -> [u64; 3] {
    carried(product(added(sum, block), factor))
}

/// Four steps as one: the products don't wait for each other, and are carried once.
#[inline(always)]
fn four_steps(sum: [u64; 3], blocks: &[[u8; TAG]; 4], powers: &[[u64; 3]; 4]) -> [u64; 3] {
    let [first, second, third, fourth] = blocks;
    let [r4, r3, r2, r1] = *powers;
    let total = product(added(sum, limbs(first, 1 << 40)), r4);
    let total = added(total, product(limbs(second, 1 << 40), r3));
    let total = added(total, product(limbs(third, 1 << 40), r2));
    let total = added(total, product(limbs(fourth, 1 << 40), r1));
    carried(total)
}

#[inline(always)]
fn added<T: Copy + std::ops::Add<Output = T>>(a: [T; 3], b: [T; 3]) -> [T; 3] {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

#[inline(always)]
fn product([h0, h1, h2]: [u64; 3], [r0, r1, r2]: [u64; 3]) -> [u128; 3] {
    let times = |a: u64, b: u64| u128::from(a) * u128::from(b);
    // What overflows 2^130 comes back five times, and four times more where the limbs have 132 bits together.
    let (s1, s2) = (r1 * 20, r2 * 20);
    [
        times(h0, r0) + times(h1, s2) + times(h2, s1),
        times(h0, r1) + times(h1, r0) + times(h2, s2),
        times(h0, r2) + times(h1, r1) + times(h2, r0),
    ]
}

/// Limbs of 44, 44 and 42 bits again, but for a few bits too much in the second.
#[inline(always)]
fn carried([d0, d1, d2]: [u128; 3]) -> [u64; 3] {
    let d1 = d1 + (d0 >> 44);
    let d2 = d2 + (d1 >> 44);
    let low = (d0 as u64 & LOW_44) + (d2 >> 42) as u64 * 5;
    [low & LOW_44, (d1 as u64 & LOW_44) + (low >> 44), d2 as u64 & LOW_42]
}

/// The sum reduced to the end, in constant time, plus `pad` modulo 2^128.
#[inline(always)]
fn finished(sum: [u64; 3], [low, high]: [u64; 2]) -> [u8; TAG] {
    let settled = |[h0, h1, h2]: [u64; 3]| {
        let h1 = h1 + (h0 >> 44);
        let h2 = h2 + (h1 >> 44);
        ([h0 & LOW_44, h1 & LOW_44, h2 & LOW_42], h2 >> 42)
    };
    let (sum, over) = settled(sum);
    let (sum, over) = settled([sum[0] + over * 5, sum[1], sum[2]]);
    let (sum, _) = settled([sum[0] + over * 5, sum[1], sum[2]]);
    // If adding five carries out of the 130 bits, that is what remains.
    let (less, over) = settled([sum[0] + 5, sum[1], sum[2]]);
    let mask = over.wrapping_neg();
    let [h0, h1, h2]: [u128; 3] = std::array::from_fn(|i| u128::from((sum[i] & !mask) | (less[i] & mask)));
    let pad = u128::from(low) | (u128::from(high) << 64);
    (h0 | (h1 << 44) | (h2 << 88)).wrapping_add(pad).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 8439, section 2.5.2.
    #[test]
    fn the_example_of_the_specification_comes_out() {
        let key = b"\x85\xd6\xbe\x78\x57\x55\x6d\x33\x7f\x44\x52\xfe\x42\xd5\x06\xa8\x01\x03\x80\x8a\xfb\x0d\xb2\xfd\x4a\xbf\xf6\xaf\x41\x49\xf5\x1b";
        let tag = short(key, b"Cryptographic Forum Research Group");
        assert_eq!(tag, *b"\xa8\x06\x1d\xc1\x30\x51\x36\xc6\xc2\x2b\x8b\xaf\x0c\x01\x27\xa9");
    }

    /// Sums at the border of the modulus, where a carry is missed first: RFC 8439, appendix A.3, and its like.
    #[test]
    fn sums_at_the_border_are_reduced_as_by_the_crate() {
        let factors: [[u8; 16]; 3] =
            [[0xff; 16], std::array::from_fn(|i| u8::from(i == 0)), std::array::from_fn(|i| u8::from(i == 0) * 2)];
        let blocks = [[0xff; 16], std::array::from_fn(|i| if i == 0 { 0xfb } else { 0xff }), [0; 16]];
        for r in factors {
            for pad in [[0; 16], [0xff; 16]] {
                let key: [u8; 32] = [r, pad].concat().try_into().unwrap();
                for (a, b, c) in (0..27).map(|i| (i / 9, i / 3 % 3, i % 3)) {
                    let text = [blocks[a], blocks[b], blocks[c]].concat();
                    for text in [&text[..], &text[..33], &text[..16], &text.repeat(4)] {
                        assert_eq!(short(&key, text), long(&key, text), "{key:x?} {text:x?}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_the_same_as_the_crates(key: [u8; 32], text in prop::collection::vec(any::<u8>(), 0..700)) {
            prop_assert_eq!(short(&key, &text), long(&key, &text));
        }
    }
}
