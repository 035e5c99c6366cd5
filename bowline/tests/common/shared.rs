//! What the tests share: places to meet at, a limit of time, monitors read as scripts, and peers spoken by hand.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod desk;
#[cfg(target_family = "wasm")]
pub(crate) mod native;
pub(crate) mod raw;
pub(crate) mod scene;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(all(feature = "ws", not(target_family = "wasm")))]
pub(crate) mod web;

use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bowline::{DisconnectReason, Endpoint, Message, Monitor, MonitorEvent, MonitorKind, Options, Reconnect};

/// No test takes this long, whatever else the machine does.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);

/// Runs a test, which fails by its name when it hangs.
pub(crate) async fn within<F: Future>(name: &str, test: F) -> F::Output {
    tokio::time::timeout(LIMIT, test).await.unwrap_or_else(|_| panic!("{name} hangs"))
}

/// What is told where nobody listens: no browser says why it has not connected.
pub(crate) const REFUSED: ErrorKind =
    if cfg!(target_family = "wasm") { ErrorKind::NotConnected } else { ErrorKind::ConnectionRefused };

/// A transport to repeat a test over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// In a page, where WebSocket alone carries bytes, as `Ws`.
    Tcp,
    Tcp6,
    /// Only where the feature `tls` is on.
    Tls,
    /// Only where the feature `ws` is on, and in a page.
    Ws,
    /// Only where both are on.
    Wss,
    Ipc,
    Abstract,
    Inproc,
    /// Only in a page, and to a service: it is another process that serves, natively.
    #[cfg(target_family = "wasm")]
    Native,
}

/// Tells the places of this process apart.
fn serial() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A loopback address of our own: no other test or program can take a port of it by chance.
fn own_address(process: usize, serial: usize) -> String {
    let (a, b, c) = (process / 250 % 250, process % 250, serial % 250);
    format!("tcp://127.{}.{}.{}:5555", a + 1, b + 1, c + 1)
}

/// Tells this process apart from others.
#[cfg(not(target_family = "wasm"))]
fn process() -> usize {
    std::process::id() as usize
}

/// Tells this page apart from others: it has no number of its own.
#[cfg(target_family = "wasm")]
fn process() -> usize {
    static NUMBER: std::sync::LazyLock<usize> = std::sync::LazyLock::new(tokio::net::number);
    *NUMBER
}

impl At {
    /// What it is here: in a page there is WebSocket only, and somebody beside it who listens.
    fn here(self) -> Self {
        #[cfg(target_family = "wasm")]
        if self != Self::Inproc {
            bowline::host(tokio::net::host);
            return Self::Ws;
        }
        self
    }

    /// An endpoint to connect to, where a listener of the system is.
    pub(crate) fn of(self, listener: &tokio::net::TcpListener) -> String {
        let address = listener.local_addr().expect("it listens");
        let any = self.any();
        format!("{}://{address}", any.split_once("://").expect("an endpoint").0)
    }

    /// An endpoint to bind, where the system chooses what it can.
    pub(crate) fn any(self) -> String {
        match self.here() {
            Self::Tcp => "tcp://127.0.0.1:*".into(),
            Self::Tcp6 => "tcp://[::1]:*".into(),
            Self::Tls => "tls+tcp://127.0.0.1:*".into(),
            Self::Ws => "ws://127.0.0.1:*".into(),
            Self::Wss => "wss://127.0.0.1:*/zeromq".into(),
            other => other.place(),
        }
    }

    /// An endpoint that nobody else will use, for those that connect before anybody binds.
    pub(crate) fn place(self) -> String {
        let serial = serial();
        if self == Self::Inproc {
            return format!("inproc://test-{serial}");
        }
        let process = process();
        match self.here() {
            Self::Tcp => own_address(process, serial),
            Self::Tls => format!("tls+{}", own_address(process, serial)),
            Self::Ws => own_address(process, serial).replace("tcp", "ws"),
            Self::Wss => own_address(process, serial).replace("tcp", "wss") + "/zeromq",
            Self::Tcp6 => format!("tcp://[::1]:{}", 10_000 + (process * 37 + serial) % 20_000),
            Self::Ipc => {
                let path = std::env::temp_dir().join(format!("bowline-{process}-{serial}.sock"));
                format!("ipc://{}", path.display())
            }
            Self::Abstract => format!("ipc://@bowline-{process}-{serial}"),
            Self::Inproc => unreachable!("it has no process"),
            #[cfg(target_family = "wasm")]
            Self::Native => unreachable!("it chooses its place"),
        }
    }

    /// Whether messages stay within the process: then every count is exact.
    pub(crate) fn is_inproc(self) -> bool {
        self == Self::Inproc
    }
}

/// Repeats scripts over all eight transports; over TLS and WebSocket where there are the features. In a page, where they
/// run as well (`browser/`), that is WebSocket and `inproc`.
#[macro_export]
macro_rules! for_each_transport {
    ($(#[$meta:meta])* async fn $name:ident($at:ident: At) $body:block $($rest:tt)*) => {
        $crate::for_each_transport! { @all [$(#[$meta])*] $name $at $body any(feature = "ws", target_family = "wasm") => }
        $crate::for_each_transport! { $($rest)* }
    };
    // What of a server needs no more than that it is there: in a page also one of another process.
    ($(#[$meta:meta])* served async fn $name:ident($at:ident: At) $body:block $($rest:tt)*) => {
        $crate::for_each_transport! { @all [$(#[$meta])*] $name $at $body any(feature = "ws", target_family = "wasm") =>
            #[cfg(target_family = "wasm")] native: Native, }
        $crate::for_each_transport! { $($rest)* }
    };
    // Only where who does not read makes the sender wait: a page by WebSocket can't.
    ($(#[$meta:meta])* held async fn $name:ident($at:ident: At) $body:block $($rest:tt)*) => {
        $crate::for_each_transport! { @all [$(#[$meta])*] $name $at $body all(feature = "ws", not(target_family = "wasm")) => }
        $crate::for_each_transport! { $($rest)* }
    };
    // Only where bytes go through the system.
    ($(#[$meta:meta])* bytes async fn $name:ident($at:ident: At) $body:block $($rest:tt)*) => {
        $crate::for_each_transport! { @tests [$(#[$meta])*] $name $at $body
            #[cfg(not(target_family = "wasm"))] tcp: Tcp,
            #[cfg(all(feature = "tls", not(target_family = "wasm")))] tls: Tls,
            #[cfg(any(feature = "ws", target_family = "wasm"))] ws: Ws,
            #[cfg(all(feature = "tls", feature = "ws", not(target_family = "wasm")))] wss: Wss,
            #[cfg(not(target_family = "wasm"))] ipc: Ipc }
        $crate::for_each_transport! { $($rest)* }
    };
    () => {};
    // All that there are, WebSocket where that is so, and some more.
    (@all [$(#[$of_all:meta])*] $name:ident $at:ident $body:block $web:meta => $($more:tt)*) => {
        $crate::for_each_transport! { @tests [$(#[$of_all])*] $name $at $body
            #[cfg(not(target_family = "wasm"))] tcp: Tcp,
            #[cfg(not(target_family = "wasm"))] tcp_ipv6: Tcp6,
            #[cfg(all(feature = "tls", not(target_family = "wasm")))] tls: Tls,
            #[cfg($web)] ws: Ws,
            #[cfg(all(feature = "tls", feature = "ws", not(target_family = "wasm")))] wss: Wss,
            #[cfg(not(target_family = "wasm"))] ipc: Ipc,
            #[cfg(not(target_family = "wasm"))] ipc_abstract: Abstract,
            $($more)*
            inproc: Inproc }
    };
    (@tests [$(#[$of_all:meta])*] $name:ident $at:ident $body:block $($(#[$meta:meta])* $over:ident: $transport:ident),*) => {
        $(#[$of_all])*
        mod $name {
            #[allow(unused_imports, reason = "a script takes what it needs")]
            use super::*;
            async fn script($at: $crate::common::At) $body
            $(
                $(#[$meta])*
                #[tokio::test]
                async fn $over() {
                    let name = concat!(stringify!($name), " over ", stringify!($over));
                    $crate::common::within(name, script($crate::common::At::$transport)).await;
                }
            )*
        }
    };
}

/// The defaults, with what it takes to meet over TLS.
pub(crate) fn usual() -> Options {
    #[cfg(feature = "tls")]
    return tls::dressed(Options::new());
    #[cfg(not(feature = "tls"))]
    Options::new()
}

/// Options for tests: whoever is lost is back soon.
pub(crate) fn quick() -> Options {
    usual().reconnect(Reconnect::Fixed(Duration::from_millis(5)))
}

/// A message of these parts.
pub(crate) fn parts<const N: usize>(parts: [&str; N]) -> Message {
    parts.into_iter().collect()
}

/// The parts of a message as text.
pub(crate) fn text(message: &Message) -> Vec<String> {
    message.parts().iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// The number that a message consists of.
pub(crate) fn number(message: &Message) -> usize {
    text(message)[0].parse().expect("a number")
}

/// A monitor, read as a script.
pub(crate) trait Script {
    /// The next event.
    fn event(&mut self) -> impl Future<Output = MonitorEvent>;

    /// The next event of this name, past others.
    fn skip_to(&mut self, name: &str) -> impl Future<Output = MonitorEvent>;

    /// Waits until this many peers are ready.
    fn peers(&mut self, n: usize) -> impl Future<Output = ()>;

    /// Why the next connection is lost.
    fn loss(&mut self) -> impl Future<Output = DisconnectReason>;

    /// Why the next handshake fails.
    fn refusal(&mut self) -> impl Future<Output = DisconnectReason>;

    /// The names of these next events, one after the other.
    fn expect(&mut self, names: &[&str]) -> impl Future<Output = ()>;

    /// These next events, in [brief](brief), one after the other.
    fn follow(&mut self, briefs: &[&str]) -> impl Future<Output = ()>;

    /// The names of all events up to the end.
    fn rest(&mut self) -> impl Future<Output = Vec<&'static str>>;
}

impl Script for Monitor {
    async fn event(&mut self) -> MonitorEvent {
        self.next().await.expect("the monitor has not ended")
    }

    async fn skip_to(&mut self, name: &str) -> MonitorEvent {
        let mut past = Vec::new();
        while let Some(event) = self.next().await {
            if event.kind.name() == name {
                return event;
            }
            past.push(event.kind);
        }
        panic!("{name} never came, but {past:?}");
    }

    async fn peers(&mut self, n: usize) {
        for _ in 0..n {
            self.skip_to("ready").await;
        }
    }

    async fn loss(&mut self) -> DisconnectReason {
        match self.skip_to("disconnected").await.kind {
            MonitorKind::Disconnected(reason) => reason,
            other => unreachable!("{other:?}"),
        }
    }

    async fn refusal(&mut self) -> DisconnectReason {
        match self.skip_to("handshake_failed").await.kind {
            MonitorKind::HandshakeFailed { reason, .. } => reason,
            other => unreachable!("{other:?}"),
        }
    }

    async fn expect(&mut self, names: &[&str]) {
        for name in names {
            let event = self.event().await;
            assert_eq!(event.kind.name(), *name, "{event:?}");
        }
    }

    async fn follow(&mut self, briefs: &[&str]) {
        for expected in briefs {
            let event = self.event().await;
            assert_eq!(brief(&event), *expected, "{event:?}");
        }
    }

    async fn rest(&mut self) -> Vec<&'static str> {
        let mut names = Vec::new();
        while let Some(event) = self.next().await {
            names.push(event.kind.name());
        }
        names
    }
}

/// Gives every task of this thread its turn, many times over.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Lets the other tasks run until it is so.
pub(crate) async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

/// Polls once: what came of it, if anything has.
pub(crate) async fn glance<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| match std::pin::Pin::new(&mut *future).poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// An event in short: its name, the number of the attempt, and the type of the peer.
pub(crate) fn brief(event: &MonitorEvent) -> String {
    let attempt = event.attempt.map(|attempt| attempt.to_string());
    let peer = event.peer.as_ref().map(|peer| peer.socket_type.to_string());
    [Some(event.kind.name().to_owned()), attempt, peer].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The endpoint that an event happened at.
pub(crate) fn endpoint_of(event: &MonitorEvent) -> Endpoint {
    event.endpoint.clone().expect("the event has an endpoint")
}
