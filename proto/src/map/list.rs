//! A sorted list with the methods of a map.

use std::borrow::Borrow;

/// Pairs in the order of their keys, each key once. Looking up takes few steps; to insert and to remove moves what is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<K, V>(Vec<(K, V)>);

impl<K, V> Default for List<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> List<K, V> {
    fn place<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(other, _)| other.borrow().cmp(key))
    }

    /// Whether the key is there.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.place(key).is_ok()
    }

    /// The value of a key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|at| &self.0[at].1)
    }

    /// The value of a key.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Gives a key a value; the one that it had comes back.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// The place of a key, whether it is there or not.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry { at: self.place(&key), key, list: self }
    }

    /// Takes a key out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.place(key).ok().map(|at| self.0.remove(at).1)
    }

    /// The first pair.
    pub fn first_key_value(&self) -> Option<(&K, &V)> {
        self.0.first().map(|(key, value)| (key, value))
    }

    /// Takes the first pair out.
    pub fn pop_first(&mut self) -> Option<(K, V)> {
        if self.0.is_empty() { None } else { Some(self.0.remove(0)) }
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// All values, in the order of their keys.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.0.into_iter().map(|(_, value)| value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The place of a key.
#[derive(Debug)]
pub struct Entry<'a, K, V> {
    list: &'a mut List<K, V>,
    key: K,
    at: Result<usize, usize>,
}

impl<'a, K, V: Default> Entry<'a, K, V> {
    /// The value of the key, which has one from now on.
    pub fn or_default(self) -> &'a mut V {
        let at = self.at.unwrap_or_else(|at| {
            self.list.0.insert(at, (self.key, V::default()));
            at
        });
        &mut self.list.0[at].1
    }
}

impl<K, V> IntoIterator for List<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, u32),
        Add(u8),
        Remove(u8),
        PopFirst,
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = || 0..20_u8;
        prop_oneof![
            3 => (key(), 0..1000_u32).prop_map(|(key, value)| Step::Insert(key, value)),
            1 => key().prop_map(Step::Add),
            2 => key().prop_map(Step::Remove),
            1 => Just(Step::PopFirst),
        ]
    }

    proptest! {
        #[test]
        fn it_is_what_a_tree_with_the_same_steps_is(steps in prop::collection::vec(step(), 0..100)) {
            let (mut list, mut tree) = (List::default(), BTreeMap::default());
            for step in steps {
                match step {
                    Step::Insert(key, value) => prop_assert_eq!(list.insert(key, value), tree.insert(key, value)),
                    Step::Add(key) => {
                        *list.entry(key).or_default() += 1;
                        *tree.entry(key).or_default() += 1;
                    }
                    Step::Remove(key) => prop_assert_eq!(list.remove(&key), tree.remove(&key)),
                    Step::PopFirst => prop_assert_eq!(list.pop_first(), tree.pop_first()),
                }
                prop_assert_eq!(list.first_key_value(), tree.first_key_value());
                prop_assert_eq!((list.len(), list.is_empty()), (tree.len(), tree.is_empty()));
                for key in 0..20 {
                    prop_assert_eq!(list.get(&key), tree.get(&key));
                    prop_assert_eq!(list.get_mut(&key), tree.get_mut(&key));
                    prop_assert_eq!(list.contains_key(&key), tree.contains_key(&key));
                }
                prop_assert!(list.values().eq(tree.values()));
                prop_assert!(list.iter().eq(tree.iter()));
            }
            prop_assert!(list.clone().into_values().eq(tree.values().copied()));
            prop_assert!(list.into_iter().eq(tree));
        }
    }
}
