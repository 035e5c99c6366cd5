//! Who subscribed to what.

use super::prefixes::Prefixes;
use crate::pipe::PipeId;

/// What a subscription, or its end, changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Whether the peer was not subscribed to the topic before, or is no longer.
    pub(super) of_peer: bool,
    /// Whether nobody was subscribed to the topic before, or nobody is any longer.
    pub(super) of_all: bool,
}

/// The subscriptions of a publisher's peers.
#[derive(Debug, Default)]
pub(super) struct Topics {
    subscribers: Prefixes<Vec<PipeId>>,
}

impl Topics {
    /// How many topics have a subscriber.
    pub(super) fn len(&self) -> usize {
        self.subscribers.len()
    }

    /// Adds a subscription.
    pub(super) fn insert(&mut self, topic: &[u8], id: PipeId) -> Change {
        let Some(pipes) = self.subscribers.get_mut(topic) else {
            self.subscribers.insert(topic, vec![id]);
            return Change { of_peer: true, of_all: true };
        };
        let of_peer = !pipes.contains(&id);
        if of_peer {
            pipes.push(id);
        }
        Change { of_peer, of_all: false }
    }

    /// Takes a subscription back.
    pub(super) fn remove(&mut self, topic: &[u8], id: PipeId) -> Change {
        let Some(pipes) = self.subscribers.get_mut(topic) else { return Change::default() };
        let Some(at) = pipes.iter().position(|&other| other == id) else { return Change::default() };
        pipes.remove(at);
        let of_all = pipes.is_empty();
        if of_all {
            self.subscribers.remove(topic);
        }
        Change { of_peer: true, of_all }
    }

    /// Takes back all subscriptions of the pipe; returns the topics that nobody subscribes to any more.
    pub(super) fn forget(&mut self, id: PipeId) -> Vec<Box<[u8]>> {
        let mut orphaned = Vec::new();
        self.subscribers.retain(|topic, pipes| {
            pipes.retain(|&other| other != id);
            if pipes.is_empty() {
                orphaned.push(topic.into());
            }
            !pipes.is_empty()
        });
        orphaned
    }

    /// Fills `matching` with the pipes that subscribed to a prefix of `topic`, each once.
    pub(super) fn find(&self, topic: &[u8], matching: &mut Vec<PipeId>) {
        matching.clear();
        let mut prefixes = 0;
        for pipes in self.subscribers.of(topic) {
            matching.extend_from_slice(pipes);
            prefixes += 1;
        }
        if prefixes > 1 {
            matching.sort_unstable();
            matching.dedup();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pipe(index: u32) -> PipeId {
        PipeId { index, serial: 0 }
    }

    proptest! {
        #[test]
        fn it_finds_what_a_naive_list_finds(
            steps in prop::collection::vec((any::<bool>(), prop::collection::vec(0..3u8, 0..4), 0..4u32), 0..40),
            topic in prop::collection::vec(0..3u8, 0..6),
        ) {
            let mut topics = Topics::default();
            let mut naive: Vec<(Vec<u8>, PipeId)> = Vec::new();
            for (subscribe, prefix, index) in steps {
                let entry = (prefix.clone(), pipe(index));
                let others = naive.iter().any(|(other, _)| *other == prefix);
                let had = naive.contains(&entry);
                if subscribe {
                    let change = Change { of_peer: !had, of_all: !others };
                    prop_assert_eq!(topics.insert(&prefix, pipe(index)), change);
                    if !had {
                        naive.push(entry);
                    }
                } else {
                    naive.retain(|other| *other != entry);
                    let left = naive.iter().any(|(other, _)| *other == prefix);
                    let change = Change { of_peer: had, of_all: had && !left };
                    prop_assert_eq!(topics.remove(&prefix, pipe(index)), change);
                }
            }
            let mut found = Vec::new();
            topics.find(&topic, &mut found);
            found.sort_unstable();
            let mut expected: Vec<PipeId> =
                naive.iter().filter(|(prefix, _)| topic.starts_with(prefix)).map(|(_, id)| *id).collect();
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(found, expected);
        }
    }
}
