//! Who has which identity.

use bytes::Bytes;

use crate::Part;
use crate::map::Map;
use crate::pipe::PipeId;

/// The identities of a ROUTER's peers.
#[derive(Debug, Default)]
pub(super) struct Routes {
    by_identity: Map<Bytes, PipeId>,
    next: u32,
}

impl Routes {
    /// The pipe of the peer with this identity.
    pub(super) fn find(&self, identity: &[u8]) -> Option<PipeId> {
        self.by_identity.get(identity).copied()
    }

    /// Gives the identity to this pipe; the pipe that had it loses it.
    pub(super) fn insert(&mut self, identity: Bytes, id: PipeId) {
        self.by_identity.insert(identity, id);
    }

    /// Takes the identity from this pipe, if it has it.
    pub(super) fn remove(&mut self, identity: &Part, id: PipeId) {
        if self.find(identity) == Some(id) {
            self.by_identity.remove(&**identity);
        }
    }

    /// A new identity for a peer that has none.
    ///
    /// It begins with a zero byte, which no peer may choose: made and chosen identities never clash.
    pub(super) fn make(&mut self) -> Bytes {
        let [a, b, c, d] = self.next.to_be_bytes();
        self.next = self.next.wrapping_add(1);
        Bytes::copy_from_slice(&[0, a, b, c, d])
    }
}
