//! The formats of other crates, as far as their features are on.

use std::cell::Cell;

use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(feature = "msgpack")]
use serde::de::IgnoredAny;

use super::{Codec, DecodeError, EncodeError, Format, depth};
use crate::Part;

/// Up to here, in bytes, an encoded value is copied out of the buffer of its thread; a larger one takes the buffer with it.
pub(super) const COPIED: usize = 4096;

thread_local! {
    /// Where values are encoded that turn out to be short.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

#[cfg(feature = "postcard")]
pub(super) struct Postcard;

#[cfg(feature = "postcard")]
impl Format for Postcard {
    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Part, EncodeError> {
        written(|buffer| postcard::serialize_with_flavor(value, Growing(buffer)).map_err(EncodeError::Postcard))
    }

    fn decode<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, DecodeError> {
        let mut decoder = postcard::Deserializer::from_bytes(encoded);
        let value = limited(Codec::Postcard, depth::limited(&mut decoder), DecodeError::Postcard)?;
        let rest = decoder.finalize().map_err(DecodeError::Postcard)?;
        if rest.is_empty() { Ok(value) } else { Err(DecodeError::Trailing(Codec::Postcard)) }
    }
}

#[cfg(feature = "msgpack")]
pub(super) struct MessagePack;

#[cfg(feature = "msgpack")]
impl Format for MessagePack {
    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Part, EncodeError> {
        written(|buffer| rmp_serde::encode::write_named(buffer, value).map_err(EncodeError::MessagePack))
    }

    fn decode<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, DecodeError> {
        let mut decoder = rmp_serde::Deserializer::from_read_ref(encoded);
        let value = limited(Codec::MessagePack, depth::limited(&mut decoder), DecodeError::MessagePack)?;
        // The decoder does not tell how far it has come, only that there is no first byte of another value.
        match depth::limited::<IgnoredAny, _>(&mut decoder) {
            Some(Err(rmp_serde::decode::Error::InvalidMarkerRead(_))) => Ok(value),
            _ => Err(DecodeError::Trailing(Codec::MessagePack)),
        }
    }
}

#[cfg(feature = "json")]
pub(super) struct Json;

#[cfg(feature = "json")]
impl Format for Json {
    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Part, EncodeError> {
        written(|buffer| serde_json::to_writer(buffer, value).map_err(EncodeError::Json))
    }

    fn decode<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, DecodeError> {
        let mut decoder = serde_json::Deserializer::from_slice(encoded);
        let value = limited(Codec::Json, depth::limited(&mut decoder), DecodeError::Json)?;
        decoder.end().map_err(DecodeError::Json)?;
        Ok(value)
    }
}

/// What `write` puts into a buffer, as a part.
fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), EncodeError>) -> Result<Part, EncodeError> {
    // A value whose `Serialize` encodes another finds no buffer here, and makes its own.
    let mut buffer = SCRATCH.take();
    buffer.clear();
    let written = write(&mut buffer);
    let part = if buffer.len() <= COPIED { Part::copy_from_slice(&buffer) } else { std::mem::take(&mut buffer).into() };
    if buffer.capacity() <= 2 * COPIED {
        SCRATCH.set(buffer);
    }
    written.map(|()| part)
}

fn limited<T, E>(codec: Codec, decoded: Option<Result<T, E>>, error: fn(E) -> DecodeError) -> Result<T, DecodeError> {
    decoded.ok_or(DecodeError::TooDeep(codec))?.map_err(error)
}

/// postcard's own growing buffer can't be used again.
#[cfg(feature = "postcard")]
struct Growing<'a>(&'a mut Vec<u8>);

#[cfg(feature = "postcard")]
impl postcard::ser_flavors::Flavor for Growing<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
