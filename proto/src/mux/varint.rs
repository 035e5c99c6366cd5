//! Numbers of variable length: unsigned LEB128, seven bits a byte, the lowest first.

use super::error::Violation;

/// The longest number, in bytes.
const MOST: usize = 10;

/// Appends `value`, in its shortest form.
pub(super) fn write(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number off the beginning of `bytes`. Its form need not be the shortest.
///
/// # Errors
///
/// [`Violation::Truncated`] if the bytes end within it, [`Violation::Varint`] if it does not end within ten bytes or
/// is more than 64 bits long.
#[inline]
pub(super) fn read(bytes: &mut &[u8]) -> Result<u64, Violation> {
    if let Some((&first, rest)) = bytes.split_first()
        && first < 0x80
    {
        *bytes = rest;
        return Ok(first.into());
    }
    let mut value = 0;
    for (at, &byte) in bytes.iter().take(MOST).enumerate() {
        // The tenth byte has room for one bit.
        if at == MOST - 1 && byte > 1 {
            return Err(Violation::Varint);
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *bytes = &bytes[at + 1..];
            return Ok(value);
        }
    }
    Err(Violation::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_and_takes_a_byte_for_seven_bits() {
        for bits in 0..64 {
            for value in [1u64 << bits, (1 << bits) - 1, u64::MAX >> bits] {
                let mut out = Vec::new();
                write(value, &mut out);
                assert_eq!(out.len(), (64 - value.leading_zeros()).div_ceil(7).max(1) as usize);
                let mut rest = &out[..];
                assert_eq!(read(&mut rest), Ok(value));
                assert!(rest.is_empty());
                for cut in 0..out.len() {
                    assert_eq!(read(&mut &out[..cut]), Err(Violation::Truncated));
                }
            }
        }
    }

    #[test]
    fn a_number_may_be_longer_than_it_need_be_but_not_than_64_bits() {
        assert_eq!(read(&mut &[0x81, 0x80, 0x00][..]), Ok(1));
        let most = [0xff; 9];
        assert_eq!(read(&mut &[&most[..], &[0x01]].concat()[..]), Ok(u64::MAX));
        assert_eq!(read(&mut &[&most[..], &[0x02]].concat()[..]), Err(Violation::Varint));
        assert_eq!(read(&mut &[&most[..], &[0x81, 0x00]].concat()[..]), Err(Violation::Varint));
    }
}
