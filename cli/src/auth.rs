//! Who may connect, as the command line says.

use bowline::auth::{Addresses, Authenticator, Judge, KeyDirectory, PasswordFile};

use crate::args::AuthArgs;
use crate::failure::Failure;

/// Who judges the peers, if anybody does: first by their addresses, which costs least.
pub(crate) fn judge(args: &AuthArgs) -> Result<Option<Judge>, Failure> {
    let failed = |error: bowline::auth::FileError| Failure::Error(error.to_string());
    let mut judge = None;
    if !(args.allow_ip.is_empty() && args.deny_ip.is_empty()) {
        let allowed = args.allow_ip.iter().copied().fold(Addresses::new(), Addresses::allow);
        judge = Some(Judge::new(args.deny_ip.iter().copied().fold(allowed, Addresses::deny)));
    }
    if let Some(directory) = &args.curve_keys_dir {
        judge = Some(with(judge, KeyDirectory::open(directory).map_err(failed)?));
    }
    if let Some(file) = &args.plain_passwords {
        judge = Some(with(judge, PasswordFile::open(file).map_err(failed)?));
    }
    Ok(judge)
}

fn with(first: Option<Judge>, second: impl Authenticator + 'static) -> Judge {
    match first {
        Some(first) => Judge::new(first.and(second)),
        None => Judge::new(second),
    }
}
