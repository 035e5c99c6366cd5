//! Chance that can be had again.

use crate::link::Entropy;

/// What a connection needs of chance, from a seed: equal seeds give equal keys, so never for a connection that matters.
pub fn chance(seed: u64) -> Entropy {
    let mut bytes = [0; Entropy::LEN];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    Entropy::new(bytes)
}
