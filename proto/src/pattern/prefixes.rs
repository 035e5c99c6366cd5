//! A map from prefixes, for subscriptions.
//!
//! Prefixes are grouped by their length: a topic is looked up once for each length that anybody uses, however many
//! subscriptions there are and however long the topic is.

use std::collections::{BTreeMap, HashMap};

/// Something for each of some prefixes.
#[derive(Debug)]
pub(super) struct Prefixes<T> {
    by_len: BTreeMap<usize, HashMap<Box<[u8]>, T>>,
}

impl<T> Default for Prefixes<T> {
    fn default() -> Self {
        Self { by_len: BTreeMap::new() }
    }
}

impl<T> Prefixes<T> {
    /// What stands at exactly this prefix.
    pub(super) fn get_mut(&mut self, prefix: &[u8]) -> Option<&mut T> {
        self.by_len.get_mut(&prefix.len())?.get_mut(prefix)
    }

    /// Puts `value` at this prefix.
    pub(super) fn insert(&mut self, prefix: &[u8], value: T) {
        self.by_len.entry(prefix.len()).or_default().insert(prefix.into(), value);
    }

    /// Takes away what stands at exactly this prefix.
    pub(super) fn remove(&mut self, prefix: &[u8]) {
        if let Some(same_len) = self.by_len.get_mut(&prefix.len()) {
            same_len.remove(prefix);
            if same_len.is_empty() {
                self.by_len.remove(&prefix.len());
            }
        }
    }

    /// Keeps what `keep` says.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&[u8], &mut T) -> bool) {
        self.by_len.retain(|_, same_len| {
            same_len.retain(|prefix, value| keep(prefix, value));
            !same_len.is_empty()
        });
    }

    /// What stands at the prefixes of `topic`, the shortest first.
    pub(super) fn of(&self, topic: &[u8]) -> impl Iterator<Item = &T> {
        self.by_len.range(..=topic.len()).filter_map(move |(&len, same_len)| same_len.get(&topic[..len]))
    }

    /// All prefixes.
    pub(super) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.by_len.values().flat_map(HashMap::keys).map(|prefix| &**prefix)
    }

    /// How many prefixes there are.
    pub(super) fn len(&self) -> usize {
        self.by_len.values().map(HashMap::len).sum()
    }
}
