//! The simulated world: what tests, fuzzing and benches share.
//!
//! Time is virtual, chance is a seed, and the network is a queue of bytes, so that every run can be run again.

mod agenda;
mod caller;
mod calling;
mod chance;
mod clock;
mod connection;
mod dial;
mod faults;
mod judging;
mod net;
mod node;
mod pair;
mod record;
mod run;
mod seat;
mod world;

pub use caller::{Account, Answer, Ending, Farewell, Outcome, Plan};
pub use chance::chance;
pub use clock::Clock;
pub use connection::ConnectionRecord;
pub use net::Weather;
pub use node::Service;
pub use pair::{Pair, Side, Split};
pub use record::Record;
pub use world::{SocketId, World};
