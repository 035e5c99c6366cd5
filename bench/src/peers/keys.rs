//! The keys of CURVE that both processes of a run have.

use bowline::curve::SecretKey;

/// A key pair as bytes, as every library takes it.
pub(super) struct Pair {
    pub(super) public: [u8; 32],
    pub(super) secret: [u8; 32],
}

/// Of the side that binds.
pub(super) fn server() -> Pair {
    pair([0x5e; 32])
}

/// Of the side that connects.
pub(super) fn client() -> Pair {
    pair([0xc1; 32])
}

fn pair(secret: [u8; 32]) -> Pair {
    Pair { public: *SecretKey::from_bytes(secret).public().as_bytes(), secret }
}
