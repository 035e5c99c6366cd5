//! The driver: carries bytes and edges between the pure core and the world. It knows no word of the protocol.
//!
//! | task | one for each | ends |
//! |---|---|---|
//! | [`dial`] | dialed endpoint | when it is disconnected, refused, or the socket is over |
//! | [`accept`] | bound endpoint | when it is unbound, or the socket is over |
//! | [`connection`] | accepted connection (a dialed one runs in its dial task) | with the connection |
//! | [`inproc`] | connection in process, on each side | with the connection |
//! | `subscriptions` in [`core`] | PUB or XPUB socket | with the socket |
//!
//! All of them belong to the socket's [`Core`](core::Core): it counts them, and its token ends them.

pub(crate) mod accept;
mod admission;
pub(crate) mod attendant;
pub(crate) mod connection;
pub(crate) mod core;
pub(crate) mod dial;
pub(crate) mod inproc;
mod judging;
pub(crate) mod monitor;
mod passage;
pub(crate) mod seat;
