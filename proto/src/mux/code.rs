//! Codes: why a stream was reset, or why a side takes no more streams.

use std::fmt;

/// Why a stream was reset, or why a side takes no more streams.
///
/// A code that is not known here is kept as the number that it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub u64);

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $number:literal $name:ident $text:literal)*) => {
        impl Code {
            $($(#[doc = $doc])* pub const $name: Self = Self($number);)*

            /// Its name in snake case, if it is known.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// The opener no longer wants the answer.
    0 CANCELLED "cancelled"
    /// The deadline has passed.
    1 DEADLINE "deadline"
    /// There is no method of this id.
    2 UNKNOWN_METHOD "unknown_method"
    /// The method is there, with other arguments or results.
    3 SHAPE_MISMATCH "shape_mismatch"
    /// A payload could not be decoded.
    4 MALFORMED "malformed"
    /// A message is longer than this side accepts.
    5 TOO_LARGE "too_large"
    /// Not executed, and may be tried again.
    6 REFUSED "refused"
    /// The handler panicked or is gone.
    7 INTERNAL "internal"
    /// More was sent than there was credit for.
    8 FLOW "flow"
    /// This side does not know the codec.
    9 UNSUPPORTED_CODEC "unsupported_codec"
    /// This peer may not do that before it has said who it is.
    10 UNAUTHENTICATED "unauthenticated"
    /// This peer may not do that.
    11 PERMISSION_DENIED "permission_denied"
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "code {}", self.0),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
