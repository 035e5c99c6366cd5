//! CURVE from the command line, against pyzmq.

use std::path::{Path, PathBuf};

use bowline_interop::{Outcome, Peer, Program, ours};
use serde_json::json;

use crate::ANY;

/// A file with a secret key, which goes with the test.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new(name: &str, seed: u8) -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("bowline-{name}-{}", std::process::id()));
        let written = std::fs::write(&path, ours::keys(seed).secret().to_z85().as_bytes());
        written.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self(path))
    }

    fn path(&self) -> std::path::Display<'_> {
        Path::display(&self.0)
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn their_server_gets_what_our_client_seals() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let puller = peer.socket("PULL", ours::their_curve_server(&ours::keys(1))).await?;
    let place = peer.bind(&puller, ANY).await?;
    let (server, own) = (ours::keys(1).public(), KeyFile::new("client", 2)?);
    let words = format!("push -c {place} -D sealed --curve-server-key {server} --curve-key-file {}", own.path());
    Program::start(&words).await?.done().await?;
    peer.expect_parts(&puller, &[b"sealed"]).await
}

#[tokio::test]
async fn our_server_prints_what_their_client_seals() -> Outcome {
    let mut peer = Peer::spawn().await?;
    let (own, allowed) = (KeyFile::new("server", 1)?, ours::keys(2).public());
    let words = format!("pull -b {ANY} -v -n 1 --curve-server --curve-key-file {} --curve-allow {allowed}", own.path());
    let mut pull = Program::start(&words).await?;
    let place = pull.bound().await?;
    let stranger = peer.socket("PUSH", ours::their_curve_client(&ours::keys(1), &ours::keys(9))).await?;
    peer.connect(&stranger, &place).await?;
    pull.tells("failed in the handshake").await?;
    let clear = peer.socket("PUSH", json!({})).await?;
    peer.connect(&clear, &place).await?;
    pull.tells("failed in the handshake").await?;
    let right = peer.socket("PUSH", ours::their_curve_client(&ours::keys(1), &ours::keys(2))).await?;
    peer.connect(&right, &place).await?;
    peer.send_parts(&right, &[b"sealed"]).await?;
    pull.prints("sealed").await?;
    pull.done().await
}
