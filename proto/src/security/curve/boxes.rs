//! Boxes: a text that is sealed whole, under a key that two sides share.
// RFC 26, Cryptographic Algorithms: crypto_box and crypto_secretbox of NaCl

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::cipher::Stream;
use super::mac::TAG;
use super::salsa;
use crate::keys::{PublicKey, SecretKey};

/// A long nonce: a prefix of 8 bytes and 16 at random.
pub(super) fn long(prefix: [u8; 8], random: &[u8]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(&prefix);
    nonce[8..].copy_from_slice(random);
    nonce
}

/// A short nonce: a prefix of 16 bytes and a number.
pub(super) fn short(prefix: &[u8; 16], number: &[u8]) -> [u8; 24] {
    let mut nonce = [0; 24];
    nonce[..16].copy_from_slice(prefix);
    nonce[16..].copy_from_slice(number);
    nonce
}

/// The key of boxes, computed once.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct BoxKey([u8; 32]);

impl BoxKey {
    /// The key between the owner of `ours` and that of `theirs`, if there is one that not everybody knows.
    pub(super) fn between(ours: &SecretKey, theirs: &PublicKey) -> Option<Self> {
        ours.shared(theirs).map(|shared| Self(*salsa::derived(&shared, &[0; 16])))
    }

    /// A key of our own.
    pub(super) const fn own(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// Appends `text`, sealed: a tag, then as many bytes as it has.
    pub(super) fn seal(&self, nonce: &[u8; 24], text: &[u8], out: &mut Vec<u8>) {
        let (stream, rest) = self.split(nonce);
        let at = out.len();
        out.extend_from_slice(&[0; TAG]);
        out.extend_from_slice(text);
        stream.seal(rest, &mut out[at..]);
    }

    /// What is in a box, if it was sealed with this key and nonce and is as it was.
    pub(super) fn open(&self, nonce: &[u8; 24], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (stream, rest) = self.split(nonce);
        let mut text = Zeroizing::new(sealed.to_vec());
        if text.len() < TAG || !stream.open(rest, &mut text) {
            return None;
        }
        text.drain(..TAG);
        Some(text)
    }

    /// The stream of all nonces that begin with these 16 bytes.
    pub(super) fn stream(&self, prefix: &[u8; 16]) -> Stream {
        Stream::new(&salsa::derived(&self.0, prefix))
    }

    fn split(&self, nonce: &[u8; 24]) -> (Stream, [u8; 8]) {
        let (mut prefix, mut rest) = ([0; 16], [0; 8]);
        prefix.copy_from_slice(&nonce[..16]);
        rest.copy_from_slice(&nonce[16..]);
        (self.stream(&prefix), rest)
    }
}

impl std::fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BoxKey(..)")
    }
}

/// Whether two strings of public length are the same, in a time that says nothing else.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    /// The example of "Cryptography in `NaCl`", section 10, as `crypto_box` has it in its tests.
    #[test]
    fn the_box_of_the_published_example_comes_out_and_opens() {
        let alice = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
        let bob = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
        let nonce: [u8; 24] = hex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37").try_into().unwrap();
        let text = hex(concat!(
            "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01",
            "233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd",
            "4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
        ));
        let alice = SecretKey::from_bytes(alice.try_into().unwrap());
        let key = BoxKey::between(&alice, &PublicKey::from_bytes(bob.try_into().unwrap())).unwrap();
        let mut sealed = Vec::new();
        key.seal(&nonce, &text, &mut sealed);
        assert_eq!(sealed[..20], hex("f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f"));
        assert_eq!(**key.open(&nonce, &sealed).unwrap(), text);
        assert!(key.open(&[4; 24], &sealed).is_none() && key.open(&nonce, &sealed[..15]).is_none());
    }
}
