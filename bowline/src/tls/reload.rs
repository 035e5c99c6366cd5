//! Configurations that are made of files, and made again when those change.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bowline_proto::error::TlsSettingsError;
use bowline_proto::lock::Mutex;

/// How often files are looked at, at the most: five seconds. A new certificate is in use soon, and a storm of connections
/// costs no storm of system calls.
pub const RELOAD_AFTER: Duration = Duration::from_secs(5);

/// How a configuration is made.
pub(super) trait Recipe: fmt::Debug {
    type Config;

    /// Reads what it is made of, and makes it.
    fn make(&self) -> Result<Self::Config, TlsSettingsError>;

    /// The files that it is made of.
    fn paths(&self) -> Vec<&Path>;
}

/// A configuration, and how it is made again.
pub(super) struct Reloading<R: Recipe> {
    recipe: R,
    current: Mutex<Current<R::Config>>,
}

struct Current<C> {
    config: Arc<C>,
    /// How the files were when they were last read, in vain or not.
    stamps: Vec<Stamp>,
    looked: Instant,
}

/// What changes when a file is written or replaced; `None` while it is not there.
type Stamp = Option<(SystemTime, u64)>;

impl<R: Recipe> fmt::Debug for Reloading<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recipe.fmt(f)
    }
}

impl<R: Recipe> Reloading<R> {
    pub(super) fn new(recipe: R) -> Result<Self, TlsSettingsError> {
        // Before they are read: what is written meanwhile is found to have changed.
        let stamps = stamps(&recipe);
        let config = Arc::new(recipe.make()?);
        Ok(Self { recipe, current: Mutex::new(Current { config, stamps, looked: Instant::now() }) })
    }

    pub(super) const fn recipe(&self) -> &R {
        &self.recipe
    }

    /// Reads the files again.
    pub(super) fn reload(&self) -> Result<(), TlsSettingsError> {
        let stamps = stamps(&self.recipe);
        let made = self.recipe.make();
        let mut current = self.current.lock();
        (current.stamps, current.looked) = (stamps, Instant::now());
        current.config = Arc::new(made?);
        Ok(())
    }

    /// The configuration for a new connection, and what was wrong with the files if they have changed and can't be used.
    ///
    /// It reads a few small files, in the task of who asks, if they have changed.
    pub(super) fn current(&self) -> (Arc<R::Config>, Option<TlsSettingsError>) {
        self.look(RELOAD_AFTER)
    }

    fn look(&self, after: Duration) -> (Arc<R::Config>, Option<TlsSettingsError>) {
        let mut current = self.current.lock();
        if current.looked.elapsed() < after || self.recipe.paths().is_empty() {
            return (Arc::clone(&current.config), None);
        }
        current.looked = Instant::now();
        let before = std::mem::take(&mut current.stamps);
        // Others go on with what there is.
        drop(current);
        let now = stamps(&self.recipe);
        let refused = if now == before { None } else { self.recipe.make().map(|made| self.replace(made)).err() };
        let mut current = self.current.lock();
        current.stamps = now;
        (Arc::clone(&current.config), refused)
    }

    fn replace(&self, made: R::Config) {
        self.current.lock().config = Arc::new(made);
    }
}

fn stamps(recipe: &impl Recipe) -> Vec<Stamp> {
    recipe.paths().into_iter().map(stamp).collect()
}

fn stamp(path: &Path) -> Stamp {
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use bowline_proto::error::{TlsSettingsCause, TlsSource};

    use super::*;

    /// A configuration that is the text of a file.
    #[derive(Debug)]
    struct Text(PathBuf);

    impl Recipe for Text {
        type Config = String;

        fn make(&self) -> Result<String, TlsSettingsError> {
            std::fs::read_to_string(&self.0).map_err(|error| TlsSettingsError {
                origin: TlsSource::File(self.0.clone()),
                cause: TlsSettingsCause::Io(error.kind()),
            })
        }

        fn paths(&self) -> Vec<&Path> {
            vec![&self.0]
        }
    }

    #[test]
    fn a_change_is_seen_when_it_is_time_to_look_and_what_is_broken_is_told_once() {
        let path = std::env::temp_dir().join(format!("bowline-reload-{}", std::process::id()));
        std::fs::write(&path, "one").unwrap();
        let text = Reloading::new(Text(path.clone())).unwrap();
        std::fs::write(&path, "and two").unwrap();
        assert_eq!(*text.current().0, "one", "it is too soon to look");
        assert_eq!(*text.look(Duration::ZERO).0, "and two");

        std::fs::remove_file(&path).unwrap();
        let (now, refused) = text.look(Duration::ZERO);
        assert_eq!((&**now, refused.unwrap().cause), ("and two", TlsSettingsCause::Io(std::io::ErrorKind::NotFound)));
        assert_eq!(text.look(Duration::ZERO).1, None, "nothing has changed since");
        assert!(text.reload().is_err());

        std::fs::write(&path, "three").unwrap();
        assert_eq!(*text.look(Duration::ZERO).0, "three");
        std::fs::remove_file(&path).unwrap();
    }
}
