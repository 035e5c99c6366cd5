//! Calls and streams of them, typed, in both directions on one connection.
//!
//! A [`Client`] connects and a [`Server`] binds, over every transport that sockets have. Each connection carries any
//! number of calls at once, of either side; it is made again when it is lost, as all connections are. So are the calls that
//! were lost with it, where that does no harm; the others say so, and whether they may have been executed.
//!
//! | file | what it is |
//! |---|---|
//! | `client`, `server` | the two sides |
//! | `call`, `flight`, `outgoing` | a call on the side that makes it: with its types, without, and what it sends besides |
//! | `retries` | how many calls are made again |
//! | `serve`, `exchange`, `context` | a call on the side that executes it |
//! | `middleware` | layers of tower around a call on the side that executes it, with the feature `tower` |
//! | `reflection`, `health` | the services that every server offers |
//! | `sync` | the locks, counts and signals at which tasks meet: those of a model checker in its build |
//! | `hub`, `routes`, `registry`, `timers` | what all connections of a socket share |
//! | `connection`, `state`, `streams`, `entry`, `stream` | one connection: its session, what came by each of its streams, and who holds them |
//! | `after` | what is left to do when its lock is gone |

mod after;
mod call;
mod client;
mod codec;
mod connection;
mod context;
mod entry;
mod error;
mod exchange;
mod flight;
pub mod health;
mod hub;
mod limits;
#[cfg(all(test, bowline_loom))]
mod loom;
#[cfg(feature = "tower")]
pub mod middleware;
mod never;
mod outgoing;
pub mod reflection;
mod registry;
mod retries;
mod routes;
mod schema;
mod serve;
mod server;
mod state;
mod stream;
mod streams;
mod sync;
mod timers;

pub use bowline_proto::mux::{Code, Metadata};
pub use call::{Call, Items, OneWay};
pub use client::{Client, ClientBuilder};
pub use codec::{Blob, Codec, DecodeError, EncodeError, Encoded, NotRaw};
pub use context::Context;
pub use error::{CallError, Clash, ClientError, Malformed, Outcome, Status, Unreachable};
pub use exchange::{Exchange, Incoming};
/// What `impl Stream` stands for in a service; it is the trait that every other crate means as well.
pub use futures_core::Stream;
pub use limits::Limits;
pub use never::Never;
pub use registry::Service;
pub use retries::Retries;
pub use routes::Balance;
pub use schema::{Kind, Method, Schema, method_id, shape};
pub use server::{Server, ServerBuilder};
