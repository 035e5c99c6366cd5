//! The simulated world: what tests, fuzzing and benches share.
//!
//! Time is virtual, chance is a seed, and the network is a queue of bytes, so that every run can be run again.

mod clock;
mod pair;

pub use clock::Clock;
pub use pair::{Pair, Side, Split};
