//! A map from prefixes, for subscriptions: a radix tree.
//!
//! A topic is walked once, from its first byte to the last that it shares with a prefix: in no more steps than it has
//! bytes, however many prefixes there are. Hash maps, one for each length, would hash the topic once for each length that
//! anybody uses, and so a peer could make every message slow with subscriptions of a thousand lengths.
//!
//! The nodes stand in one arena and know each other by index, so nothing recurses, however deep a peer makes the tree. A
//! node holds a short piece of its prefix, and a long prefix is a chain of nodes: a change splits or joins one piece,
//! however long the prefixes around it are.

use slab::Slab;
use smallvec::SmallVec;

/// Where a prefix stands. It is the same until the prefix is taken away.
pub(super) type Place = u32;

const ROOT: Place = 0;

/// How many bytes of a prefix stand in one node; with its length and the parent, 24 bytes.
const PIECE_MOST: usize = 19;

/// Something for each of some prefixes. The default value stands for nothing.
#[derive(Debug)]
pub(super) struct Prefixes<T> {
    nodes: Slab<Node<T>>,
    len: usize,
}

#[derive(Debug, Default)]
struct Node<T> {
    value: T,
    /// Sorted by their first byte.
    children: SmallVec<[Child; 2]>,
    piece: Piece,
    parent: Place,
}

/// The first byte of a child's piece stands with its parent: only the right child is looked at.
#[derive(Clone, Copy, Debug)]
struct Child {
    first: u8,
    place: Place,
}

/// What a node's prefix has more than its parent's; empty at the root only.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    bytes: [u8; PIECE_MOST],
    len: u8,
}

impl Piece {
    /// The first bytes, as many as fit.
    fn of(bytes: &[u8]) -> Self {
        let len = bytes.len().min(PIECE_MOST);
        let mut piece = Self { bytes: [0; PIECE_MOST], len: len as u8 };
        piece.bytes[..len].copy_from_slice(&bytes[..len]);
        piece
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Both in one, if they fit.
    fn joined(mut self, next: Self) -> Option<Self> {
        let len = self.len + next.len;
        self.bytes.get_mut(usize::from(self.len)..usize::from(len))?.copy_from_slice(next.bytes());
        Some(Self { len, ..self })
    }

    /// How many bytes `bytes` begins with.
    fn shared(&self, bytes: &[u8]) -> usize {
        self.bytes().iter().zip(bytes).take_while(|(ours, theirs)| ours == theirs).count()
    }
}

impl<T> Node<T> {
    fn child(&self, first: u8) -> Result<usize, usize> {
        self.children.binary_search_by_key(&first, |child| child.first)
    }
}

impl<T: Default> Default for Prefixes<T> {
    fn default() -> Self {
        let mut nodes = Slab::new();
        nodes.insert(Node::default());
        Self { nodes, len: 0 }
    }
}

impl<T: Default + PartialEq> Prefixes<T> {
    /// How many prefixes have something.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The place of exactly this prefix, if it has something.
    pub(super) fn find(&self, prefix: &[u8]) -> Option<Place> {
        let (place, rest) = self.walk(prefix);
        (rest.is_empty() && *self.at(place) != T::default()).then_some(place)
    }

    /// What stands at a place.
    pub(super) fn at(&self, place: Place) -> &T {
        &self.node(place).value
    }

    /// What stands at a place, to be changed; for the default there is [`remove`](Self::remove).
    pub(super) fn at_mut(&mut self, place: Place) -> &mut T {
        &mut self.node_mut(place).value
    }

    /// The prefix of a place, at the end of `prefix`.
    pub(super) fn spell(&self, mut place: Place, prefix: &mut Vec<u8>) {
        let start = prefix.len();
        while place != ROOT {
            let node = self.node(place);
            prefix.extend(node.piece.bytes().iter().rev());
            place = node.parent;
        }
        prefix[start..].reverse();
    }

    /// Puts `value` at a prefix that has nothing; the default is no value.
    pub(super) fn insert(&mut self, prefix: &[u8], value: T) -> Place {
        debug_assert!(value != T::default());
        let (mut place, mut rest) = self.walk(prefix);
        while let Some(&first) = rest.first() {
            place = match self.node(place).child(first) {
                Err(at) => self.grow(place, at, Piece::of(rest)),
                // The walk ended before this child: only a part of its piece is ours.
                Ok(at) => self.split(place, at, rest),
            };
            rest = &rest[usize::from(self.node(place).piece.len)..];
        }
        debug_assert!(*self.at(place) == T::default());
        self.node_mut(place).value = value;
        self.len += 1;
        place
    }

    /// Takes away what stands at a place.
    pub(super) fn remove(&mut self, mut place: Place) {
        self.node_mut(place).value = T::default();
        self.len -= 1;
        // What leads nowhere goes, and what only leads on is joined with what it leads to.
        while place != ROOT && *self.at(place) == T::default() {
            let Node { children, parent, .. } = self.node(place);
            let parent = *parent;
            match children[..] {
                [] => {
                    let first = self.node(place).piece.bytes[0];
                    if let Ok(at) = self.node(parent).child(first) {
                        self.node_mut(parent).children.remove(at);
                    }
                    self.nodes.remove(place as usize);
                    place = parent;
                }
                [child] => return self.join(place, child.place),
                _ => return,
            }
        }
    }

    /// What stands at the prefixes of `topic`, the shortest first.
    pub(super) fn of<'p>(&'p self, topic: &[u8]) -> impl Iterator<Item = &'p T> {
        let nothing = T::default();
        self.steps(topic).map(|(place, _)| self.at(place)).filter(move |value| **value != nothing)
    }

    /// Calls `each` with all prefixes, in alphabetic order.
    pub(super) fn for_each(&self, mut each: impl FnMut(&[u8])) {
        let mut prefix = Vec::new();
        let mut ahead = vec![(ROOT, 0)];
        while let Some((place, begins)) = ahead.pop() {
            let node = self.node(place);
            prefix.truncate(begins);
            prefix.extend_from_slice(node.piece.bytes());
            if node.value != T::default() {
                each(&prefix);
            }
            ahead.extend(node.children.iter().rev().map(|child| (child.place, prefix.len())));
        }
    }

    /// The last node whose prefix `topic` has, and the rest of `topic`.
    fn walk<'t>(&self, topic: &'t [u8]) -> (Place, &'t [u8]) {
        self.steps(topic).last().unwrap_or((ROOT, topic))
    }

    fn steps<'p, 't>(&'p self, topic: &'t [u8]) -> Walk<'p, 't, T> {
        Walk { prefixes: self, next: Some(ROOT), rest: topic }
    }

    /// A new child of `parent`, `at` this place among its children.
    fn grow(&mut self, parent: Place, at: usize, piece: Piece) -> Place {
        let node = Node { value: T::default(), children: SmallVec::new(), piece, parent };
        let place = self.nodes.insert(node) as Place;
        self.node_mut(parent).children.insert(at, Child { first: piece.bytes[0], place });
        place
    }

    /// Puts a node between `parent` and its child `at`, with what that has of `bytes`. The child keeps its place, as
    /// its prefix does.
    fn split(&mut self, parent: Place, at: usize, bytes: &[u8]) -> Place {
        let below = self.node(parent).children[at].place;
        let piece = self.node(below).piece;
        let (above, rest) = piece.bytes().split_at(piece.shared(bytes));
        let children = SmallVec::from_slice(&[Child { first: rest[0], place: below }]);
        let node = Node { value: T::default(), children, piece: Piece::of(above), parent };
        let middle = self.nodes.insert(node) as Place;
        let node = self.node_mut(below);
        (node.piece, node.parent) = (Piece::of(rest), middle);
        self.node_mut(parent).children[at].place = middle;
        middle
    }

    /// Joins a node that has nothing with its only child, if their pieces fit into one node. The child keeps its place.
    fn join(&mut self, place: Place, below: Place) {
        let (Node { piece, parent, .. }, lower) = (self.node(place), self.node(below).piece);
        let (piece, parent) = (*piece, *parent);
        let Some(piece) = piece.joined(lower) else { return };
        self.nodes.remove(place as usize);
        let node = self.node_mut(below);
        (node.piece, node.parent) = (piece, parent);
        if let Ok(at) = self.node(parent).child(piece.bytes[0]) {
            self.node_mut(parent).children[at].place = below;
        }
    }

    fn node(&self, place: Place) -> &Node<T> {
        &self.nodes[place as usize]
    }

    fn node_mut(&mut self, place: Place) -> &mut Node<T> {
        &mut self.nodes[place as usize]
    }
}

/// The nodes whose prefixes a topic has, from the root on, each with what the topic has more.
struct Walk<'p, 't, T> {
    prefixes: &'p Prefixes<T>,
    next: Option<Place>,
    rest: &'t [u8],
}

impl<'t, T> Iterator for Walk<'_, 't, T> {
    type Item = (Place, &'t [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (place, rest) = (self.next?, self.rest);
        let nodes = &self.prefixes.nodes;
        self.next = rest.split_first().and_then(|(&first, behind)| {
            let node = &nodes[place as usize];
            let child = node.children[node.child(first).ok()?].place;
            self.rest = match nodes[child as usize].piece.bytes() {
                // Where many topics part, pieces are short.
                [_] => behind,
                piece => rest.strip_prefix(piece)?,
            };
            Some(child)
        });
        Some((place, rest))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::collections::btree_map::Entry;

    use super::*;
    use proptest::prelude::*;

    fn all(prefixes: &Prefixes<u32>) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        prefixes.for_each(|prefix| all.push(prefix.to_vec()));
        all
    }

    fn prefix() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![4 => (0..3u8).prop_map(|byte| vec![byte]), 1 => Just(vec![0; 18])];
        prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn it_holds_what_a_sorted_map_holds_and_a_place_is_the_same_until_the_end(
            steps in prop::collection::vec((any::<bool>(), prefix()), 0..80),
        ) {
            let mut prefixes = Prefixes::default();
            let mut places: BTreeMap<Vec<u8>, Place> = BTreeMap::new();
            for (value, (add, prefix)) in (1u32..).zip(steps) {
                prop_assert_eq!(prefixes.find(&prefix), places.get(&prefix).copied());
                if !add {
                    if let Some(place) = places.remove(&prefix) {
                        prefixes.remove(place);
                    }
                } else if let Entry::Vacant(vacant) = places.entry(prefix) {
                    let place = prefixes.insert(vacant.key(), value);
                    vacant.insert(place);
                }
                prop_assert_eq!(all(&prefixes), places.keys().cloned().collect::<Vec<_>>());
                prop_assert_eq!(prefixes.len(), places.len());
            }
            for (prefix, &place) in &places {
                let mut spelled = b"before".to_vec();
                prefixes.spell(place, &mut spelled);
                prop_assert_eq!(&spelled[6..], prefix);
                let shorter = places.iter().filter(|(other, _)| prefix.starts_with(other));
                let expected: Vec<u32> = shorter.map(|(_, &place)| *prefixes.at(place)).collect();
                prop_assert_eq!(prefixes.of(prefix).copied().collect::<Vec<_>>(), expected, "the shortest first");
            }
            for place in places.into_values() {
                prefixes.remove(place);
            }
            prop_assert_eq!(prefixes.nodes.len(), 1, "nothing but the root is left");
        }
    }

    #[test]
    fn what_a_prefix_split_is_joined_again_when_it_goes() {
        let mut prefixes = Prefixes::default();
        prefixes.insert(b"topic/000001", 1);
        let before = prefixes.nodes.len();
        let place = prefixes.insert(b"topic/000002", 1);
        assert_eq!(prefixes.nodes.len(), before + 2);
        prefixes.remove(place);
        assert_eq!(prefixes.nodes.len(), before);
    }
}
