//! What closes a link, and the reasons that may be told for it.

use std::io;

use bowline_proto::{DisconnectReason, ProtocolError};

use crate::links::Action;

/// Whether what `action` closed may be told to have gone for `reason`.
pub(crate) fn fits(action: Action, reason: &DisconnectReason) -> bool {
    match action {
        Action::Close(_) => *reason == DisconnectReason::LocalClose,
        Action::Cut => *reason == DisconnectReason::Io(io::ErrorKind::ConnectionReset),
        Action::Timeout(_) => {
            matches!(reason, DisconnectReason::HandshakeTimeout | DisconnectReason::HeartbeatTimeout)
        }
        Action::Nonsense(_) => matches!(reason, DisconnectReason::Protocol(_)),
        Action::Frame(_) | Action::Whole(_) => matches!(
            reason,
            DisconnectReason::PeerClosed
                | DisconnectReason::Protocol(ProtocolError::Truncated)
                | DisconnectReason::HandshakeRefused { .. }
                | DisconnectReason::Unauthorized(_)
                | DisconnectReason::PairTaken
        ),
        Action::TurnAway(_) => matches!(reason, DisconnectReason::Unauthorized(_)),
        // What had come behind the peer's last command.
        Action::Admit(_) => matches!(reason, DisconnectReason::Protocol(_) | DisconnectReason::PairTaken),
        Action::Write(_) | Action::InboxFills(_) | Action::InboxEmpties(_) => false,
    }
}
