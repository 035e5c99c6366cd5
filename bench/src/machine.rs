//! Where it was measured, and what.

use std::fs;
use std::process::Command;
use std::thread;

/// The machine, the commit and the versions of everyone, as lines of a list.
pub(crate) fn describe() -> Vec<String> {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let mut lines = vec![
        format!("{cores} cores of {}, {} GiB", cpu_model(), memory()),
        format!("Linux {}", read("/proc/sys/kernel/osrelease")),
        output("rustc", &["--version"]),
        format!("bowline {} at commit {}", version_of("bowline"), commit()),
    ];
    let (major, minor, patch) = zmq::version();
    lines.push(format!("libzmq {major}.{minor}.{patch} through the crate zmq {}", version_of("zmq")));
    let others =
        ["omq-tokio", "rzmq", "zeromq", "tarpc", "tonic", "jsonrpsee", "remoc", "muxio-tokio-rpc-client", "tokio"];
    lines.extend(others.map(|name| format!("{name} {}", version_of(name))));
    lines
}

fn cpu_model() -> String {
    let info = read("/proc/cpuinfo");
    let line = info.lines().find_map(|line| line.strip_prefix("model name"));
    line.map_or_else(|| "an unknown processor".to_owned(), |rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
}

fn memory() -> u64 {
    let info = read("/proc/meminfo");
    let kib =
        info.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) >> 20
}

/// With a mark if the tree has changes that are in no commit.
fn commit() -> String {
    let commit = output("git", &["rev-parse", "--short", "HEAD"]);
    let changes = output("git", &["status", "--porcelain", "--untracked-files=no", "--", "bowline", "proto", "bench"]);
    if changes.is_empty() { commit } else { format!("{commit}, with changes") }
}

/// The version that this program was built with.
fn version_of(name: &str) -> String {
    locked_version(include_str!("../Cargo.lock"), name).unwrap_or("of unknown version").to_owned()
}

fn locked_version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{name}\""));
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn output(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_version_is_found_by_the_whole_name() {
        let lock = "[[package]]\nname = \"zmq-sys\"\nversion = \"0.11.0\"\n\n[[package]]\nname = \"zmq\"\nversion = \"0.9.2\"\n";
        assert_eq!(locked_version(lock, "zmq"), Some("0.9.2"));
        assert_eq!(locked_version(lock, "nng"), None);
    }
}
