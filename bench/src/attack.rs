//! What a hostile peer does beside an honest one.

use serde::{Deserialize, Serialize};

/// One of the rows of `SECURITY.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Attack {
    /// Holds connections that say nothing.
    Held,
    /// Opens them without pause.
    Opened,
    /// Sends greetings byte by byte, on many connections in turn.
    Dripped,
    /// Sends PINGs without pause, and reads no answer.
    Pings,
    /// Subscribes without end.
    Subscriptions,
    /// Sends parts without end.
    Parts,
    /// Begins handshakes of CURVE with a wrong key without pause.
    WrongKeys,
    /// Begins them with a right HELLO that was recorded once.
    Hellos,
}

impl Attack {
    pub(crate) const ALL: [Self; 8] = [
        Self::Held,
        Self::Opened,
        Self::Dripped,
        Self::Pings,
        Self::Subscriptions,
        Self::Parts,
        Self::WrongKeys,
        Self::Hellos,
    ];

    /// What is counted of it, as people say it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Held => "half-open connections",
            Self::Opened => "connections",
            Self::Dripped => "bytes of greetings",
            Self::Pings => "PINGs",
            Self::Subscriptions => "subscriptions",
            Self::Parts => "parts",
            Self::WrongKeys => "wrong keys",
            Self::Hellos => "recorded HELLOs",
        }
    }

    /// Whether the honest pair speaks CURVE.
    pub(crate) const fn is_sealed(self) -> bool {
        matches!(self, Self::WrongKeys | Self::Hellos)
    }

    /// Whether it is a publisher that is attacked, instead of a receiver.
    pub(crate) const fn is_on_a_publisher(self) -> bool {
        matches!(self, Self::Subscriptions)
    }
}
