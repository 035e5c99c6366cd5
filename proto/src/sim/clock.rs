//! Virtual time.

use std::time::Duration;

use crate::time::Instant;

/// A clock that moves when it is told to, and never back.
#[derive(Clone, Debug, Default)]
pub struct Clock(Instant);

impl Clock {
    /// At the origin.
    pub fn new() -> Self {
        Self::default()
    }

    /// What time it is.
    pub const fn now(&self) -> Instant {
        self.0
    }

    /// Moves it on.
    pub fn advance(&mut self, by: Duration) {
        self.0 += by;
    }

    /// Moves it to `then`, unless it is later already.
    pub fn advance_to(&mut self, then: Instant) {
        self.0 = self.0.max(then);
    }
}
