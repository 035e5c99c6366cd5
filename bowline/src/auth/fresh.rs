//! What was read from files, read again when they change.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bowline_proto::lock::Mutex;
use bowline_proto::time::Instant;

use super::error::FileError;
use crate::rt;

/// How long what was read is used before the files are looked at again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A file that was changed so lately may be changed again without a trace: clocks of file systems are coarse.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// How a file looked when it was read. Two that are the same have not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    path: PathBuf,
    modified: SystemTime,
    len: u64,
}

impl Stamp {
    pub(super) fn new(path: &Path, metadata: &Metadata) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), modified: metadata.modified()?, len: metadata.len() })
    }

    fn is_settled(&self) -> bool {
        self.modified.elapsed().is_ok_and(|age| age >= SETTLED_AFTER)
    }
}

/// What can be read from files.
pub(super) trait Source: Sized + Send + Sync + 'static {
    /// The files that it is read from, as they are.
    ///
    /// # Errors
    ///
    /// If they can't be found.
    fn stamps(path: &Path) -> Result<Vec<Stamp>, FileError>;

    /// Reads them.
    ///
    /// # Errors
    ///
    /// If nothing can be used of it.
    fn read(path: &Path, files: &[Stamp]) -> Result<Self, FileError>;
}

impl Stamp {
    /// The file that it is of.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Of this one file.
    pub(super) fn of(path: &Path) -> Result<Self, FileError> {
        let stamp = fs::metadata(path).and_then(|metadata| Self::new(path, &metadata));
        stamp.map_err(|error| FileError::io(path, &error))
    }
}

/// What was read from files.
#[derive(Debug)]
pub(super) struct Fresh<T> {
    path: PathBuf,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    value: Result<Arc<T>, FileError>,
    /// The files as they were read; `None` if they may have changed unseen since.
    stamps: Option<Vec<Stamp>>,
    looked_at: Instant,
}

impl<T: Source> Fresh<T> {
    /// Reads it for the first time.
    pub(super) fn open(path: PathBuf) -> Result<Arc<Self>, FileError> {
        let (value, stamps) = load::<T>(&path)?;
        let state = State { value: Ok(Arc::new(value)), stamps, looked_at: rt::now() };
        Ok(Arc::new(Self { path, state: Mutex::new(state) }))
    }

    /// What is in the files, or was up to a second ago. While somebody reads them anew, others get what was there before.
    pub(super) async fn get(self: &Arc<Self>) -> Result<Arc<T>, FileError> {
        let now = rt::now();
        let known = {
            let mut state = self.state.lock();
            if now - state.looked_at < LOOK_EVERY {
                return state.value.clone();
            }
            state.looked_at = now;
            state.stamps.clone()
        };
        let fresh = Arc::clone(self);
        // Also when nobody waits for it any more: others may have left it to this one.
        let looking = rt::blocking(move || fresh.look(known));
        // It fails only with its runtime.
        let looked = looking.await.map_err(|error| FileError::io(&self.path, &error.into()));
        looked.and_then(|()| self.state.lock().value.clone())
    }

    /// Reads the files, if they have changed.
    fn look(&self, known: Option<Vec<Stamp>>) {
        if known.is_some_and(|known| T::stamps(&self.path).as_ref() == Ok(&known)) {
            return;
        }
        let (value, stamps) = match load::<T>(&self.path) {
            Ok((value, stamps)) => (Ok(Arc::new(value)), stamps),
            Err(error) => (Err(error), None),
        };
        let mut state = self.state.lock();
        (state.value, state.stamps) = (value, stamps);
    }
}

/// What the files hold, and how they look, if that can be told.
fn load<T: Source>(path: &Path) -> Result<(T, Option<Vec<Stamp>>), FileError> {
    // First, so that what changes while they are read is seen the next time.
    let stamps = T::stamps(path)?;
    let value = T::read(path, &stamps)?;
    let settled = stamps.iter().all(Stamp::is_settled);
    Ok((value, settled.then_some(stamps)))
}
