//! What a test does to a process: the signals that can't be caught, and the limit of its descriptors.

use rustix::process::{Pid, Signal, WaitOptions};
#[cfg(target_os = "linux")]
use rustix::process::{Resource, Rlimit};
use tokio::process::Child;

use crate::Outcome;

/// The verbs of whatever has its process in a field of that name.
macro_rules! process_verbs {
    () => {
        /// Kills the process as `kill -9` does, and waits until it is gone.
        ///
        /// # Errors
        ///
        /// If the system can't.
        pub async fn kill(mut self) -> Outcome {
            crate::within("the end of a killed process", self.process.kill()).await
        }

        /// Stops the process as `kill -STOP` does: its connections stay, and nobody is there to serve them.
        ///
        /// # Errors
        ///
        /// If the process is gone.
        pub fn freeze(&self) -> Outcome {
            crate::process::freeze(&self.process)
        }

        /// Lets a frozen process go on.
        ///
        /// # Errors
        ///
        /// If the process is gone.
        pub fn thaw(&self) -> Outcome {
            crate::process::thaw(&self.process)
        }

        /// Lets the process have this many descriptors and no more.
        ///
        /// # Errors
        ///
        /// If the process is gone.
        #[cfg(target_os = "linux")]
        pub fn limit_descriptors(&self, most: usize) -> Outcome {
            crate::process::limit_descriptors(&self.process, most)
        }

        /// The number of the process.
        ///
        /// # Errors
        ///
        /// If the process is gone.
        pub fn id(&self) -> Outcome<u32> {
            self.process.id().ok_or_else(|| "the process is gone".into())
        }
    };
}

pub(crate) use process_verbs;

fn pid(process: &Child) -> Outcome<Pid> {
    let id = process.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    id.ok_or_else(|| "the process is gone".into())
}

pub(crate) fn freeze(process: &Child) -> Outcome {
    let pid = pid(process)?;
    let told = |error| format!("could not freeze a process: {error}");
    rustix::process::kill_process(pid, Signal::STOP).map_err(told)?;
    // From here on it does not run.
    rustix::process::waitpid(Some(pid), WaitOptions::UNTRACED).map(drop).map_err(told)
}

pub(crate) fn thaw(process: &Child) -> Outcome {
    let told = |error| format!("could not thaw a process: {error}");
    rustix::process::kill_process(pid(process)?, Signal::CONT).map_err(told)
}

#[cfg(target_os = "linux")]
pub(crate) fn limit_descriptors(process: &Child, most: usize) -> Outcome {
    // The process has our own upper limit, which must stay: it could never be raised again.
    let limit = Rlimit { current: Some(most as u64), ..rustix::process::getrlimit(Resource::Nofile) };
    let limited = rustix::process::prlimit(Some(pid(process)?), Resource::Nofile, limit);
    limited.map(drop).map_err(|error| format!("could not limit a process: {error}"))
}
