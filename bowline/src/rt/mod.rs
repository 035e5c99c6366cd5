//! The runtime: what time it is. Tasks and timers are tokio's.

use std::sync::LazyLock;

use bowline_proto::time::Instant;

static ORIGIN: LazyLock<tokio::time::Instant> = LazyLock::new(tokio::time::Instant::now);

/// Now, counted from the first call in this process.
pub(crate) fn now() -> Instant {
    Instant::from_origin(ORIGIN.elapsed())
}

/// The same instant for tokio's timers.
pub(crate) fn deadline(instant: Instant) -> tokio::time::Instant {
    // A deadline further away than the clock reaches is as good as none.
    ORIGIN
        .checked_add(instant.since_origin())
        .unwrap_or_else(|| *ORIGIN + std::time::Duration::from_secs(u32::MAX.into()))
}

/// A seed that no peer can guess.
pub(crate) fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}
