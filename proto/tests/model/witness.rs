//! Watches what is done for one connection, and knows what no connection may do.

use bowline_proto::DisconnectReason;
use bowline_proto::link::{Effect, State};

use crate::ledger::{Broken, Ledger};

pub(crate) const ONCE_AND_IN_ORDER: &str = "every effect comes once at the most, and in the order of the table";
pub(crate) const NOTHING_AFTER_ENDED: &str = "nothing comes after Ended";
pub(crate) const FIRST_REASON: &str = "the reason that is told is that of the first input that closed it";
pub(crate) const ONE_DETACH: &str = "who was attached is detached exactly once, and nobody else";
pub(crate) const ONE_END: &str = "who was heard to begin is heard to end exactly once";

/// The properties that a witness looks at.
pub(crate) const PROPERTIES: [&str; 5] = [ONCE_AND_IN_ORDER, NOTHING_AFTER_ENDED, FIRST_REASON, ONE_DETACH, ONE_END];

/// What was seen of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Witness {
    /// The effects that were performed, a bit for each, by their place in the order.
    seen: u8,
    /// Why it had to close: the first that said so.
    cause: Option<DisconnectReason>,
    /// The pattern has its peer.
    is_attached: bool,
    /// The socket did not take the peer.
    is_refused: bool,
    /// The monitor was told of its end.
    end_told: bool,
}

/// The places in the order, from Authenticate to Ended.
const AUTHENTICATE: u8 = 1;
const ATTACH: u8 = 1 << 1;
const SUCCEEDED: u8 = 1 << 2;
const READY: u8 = 1 << 3;
const DETACH: u8 = 1 << 4;
const CLOSE_IO: u8 = 1 << 5;
const TOLD: u8 = 1 << 6;
const ENDED: u8 = 1 << 7;

fn place(effect: &Effect) -> u8 {
    match effect {
        Effect::Authenticate(_) => AUTHENTICATE,
        Effect::Attach(_) => ATTACH,
        Effect::HandshakeSucceeded => SUCCEEDED,
        Effect::Ready => READY,
        Effect::Detach => DETACH,
        Effect::CloseIo => CLOSE_IO,
        Effect::HandshakeFailed { .. } | Effect::Disconnected(_) => TOLD,
        Effect::Ended(_) => ENDED,
    }
}

impl Witness {
    /// An input came that closes for `reason`, if nothing did so before.
    pub(crate) fn closes(&mut self, reason: DisconnectReason) {
        self.cause.get_or_insert(reason);
    }

    /// The socket has answered to Attach.
    pub(crate) fn answered(&mut self, accepted: bool) {
        self.is_attached = accepted;
        self.is_refused = !accepted;
    }

    /// Whether the I/O still goes on.
    pub(crate) const fn is_open(&self) -> bool {
        self.seen & CLOSE_IO == 0
    }

    /// Whether the peer is attached: messages may pass.
    pub(crate) const fn is_attached(&self) -> bool {
        self.is_attached
    }

    /// Whether the last effect was performed.
    pub(crate) const fn is_over(&self) -> bool {
        self.seen & ENDED != 0
    }

    /// Whether Attach was performed, whatever the answer.
    pub(crate) const fn was_offered(&self) -> bool {
        self.seen & ATTACH != 0
    }

    /// Looks at an effect that is being performed. `began`: the monitor was told of its beginning.
    pub(crate) fn performs(
        &mut self,
        ledger: &Ledger,
        effect: &Effect,
        state: State,
        began: bool,
    ) -> Result<(), Broken> {
        let place = place(effect);
        ledger.holds(NOTHING_AFTER_ENDED, !self.is_over(), || format!("{effect:?}"))?;
        // All that was seen stands before it.
        ledger.holds(ONCE_AND_IN_ORDER, self.seen < place, || format!("{effect:?} after {:#010b}", self.seen))?;
        self.seen |= place;
        match effect {
            Effect::Authenticate(_) | Effect::Attach(_) => {}
            Effect::HandshakeSucceeded => {
                ledger.holds(ONCE_AND_IN_ORDER, self.was_offered(), || "succeeded without a peer".into())?;
            }
            Effect::Ready => {
                ledger.holds(ONE_DETACH, self.is_attached, || "ready without being attached".into())?;
            }
            Effect::Detach => {
                let was_attached = std::mem::take(&mut self.is_attached);
                ledger.holds(ONE_DETACH, was_attached, || "detached without being attached".into())?;
            }
            Effect::CloseIo => {
                ledger.holds(ONE_DETACH, !self.is_attached, || "the I/O goes and the peer is still attached".into())?;
                let closed = state == State::Closed;
                ledger.holds(ONCE_AND_IN_ORDER, closed, || format!("the I/O goes in state {state}"))?;
            }
            Effect::HandshakeFailed { reason, .. } => {
                ledger.holds(ONE_END, !self.was_offered(), || "a handshake failed that had succeeded".into())?;
                self.tells(ledger, reason)?;
            }
            Effect::Disconnected(reason) => {
                ledger.holds(ONE_END, self.was_offered(), || "disconnected without having been there".into())?;
                self.tells(ledger, reason)?;
            }
            Effect::Ended(reason) => {
                self.first_reason(ledger, reason)?;
                ledger.holds(ONCE_AND_IN_ORDER, !self.is_open(), || "it ended and the I/O goes on".into())?;
                ledger.holds(ONE_END, self.end_told == began, || {
                    format!("its beginning told: {began}, its end: {}", self.end_told)
                })?;
            }
        }
        Ok(())
    }

    fn tells(&mut self, ledger: &Ledger, reason: &DisconnectReason) -> Result<(), Broken> {
        self.end_told = true;
        self.first_reason(ledger, reason)
    }

    fn first_reason(&self, ledger: &Ledger, reason: &DisconnectReason) -> Result<(), Broken> {
        let Self { cause, .. } = self;
        ledger.holds(FIRST_REASON, cause.as_ref() == Some(reason), || format!("{reason:?} is told, not {cause:?}"))
    }
}
