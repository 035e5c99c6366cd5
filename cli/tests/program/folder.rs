//! A folder of its own for each test.

use std::fs;
use std::path::PathBuf;

use crate::process::run;

/// A folder with the name of a test, which goes with it.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bowline-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Makes keys: their file, and the public one.
    pub(crate) fn keys(&self, name: &str) -> (String, String) {
        let file = self.file(name);
        let public = run(&format!("keygen {file}")).done();
        (file, public.trim().to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
