//! Peers by user names and passwords, of which a file has the hashes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use bowline_proto::PlainCredentials;
use bowline_proto::auth::{Authenticator, Code, Credentials, Judging, Request, Verdict};
use tokio::sync::Semaphore;

use super::error::{FileCause, FileError};
use super::fresh::{Fresh, Source, Stamp};
use crate::rt;

/// Accepts the PLAIN clients whose user names and passwords a file knows.
///
/// The file has a line `user:hash` for each, as [`line`](Self::line) and `bowline passwd` make it; empty lines and those that
/// begin with `#` are left out. The hashes are argon2's, in the format of PHC, with whatever cost they name. A change of the
/// file counts from the next question on, and a second later at the most; while it can't be read everybody is refused with
/// [`Code::Temporary`], and the text says why, and where. Peers that are connected stay.
///
/// To compare a password takes 19 MiB and some 20 ms of a processor with the cost that [`line`](Self::line) takes. That is done
/// beside the runtime, for as many clients at once as there are processors; others wait, within their
/// [`handshake_timeout`](crate::Options::handshake_timeout), and not more of them than
/// [`max_handshakes`](crate::PeerLimits::max_handshakes). A user that is not known takes as long as the first of the file.
///
/// ```no_run
/// use bowline::auth::PasswordFile;
/// use bowline::{Mechanism, Options};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Mechanism::PlainServer(Vec::new());
/// let options = Options::new().mechanism(server).authenticator(PasswordFile::open("users")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PasswordFile {
    users: Arc<Fresh<Users>>,
    /// Who may compare at the same time.
    turns: Arc<Semaphore>,
}

impl PasswordFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// If it can't be read, or a line of it is no `user:hash`: [`FileError`] says where.
    pub fn open(file: impl Into<PathBuf>) -> Result<Self, FileError> {
        let turns = available_parallelism().map_or(1, usize::from);
        Ok(Self { users: Fresh::open(file.into())?, turns: Arc::new(Semaphore::new(turns)) })
    }

    /// The line of this user, for the file. It takes as long as to compare one.
    ///
    /// # Errors
    ///
    /// If the user name is empty, or would not be read back: with a colon, a `#` at its beginning, or a line break in it. If the
    /// system has no chance to give, which does not happen on one that runs.
    pub fn line(credentials: &PlainCredentials) -> io::Result<String> {
        let user = credentials.username();
        if user.is_empty() || user.trim() != user || user.starts_with('#') || user.contains([':', '\n', '\r']) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a file can't have this user name"));
        }
        let salt: [u8; 16] = rt::random()?;
        let hash: PasswordHash = Argon2::default()
            .hash_password_with_salt(credentials.password().as_bytes(), &salt)
            .map_err(io::Error::other)?;
        Ok(format!("{user}:{hash}"))
    }

    async fn judge(&self, request: Request) -> Verdict {
        let Credentials::Plain(shown) = request.credentials else {
            return Verdict::refuse(Code::Credentials, "no password was shown");
        };
        let users = match self.users.get().await {
            Ok(users) => users,
            Err(error) => return Verdict::refuse(Code::Temporary, error.to_string()),
        };
        let Ok(turn) = Arc::clone(&self.turns).acquire_owned().await else {
            return Verdict::refuse(Code::Internal, "nobody compares passwords any more");
        };
        // The turn goes with the work, which nobody can end before it is done.
        let compared = rt::blocking(move || {
            let is_right = users.knows(&shown);
            drop(turn);
            is_right
        });
        match compared.await {
            Ok(true) => Verdict::accept(),
            Ok(false) => Verdict::refuse(Code::Credentials, "unknown user or wrong password"),
            Err(_) => Verdict::refuse(Code::Internal, "the password could not be compared"),
        }
    }
}

impl Authenticator for PasswordFile {
    fn authenticate(&self, request: Request) -> Judging<'_> {
        Box::pin(self.judge(request))
    }
}

/// The users of a file, with the hashes of their passwords.
#[derive(Debug, Default)]
struct Users {
    hashes: HashMap<String, String>,
    /// The hash that is compared for those who are not known.
    first: Option<String>,
}

impl Users {
    fn knows(&self, shown: &PlainCredentials) -> bool {
        let known = self.hashes.get(shown.username());
        let is_right =
            |hash: &String| Argon2::default().verify_password(shown.password().as_bytes(), hash.as_str()).is_ok();
        // Of a user that is not known the work is done as well, so that the time does not tell who is.
        let is_right = known.or(self.first.as_ref()).is_some_and(is_right);
        known.is_some() && is_right
    }

    fn parse(path: &Path, text: &str) -> Result<Self, FileError> {
        let mut users = Self::default();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            users.add(line).map_err(|cause| FileError::at(path, Some(number), cause))?;
        }
        Ok(users)
    }

    fn add(&mut self, line: &str) -> Result<(), FileCause> {
        let (user, hash) = line.split_once(':').filter(|(user, _)| !user.is_empty()).ok_or(FileCause::NoHash)?;
        let parsed = PasswordHash::new(hash).map_err(|_| FileCause::Hash)?;
        let is_complete = parsed.hash.is_some() && parsed.salt.is_some() && Params::try_from(&parsed).is_ok();
        if !is_complete || !hash.starts_with("$argon2") {
            return Err(FileCause::Hash);
        }
        match self.hashes.entry(user.to_owned()) {
            Entry::Vacant(place) => drop(place.insert(hash.to_owned())),
            Entry::Occupied(_) => return Err(FileCause::SameUser),
        }
        self.first.get_or_insert_with(|| hash.to_owned());
        Ok(())
    }
}

impl Source for Users {
    fn stamps(path: &Path) -> Result<Vec<Stamp>, FileError> {
        Ok(vec![Stamp::of(path)?])
    }

    fn read(path: &Path, _: &[Stamp]) -> Result<Self, FileError> {
        let text = fs::read_to_string(path).map_err(|error| FileError::io(path, &error))?;
        Self::parse(path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(user: &str, password: &str) -> PlainCredentials {
        PlainCredentials::new(user, password).unwrap()
    }

    fn parse(text: &str) -> Result<Users, FileError> {
        Users::parse(Path::new("users"), text)
    }

    #[test]
    fn a_line_knows_its_user_and_password_and_no_others() {
        let line = PasswordFile::line(&credentials("ann", "secret")).unwrap();
        assert!(line.starts_with("ann:$argon2id$v=19$m=19456,t=2,p=1$"), "{line}");
        assert_ne!(line, PasswordFile::line(&credentials("ann", "secret")).unwrap(), "each has its own salt");
        let users = parse(&format!("# people\n\n{line}\n")).unwrap();
        assert!(users.knows(&credentials("ann", "secret")));
        // Somebody who is not known is compared with the first of the file, and is not known all the same.
        for (user, password) in [("ann", "secre"), ("ann", ""), ("bob", "secret"), ("", "secret")] {
            assert!(!users.knows(&credentials(user, password)), "{user} {password}");
        }
        assert!(!Users::default().knows(&credentials("ann", "secret")));
    }

    #[test]
    fn names_that_would_not_be_read_back_have_no_line() {
        for user in ["", "a:b", "#ann", "a\nb", " ann"] {
            assert!(PasswordFile::line(&credentials(user, "secret")).is_err(), "{user:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$ZmVlZGZhY2VjYWZlYmFiZQ";
        let unfinished = "ann:$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ".to_owned();
        let table = [
            ("ann\n".to_owned(), 1, FileCause::NoHash),
            (format!(":{hash}\n"), 1, FileCause::NoHash),
            ("# ann\nann:secret\n".to_owned(), 2, FileCause::Hash),
            (unfinished, 1, FileCause::Hash),
            ("ann:$scrypt$ln=1$c29tZXNhbHQ$ZmVlZGZhY2VjYWZlYmFiZQ\n".to_owned(), 1, FileCause::Hash),
            (format!("ann:{hash}\nann:{hash}\n"), 2, FileCause::SameUser),
        ];
        for (text, line, cause) in table {
            assert_eq!(parse(&text).err(), Some(FileError::at(Path::new("users"), Some(line), cause)), "{text}");
        }
    }
}
