//! Errors, as JavaScript has them: a name to match, a message to read.

use std::fmt::Display;

use bowline::rpc::{CallError, Encoded, Never, Outcome};
use bowline::{RecvError, SendErrorKind};
use js_sys::Error;
use wasm_bindgen::JsValue;

use crate::text::Object;

/// An error of this kind; the package makes one of its own classes of it.
pub(crate) fn error(kind: &str, message: impl Display) -> JsValue {
    let error = Error::new(&message.to_string());
    error.set_name(kind);
    error.into()
}

/// Something that was given is none of what it should be.
pub(crate) fn invalid(message: impl Display) -> JsValue {
    error("invalid", message)
}

pub(crate) fn sending(kind: SendErrorKind) -> JsValue {
    let name = match kind {
        SendErrorKind::WouldBlock => "would_block",
        SendErrorKind::Unroutable => "unroutable",
        SendErrorKind::NoIdentity => "no_identity",
        SendErrorKind::OutOfTurn => "out_of_turn",
        SendErrorKind::Unsupported(_) => "unsupported",
        SendErrorKind::Closed => "closed",
        _ => "other",
    };
    error(name, kind)
}

pub(crate) fn receiving(kind: RecvError) -> JsValue {
    let name = match kind {
        RecvError::WouldBlock => "would_block",
        RecvError::OutOfTurn => "out_of_turn",
        RecvError::PeerLost => "peer_lost",
        RecvError::Unsupported(_) => "unsupported",
        RecvError::Closed => "closed",
        _ => "other",
    };
    error(name, kind)
}

/// What a call brought can't be read.
pub(crate) fn undecoded(why: impl Display) -> JsValue {
    let error = Error::new(&why.to_string());
    error.set_name("decode");
    error.set_cause(&"{}".into());
    error.into()
}

/// A call that has no result. What else is known of it is JSON in the `cause`.
pub(crate) fn calling(failure: &CallError<Encoded>) -> JsValue {
    let mut rest = Object::new();
    let kind = match failure {
        CallError::Failed(own) => {
            // Nobody has looked yet whether it is JSON, so it is text here.
            rest.text("details", &own.to_string());
            "failed"
        }
        CallError::Status(status) => {
            rest.text("code", &status.code.to_string());
            rest.text("details", &status.reason);
            "status"
        }
        CallError::Deadline { .. } => "deadline",
        CallError::ConnectionLost { reason, .. } => {
            rest.text("code", reason.name());
            "connection_lost"
        }
        CallError::Unreachable(_) => "unreachable",
        CallError::TooLarge => "too_large",
        CallError::MetadataTooLarge => "metadata_too_large",
        CallError::Encode(_) => "encode",
        CallError::Decode(_) => "decode",
        _ => "other",
    };
    let outcome = match failure.outcome() {
        Outcome::NotSent => "NotSent",
        Outcome::NotExecuted => "NotExecuted",
        Outcome::MaybeExecuted => "MaybeExecuted",
    };
    let message = match failure {
        CallError::Failed(own) => ["the method failed: ", &own.to_string()].concat(),
        other => other.to_string(),
    };
    let error = Error::new(&message);
    error.set_name(kind);
    rest.text("outcome", outcome);
    error.set_cause(&rest.finish().into());
    error.into()
}

/// A call without an answer that could not be sent.
pub(crate) fn not_sent(failure: CallError<Never>) -> JsValue {
    calling(&match failure {
        CallError::Failed(never) => match never {},
        CallError::Status(status) => CallError::Status(status),
        CallError::Deadline { outcome } => CallError::Deadline { outcome },
        CallError::ConnectionLost { outcome, reason } => CallError::ConnectionLost { outcome, reason },
        CallError::Unreachable(why) => CallError::Unreachable(why),
        CallError::MetadataTooLarge => CallError::MetadataTooLarge,
        CallError::Encode(error) => CallError::Encode(error),
        CallError::Decode(error) => CallError::Decode(error),
        _ => CallError::TooLarge,
    })
}
