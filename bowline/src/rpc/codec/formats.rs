//! The formats of other crates, as far as their features are on.

use std::cell::Cell;

use serde::Serialize;
use serde::de::DeserializeOwned;
#[cfg(feature = "msgpack")]
use serde::de::IgnoredAny;

use super::{Codec, DecodeError, EncodeError, depth};
use crate::Part;

/// Up to here, in bytes, an encoded value is copied out of the buffer of its thread; a larger one takes the buffer with it.
pub(super) const COPIED: usize = 4096;

thread_local! {
    /// Where values are encoded that turn out to be short.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Codec {
    /// Encodes by the format of this codec.
    pub(super) fn write<T: Serialize + ?Sized>(self, value: &T) -> Result<Part, EncodeError> {
        // A value whose `Serialize` encodes another finds no buffer here, and makes its own.
        let mut buffer = SCRATCH.take();
        buffer.clear();
        let written = match self {
            #[cfg(feature = "postcard")]
            Self::Postcard => {
                postcard::serialize_with_flavor(value, Growing(&mut buffer)).map_err(EncodeError::Postcard)
            }
            #[cfg(feature = "msgpack")]
            Self::MessagePack => rmp_serde::encode::write_named(&mut buffer, value).map_err(EncodeError::MessagePack),
            #[cfg(feature = "json")]
            Self::Json => serde_json::to_writer(&mut buffer, value).map_err(EncodeError::Json),
            other => Err(EncodeError::Missing(other)),
        };
        let part =
            if buffer.len() <= COPIED { Part::copy_from_slice(&buffer) } else { std::mem::take(&mut buffer).into() };
        if buffer.capacity() <= 2 * COPIED {
            SCRATCH.set(buffer);
        }
        written.map(|()| part)
    }

    /// Decodes by the format of this codec.
    pub(super) fn read<T: DeserializeOwned>(self, encoded: &Part) -> Result<T, DecodeError> {
        match self {
            #[cfg(feature = "postcard")]
            Self::Postcard => {
                let mut decoder = postcard::Deserializer::from_bytes(encoded);
                let value = self.limited(depth::limited(&mut decoder), DecodeError::Postcard)?;
                let rest = decoder.finalize().map_err(DecodeError::Postcard)?;
                if rest.is_empty() { Ok(value) } else { Err(DecodeError::Trailing(self)) }
            }
            #[cfg(feature = "msgpack")]
            Self::MessagePack => {
                let mut decoder = rmp_serde::Deserializer::from_read_ref(encoded);
                let value = self.limited(depth::limited(&mut decoder), DecodeError::MessagePack)?;
                // The decoder does not tell how far it has come, only that there is no first byte of another value.
                match depth::limited::<IgnoredAny, _>(&mut decoder) {
                    Some(Err(rmp_serde::decode::Error::InvalidMarkerRead(_))) => Ok(value),
                    _ => Err(DecodeError::Trailing(self)),
                }
            }
            #[cfg(feature = "json")]
            Self::Json => {
                let mut decoder = serde_json::Deserializer::from_slice(encoded);
                let value = self.limited(depth::limited(&mut decoder), DecodeError::Json)?;
                decoder.end().map_err(DecodeError::Json)?;
                Ok(value)
            }
            other => Err(DecodeError::Missing(other)),
        }
    }

    fn limited<T, E>(self, decoded: Option<Result<T, E>>, error: fn(E) -> DecodeError) -> Result<T, DecodeError> {
        decoded.ok_or(DecodeError::TooDeep(self))?.map_err(error)
    }
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
