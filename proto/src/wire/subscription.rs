//! Subscriptions as messages: what 3.0 peers send, what an XPUB receives, and how they pass an inbox.

use crate::Message;

/// The message that subscribes to `topic`, or takes that back.
// RFC 23, The Publish-Subscribe Pattern: 1 and the topic subscribe, 0 and the topic take it back
pub(crate) fn message(topic: &[u8], subscribe: bool) -> Message {
    let mut body = Vec::with_capacity(1 + topic.len());
    body.push(u8::from(subscribe));
    body.extend_from_slice(topic);
    Message::from(body)
}
