//! A stream of chunks from the server.

use std::sync::Arc;

use super::super::Gauge;
use crate::Result;
use crate::peers::{CHUNK, CallLibrary, Caller as _, Chunks, Produce};

/// Counts the chunks of one stream as they arrive, for ever.
pub(super) async fn count<L: CallLibrary>(library: &L, endpoint: &str, gauge: &Arc<Gauge>) -> Result<()> {
    let client = library.connect(endpoint).await?;
    let mut chunks = client.chunks(Produce::Shared).await?;
    loop {
        next(&mut chunks).await?;
        gauge.counter(0).add_one();
    }
}

/// Receives one chunk; another size is no chunk.
pub(super) async fn next(chunks: &mut impl Chunks) -> Result<()> {
    match chunks.next().await? {
        CHUNK => Ok(()),
        size => Err(format!("a chunk of {size} bytes arrived").into()),
    }
}
