//! From values to bytes and back.

mod blob;
#[cfg(any(feature = "postcard", feature = "msgpack", feature = "json"))]
mod depth;
mod encoded;
#[cfg(any(feature = "postcard", feature = "msgpack", feature = "json"))]
mod formats;
mod raw;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use raw::Raw;

use crate::Part;

pub use blob::Blob;
pub use encoded::Encoded;
pub use raw::NotRaw;

/// How arguments, items, results and errors become bytes.
///
/// The caller chooses, for each call; the other side answers in the same codec.
///
/// ```
/// use bowline::rpc::Codec;
///
/// for codec in [Codec::Postcard, Codec::MessagePack, Codec::Json] {
///     let encoded = codec.encode(&("key", 7_u32))?;
///     assert_eq!(codec.decode::<(String, u32)>(&encoded)?, ("key".to_owned(), 7));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// The bytes themselves: for methods that take and give one string of bytes, or text.
    ///
    /// A [`Blob`] passes without a copy, both ways. Anything else that is not one string of bytes is refused.
    Raw = 0,
    /// [postcard](https://postcard.jamesmunns.com/wire-format): the default, since it is the shortest and the fastest.
    ///
    /// It says nothing of what it holds, so both sides must have the same types.
    #[default]
    Postcard = 1,
    /// [MessagePack](https://msgpack.org), structs as maps with the names of their fields: for other languages.
    MessagePack = 2,
    /// JSON, in UTF-8: for other languages and command lines. Bytes are lists of numbers there, which is slow.
    Json = 3,
}

impl Codec {
    /// The number that stands for it on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The codec of this number, if there is one.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Raw),
            1 => Some(Self::Postcard),
            2 => Some(Self::MessagePack),
            3 => Some(Self::Json),
            _ => None,
        }
    }

    /// Whether the bytes say what they hold, so that a decoder can pass over fields that it does not know.
    ///
    /// Then two sides with different shapes may still understand each other.
    pub const fn is_self_describing(self) -> bool {
        matches!(self, Self::MessagePack | Self::Json)
    }

    /// Encodes `value`: without an allocation where a [`Part`] keeps it inline, with one up to a few KiB.
    ///
    /// # Errors
    /// If this codec has no form for such a value, or its own `Serialize` fails.
    pub fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Part, EncodeError> {
        match self {
            _ if encoded::is::<T>() => Raw::encode(value),
            Self::Raw => Raw::encode(value),
            #[cfg(feature = "postcard")]
            Self::Postcard => formats::Postcard::encode(value),
            #[cfg(feature = "msgpack")]
            Self::MessagePack => formats::MessagePack::encode(value),
            #[cfg(feature = "json")]
            Self::Json => formats::Json::encode(value),
            #[cfg(not(all(feature = "postcard", feature = "msgpack", feature = "json")))]
            missing => Err(EncodeError::Missing(missing)),
        }
    }

    /// Decodes what [`encode`](Codec::encode) made; a [`Blob`] in it shares the bytes of `encoded`.
    ///
    /// Values may be 100 deep: a list in a struct in an option are three. It is a limit for types that contain themselves,
    /// since how deep those go, a peer says, and each level takes a piece of the stack. 100 are a few 100 KiB where the
    /// compiler does not optimise.
    ///
    /// # Errors
    /// If the bytes are none of such a value, are more than it, or go too deep.
    pub fn decode<T: DeserializeOwned>(self, encoded: &Part) -> Result<T, DecodeError> {
        let _lent = blob::lend(encoded);
        match self {
            _ if encoded::is::<T>() => Raw::decode(encoded),
            Self::Raw => Raw::decode(encoded),
            #[cfg(feature = "postcard")]
            Self::Postcard => formats::Postcard::decode(encoded),
            #[cfg(feature = "msgpack")]
            Self::MessagePack => formats::MessagePack::decode(encoded),
            #[cfg(feature = "json")]
            Self::Json => formats::Json::decode(encoded),
            #[cfg(not(all(feature = "postcard", feature = "msgpack", feature = "json")))]
            missing => Err(DecodeError::Missing(missing)),
        }
    }
}

/// What each codec is: a way to write values, and to read them.
trait Format {
    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Part, EncodeError>;

    /// Takes all of `encoded`, for one value that goes at most 100 deep.
    fn decode<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, DecodeError>;
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw bytes",
            Self::Postcard => "postcard",
            Self::MessagePack => "MessagePack",
            Self::Json => "JSON",
        })
    }
}

/// Why a value could not be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The value is not one string of bytes.
    #[error("raw bytes: {0}")]
    Raw(#[source] NotRaw),
    /// postcard has no form for it.
    #[cfg(feature = "postcard")]
    #[error("postcard: {0}")]
    Postcard(#[source] postcard::Error),
    /// MessagePack has no form for it.
    #[cfg(feature = "msgpack")]
    #[error("MessagePack: {0}")]
    MessagePack(#[source] rmp_serde::encode::Error),
    /// JSON has no form for it.
    #[cfg(feature = "json")]
    #[error("JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// The feature of this codec is off.
    #[error("{0}: the feature of this codec is off")]
    Missing(Codec),
}

/// Why bytes could not be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The type is not one string of bytes, or a text is not UTF-8.
    #[error("raw bytes: {0}")]
    Raw(#[source] NotRaw),
    /// The bytes are not what postcard makes of such a value.
    #[cfg(feature = "postcard")]
    #[error("postcard: {0}")]
    Postcard(#[source] postcard::Error),
    /// The bytes are not what MessagePack makes of such a value.
    #[cfg(feature = "msgpack")]
    #[error("MessagePack: {0}")]
    MessagePack(#[source] rmp_serde::decode::Error),
    /// The bytes are not what JSON makes of such a value.
    #[cfg(feature = "json")]
    #[error("JSON: {0}")]
    Json(#[source] serde_json::Error),
    /// The feature of this codec is off.
    #[error("{0}: the feature of this codec is off")]
    Missing(Codec),
    /// The value is whole, and there are more bytes.
    #[error("{0}: there is more behind the value")]
    Trailing(Codec),
    /// The value contains values that contain values, and so on, more than 100 deep.
    #[error("{0}: the value is more than 100 deep")]
    TooDeep(Codec),
}

#[cfg(all(test, feature = "postcard", feature = "msgpack", feature = "json"))]
mod tests;
