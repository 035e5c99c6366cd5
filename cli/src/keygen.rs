//! `bowline keygen`: a key pair, printed or in two files.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bowline::curve::{self, KeyPair};
use serde_json::json;

use crate::args::KeygenArgs;
use crate::failure::{Failure, plain_io};

pub(crate) fn run(args: &KeygenArgs) -> Result<(), Failure> {
    let keys = curve::generate().map_err(|error| Failure::of("can't make a key", plain_io(&error)))?;
    if let Some(file) = &args.file {
        save(file, &keys, args.force)?;
    }
    print(&keys, args).map_err(|error| Failure::stdout(&error))
}

fn print(keys: &KeyPair, args: &KeygenArgs) -> io::Result<()> {
    let (public, secret) = (keys.public().to_string(), keys.secret().to_z85());
    let mut out = io::stdout().lock();
    match (args.json, &args.file) {
        (true, None) => writeln!(out, "{}", json!({"public": public, "secret": secret.as_str()})),
        (true, Some(_)) => writeln!(out, "{}", json!({"public": public})),
        (false, None) => writeln!(out, "public  {public}\nsecret  {}", secret.as_str()),
        (false, Some(_)) => writeln!(out, "{public}"),
    }
}

/// Both files or none, unless the second can't be written although it was not there.
fn save(file: &Path, keys: &KeyPair, force: bool) -> Result<(), Failure> {
    let mut public = file.as_os_str().to_owned();
    public.push(".pub");
    let public = PathBuf::from(public);
    if let Some(taken) = [file, &public].into_iter().find(|path| !force && path.exists()) {
        return Err(Failure::of(taken.display(), "it is there already; --force overwrites it"));
    }
    write(file, &keys.secret().to_z85(), force)?;
    write(&public, &keys.public().to_string(), force)
}

fn write(file: &Path, key: &str, force: bool) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::of(file.display(), plain_io(&error));
    if force {
        // A file that others may read would stay so.
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file).map_err(failed)?;
    writeln!(opened, "{key}").map_err(failed)
}
