//! The keys of CURVE: who a peer is, and what proves it.

mod z85;

use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

/// A public key: what a peer is known by. Written in Z85, 40 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key of these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&z85::encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        z85::decode(text).map(|bytes| Self(*bytes))
    }
}

/// A secret key. It is overwritten when it is dropped, never shown, and compared in constant time.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    /// The key of these bytes: any 32 that nobody can guess.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key in Z85, to be kept where nobody else reads it. There is no `Display`, so no log shows it by mistake.
    pub fn to_z85(&self) -> Zeroizing<String> {
        z85::encode(&self.0)
    }

    /// The public key that belongs to it.
    pub fn public(&self) -> PublicKey {
        PublicKey(x25519_dalek::PublicKey::from(&StaticSecret::from(*self.0)).to_bytes())
    }

    /// What only this key and the peer's can compute. `None` for a public key that would make it the same for everybody.
    pub(crate) fn shared(&self, theirs: &PublicKey) -> Option<Zeroizing<[u8; 32]>> {
        let shared = StaticSecret::from(*self.0).diffie_hellman(&theirs.0.into());
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl FromStr for SecretKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        z85::decode(text).map(Self)
    }
}

/// A secret key with its public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

impl KeyPair {
    /// The public key.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// The secret key.
    pub const fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

impl From<SecretKey> for KeyPair {
    fn from(secret: SecretKey) -> Self {
        Self { public: secret.public(), secret }
    }
}

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// A key has 40 characters.
    #[error("a key has 40 characters of Z85, this has {found}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// A character that Z85 does not have.
    #[error("character {} is none of Z85's", at + 1)]
    Character {
        /// Its place, from 0.
        at: usize,
    },
    /// Five characters that mean more than 32 bits.
    #[error("the five characters from {} on are no value of Z85", at + 1)]
    Range {
        /// The place of the first, from 0.
        at: usize,
    },
}

/// What the client of CURVE needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurveClient {
    pub(crate) server: PublicKey,
    pub(crate) keys: KeyPair,
}

impl CurveClient {
    /// Speaks to the server that has the secret of this public key, and to no other, as the owner of `keys`.
    pub const fn new(server: PublicKey, keys: KeyPair) -> Self {
        Self { server, keys }
    }
}

/// What the server of CURVE needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurveServer {
    pub(crate) keys: KeyPair,
    pub(crate) clients: Option<Vec<PublicKey>>,
}

impl CurveServer {
    /// Proves to each client that it has the secret of `keys`, and admits all clients that know the public key.
    pub const fn new(keys: KeyPair) -> Self {
        Self { keys, clients: None }
    }

    /// Admits only the clients of these keys, and refuses all others.
    #[must_use]
    pub fn only(mut self, clients: impl IntoIterator<Item = PublicKey>) -> Self {
        self.clients = Some(clients.into_iter().collect());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key pair that libzmq's own tests use for their server.
    const PUBLIC: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    const SECRET: &str = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

    #[test]
    fn a_secret_has_the_public_key_that_libzmq_finds() {
        let keys = KeyPair::from(SECRET.parse::<SecretKey>().unwrap());
        assert_eq!(keys.public().to_string(), PUBLIC);
        assert_eq!(keys.public(), PUBLIC.parse().unwrap());
        assert_eq!(*keys.secret().to_z85(), SECRET);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let keys = KeyPair::from(SecretKey::from_bytes([7; 32]));
        assert_eq!(format!("{:?}", keys.secret()), "SecretKey(..)");
        let shown = format!("{:?}", CurveServer::new(keys.clone()));
        assert!(shown.contains(&keys.public().to_string()) && !shown.contains(&**keys.secret().to_z85()), "{shown}");
    }

    #[test]
    fn a_public_key_that_makes_no_secret_is_refused() {
        assert!(SecretKey::from_bytes([7; 32]).shared(&PublicKey::from_bytes([0; 32])).is_none());
    }
}
