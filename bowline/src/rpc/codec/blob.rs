//! A string of bytes that crosses the codecs as one.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::Part;

/// A string of bytes, for bodies that are worth no copy.
///
/// A `Vec<u8>` is encoded byte by byte, since serde knows lists only; a blob as one piece. When it is decoded it shares
/// the message that it came in, as [`Bytes`] do, wherever it stands in an argument or a result. With
/// [`Codec::Raw`](super::Codec::Raw) it is not copied on its way out either.
///
/// What shares a message keeps all of it in memory: copy a small blob that you keep out of a large message.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob(pub Bytes);

impl Blob {
    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<T: Into<Bytes>> From<T> for Blob {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

thread_local! {
    /// The message that is being decoded: serde hands out slices of it, and a blob asks here whose they are.
    static LENT: Cell<Option<Bytes>> = const { Cell::new(None) };
    /// Where a blob leaves its bytes while it is encoded, if somebody wants them as they are.
    static TAKEN: Cell<Taken> = const { Cell::new(Taken::Unwanted) };
}

#[derive(Default)]
enum Taken {
    #[default]
    Unwanted,
    Wanted,
    Blob(Bytes),
}

/// Lets blobs share the bytes of `part` until the guard goes; an inline part has none to share, and what was lent before
/// is of another message, which `share` sees.
pub(super) fn lend(part: &Part) -> Option<Lent> {
    let shared = part.as_shared()?;
    Some(Lent { before: LENT.replace(Some(shared.clone())) })
}

/// What was lent before comes back with the end of this.
pub(super) struct Lent {
    before: Option<Bytes>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        LENT.set(self.before.take());
    }
}

/// The piece of the lent message that `bytes` is, or a copy.
fn share(bytes: &[u8]) -> Bytes {
    let Some(whole) = LENT.take() else { return Bytes::copy_from_slice(bytes) };
    let start = (bytes.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    let within = start <= whole.len() && bytes.len() <= whole.len() - start;
    let piece = if within { whole.slice(start..start + bytes.len()) } else { Bytes::copy_from_slice(bytes) };
    LENT.set(Some(whole));
    piece
}

/// Calls `encode`; while it runs, blobs that are encoded can be [`taken`].
pub(super) fn taking<T>(encode: impl FnOnce() -> T) -> T {
    /// Also when `encode` panics, nothing stays behind in the thread.
    struct Restore(Taken);
    impl Drop for Restore {
        fn drop(&mut self) {
            TAKEN.set(std::mem::take(&mut self.0));
        }
    }
    let _restore = Restore(TAKEN.replace(Taken::Wanted));
    encode()
}

/// The blob that was encoded last, if it is the one that `bytes` are of.
pub(super) fn taken(bytes: &[u8]) -> Option<Bytes> {
    match TAKEN.replace(Taken::Wanted) {
        Taken::Blob(blob) if std::ptr::eq(&raw const blob[..], bytes) => Some(blob),
        _ => None,
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !matches!(TAKEN.take(), Taken::Unwanted) {
            TAKEN.set(Taken::Blob(self.0.clone()));
        }
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(Pieces).map(Self)
    }
}

struct Pieces;

impl<'de> Visitor<'de> for Pieces {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of bytes")
    }

    // Not every codec that could say so says that it hands out pieces of the message: `share` looks for itself.
    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(share(bytes))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
        Ok(bytes.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Bytes, E> {
        Ok(share(text.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bytes, A::Error> {
        // What is announced is not believed: the list may be shorter.
        let mut bytes = Vec::with_capacity(list.size_hint().unwrap_or(0).min(4096));
        while let Some(byte) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes.into())
    }
}
