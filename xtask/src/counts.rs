//! `cargo xtask test counts`: what the hot paths cost, in instructions, against a baseline in the repository.
//!
//! The program `proto/benches/counts.rs` runs one bench under callgrind for each of its names. A compiler of another
//! version makes other instructions, another C library copies in another way: the baseline says what it was made with,
//! and with anything else nothing is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::cargo::{self, Tally};
use crate::root;

const BASELINE: &str = "proto/benches/counts.txt";

/// Writes the baseline anew instead of comparing with it.
const UPDATE: &str = "UPDATE_COUNTS";

const MADE_WITH: &str = "# made with ";

/// How far a count may be from its baseline, in per cent.
const TOLERANCE: u64 = 3;

/// Instructions by the name of the bench.
type Counts = BTreeMap<String, u64>;

/// Counts, and compares; each bench is one that passed or failed.
pub(crate) fn run() -> Tally {
    if !cfg!(target_os = "linux") {
        println!("not counted: the baseline is made on Linux, with valgrind");
        return Tally::passed(1);
    }
    match compare_all(env::var_os(UPDATE).is_some()) {
        Ok(tally) => tally,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            Tally::BROKEN
        }
    }
}

fn compare_all(update: bool) -> Result<Tally, String> {
    let tools = tools()?;
    let file = root().join(BASELINE);
    if update {
        let new = count_all(&root())?;
        fs::write(&file, written(&tools, &new)).map_err(|error| format!("could not write {BASELINE}: {error}"))?;
        println!("{BASELINE} is written anew, with {} benches", new.len());
        return Ok(Tally::passed(new.len() as u64));
    }
    let text = fs::read_to_string(&file).map_err(|error| format!("could not read {BASELINE}: {error}"))?;
    let (made_with, old) = parse(&text).ok_or(format!("{BASELINE} is not a baseline; {}", accept()))?;
    if made_with != tools {
        println!("nothing is compared: the baseline was made with {made_with}, and here is {tools}");
        return Ok(Tally::passed(1));
    }
    let new = count_all(&root())?;
    let mut tally = Tally::default();
    for (passed, line) in compare(&old, &new) {
        println!("{line}");
        tally.add(if passed { Tally::passed(1) } else { Tally::BROKEN });
    }
    Ok(tally)
}

fn accept() -> String {
    format!("`{UPDATE}=1 cargo xtask test counts` writes it anew")
}

/// One line for each bench, and whether it passes.
fn compare(old: &Counts, new: &Counts) -> Vec<(bool, String)> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let line = |name: &String| match (old.get(name).copied(), new.get(name).copied()) {
        (Some(old), Some(new)) if new * 100 > old * (100 + TOLERANCE) => (
            false,
            format!(
                "{name}: {new} instructions, {} {old}: too many. If they are meant, {}",
                change(old, new),
                accept()
            ),
        ),
        (Some(old), Some(new)) if new * 100 < old * (100 - TOLERANCE) => (
            true,
            format!(
                "{name}: {new} instructions, {} {old}: the baseline may be renewed, {}",
                change(old, new),
                accept()
            ),
        ),
        (Some(old), Some(new)) => (true, format!("{name}: {new} instructions, {} {old}", change(old, new))),
        (None, _) => (false, format!("{name} has no baseline; {}", accept())),
        (_, None) => (false, format!("{name} has a baseline and is no bench any more; {}", accept())),
    };
    names.into_iter().map(line).collect()
}

/// By how much `new` differs, as in `+2.5 % of`.
fn change(old: u64, new: u64) -> String {
    let per_mille = new.abs_diff(old) * 1000 / old.max(1);
    let sign = if new < old { '-' } else { '+' };
    format!("{sign}{}.{} % of", per_mille / 10, per_mille % 10)
}

/// What the baseline was made with, and its counts.
fn parse(text: &str) -> Option<(&str, Counts)> {
    let (head, lines) = text.split_once('\n')?;
    let count = |line: &str| {
        let (name, count) = line.split_once(' ')?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    Some((head.strip_prefix(MADE_WITH)?, lines.lines().map(count).collect::<Option<_>>()?))
}

fn written(tools: &str, counts: &Counts) -> String {
    let mut text = format!("{MADE_WITH}{tools}\n");
    for (name, count) in counts {
        let _ = writeln!(text, "{name} {count}");
    }
    text
}

/// The versions of all that a count depends on.
fn tools() -> Result<String, String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = output(Command::new(rustc).arg("-vV"), "rustc did not tell its version")?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let rustc = said.lines().next().unwrap_or_default();
    let missing = "counting instructions needs valgrind; install it, e.g. `apt-get install valgrind`";
    let valgrind = output(Command::new("valgrind").arg("--version"), missing)?;
    let libc = output(Command::new("getconf").arg("GNU_LIBC_VERSION"), "getconf did not tell the C library")?;
    Ok(format!("{rustc} on {host}, {}, {}", valgrind.trim(), libc.trim()))
}

/// Builds the benches and counts each.
fn count_all(root: &Path) -> Result<Counts, String> {
    let args = ["bench", "--package", "bowline-proto", "--bench", "counts", "--no-run", "--message-format=json"];
    let mut command = cargo::command(root, &args.map(str::to_owned));
    // Either would change what is counted.
    command.env("CARGO_INCREMENTAL", "0").env_remove("RUSTFLAGS").stderr(Stdio::inherit());
    let built = output(&mut command, "cargo could not build the benches")?;
    let program = built.lines().find_map(executable).ok_or("cargo did not tell where the benches are")?;
    let folder = root.join("target").join("counts");
    fs::create_dir_all(&folder).map_err(|error| format!("could not make {}: {error}", folder.display()))?;
    let names = output(&mut Command::new(&program), "the benches could not be listed")?;
    names.lines().map(|name| Ok((name.to_owned(), count(&program, name, &folder)?))).collect()
}

/// The instructions of one bench.
fn count(program: &Path, name: &str, folder: &Path) -> Result<u64, String> {
    let file = folder.join(name);
    let mut command = Command::new("valgrind");
    // Nothing of one machine's environment: the settings of a user's valgrind, or of the C library.
    command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
    command.args(["--tool=callgrind", "--toggle-collect=*counted*"]);
    command.arg(format!("--callgrind-out-file={}", file.display())).arg(program).arg(name);
    output(&mut command, &format!("{name} did not run under valgrind"))?;
    let profile = fs::read_to_string(&file).map_err(|error| format!("could not read {}: {error}", file.display()))?;
    total(&profile).ok_or(format!("callgrind counted nothing in {name}"))
}

/// The sum in what callgrind has written; none means that the counted function was not found.
fn total(profile: &str) -> Option<u64> {
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "))?;
    total.trim().parse().ok().filter(|&total| total > 0)
}

/// The program that a line of cargo's messages names.
fn executable(line: &str) -> Option<PathBuf> {
    let (_, rest) = line.split_once("\"executable\":\"")?;
    rest.split_once('"').map(|(path, _)| path.into())
}

/// What the command prints; `problem` if it fails.
fn output(command: &mut Command, problem: &str) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{problem} ({error})"))?;
    if !output.status.success() {
        return Err(format!("{problem} ({})\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{problem} ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, u64)]) -> Counts {
        of.iter().map(|&(name, count)| (name.to_owned(), count)).collect()
    }

    fn judged(old: u64, new: u64) -> (bool, String) {
        compare(&counts(&[("encode", old)]), &counts(&[("encode", new)])).remove(0)
    }

    #[test]
    fn more_than_three_per_cent_above_the_baseline_fails_and_says_how_to_accept_it() {
        assert_eq!(judged(1000, 1030), (true, "encode: 1030 instructions, +3.0 % of 1000".to_owned()));
        let (passed, line) = judged(1000, 1031);
        assert!(!passed);
        for told in ["encode", "1031", "1000", "+3.1 %", "UPDATE_COUNTS=1 cargo xtask test counts"] {
            assert!(line.contains(told), "{line}");
        }
    }

    #[test]
    fn more_than_three_per_cent_below_it_passes_and_says_that_it_may_be_renewed() {
        assert_eq!(judged(1000, 970), (true, "encode: 970 instructions, -3.0 % of 1000".to_owned()));
        let (passed, line) = judged(1000, 969);
        assert!(passed && line.contains("may be renewed"), "{line}");
    }

    #[test]
    fn a_bench_without_a_baseline_fails_and_a_baseline_without_a_bench_too() {
        let lines = compare(&counts(&[("gone", 1)]), &counts(&[("new", 1)]));
        assert!(lines.iter().all(|(passed, _)| !passed));
        assert!(lines[0].1.starts_with("gone") && lines[1].1.starts_with("new has no baseline"), "{lines:?}");
    }

    #[test]
    fn a_baseline_is_read_as_it_was_written() {
        let counts = counts(&[("decode", 7), ("encode", 12)]);
        let text = written("rustc 1", &counts);
        assert_eq!(text, "# made with rustc 1\ndecode 7\nencode 12\n");
        assert_eq!(parse(&text), Some(("rustc 1", counts)));
        assert_eq!(parse("# made with rustc 1\nencode\n"), None);
        assert_eq!(parse("encode 1\n"), None);
    }

    #[test]
    fn the_committed_baseline_can_be_read() {
        let text = fs::read_to_string(root().join(BASELINE)).expect("there is one");
        assert!(parse(&text).is_some_and(|(made_with, counts)| made_with.contains("rustc") && !counts.is_empty()));
    }

    #[test]
    fn what_cargo_and_callgrind_say_is_understood() {
        let line = r#"{"reason":"compiler-artifact","executable":"/target/counts-1","fresh":true}"#;
        assert_eq!(executable(line), Some(PathBuf::from("/target/counts-1")));
        assert_eq!(executable(r#"{"executable":null}"#), None);
        assert_eq!(total("summary: 12\n\ntotals: 12\n"), Some(12));
        assert_eq!(total("totals: 0\n"), None);
    }
}
