//! The bytes of the link to and from messages of `ZWS2.0`, for servers that know no other subprotocol, as libzmq's.

use bowline_proto::SocketType;
use bowline_proto::error::WsFault;
use bowline_proto::wire::zws::{Inward, Outward, Subprotocol};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::ReadBuf;
use wasm_bindgen::JsValue;

use super::heard::Heard;

/// Both directions.
#[derive(Debug)]
pub(super) struct Translation {
    outward: Outward,
    inward: Inward,
    /// What came for the link and was not read yet.
    cut: Bytes,
}

impl Translation {
    /// For a socket of ours; the link hears a greeting first.
    pub(super) fn new(subprotocol: Subprotocol, mechanism: &str, ours: SocketType) -> Self {
        let cut = Bytes::copy_from_slice(&Inward::greeting(mechanism));
        Self { outward: Outward::new(subprotocol), inward: Inward::new(subprotocol, ours), cut }
    }

    /// Whether something is left that came before what the browser has now.
    pub(super) fn is_readable(&self) -> bool {
        !self.cut.is_empty()
    }

    /// Gives each message that these bytes complete to `send`.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        mut send: impl FnMut(&[u8]) -> Result<(), JsValue>,
    ) -> Result<(), JsValue> {
        let mut sent = Ok(());
        let pushed = self.outward.push(bytes, |message| {
            if sent.is_ok() {
                sent = send(&message);
            }
        });
        debug_assert!(pushed.is_ok(), "a link writes frames");
        sent
    }

    /// Reads as much as there is room for.
    ///
    /// # Errors
    ///
    /// Where a message is nothing in the subprotocol.
    pub(super) fn read(&mut self, heard: &mut Heard, buffer: &mut ReadBuf<'_>) -> Result<(), WsFault> {
        while buffer.remaining() > 0 {
            if self.cut.is_empty() {
                let Some(message) = heard.next() else { break };
                let mut bytes = BytesMut::new();
                self.inward.push(&message, &mut bytes).map_err(|_| WsFault::Misbehaved)?;
                self.cut = bytes.freeze();
            }
            let n = self.cut.len().min(buffer.remaining());
            buffer.put_slice(&self.cut[..n]);
            self.cut.advance(n);
        }
        Ok(())
    }
}
