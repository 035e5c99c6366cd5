//! What a process has open, for comparing a moment before with one after: Linux tells it in `/proc`.

use std::collections::BTreeSet;
use std::fs;

use peak_alloc::PeakAlloc;
use tokio::runtime::Handle;

use crate::place::prefix;
use crate::{Outcome, ensure, within};

/// The descriptors and names of this process, and the tasks of this runtime.
#[derive(Debug)]
pub struct Census {
    descriptors: Vec<String>,
    tasks: usize,
    names: BTreeSet<String>,
}

impl Census {
    /// Counts.
    ///
    /// # Errors
    ///
    /// If `/proc` can't be read.
    pub fn take() -> Outcome<Self> {
        let tasks = Handle::current().metrics().num_alive_tasks();
        Ok(Self { descriptors: descriptors("self")?, tasks, names: names()? })
    }

    /// Fails unless everything is now as it was then.
    ///
    /// # Errors
    ///
    /// What is there now and was not then.
    pub fn check(&self) -> Outcome {
        let Self { descriptors, tasks, names } = Self::take()?;
        ensure(descriptors.len() == self.descriptors.len(), || {
            let (new, gone) = (beyond(&descriptors, &self.descriptors), beyond(&self.descriptors, &descriptors));
            let counts = (descriptors.len(), self.descriptors.len());
            format!("{} descriptors instead of {}; new are {new:?}, gone are {gone:?}", counts.0, counts.1)
        })?;
        ensure(tasks == self.tasks, || format!("{tasks} tasks instead of {}", self.tasks))?;
        ensure(names == self.names, || format!("the names {names:?} instead of {:?}", self.names))
    }

    /// Waits until everything is again as it was then.
    ///
    /// # Errors
    ///
    /// If it isn't in time; with what is still there.
    pub async fn regained(&self) -> Outcome {
        let regained = async {
            while self.check().is_err() {
                tokio::task::yield_now().await;
            }
            Ok::<_, String>(())
        };
        let waited = within("everything back to where it was", regained).await;
        waited.map_err(|late| self.check().err().unwrap_or(late))
    }

    /// How many descriptors there were.
    pub fn descriptors(&self) -> usize {
        self.descriptors.len()
    }
}

/// What is in `all` and not in `known`.
fn beyond<'a>(all: &'a [String], known: &[String]) -> Vec<&'a String> {
    all.iter().filter(|one| !known.contains(one)).collect()
}

/// What the descriptors of a process are, given its number or `self`. Reading one's own takes one.
///
/// # Errors
///
/// If there is no such process.
pub fn descriptors(process: &str) -> Outcome<Vec<String>> {
    let folder = format!("/proc/{process}/fd");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    // One that is gone by now had no name worth telling.
    Ok(entries.flatten().filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string())).collect())
}

/// The files and abstract names of ipc endpoints.
fn names() -> Outcome<BTreeSet<String>> {
    let prefix = prefix();
    let files = fs::read_dir(std::env::temp_dir()).map_err(|error| format!("the folder of ipc files: {error}"))?;
    let files = files.flatten().filter_map(|file| file.file_name().into_string().ok());
    let sockets = fs::read_to_string("/proc/net/unix").map_err(|error| format!("/proc/net/unix: {error}"))?;
    // The last column; a connection bears the name of the listener that accepted it.
    let abstracts = sockets.lines().filter_map(|line| line.split_whitespace().nth(7)).map(str::to_owned);
    let abstracts = abstracts.filter(|name| name.starts_with('@'));
    Ok(files.chain(abstracts).filter(|name| name.trim_start_matches('@').starts_with(&prefix)).collect())
}

/// Counts what all tests of a program allocate and give back.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// What this process has allocated now, in bytes. What the system calls resident also has what an allocator keeps in
/// case, and that comes and goes by its own rules.
pub fn allocated() -> usize {
    ALLOCATED.current_usage()
}
