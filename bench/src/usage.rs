//! What a process uses, and what others use beside it.

use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::Result;

/// What this process has used so far.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// CPU time of all its threads, in seconds.
    pub(crate) cpu: f64,
    /// Resident memory, in bytes.
    pub(crate) resident: f64,
}

impl Usage {
    pub(crate) fn of_this_process() -> Result<Self> {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let statm = fs::read_to_string("/proc/self/statm")?;
        let pages: f64 = statm.split_whitespace().nth(1).ok_or("statm has no second field")?.parse()?;
        Ok(Self {
            cpu: cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9,
            resident: pages * rustix::param::page_size() as f64,
        })
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { cpu: self.cpu + other.cpu, resident: self.resident + other.resident }
    }
}

/// Lets the peak of this process's resident memory begin anew, at what there is now.
pub(crate) fn forget_peak() -> Result<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

/// The most resident memory of this process since then, in bytes.
pub(crate) fn peak() -> Result<f64> {
    Ok(peak_kib(&fs::read_to_string("/proc/self/status")?).ok_or("status has no peak")? as f64 * 1024.0)
}

fn peak_kib(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// How many cores the whole machine keeps busy, from one reading to the next.
#[derive(Clone, Copy)]
pub(crate) struct MachineLoad {
    at: Instant,
    busy: Duration,
}

impl MachineLoad {
    pub(crate) fn read() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let busy = busy_ticks(&stat).ok_or("/proc/stat has no line of all cores")?;
        // The kernel tells these in hundredths of a second, whatever its own tick is.
        Ok(Self { at: Instant::now(), busy: Duration::from_millis(busy * 10) })
    }

    /// The cores that were busy since `earlier` with anything but the `own` seconds of CPU time.
    pub(crate) fn foreign_since(self, earlier: Self, own: f64) -> f64 {
        let wall = (self.at - earlier.at).as_secs_f64();
        let busy = self.busy.saturating_sub(earlier.busy).as_secs_f64();
        if wall > 0.0 { ((busy - own) / wall).max(0.0) } else { 0.0 }
    }
}

/// User, nice and system time of all cores. Interrupts are left out: they are nobody's, and loopback causes them.
fn busy_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().find(|line| line.starts_with("cpu "))?;
    line.split_whitespace().skip(1).take(3).map(|ticks| ticks.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_time_of_processes_is_busy() {
        let stat = "cpu  100 20 3 5000 7 8 9 0 0 0\ncpu0 50 10 1 2500 3 4 4 0 0 0\n";
        assert_eq!(busy_ticks(stat), Some(123));
        assert_eq!(busy_ticks("intr 1 2 3"), None);
    }

    #[test]
    fn the_peak_is_found_in_the_status() {
        assert_eq!(peak_kib("VmPeak:\t 9999 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 12 kB\n"), Some(1234));
        assert_eq!(peak_kib("VmRSS:\t 12 kB\n"), None);
    }

    #[test]
    fn our_own_time_is_not_foreign() {
        let begin = MachineLoad { at: Instant::now(), busy: Duration::from_secs(10) };
        let end = MachineLoad { at: begin.at + Duration::from_secs(2), busy: Duration::from_secs(13) };
        assert!((end.foreign_since(begin, 2.0) - 0.5).abs() < 1e-9);
        assert!(end.foreign_since(begin, 4.0).abs() < 1e-9);
    }
}
