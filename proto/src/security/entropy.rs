//! Chance, as an argument.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// What one connection needs that nobody can guess: short-term keys and the random parts of nonces are made of it.
///
/// A driver takes it from the operating system, anew for each connection. Whoever uses the same one twice gives his
/// secrets away, so it is neither `Clone` nor shown, and it is overwritten when it was used.
pub struct Entropy(Zeroizing<[u8; Self::LEN]>);

impl Entropy {
    /// How many bytes that takes: two keys and the random parts of two nonces.
    pub const LEN: usize = 32 + 32 + 16 + 16;

    /// These bytes and no others, each time.
    pub fn new(mut bytes: [u8; Self::LEN]) -> Self {
        let kept = Zeroizing::new(bytes);
        bytes.zeroize();
        Self(kept)
    }

    /// As many bytes as a key has: the first or the second 32.
    pub(super) fn key(&self, second: bool) -> [u8; 32] {
        let mut key = [0; 32];
        let from = usize::from(second) * 32;
        key.copy_from_slice(&self.0[from..from + 32]);
        key
    }

    /// The random part of a nonce: the first or the second one.
    pub(super) fn nonce(&self, second: bool) -> &[u8] {
        let from = 64 + usize::from(second) * 16;
        &self.0[from..from + 16]
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(..)")
    }
}
