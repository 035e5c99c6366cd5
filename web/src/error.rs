//! Errors, as JavaScript has them: a name to match, a message to read.

use std::fmt::Display;

use bowline::rpc::{CallError, Outcome};
use bowline::{RecvError, SendErrorKind};
use js_sys::Error;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;

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

/// A call that has no result. What else is known of it is JSON in the `cause`.
pub(crate) fn calling(failure: &CallError<Box<RawValue>>) -> JsValue {
    let mut details = Value::Null;
    let (kind, code) = match failure {
        CallError::Failed(own) => {
            details = json!(own);
            ("failed", None)
        }
        CallError::Status(status) => {
            details = json!(status.reason);
            ("status", Some(status.code.to_string()))
        }
        CallError::Deadline { .. } => ("deadline", None),
        CallError::ConnectionLost { reason, .. } => ("connection_lost", Some(reason.name().to_owned())),
        CallError::Unreachable(_) => ("unreachable", None),
        CallError::TooLarge => ("too_large", None),
        CallError::MetadataTooLarge => ("metadata_too_large", None),
        CallError::Encode(_) => ("encode", None),
        CallError::Decode(_) => ("decode", None),
        _ => ("other", None),
    };
    let outcome = match failure.outcome() {
        Outcome::NotSent => "NotSent",
        Outcome::NotExecuted => "NotExecuted",
        Outcome::MaybeExecuted => "MaybeExecuted",
    };
    let message = match failure {
        CallError::Failed(own) => format!("the method failed: {}", own.get()),
        other => other.to_string(),
    };
    let error = Error::new(&message);
    error.set_name(kind);
    error.set_cause(&json!({ "code": code, "outcome": outcome, "details": details }).to_string().into());
    error.into()
}
