//! TLS for `tls+tcp://`: who we are, and whom we trust.
//!
//! Who binds is the server of TLS and shows a certificate; who connects is its client, and shows one if it is asked to.
//! Inside of it everything is as over `tcp://`, CURVE as well. Both sides speak TLS 1.3.
//!
//! ```no_run
//! use bowline::tls::{ClientCertificates, TlsClient, TlsRoots, TlsServer};
//! use bowline::{Options, Pull, Push};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TlsServer::from_pem_files("server.pem", "server.key")?
//!     .client_certificates(TlsRoots::pem_file("ca.pem"), ClientCertificates::Required)?;
//! let pull = Pull::with_options(Options::new().tls_server(server));
//! pull.bind("tls+tcp://*:7400").await?;
//!
//! let client = TlsClient::new(TlsRoots::pem_file("ca.pem"))?.certificate_files("client.pem", "client.key")?;
//! let push = Push::with_options(Options::new().tls_client(client));
//! push.connect("tls+tcp://example.org:7400")?;
//! # Ok(())
//! # }
//! ```
//!
//! **A certificate is renewed without a restart.** [`TlsServer::reload`] and [`TlsClient::reload`] read their files again:
//! new connections use what is there now, old ones stay. Files are also looked at when a connection is made, at most once in
//! [five seconds](RELOAD_AFTER), and read again if they have changed. What can't be used is not taken: `reload` returns the
//! error, and a monitor tells [`TlsNotReloaded`](crate::MonitorKind::TlsNotReloaded).
//!
//! **No session is resumed**: each connection checks the certificates as they are then, and a root that is taken away is
//! taken away for all of them. Connections are long, so one signature more at their beginning is little.
//!
//! **Protocols (ALPN)** are not named unless they are asked for. No name for ZMTP is registered, its greeting says what it is,
//! and a proxy that ends TLS may refuse names that it does not know. Where they are set, both sides must agree on one.
//!
//! **When TLS fails** the monitor tells [`HandshakeFailed`](crate::MonitorKind::HandshakeFailed) with
//! [`DisconnectReason::Tls`](crate::DisconnectReason::Tls) and its [`TlsFault`]. A dialed endpoint tries again, unless
//! [`ReconnectStop::protocol_error`](crate::ReconnectStop) says otherwise: certificates are renewed while both sides run.

mod certificate;
mod client;
mod reload;
mod server;
mod source;

use std::sync::Arc;

pub use bowline_proto::PeerCertificate;
pub use bowline_proto::error::{TlsAlert, TlsFault, TlsSettingsCause, TlsSettingsError, TlsSource};
use rustls::crypto::CryptoProvider;

pub(crate) use certificate::peer_certificate;
pub use client::TlsClient;
pub use reload::RELOAD_AFTER;
pub use server::{ClientCertificates, TlsServer};
pub use source::TlsRoots;

/// Not the process's default one: another library may have chosen that, or none.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The names of protocols as rustls takes them.
fn protocols(protocols: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Vec<Vec<u8>> {
    protocols.into_iter().map(Into::into).collect()
}
