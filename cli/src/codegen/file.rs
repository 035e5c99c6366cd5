//! A file that is there as a whole, or as it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::failure::{Failure, plain_io};

/// Writes `text` to `path`. Whatever fails, no half of it is left there.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    replace(path, text).map_err(|error| Failure::of(path.display(), plain_io(&error)))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Where a link leads is written to, and not over the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = match fs::metadata(&path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    match &before {
        // A pipe or a device can't be replaced, and keeps nothing.
        Some(before) if !before.is_file() => return open(&path)?.write_all(text.as_bytes()),
        // What may not be written may not be replaced either.
        Some(_) => drop(open(&path)?),
        None => {}
    }
    let mut whole = beside(&path)?;
    whole.write_all(text.as_bytes())?;
    if let Some(before) = before {
        whole.as_file().set_permissions(before.permissions())?;
    }
    whole.as_file().sync_all()?;
    whole.persist(path)?;
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

/// A new file in the folder of `path`, from where it can be moved there. It goes if it is not.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".bowline-");
    // As any new file, and not for us alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}
