//! Poly1305: a tag for a text under a key that is used once.
//!
//! The crate `poly1305` is faster from some KiB on, and is used there; for 17 bytes it takes 1,300 ns where this takes 45.
// RFC 8439, The Poly1305 Algorithm

#[cfg(any(test, feature = "vectors"))]
mod short;

use poly1305::universal_hash::{KeyInit, UniversalHash};
use poly1305::{Block, Poly1305};
#[cfg(any(test, feature = "vectors"))]
use short::short;

/// The length of a tag, in bytes.
pub(super) const TAG: usize = 16;

/// From this length on vectors are worth their preparation, in bytes.
#[cfg(feature = "vectors")]
const LONG: usize = 4096;

/// The tag of `text` under `key`. Where there are no vectors the crate needs no preparation.
#[cfg(not(feature = "vectors"))]
pub(super) fn tag(key: &[u8; 32], text: &[u8]) -> [u8; TAG] {
    long(key, text)
}

/// The tag of `text` under `key`.
#[cfg(feature = "vectors")]
#[expect(clippy::inline_always, reason = "what is called for a kind of vectors must be compiled for it")]
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
