//! How much the peers of a client or a server may take.

use bowline_proto::mux::Settings;

/// How much the peers of a client or a server may take. None of them is soft: what is beyond is refused.
///
/// ```
/// use bowline::rpc::Limits;
///
/// let limits = Limits::default().handlers(100).max_message(64 * 1024);
/// assert_eq!(limits.handlers, 100);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many handlers may be at work at once, of all connections. Calls beyond are refused before anything of them is
    /// executed, so a caller may try again.
    ///
    /// Default 65,536: a handler that waits is a task of a few hundred bytes, and memory is what has to be kept.
    pub handlers: usize,
    /// How many streams each side of a connection may have open at once. Calls beyond wait on the calling side.
    ///
    /// Default 1,024, which every peer may count on.
    pub streams: usize,
    /// The longest message, either way, in bytes.
    ///
    /// Default 16 MiB: what is longer should be a stream of items.
    pub max_message: usize,
    /// How far the window of one stream may grow that is read promptly, in bytes. It grows only as far as the delay of the
    /// connection makes use of it.
    ///
    /// Default 1 MiB, enough for a gigabit over 8 ms.
    pub max_window: usize,
    /// What all windows of one connection together may grow beyond their 64 KiB, in bytes. Default 16 MiB.
    pub pool: usize,
    /// How much of one stream may wait to be sent before its sender waits, in bytes. Default 256 KiB.
    ///
    /// While no more than 1 MiB waits on the connection, as much of a stream may wait as its peer has promised to take.
    pub send_buffer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let Settings { max_streams, max_window, pool, max_message, send_buffer } = Settings::default();
        Self { handlers: 65_536, streams: max_streams, max_message, max_window, pool, send_buffer }
    }
}

macro_rules! setters {
    ($($name:ident)*) => {
        impl Limits {
            $(
                #[doc = concat!("Sets the field [`", stringify!($name), "`](#structfield.", stringify!($name), ").")]
                #[must_use]
                pub const fn $name(mut self, value: usize) -> Self {
                    self.$name = value;
                    self
                }
            )*
        }
    };
}

setters! { handlers streams max_message max_window pool send_buffer }

impl Limits {
    pub(super) fn settings(self) -> Settings {
        let Self { streams, max_message, max_window, pool, send_buffer, .. } = self;
        Settings { max_streams: streams, max_window, pool, max_message, send_buffer }
    }
}
