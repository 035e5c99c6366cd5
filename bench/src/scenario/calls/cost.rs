//! What one call costs: bytes on the wire, and allocations.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

use super::super::Gauge;
use super::{calling, stay};
use crate::Result;
use crate::case::Work;
use crate::metric::Metric;
use crate::peers::{BODY, CallLibrary};

/// Calls before any is counted, and calls that are.
const FIRST: usize = 20;
const COUNTED: usize = 100;

/// Counts both and delivers them.
pub(super) async fn account<L: CallLibrary>(
    library: &L,
    work: &Work,
    endpoint: &str,
    gauge: &Arc<Gauge>,
) -> Result<()> {
    // Both at once: under valgrind they take their time.
    let (few, many) = (Counted::start(work, FIRST)?, Counted::start(work, FIRST + COUNTED)?);
    let bytes = bytes_on_the_wire(library, endpoint).await?;
    let both_ways = 2 * BODY;
    let allocations = many.allocations()? as f64 - few.allocations()? as f64;
    gauge.deliver_values(
        [
            (Metric::Wire, bytes as f64 / COUNTED as f64 - both_ways as f64),
            (Metric::Allocations, allocations / COUNTED as f64),
        ]
        .into(),
    );
    stay(library.runtime()).await
}

/// How many bytes the calls took, both ways, between a client and a server that don't know that they are counted.
async fn bytes_on_the_wire<L: CallLibrary>(library: &L, endpoint: &str) -> Result<u64> {
    let passed = Arc::new(AtomicU64::new(0));
    let client = library.connect(&count_between(endpoint, &passed)?).await?;
    calling::some(&client, FIRST).await?;
    let before = passed.load(Ordering::Relaxed);
    calling::some(&client, COUNTED).await?;
    Ok(passed.load(Ordering::Relaxed) - before)
}

/// An endpoint whose one connection is carried on to `endpoint`; what passes is added up.
fn count_between(endpoint: &str, passed: &Arc<AtomicU64>) -> Result<String> {
    let server = endpoint.strip_prefix("tcp://").ok_or("not over tcp")?.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let counted = format!("tcp://{}", listener.local_addr()?);
    let passed = passed.clone();
    thread::spawn(move || -> Result<()> {
        let (near, far) = (listener.accept()?.0, TcpStream::connect(server)?);
        let (near_too, far_too) = (near.try_clone()?, far.try_clone()?);
        let passed_too = passed.clone();
        thread::spawn(move || carry(near_too, far_too, &passed_too));
        carry(far, near, &passed)
    });
    Ok(counted)
}

fn carry(mut from: TcpStream, mut to: TcpStream, passed: &AtomicU64) -> Result<()> {
    to.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let bytes = from.read(&mut buffer)?;
        if bytes == 0 {
            return Ok(());
        }
        // Before anybody can have heard of them.
        passed.fetch_add(bytes as u64, Ordering::Relaxed);
        to.write_all(&buffer[..bytes])?;
    }
}

/// A process that makes a number of calls, with both sides in it, under valgrind, which counts allocations.
struct Counted(Child);

impl Counted {
    fn start(work: &Work, calls: usize) -> Result<Self> {
        let child = Command::new("valgrind")
            .args(["--tool=dhat", "--num-callers=1", "--dhat-out-file=/dev/null"])
            .arg(env::current_exe()?)
            .args(["exactly", &serde_json::to_string(work)?, &calls.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("valgrind counts the allocations, but can't be started: {error}"))?;
        Ok(Self(child))
    }

    /// How many there were in its whole life.
    fn allocations(self) -> Result<u64> {
        let output = self.0.wait_with_output()?;
        let report = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(report.lines().last().unwrap_or("valgrind failed").to_owned().into());
        }
        Ok(blocks(&report).ok_or("valgrind counted nothing")?)
    }
}

/// The number of blocks in DHAT's `Total: 1,024 bytes in 3 blocks`.
fn blocks(report: &str) -> Option<u64> {
    let total = report.lines().find_map(|line| line.split_once("Total:")?.1.split_once(" in "))?.1;
    total.split_whitespace().next()?.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocks_of_a_report_are_found() {
        let report = "==7== DHAT, a dynamic heap analysis tool\n==7== Total:     123,456 bytes in 1,289 blocks\n\
                      ==7== At t-gmax: 12 bytes in 2 blocks\n";
        assert_eq!(blocks(report), Some(1289));
        assert_eq!(blocks("==7== nothing\n"), None);
    }
}
