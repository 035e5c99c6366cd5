//! A store in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bowline::rpc::{Blob, Incoming, Stream};
use futures_util::stream;
use tokio::sync::broadcast::{self, error::RecvError};

use super::service::{Change, Store, StoreError};

/// The longest value, in bytes.
pub(crate) const LIMIT: usize = 1 << 20;

/// So many changes are kept for a watcher that does not keep up.
pub(crate) const KEPT: usize = 64;

/// The entries, and whoever watches them.
pub(crate) struct Memory {
    entries: Mutex<BTreeMap<String, Blob>>,
    changes: broadcast::Sender<Change>,
}

impl Memory {
    /// An empty store.
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::default(), changes: broadcast::Sender::new(KEPT) }
    }

    /// Changes the entries and tells it, so that nobody can look in between.
    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<String, Blob>) -> (T, Option<Change>)) -> T {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (result, told) = change(&mut entries);
        if let Some(told) = told {
            // An error says that nobody watches.
            let _ = self.changes.send(told);
        }
        result
    }

    fn set(&self, key: String, value: Blob) {
        self.change(|entries| {
            entries.insert(key.clone(), value.clone());
            ((), Some(Change::Put(key, value)))
        });
    }

    fn remove(&self, key: &str) -> bool {
        self.change(|entries| match entries.remove(key) {
            Some(_) => (true, Some(Change::Deleted(key.to_owned()))),
            None => (false, None),
        })
    }

    fn find(&self, key: &str) -> Option<Blob> {
        self.change(|entries| (entries.get(key).cloned(), None))
    }
}

impl Store for Memory {
    async fn get(&self, key: String) -> Result<Blob, StoreError> {
        self.find(&key).ok_or(StoreError::NotFound(key))
    }

    async fn put(&self, key: String, value: Blob) -> Result<(), StoreError> {
        check(value.len())?;
        // A copy of its own: the blob would keep all that was received with it.
        self.set(key, value.to_vec().into());
        Ok(())
    }

    async fn delete(&self, key: String) -> Result<(), StoreError> {
        if self.remove(&key) { Ok(()) } else { Err(StoreError::NotFound(key)) }
    }

    async fn forget(&self, key: String) {
        self.remove(&key);
    }

    async fn list(&self, prefix: String) -> Vec<String> {
        self.change(|entries| (below(entries, &prefix).map(|(key, _)| key.clone()).collect(), None))
    }

    async fn watch(&self, prefix: String) -> impl Stream<Item = Change> {
        // No change can come between the entries and the first of the changes.
        let (first, changes) = self.change(|entries| {
            let there = below(entries, &prefix).map(|(key, value)| Change::Put(key.clone(), value.clone()));
            let first: VecDeque<_> = there.chain([Change::UpToDate]).collect();
            ((first, self.changes.subscribe()), None)
        });
        stream::unfold((first, changes, prefix), |(mut first, mut changes, prefix)| async move {
            if let Some(change) = first.pop_front() {
                return Some((change, (first, changes, prefix)));
            }
            loop {
                let change = match changes.recv().await {
                    Ok(change) => change,
                    Err(RecvError::Lagged(missed)) => Change::Missed(missed),
                    Err(RecvError::Closed) => return None,
                };
                let told = match &change {
                    Change::Put(key, _) | Change::Deleted(key) => key.starts_with(&prefix),
                    Change::UpToDate | Change::Missed(_) => true,
                };
                if told {
                    return Some((change, (first, changes, prefix)));
                }
            }
        })
    }

    async fn upload(&self, key: String, mut chunks: Incoming<Blob>) -> Result<u64, StoreError> {
        let mut value = Vec::new();
        while let Some(chunk) = chunks.next().await {
            check(value.len() + chunk.len())?;
            value.extend_from_slice(&chunk);
        }
        let len = value.len() as u64;
        self.set(key, value.into());
        Ok(len)
    }

    async fn lookup(&self, keys: Incoming<String>) -> impl Stream<Item = (String, Option<Blob>)> {
        stream::unfold(keys, async |mut keys| {
            let key = keys.next().await?;
            let value = self.find(&key);
            Some(((key, value), keys))
        })
    }
}

fn check(len: usize) -> Result<(), StoreError> {
    if len <= LIMIT { Ok(()) } else { Err(StoreError::TooLarge { limit: LIMIT as u64 }) }
}

fn below<'a>(entries: &'a BTreeMap<String, Blob>, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a Blob)> {
    let from = entries.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
    from.take_while(move |(key, _)| key.starts_with(prefix))
}
