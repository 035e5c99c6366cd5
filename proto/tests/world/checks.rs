//! What must be true of every world when it is over.

use std::collections::HashMap;

use bowline_proto::link::Effect;
use bowline_proto::sim::{ConnectionRecord, Record, SocketId, World};
use bowline_proto::{DisconnectReason, Message, Part, ProtocolError};

use super::play::{PATIENCE, Play};

/// What tells a message from all others, whatever envelope it travels in.
pub(crate) fn body(message: &Message) -> &Part {
    message.parts().last().expect("a message has a part")
}

/// Whether it tells of a subscription or of the end of one.
fn is_subscription(message: &Message) -> bool {
    matches!(body(message).first(), Some(0 | 1))
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
    let ConnectionRecord { dialer, listener, at_dialer, at_listener, was_cut, .. } = record;
    let flow =
        |from, to, sender, receiver, was_accepted| Flow { from, to, sender, receiver, was_cut: *was_cut, was_accepted };
    [flow(*dialer, *listener, at_dialer, at_listener, false), flow(*listener, *dialer, at_listener, at_dialer, true)]
}

impl Play {
    pub(crate) fn flows(&self) -> impl Iterator<Item = Flow<'_>> {
        self.w.records().iter().flat_map(flows)
    }

    /// Closes these, and those of the same applications: what waits in them goes out, and then they are gone.
    pub(crate) fn close_and_drain(&mut self, sockets: &[SocketId]) {
        let discarded: Vec<u64> = sockets.iter().map(|&socket| self.w.discarded(socket)).collect();
        for &socket in sockets {
            self.w.close(socket);
        }
        let over = |w: &World| sockets.iter().all(|&socket| w.is_gone(socket));
        assert!(self.w.run_until(PATIENCE, over), "what waits goes out, and then the connections end");
        for (&socket, discarded) in sockets.iter().zip(discarded) {
            assert_eq!(self.w.waiting(socket), 0, "of {socket:?} nothing is left behind");
            assert_eq!(self.w.discarded(socket), discarded, "nothing that waits at close is dropped");
        }
    }

    /// Ends the world, and checks what holds in all of them.
    pub(crate) fn finish(&mut self) {
        self.is_sound();
        for socket in self.sockets.clone() {
            self.w.stop(socket);
        }
        assert!(self.w.run_until(PATIENCE, |w| w.connections() == 0), "every connection ends");
        for &socket in &self.sockets {
            assert_eq!(self.w.peers(socket), 0, "every peer is detached");
            assert_eq!(self.w.endpoints(socket), 0, "every endpoint is left");
            assert!(!self.w.is_up(socket));
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
            self.order_of_sending(socket);
        }
    }

    /// Without trouble no connection is lost, but for those that the patterns give up and refuse.
    fn is_sound(&self) {
        let records = self.w.records().iter().flat_map(|record| [&record.at_dialer, &record.at_listener]);
        let reasons = records.flat_map(|record| &record.effects).filter_map(|effect| match effect {
            Effect::Disconnected(reason) | Effect::HandshakeFailed { reason, .. } => Some(reason),
            _ => None,
        });
        for reason in reasons {
            let is_network = matches!(
                reason,
                DisconnectReason::Io(_) | DisconnectReason::HeartbeatTimeout | DisconnectReason::HandshakeTimeout
            );
            assert!(self.is_troubled || !is_network, "without trouble a connection ends: {reason}");
        }
    }

    /// Messages of one connection are received in the order in which they were delivered, and none twice.
    fn order(&self, socket: SocketId) {
        let mut places: HashMap<&Part, usize> = HashMap::new();
        if self.stutters {
            return;
        }
        for (at, message) in self.w.received(socket).iter().enumerate() {
            // What an XPUB hears of subscriptions may repeat itself.
            assert!(
                is_subscription(message) || places.insert(body(message), at).is_none(),
                "no message is received twice"
            );
        }
        for flow in self.flows().filter(|flow| flow.to == socket) {
            let places: Vec<usize> =
                flow.receiver.delivered.iter().filter_map(|message| places.get(body(message)).copied()).collect();
            assert!(places.is_sorted(), "{socket:?} received out of order: {places:?}");
        }
    }

    /// Messages leave a pipe in the order in which the socket took them, also by the connections that its endpoint has
    /// one after the other.
    fn order_of_sending(&self, socket: SocketId) {
        let sent = self.w.sent(socket).iter().enumerate().filter(|(_, message)| !is_subscription(message));
        let places: HashMap<&Part, usize> = sent.map(|(at, message)| (body(message), at)).collect();
        let mut connections: Vec<&ConnectionRecord> = self.w.records().iter().collect();
        connections.sort_unstable_by_key(|record| record.id);
        let mut last: HashMap<usize, usize> = HashMap::new();
        for record in connections {
            let place = |message: &Message| places.get(body(message)).copied();
            if record.listener == socket {
                let left: Vec<usize> = record.at_listener.sent.iter().filter_map(place).collect();
                assert!(left.is_sorted(), "of {socket:?} messages leave out of order: {left:?}");
            } else if record.dialer == socket {
                for place in record.at_dialer.sent.iter().filter_map(place) {
                    let last = last.insert(record.endpoint, place);
                    assert!(last.is_none_or(|last| last <= place), "of {socket:?} {place} leaves after {last:?}");
                }
            }
        }
    }

    /// Every message that the socket took left it by a connection, or was discarded with its pipe.
    pub(crate) fn all_is_accounted_for(&self, socket: SocketId) {
        let flows = || self.flows().filter(|flow| flow.from == socket);
        let sent: usize = flows().map(|flow| flow.sender.sent.len()).sum();
        let with_pipe: u64 = flows().filter(|flow| flow.was_accepted).map(|flow| flow.sender.discarded).sum();
        let discarded = (with_pipe + self.w.discarded(socket) + self.w.waiting(socket)) as usize;
        assert_eq!(self.w.sent(socket).len(), sent + discarded, "of {socket:?}: {sent} out, {discarded} discarded");
    }

    /// Every message that was delivered to the socket was received, if it lived all the time.
    pub(crate) fn all_is_received(&self, socket: SocketId) {
        let delivered: usize =
            self.flows().filter(|flow| flow.to == socket).map(|flow| flow.receiver.delivered.len()).sum();
        let received = self.w.received(socket).len();
        if self.w.restarts(socket) == 0 {
            assert_eq!(delivered, received, "what is delivered to {socket:?} is received");
        } else {
            assert!(received <= delivered);
        }
    }

    /// What an application received by either of its two sockets it sent by the other.
    pub(crate) fn all_is_passed_on(&self, socket: SocketId) {
        let sockets = [socket, self.w.partner(socket).expect("a relay has two sockets")];
        let sum = |of: fn(&World, SocketId) -> usize| sockets.iter().map(|&at| of(&self.w, at)).sum::<usize>();
        let received = sum(|w, at| w.received(at).len());
        let sent = sum(|w, at| w.sent(at).len() + w.refused(at).len() + w.in_hand(at));
        assert_eq!(received, sent, "what comes to {sockets:?} goes on");
    }
}

/// The effects of a connection in the order in which they may come: some of them, none twice. The last may stand before
/// all others.
const ORDER: [fn(&Effect) -> bool; 9] = [
    |effect| matches!(effect, Effect::Attach(_)),
    |effect| matches!(effect, Effect::HandshakeSucceeded),
    |effect| matches!(effect, Effect::Ready),
    |effect| matches!(effect, Effect::Detach),
    |effect| matches!(effect, Effect::CloseIo),
    |effect| matches!(effect, Effect::HandshakeFailed { .. }),
    |effect| matches!(effect, Effect::Disconnected(_)),
    |effect| matches!(effect, Effect::Ended(_)),
    |effect| matches!(effect, Effect::Authenticate(_)),
];

/// Attach and Detach come in pairs, and the end once; what is told tells what happened.
fn lifecycle(record: &Record) {
    let Record { effects, .. } = record;
    let places: Vec<usize> = effects.iter().filter_map(|effect| ORDER.iter().position(|is_it| is_it(effect))).collect();
    // It was ready; the socket refused the peer; the handshake failed.
    let ways: [&[usize]; 3] = [&[0, 1, 2, 3, 4, 6, 7], &[0, 1, 4, 6, 7], &[4, 5, 7]];
    let behind = places.strip_prefix(&[8]).unwrap_or(&places);
    assert!(ways.contains(&behind), "{effects:?}");
    let was_attached = places.contains(&2);
    assert!(was_attached || record.delivered.is_empty() && record.sent.is_empty(), "nothing passes without a peer");
    for effect in effects {
        let (Effect::Disconnected(reason) | Effect::HandshakeFailed { reason, .. }) = effect else { continue };
        let is_own = matches!(reason, DisconnectReason::Protocol(reason) if *reason != ProtocolError::Truncated);
        assert!(!is_own, "one of us breaks the protocol: {reason}");
        // Only a timeout notices silence.
        let is_heard =
            matches!(reason, DisconnectReason::PeerClosed | DisconnectReason::Protocol(_) | DisconnectReason::Io(_));
        assert!(!record.is_deaf || !is_heard, "what can't be heard is told: {reason}");
        let is_impatient = record.patience.is_some();
        assert!(is_impatient || *reason != DisconnectReason::HeartbeatTimeout, "nobody asked for signs of life");
    }
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
    if !(flow.was_cut || left || never || flow.receiver.swallowed || flow.receiver.was_deaf) {
        assert_eq!(flow.sender.sent, flow.receiver.delivered, "what is written arrives");
    }
}
