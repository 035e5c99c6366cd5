//! CURVE as the command line asks for it: where keys come from.

use std::path::Path;
use std::str::FromStr;
use std::{env, fs};

use bowline::Mechanism;
use bowline::curve::{self, CurveClient, CurveServer, InvalidKey, KeyPair, PublicKey, SecretKey};

use crate::args::{CurveArgs, SECRET};
use crate::failure::{Failure, plain_io};

/// The mechanism, if CURVE is asked for.
pub(crate) fn mechanism(args: &CurveArgs) -> Result<Option<Mechanism>, Failure> {
    if args.curve_server {
        let Some(keys) = own_keys(args.curve_key_file.as_deref())? else {
            let line = format!("--curve-server: no secret key: name one with --curve-key-file or {SECRET}");
            return Err(Failure::Usage(line));
        };
        let mut server = CurveServer::new(keys);
        if !args.curve_allow.is_empty() {
            let clients = args.curve_allow.iter().map(|text| public_key(text));
            server = server.only(clients.collect::<Result<Vec<_>, _>>()?);
        }
        return Ok(Some(Mechanism::CurveServer(server)));
    }
    let Some(server) = &args.curve_server_key else {
        return match &args.curve_key_file {
            None => Ok(None),
            Some(_) => Err(Failure::Usage("--curve-key-file: say --curve-server or --curve-server-key, too".into())),
        };
    };
    client(server, args.curve_key_file.as_deref()).map(Some)
}

/// The client of a server whose public key this is, or is in that file.
pub(crate) fn client(server: &str, key_file: Option<&Path>) -> Result<Mechanism, Failure> {
    let server = public_key(server)?;
    let keys = match own_keys(key_file)? {
        Some(keys) => keys,
        None => curve::generate().map_err(|error| Failure::of("can't make a key", plain_io(&error)))?,
    };
    Ok(Mechanism::CurveClient(CurveClient::new(server, keys)))
}

fn own_keys(file: Option<&Path>) -> Result<Option<KeyPair>, Failure> {
    if let Some(file) = file {
        return key_in::<SecretKey>(file).map(|secret| Some(secret.into()));
    }
    let Some(text) = env::var_os(SECRET) else { return Ok(None) };
    // What is wrong with it is told without showing any of it.
    let secret = text.to_str().unwrap_or_default().trim().parse::<SecretKey>();
    secret.map(|secret| Some(secret.into())).map_err(|cause| Failure::usage(SECRET, cause))
}

/// A key, or the file that it is in. The file goes first: a path of 40 characters reads as a key as well.
fn public_key(text: &str) -> Result<PublicKey, Failure> {
    let file = Path::new(text);
    if file.exists() {
        return key_in(file);
    }
    text.parse().map_err(|cause| Failure::usage(text, format!("no file, and no key: {cause}")))
}

/// The first line of a file that is neither empty nor a comment.
fn key_in<K: FromStr<Err = InvalidKey>>(file: &Path) -> Result<K, Failure> {
    let text = fs::read_to_string(file).map_err(|error| Failure::of(file.display(), plain_io(&error)))?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("# "));
    line.unwrap_or_default().parse().map_err(|cause| Failure::of(file.display(), cause))
}
