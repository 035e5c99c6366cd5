//! Peers by their public keys, which stand in the files of a directory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bowline_proto::PublicKey;
use bowline_proto::auth::{Authenticator, Code, Credentials, Judging, Request, Verdict};
use bowline_proto::peer::Properties;

use super::certificate::Certificate;
use super::error::{FileCause, FileError};
use super::fresh::{Fresh, Source, Stamp};

/// Accepts the CURVE clients whose public certificates are in a directory.
///
/// The certificates are those of CZMQ (`zcert`) and pyzmq (`zmq.auth`): a section `curve` with a `public-key`, and a
/// section `metadata`, which becomes the peer's [`metadata`](crate::PeerInfo::metadata). Hidden files, directories and files
/// whose names end with `_secret` are left out.
///
/// Files that are added, changed or removed count from the next question on, and a second later at the most. Peers that are
/// connected stay. A file that can't be read keeps nobody out but whom it names: who is in no other file is refused with
/// [`Code::Temporary`] while there is one, and the text says which, and where.
///
/// ```no_run
/// use bowline::auth::KeyDirectory;
/// use bowline::curve::{self, CurveServer};
/// use bowline::{Mechanism, Options};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Mechanism::CurveServer(CurveServer::new(curve::generate()?));
/// let options = Options::new().mechanism(server).authenticator(KeyDirectory::open("clients")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct KeyDirectory(Arc<Fresh<Keys>>);

impl KeyDirectory {
    /// Reads the directory.
    ///
    /// # Errors
    ///
    /// If the directory or any certificate in it can't be read: [`FileError`] says which, and where.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, FileError> {
        let directory = directory.into();
        let keys = Keys::read(&directory, &Keys::stamps(&directory)?)?;
        keys.broken.map_or(Ok(()), Err)?;
        Fresh::open(directory).map(Self)
    }

    async fn judge(&self, request: Request) -> Verdict {
        let Credentials::Curve(key) = request.credentials else {
            return Verdict::refuse(Code::Credentials, "no key was shown");
        };
        let keys = match self.0.get().await {
            Ok(keys) => keys,
            Err(error) => return Verdict::refuse(Code::Temporary, error.to_string()),
        };
        match (keys.known.get(&key), &keys.broken) {
            (Some(metadata), _) => Verdict::Accept { user: None, metadata: metadata.clone() },
            (None, None) => Verdict::refuse(Code::Credentials, format!("the key {key} is not known")),
            (None, Some(error)) => Verdict::refuse(Code::Temporary, format!("the key {key} is not known, but {error}")),
        }
    }
}

impl Authenticator for KeyDirectory {
    fn authenticate(&self, request: Request) -> Judging<'_> {
        Box::pin(self.judge(request))
    }
}

/// The certificates of a directory.
#[derive(Debug)]
struct Keys {
    known: HashMap<PublicKey, Properties>,
    /// The first that can't be read.
    broken: Option<FileError>,
}

impl Source for Keys {
    fn stamps(path: &Path) -> Result<Vec<Stamp>, FileError> {
        let failed = |error| FileError::io(path, &error);
        let mut stamps = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') || name.ends_with("_secret") {
                continue;
            }
            // One that is gone again, or is a link to nowhere, is none.
            let Ok(metadata) = fs::metadata(&file) else { continue };
            if metadata.is_file() {
                stamps.push(Stamp::new(&file, &metadata).map_err(failed)?);
            }
        }
        stamps.sort_by(|a, b| a.path().cmp(b.path()));
        Ok(stamps)
    }

    fn read(_: &Path, files: &[Stamp]) -> Result<Self, FileError> {
        let mut keys = Self { known: HashMap::new(), broken: None };
        for path in files.iter().map(Stamp::path) {
            let text = fs::read_to_string(path).map_err(|error| FileError::io(path, &error));
            let added = text.and_then(|text| keys.add(path, Certificate::parse(path, &text)?));
            if let Err(error) = added {
                keys.broken.get_or_insert(error);
            }
        }
        Ok(keys)
    }
}

impl Keys {
    fn add(&mut self, path: &Path, certificate: Certificate) -> Result<(), FileError> {
        match self.known.entry(certificate.key) {
            Entry::Vacant(place) => drop(place.insert(certificate.metadata)),
            Entry::Occupied(_) => return Err(FileError::at(path, None, FileCause::SameKey)),
        }
        Ok(())
    }
}
