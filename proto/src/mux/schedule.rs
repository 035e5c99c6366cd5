//! Whose turn it is: a ring of streams for each class.
//!
//! The links stand in one table, so a stream enters, leaves from anywhere and goes to the back in constant time, and
//! nothing is allocated once the table has its size.

/// How much of one stream is sent before the next of its class has its turn, in bytes.
pub(super) const TURN: usize = 16 * 1024;

const NONE: u32 = u32::MAX;

/// Streams that wait, in `CLASSES` rings: the first class goes first.
#[derive(Debug)]
pub(super) struct Schedule<const CLASSES: usize> {
    links: Vec<Link>,
    /// The stream whose turn it is, of each class; its `before` is the last one.
    heads: [u32; CLASSES],
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    behind: u32,
    class: u8,
}

impl Link {
    const OUT: Self = Self { before: NONE, behind: NONE, class: 0 };
}

impl<const CLASSES: usize> Schedule<CLASSES> {
    pub(super) const fn new() -> Self {
        Self { links: Vec::new(), heads: [NONE; CLASSES], len: 0 }
    }

    /// The stream whose turn it is.
    #[inline]
    pub(super) fn first(&self) -> Option<u32> {
        self.heads.iter().copied().find(|&head| head != NONE)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether no other stream waits.
    pub(super) const fn is_alone(&self) -> bool {
        self.len <= 1
    }

    pub(super) fn contains(&self, key: u32) -> bool {
        self.links.get(key as usize).is_some_and(|link| link.before != NONE)
    }

    /// Puts a stream at the back of its class, unless it waits already.
    pub(super) fn insert(&mut self, key: u32, class: u8) {
        if self.contains(key) {
            return;
        }
        let at = key as usize;
        if self.links.len() <= at {
            self.links.resize(at + 1, Link::OUT);
        }
        let head = &mut self.heads[usize::from(class)];
        if *head == NONE {
            *head = key;
            self.links[at] = Link { before: key, behind: key, class };
        } else {
            let (first, last) = (*head, self.links[*head as usize].before);
            self.links[at] = Link { before: last, behind: first, class };
            self.links[last as usize].behind = key;
            self.links[first as usize].before = key;
        }
        self.len += 1;
    }

    /// Takes a stream out, wherever it stands.
    pub(super) fn remove(&mut self, key: u32) {
        if !self.contains(key) {
            return;
        }
        let Link { before, behind, class } = self.links[key as usize];
        let head = &mut self.heads[usize::from(class)];
        if *head == key {
            *head = if behind == key { NONE } else { behind };
        }
        self.links[before as usize].behind = behind;
        self.links[behind as usize].before = before;
        self.links[key as usize] = Link::OUT;
        self.len -= 1;
    }

    /// The stream whose turn it was goes to the back of its class.
    pub(super) fn rotate(&mut self, key: u32) {
        if let Some(link) = self.links.get(key as usize)
            && self.heads[usize::from(link.class)] == key
        {
            self.heads[usize::from(link.class)] = link.behind;
        }
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[cfg(test)]
    pub(super) fn footprint(&self) -> usize {
        self.links.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u32, u8),
        Remove(u32),
        Rotate,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..12u32, 0..3u8).prop_map(|(key, class)| Step::Insert(key, class)),
            (0..12u32).prop_map(Step::Remove),
            Just(Step::Rotate),
        ]
    }

    proptest! {
        #[test]
        fn it_does_what_three_queues_would_do(steps in prop::collection::vec(step(), 0..200)) {
            let mut schedule = Schedule::<3>::new();
            let mut queues: [VecDeque<u32>; 3] = Default::default();
            for step in steps {
                match step {
                    Step::Insert(key, class) => {
                        schedule.insert(key, class);
                        if !queues.iter().any(|queue| queue.contains(&key)) {
                            queues[usize::from(class)].push_back(key);
                        }
                    }
                    Step::Remove(key) => {
                        schedule.remove(key);
                        for queue in &mut queues {
                            queue.retain(|&other| other != key);
                        }
                    }
                    Step::Rotate => {
                        if let Some(first) = schedule.first() {
                            schedule.rotate(first);
                        }
                        if let Some(queue) = queues.iter_mut().find(|queue| !queue.is_empty()) {
                            queue.rotate_left(1);
                        }
                    }
                }
                let len = queues.iter().map(VecDeque::len).sum::<usize>();
                prop_assert_eq!(schedule.first(), queues.iter().find_map(|queue| queue.front().copied()));
                prop_assert_eq!(schedule.is_empty(), len == 0);
                prop_assert_eq!(schedule.is_alone(), len <= 1);
                for key in 0..12 {
                    prop_assert_eq!(schedule.contains(key), queues.iter().any(|queue| queue.contains(&key)));
                }
            }
        }
    }
}
