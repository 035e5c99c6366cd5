//! The options of CURVE, and the command that makes its keys. No secret is an argument: every user of the machine could
//! read it there.

#![expect(clippy::doc_markdown, reason = "these texts are read at a prompt")]

use std::path::PathBuf;

use clap::{ArgAction, Args};

/// The environment variable that has our secret key where no file is named.
pub(crate) const SECRET: &str = "BOWLINE_CURVE_SECRET";

#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "each is a flag of that name")]
pub(crate) struct CurveArgs {
    /// Demand CURVE of every peer; our secret key is in --curve-key-file or BOWLINE_CURVE_SECRET
    #[arg(long, conflicts_with_all = ["username", "plain_server", "curve_server_key"])]
    pub(crate) curve_server: bool,
    /// Let in only the client with this public key, or that of a file (repeatable; default: all)
    #[arg(long, value_name = "KEY|FILE", action = ArgAction::Append, allow_hyphen_values = true, requires = "curve_server")]
    pub(crate) curve_allow: Vec<String>,
    /// Speak CURVE to the server with this public key, or that of a file
    #[arg(long, value_name = "KEY|FILE", allow_hyphen_values = true, conflicts_with_all = ["username", "plain_server"])]
    pub(crate) curve_server_key: Option<String>,
    /// Our secret key, as `bowline keygen FILE` writes it (default: BOWLINE_CURVE_SECRET; a client makes one up)
    #[arg(long, value_name = "FILE")]
    pub(crate) curve_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Write the secret key to FILE and the public one to FILE.pub, for their owner only
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Overwrite files that are there
    #[arg(long, requires = "file")]
    pub(crate) force: bool,
    /// Print JSON; the secret key only where it is not in a file
    #[arg(long)]
    pub(crate) json: bool,
}
