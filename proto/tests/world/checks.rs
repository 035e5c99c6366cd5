//! What must be true of every world when it is over.

use std::collections::HashMap;

use bowline_proto::DisconnectReason;
use bowline_proto::link::Effect;
use bowline_proto::sim::{ConnectionRecord, Record, SocketId};
use bowline_proto::{Message, Part};

use super::play::{PATIENCE, Play};

/// What tells a message from all others, whatever envelope it travels in.
pub(crate) fn body(message: &Message) -> &Part {
    message.parts().last().expect("a message has a part")
}

/// One direction of a connection that is over.
pub(crate) struct Flow<'a> {
    pub(crate) from: SocketId,
    pub(crate) to: SocketId,
    pub(crate) sender: &'a Record,
    pub(crate) receiver: &'a Record,
    pub(crate) was_cut: bool,
    /// Whether the sender's pipe went with the connection.
    pub(crate) was_accepted: bool,
}

fn flows(record: &ConnectionRecord) -> [Flow<'_>; 2] {
    let ConnectionRecord { dialer, listener, at_dialer, at_listener, was_cut } = record;
    let flow =
        |from, to, sender, receiver, was_accepted| Flow { from, to, sender, receiver, was_cut: *was_cut, was_accepted };
    [flow(*dialer, *listener, at_dialer, at_listener, false), flow(*listener, *dialer, at_listener, at_dialer, true)]
}

impl Play {
    pub(crate) fn flows(&self) -> impl Iterator<Item = Flow<'_>> {
        self.w.records().iter().flat_map(flows)
    }

    /// Ends the world, and checks what holds in all of them.
    pub(crate) fn finish(&mut self) {
        for socket in self.sockets.clone() {
            self.w.stop(socket);
        }
        assert!(self.w.run_until(PATIENCE, |w| w.connections() == 0), "every connection ends");
        for &socket in &self.sockets {
            assert_eq!(self.w.peers(socket), 0, "every peer is detached");
        }
        for record in self.w.records() {
            lifecycle(&record.at_dialer);
            lifecycle(&record.at_listener);
        }
        for flow in self.flows() {
            arrival(&flow);
        }
        for &socket in &self.sockets {
            self.order(socket);
        }
    }

    /// Messages of one connection are received in the order in which they were delivered, and none twice.
    fn order(&self, socket: SocketId) {
        let mut places: HashMap<&Part, usize> = HashMap::new();
        for (at, message) in self.w.received(socket).iter().enumerate() {
            // What an XPUB hears of subscriptions may repeat itself.
            let is_subscription = matches!(body(message).first(), Some(0 | 1));
            assert!(is_subscription || places.insert(body(message), at).is_none(), "no message is received twice");
        }
        for flow in self.flows().filter(|flow| flow.to == socket) {
            let places: Vec<usize> =
                flow.receiver.delivered.iter().filter_map(|message| places.get(body(message)).copied()).collect();
            assert!(places.is_sorted(), "{socket:?} received out of order: {places:?}");
        }
    }

    /// Every message that the socket took left it by a connection, or was discarded with its pipe.
    pub(crate) fn all_is_accounted_for(&self, socket: SocketId) {
        let flows = || self.flows().filter(|flow| flow.from == socket);
        let sent: usize = flows().map(|flow| flow.sender.sent.len()).sum();
        let with_pipe: u64 = flows().filter(|flow| flow.was_accepted).map(|flow| flow.sender.discarded).sum();
        let discarded = (with_pipe + self.w.discarded(socket)) as usize + self.w.waiting(socket);
        assert_eq!(self.w.sent(socket).len(), sent + discarded, "of {socket:?}: {sent} out, {discarded} discarded");
    }

    /// Every message that was delivered to the socket was received, if it lived all the time.
    pub(crate) fn all_is_received(&self, socket: SocketId) {
        let delivered: usize =
            self.flows().filter(|flow| flow.to == socket).map(|flow| flow.receiver.delivered.len()).sum();
        let received = self.w.received(socket).len();
        if self.restarts_of(socket) == 0 {
            assert_eq!(delivered, received, "what is delivered to {socket:?} is received");
        } else {
            assert!(received <= delivered);
        }
    }
}

/// Attach and Detach come in pairs, and the end once.
fn lifecycle(record: &Record) {
    let count = |is: fn(&Effect) -> bool| record.effects.iter().filter(|effect| is(effect)).count();
    let attached = count(|effect| matches!(effect, Effect::Attach(_)));
    assert_eq!(attached, count(|effect| matches!(effect, Effect::Detach)), "{:?}", record.effects);
    assert!(attached <= 1, "{:?}", record.effects);
    assert_eq!(count(|effect| matches!(effect, Effect::Ended { .. })), 1, "{:?}", record.effects);
    assert!(matches!(record.effects.last(), Some(Effect::Ended { .. })), "{:?}", record.effects);
    assert!(attached == 1 || record.delivered.is_empty(), "nothing is delivered without a peer");
}

/// What the network took arrives, unless it broke or the receiver left.
fn arrival(flow: &Flow<'_>) {
    let left = flow.receiver.effects.iter().any(|effect| match effect {
        Effect::Disconnected(reason) => !matches!(reason, DisconnectReason::PeerClosed | DisconnectReason::Protocol(_)),
        Effect::HandshakeFailed { .. } => true,
        _ => false,
    });
    // A receiver that closed in its handshake tells nobody.
    let never = !flow.receiver.effects.iter().any(|effect| matches!(effect, Effect::Attach(_)));
    if !(flow.was_cut || left || never || flow.receiver.swallowed) {
        assert_eq!(flow.sender.sent, flow.receiver.delivered, "what is written arrives");
    }
}
