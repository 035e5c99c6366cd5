//! Z85: 32 bytes as 40 printable characters that need no escape in a shell, a file or a source.
// RFC 32

use zeroize::Zeroizing;

use super::InvalidKey;

/// The length of a key in Z85.
pub(super) const LEN: usize = 40;

const DIGITS: &[u8; 85] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// Five digits for four bytes.
pub(super) fn encode(bytes: &[u8; 32]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(LEN));
    for group in bytes.as_chunks::<4>().0 {
        let value = u32::from_be_bytes(*group);
        for power in [85_u32.pow(4), 85_u32.pow(3), 85_u32.pow(2), 85, 1] {
            text.push(char::from(DIGITS[(value / power % 85) as usize]));
        }
    }
    text
}

/// Reads 40 digits.
pub(super) fn decode(text: &str) -> Result<Zeroizing<[u8; 32]>, InvalidKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    let (groups, rest) = text.as_bytes().as_chunks::<5>();
    if groups.len() != LEN / 5 || !rest.is_empty() {
        return Err(InvalidKey::Length { found: text.len() });
    }
    for (at, (group, out)) in groups.iter().zip(bytes.as_chunks_mut::<4>().0).enumerate() {
        let mut value = 0;
        for (i, digit) in group.iter().enumerate() {
            let known = DIGITS.iter().position(|known| known == digit);
            value = value * 85 + known.ok_or(InvalidKey::Character { at: at * 5 + i })? as u64;
        }
        *out = u32::try_from(value).map_err(|_| InvalidKey::Range { at: at * 5 })?.to_be_bytes();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_read_and_written() {
        let bytes = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b].repeat(4).try_into().unwrap();
        assert_eq!(*encode(&bytes), "HelloWorld".repeat(4));
        assert_eq!(*decode(&"HelloWorld".repeat(4)).unwrap(), bytes);
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_place() {
        assert_eq!(decode("HelloWorld").unwrap_err(), InvalidKey::Length { found: 10 });
        assert_eq!(decode(&"~".repeat(40)).unwrap_err(), InvalidKey::Character { at: 0 });
        assert_eq!(decode(&"\u{e9}".repeat(20)).unwrap_err(), InvalidKey::Character { at: 0 });
        let late = format!("{}#####", "0".repeat(35));
        assert_eq!(decode(&late).unwrap_err(), InvalidKey::Range { at: 35 });
    }
}
