//! The Python environment that the foreign peers of `interop/` run in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Tells the interop tests which Python to start.
pub(crate) const VARIABLE: &str = "BOWLINE_INTEROP_PYTHON";

/// Makes the environment unless it is there and as `interop/requirements.txt` wants it; its Python.
///
/// The error is one sentence that says what is missing and how to get it.
pub(crate) fn environment(root: &Path) -> Result<PathBuf, String> {
    let requirements = root.join("interop").join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .map_err(|error| format!("could not read interop/requirements.txt: {error}"))?;
    let folder = root.join("target").join("interop-venv");
    let python = python_in(&folder);
    let stamp = folder.join("requirements.stamp");
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    check_system_python()?;
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .map_err(|error| format!("could not remove the outdated {}: {error}", folder.display()))?;
    }
    println!("making {} with {}", folder.display(), wanted.trim());
    run(Command::new(SYSTEM_PYTHON).args(["-m", "venv"]).arg(&folder), "python3 could not make a virtual environment")?;
    run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg("--requirement")
            .arg(&requirements),
        "pip could not install interop/requirements.txt; check that a package index can be reached",
    )?;
    // Written last: an environment that was not finished has no stamp.
    fs::write(&stamp, &wanted).map_err(|error| format!("could not write {}: {error}", stamp.display()))?;
    Ok(python)
}

#[cfg(windows)]
const SYSTEM_PYTHON: &str = "python";
#[cfg(not(windows))]
const SYSTEM_PYTHON: &str = "python3";

fn python_in(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") }
}

fn check_system_python() -> Result<(), String> {
    let has = |code: &str| {
        Command::new(SYSTEM_PYTHON)
            .args(["-c", code])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    missing(has("pass"), has("import venv"), has("import ensurepip")).map_or(Ok(()), |what| {
        Err(format!("the interop tests need {what}; install it, e.g. `apt-get install python3 python3-venv`"))
    })
}

fn missing(python: bool, venv: bool, ensurepip: bool) -> Option<&'static str> {
    match (python, venv, ensurepip) {
        (false, ..) => Some("python3, which was not found"),
        (_, false, _) => Some("python3 with its module venv, which was not found"),
        (.., false) => Some("python3 with its module ensurepip, without which venv can't install pip"),
        (true, true, true) => None,
    }
}

fn run(command: &mut Command, problem: &str) -> Result<(), String> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{problem} ({status})")),
        Err(error) => Err(format!("{problem}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::missing;

    #[test]
    fn the_first_thing_missing_is_named() {
        assert!(missing(false, false, false).is_some_and(|what| what.starts_with("python3, ")));
        assert!(missing(true, false, false).is_some_and(|what| what.contains("module venv")));
        assert!(missing(true, true, false).is_some_and(|what| what.contains("ensurepip")));
    }

    #[test]
    fn nothing_is_missing_when_all_is_there() {
        assert_eq!(missing(true, true, true), None);
    }
}
