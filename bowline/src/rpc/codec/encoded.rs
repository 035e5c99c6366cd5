//! A value that somebody else has encoded.

use std::any::TypeId;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Blob;

/// A value that is encoded already, in the codec of its call, and is handed on as it is.
///
/// For whoever has other means to make and read what calls carry: a web page has `JSON` of its own, and a gateway hands on
/// what it need not understand. It needs no feature of a codec, and it is not looked into: whether the bytes are what the
/// codec makes, who reads them finds out.
///
/// It must be the whole of what is sent or received: the arguments, an item, a result, an error. Within another value it
/// is a [`Blob`].
///
/// ```
/// use bowline::rpc::{Codec, Encoded};
///
/// let text = Encoded(r#"["key",7]"#.into());
/// let encoded = Codec::Json.encode(&text)?;
/// assert_eq!(&encoded[..], br#"["key",7]"#);
/// assert_eq!(Codec::Json.decode::<Encoded>(&encoded)?, text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Encoded(pub Blob);

/// As the text that it is in a codec of text.
impl fmt::Display for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// Whether this is the type; known when it is compiled.
pub(super) fn is<T: ?Sized>() -> bool {
    typeid::of::<T>() == TypeId::of::<Encoded>()
}
