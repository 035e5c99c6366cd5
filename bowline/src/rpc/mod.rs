//! Calls and streams of them, typed, in both directions on one connection.

mod codec;
mod never;
mod schema;

pub use codec::{Blob, Codec, DecodeError, EncodeError, NotRaw};
pub use never::Never;
pub use schema::{Kind, Method, Schema, assert_distinct, method_id, shape};
