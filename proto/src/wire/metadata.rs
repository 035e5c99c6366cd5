//! Metadata: the properties that READY and INITIATE carry.
// RFC 37, The NULL Security Mechanism: metadata = *property

use bytes::Bytes;

use crate::peer::Properties;

/// The socket type of the sender.
pub const SOCKET_TYPE: &str = "Socket-Type";
/// The identity of the sender.
pub const IDENTITY: &str = "Identity";

/// RFC 37: a value has up to 2^31 - 1 bytes.
const VALUE_MOST: u32 = i32::MAX as u32;

/// Appends one property. The caller keeps names to 255 name characters and values below 2 GiB.
pub fn encode_property(name: &str, value: &[u8], out: &mut Vec<u8>) {
    debug_assert!(is_name(name.as_bytes()), "a property name of 1 to 255 name characters");
    out.push(name.len() as u8);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&(value.len() as u32).to_be_bytes());
    out.extend_from_slice(value);
}

/// Metadata that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Walks over encoded metadata, property by property, without a copy.
///
/// After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Walk<'a>(&'a [u8]);

impl<'a> Walk<'a> {
    /// Over these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn property(&mut self) -> Option<(&'a str, &'a [u8])> {
        let (&name_len, rest) = self.0.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(name_len))?;
        let (&value_len, rest) = rest.split_first_chunk::<4>()?;
        let value_len = u32::from_be_bytes(value_len);
        if !is_name(name) || value_len > VALUE_MOST {
            return None;
        }
        let (value, rest) = rest.split_at_checked(usize::try_from(value_len).ok()?)?;
        self.0 = rest;
        Some((std::str::from_utf8(name).ok()?, value))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<(&'a str, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let property = self.property();
        if property.is_none() {
            self.0 = &[];
        }
        Some(property.ok_or(Malformed))
    }
}

/// Whether two names mean the same property: their case does not matter.
pub const fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// The first property of that name in metadata that were read.
pub fn find<'a>(properties: &'a Properties, name: &str) -> Option<&'a Bytes> {
    properties.iter().find(|(known, _)| same_name(known, name)).map(|(_, value)| value)
}

// RFC 37: name = short-size 1*255name-char
pub(super) fn is_name(name: &[u8]) -> bool {
    let name_char = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    (1..=255).contains(&name.len()) && name.iter().all(name_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<(&str, &[u8])>, Malformed> {
        Walk::new(bytes).collect()
    }

    #[test]
    fn what_was_encoded_is_read_back() {
        let mut bytes = Vec::new();
        encode_property("Socket-Type", b"DEALER", &mut bytes);
        encode_property("Identity", b"", &mut bytes);
        encode_property("X-any.name_+1", &[0, 255], &mut bytes);
        assert_eq!(&bytes[..22], b"\x0bSocket-Type\0\0\0\x06DEALER");
        assert_eq!(
            read(&bytes).unwrap(),
            [("Socket-Type", &b"DEALER"[..]), ("Identity", b""), ("X-any.name_+1", &[0, 255])]
        );
    }

    #[test]
    fn no_metadata_are_metadata() {
        assert_eq!(read(b""), Ok(vec![]));
    }

    #[test]
    fn every_truncated_property_is_malformed() {
        let whole = b"\x0bSocket-Type\0\0\0\x06DEALER";
        for len in 1..whole.len() {
            assert_eq!(read(&whole[..len]), Err(Malformed), "{len} bytes");
        }
    }

    #[test]
    fn names_and_lengths_are_checked() {
        let malformed: &[&[u8]] = &[
            b"\0\0\0\0\0",
            b"\x01 \0\0\0\0",
            b"\x01\xe9\0\0\0\0",
            b"\x01a\x80\0\0\0",
            b"\x01a\xff\xff\xff\xff",
            b"\x01a\x7f\xff\xff\xff",
            b"\x01a\0\0\0\x02b",
            b"\x01a\0\0\0\x01bc",
        ];
        for bytes in malformed {
            assert_eq!(read(bytes), Err(Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn names_are_found_whatever_their_case() {
        let properties = vec![("X-Trace".to_owned(), Bytes::from_static(b"1"))];
        assert_eq!(find(&properties, "x-trace").map(|value| &value[..]), Some(&b"1"[..]));
        assert_eq!(find(&properties, "x-trac"), None);
    }
}
