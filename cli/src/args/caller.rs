//! Who we are to a server that we call, and whom we trust.

#![expect(clippy::doc_markdown, reason = "these texts are read at a prompt")]

use std::path::PathBuf;

use clap::Args;

use super::TlsClientArgs;

/// For commands that call services.
#[derive(Debug, Args)]
#[command(next_help_heading = "Security")]
pub(crate) struct CallerArgs {
    /// Log in with PLAIN
    #[arg(long, value_name = "USER", requires = "password")]
    pub(crate) username: Option<String>,
    /// Password for --username
    #[arg(long, value_name = "PASS", requires = "username")]
    pub(crate) password: Option<String>,
    /// Speak CURVE to the server with this public key, or that of a file
    #[arg(long, value_name = "KEY|FILE", allow_hyphen_values = true, conflicts_with = "username")]
    pub(crate) curve_server_key: Option<String>,
    /// Our secret key, as `bowline keygen FILE` writes it (default: BOWLINE_CURVE_SECRET, or one is made up)
    #[arg(long, value_name = "FILE", requires = "curve_server_key")]
    pub(crate) curve_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tls: TlsClientArgs,
}
