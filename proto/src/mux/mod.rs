//! Calls and streams, many of them on one connection.
//!
//! A [`Session`] is one side of a connection that carries streams: pure, without a clock. It takes frames from the
//! link and wishes from the application, and gives frames and [`Event`]s out. `docs/mux.md` is the protocol.
//!
//! ```text
//!   application ----- open, send, finish, reset, consumed ----+      +---- poll_event -----> application
//!                                                             v      |
//!                                  +---------------------------------------------+
//!                                  | session: a slot for each stream             |
//!                                  |   lifecycle   what may still be said        |
//!                                  |   flow        how much the peer may send    |
//!                                  |   schedule    whose turn it is              |
//!                                  +---------------------------------------------+
//!                                                             ^      |
//!   link ------------------ handle ---------------------------+      +---- poll_transmit --> link
//! ```

mod code;
mod delay;
mod error;
mod event;
mod flow;
pub mod frame;
mod head;
mod methods;
mod outgoing;
mod schedule;
mod session;
mod slots;
mod stream;
#[cfg(test)]
mod tests;
mod varint;

pub use code::Code;
pub use error::{OpenError, OpenErrorKind, SendError, SendErrorKind, Violation};
pub use event::{Audience, Event, Kind};
pub use flow::cost;
pub use frame::Frame;
pub use head::{Head, Metadata, MethodRef};
pub use session::{End, Late, Session, Settings, Side};
pub use slots::StreamId;
