//! Who may connect, and the command that makes lines for files of passwords.

use std::path::PathBuf;

use bowline::auth::Net;
use clap::{ArgAction, Args};

#[derive(Debug, Args)]
pub(crate) struct AuthArgs {
    /// Let in only CURVE clients whose public certificates are in DIR, as CZMQ and pyzmq write them; changes count at once
    #[arg(long, value_name = "DIR", requires = "curve_server", conflicts_with = "curve_allow")]
    pub(crate) curve_keys_dir: Option<PathBuf>,
    /// Demand a PLAIN login of FILE, with lines as `bowline passwd` prints them; changes count at once
    #[arg(long, value_name = "FILE", conflicts_with_all = ["username", "plain_server", "curve_server", "curve_server_key"])]
    pub(crate) plain_passwords: Option<PathBuf>,
    /// Let in only peers from this network or address (repeatable)
    #[arg(long, value_name = "NET", action = ArgAction::Append, requires = "bind")]
    pub(crate) allow_ip: Vec<Net>,
    /// Let in no peers from this network or address (repeatable)
    #[arg(long, value_name = "NET", action = ArgAction::Append, requires = "bind")]
    pub(crate) deny_ip: Vec<Net>,
}

#[derive(Debug, Args)]
pub(crate) struct PasswdArgs {
    /// The user name
    #[arg(value_name = "USER")]
    pub(crate) user: String,
}
