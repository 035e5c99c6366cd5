//! The store as both sides know it.

use bowline::rpc::{Blob, Stream};
use serde::{Deserialize, Serialize};

/// Keys and values, in order of the keys.
#[bowline::service(name = "bowline.examples.Store")]
pub(crate) trait Store {
    /// The value of `key`.
    #[rpc(idempotent)]
    async fn get(&self, key: String) -> Result<Blob, StoreError>;

    /// Sets the value of `key`, whether it had one or not.
    #[rpc(idempotent)]
    async fn put(&self, key: String, value: Blob) -> Result<(), StoreError>;

    /// Removes `key`.
    async fn delete(&self, key: String) -> Result<(), StoreError>;

    /// Removes `key` if it is there, and tells nobody whether it was.
    #[rpc(oneway)]
    async fn forget(&self, key: String);

    /// The keys that begin with `prefix`.
    #[rpc(idempotent)]
    async fn list(&self, prefix: String) -> Vec<String>;

    /// What is there below `prefix`, then [`Change::UpToDate`], then every change.
    ///
    /// A watcher that does not keep up is told how many changes it missed.
    async fn watch(&self, prefix: String) -> impl Stream<Item = Change>;

    /// Sets the value of `key` to all `chunks` together, and returns its length; nothing is set before the last one.
    async fn upload(&self, key: String, chunks: impl Stream<Item = Blob>) -> Result<u64, StoreError>;

    /// Looks the keys up one by one, as they come.
    async fn lookup(&self, keys: impl Stream<Item = String>) -> impl Stream<Item = (String, Option<Blob>)>;
}

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum StoreError {
    /// Nothing has this key.
    #[error("there is no key {0:?}")]
    NotFound(String),
    /// The store takes no value of this length.
    #[error("a value has at most {limit} bytes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
}

/// What a watcher hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Change {
    /// The key has this value.
    Put(String, Blob),
    /// The key is gone.
    Deleted(String),
    /// All that was there before the watch began has been told.
    UpToDate,
    /// So many changes of any key were not told, since the watcher was too slow: what it knows may be wrong.
    Missed(u64),
}
