//! Nothing in the tree is tied to one machine.

use crate::sources;

/// Beginnings of absolute paths, in pieces so that this file does not match itself.
const MACHINE_PATHS: [[&str; 2]; 4] = [["/ro", "ot/"], ["/ho", "me/"], ["/Us", "ers/"], ["/wo", "rk/"]];

#[test]
fn no_file_names_a_path_of_some_machine() {
    let mut complaints = Vec::new();
    for source in sources::all("") {
        for (at, line) in source.text.lines().enumerate() {
            for path in MACHINE_PATHS.map(|pieces| pieces.concat()) {
                if is_absolute_path(line, &path) {
                    complaints.push(format!("{}:{}: names a path below {path}", source.path, at + 1));
                }
            }
        }
    }
    crate::none(&complaints);
}

/// Whether `path` stands in `line` as a beginning, not behind another part of a path or a host name.
fn is_absolute_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-}".contains(c))
    })
}

#[test]
fn every_dependency_comes_from_the_public_registries() {
    let mut complaints = Vec::new();
    for source in sources::all("") {
        let name = source.path.rsplit('/').next().unwrap_or_default();
        for (at, line) in source.text.lines().enumerate() {
            let foreign = match name {
                "Cargo.lock" => {
                    line.starts_with("source = ") && !line.contains("//github.com/rust-lang/crates.io-index")
                }
                "Cargo.toml" | "config.toml" => line.contains("registry") || line.contains("git = "),
                "requirements.txt" => line.contains("://") || line.starts_with("--"),
                _ => false,
            };
            if foreign {
                complaints.push(format!(
                    "{}:{}: dependencies come from crates.io and PyPI: {line}",
                    source.path,
                    at + 1
                ));
            }
        }
    }
    crate::none(&complaints);
}

#[test]
fn a_path_is_told_from_the_middle_of_another() {
    let home = MACHINE_PATHS[1].concat();
    assert!(is_absolute_path(&format!("see {home}me"), &home));
    assert!(is_absolute_path(&format!("\"{home}me\""), &home));
    assert!(!is_absolute_path(&format!("https://example.org{home}x"), &home));
    assert!(!is_absolute_path(&format!("docs{home}x"), &home));
}
