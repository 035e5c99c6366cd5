//! Tags of texts that are too short for the crate `poly1305`, where that uses vectors.

#![expect(clippy::inline_always, reason = "what is called for a kind of vectors must be compiled for it")]

use super::TAG;

/// From this many blocks on four at a time are worth the powers that this takes.
const MANY: usize = 8;

const LOW_44: u64 = (1 << 44) - 1;
const LOW_42: u64 = (1 << 42) - 1;

/// The tag of `text` under `key`.
#[inline(always)]
pub(super) fn short(key: &[u8; 32], text: &[u8]) -> [u8; TAG] {
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
