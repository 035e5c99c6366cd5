//! The options of TLS, for endpoints `tls+tcp://` and `wss://`.

use std::path::PathBuf;

use clap::Args;

/// Who we are to peers that connect to us, and whom we trust.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "TLS (tls+tcp://, wss://)")]
pub(crate) struct TlsArgs {
    /// Our certificate, followed by those that lead to its root; where we bind there must be one
    #[arg(long = "tls-cert", value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --tls-cert
    #[arg(long = "tls-key", value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Demand a certificate of this issuer from peers that connect to us
    #[arg(long = "tls-client-ca", value_name = "FILE")]
    pub(crate) client_ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) trust: TlsTrustArgs,
}

/// Whom we trust where we connect.
#[derive(Debug, Default, Args)]
pub(crate) struct TlsTrustArgs {
    /// Trust servers of this issuer (default: those that the system trusts)
    #[arg(long = "tls-ca", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The name in the server's certificate (default: the host of the endpoint)
    #[arg(long = "tls-server-name", value_name = "NAME")]
    pub(crate) server_name: Option<String>,
}

/// For commands that only connect.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "TLS (tls+tcp://, wss://)")]
pub(crate) struct TlsClientArgs {
    #[command(flatten)]
    pub(crate) trust: TlsTrustArgs,
    /// Our certificate, where the server asks for one
    #[arg(long = "tls-cert", value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --tls-cert
    #[arg(long = "tls-key", value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
}
