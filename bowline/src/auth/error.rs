//! What is wrong with a file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A file of an authenticator that can't be used: which, where, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {cause}", path.display(), Line(*line))]
pub struct FileError {
    /// The file or the directory.
    pub path: PathBuf,
    /// The line, from 1, where it is about one.
    pub line: Option<usize>,
    /// Why.
    pub cause: FileCause,
}

impl FileError {
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        Self { path: path.to_owned(), line: None, cause: FileCause::Io(error.kind()) }
    }

    pub(super) fn at(path: &Path, line: Option<usize>, cause: FileCause) -> Self {
        Self { path: path.to_owned(), line, cause }
    }
}

/// Why a file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileCause {
    /// It can't be read.
    #[error("{}", Kind(*.0))]
    Io(io::ErrorKind),
    /// A line is neither `name = "value"` nor the name of a section.
    #[error("neither a section nor `name = \"value\"`")]
    Syntax,
    /// The certificate has no `public-key` in its section `curve`.
    #[error("no public-key in the section curve")]
    NoKey,
    /// The public key is none.
    #[error("{0}")]
    Key(#[from] bowline_proto::InvalidKey),
    /// Another certificate of the directory has the same key.
    #[error("another certificate has the same key")]
    SameKey,
    /// A line of a password file is not `user:hash`.
    #[error("not `user:hash`")]
    NoHash,
    /// A hash that is none of argon2's.
    #[error("no hash of argon2 as `bowline passwd` prints it")]
    Hash,
    /// The user has a line already.
    #[error("the user has a line already")]
    SameUser,
}

struct Line(Option<usize>);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

struct Kind(io::ErrorKind);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
