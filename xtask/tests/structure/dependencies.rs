//! What the lock file brings along: under which licences, and no crate twice without a reason.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What may be built into a program that is under Apache 2.0 and MIT.
const LICENCES: [&str; 9] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
];

/// Crates of which there are two versions, and why.
const TWICE: [(&str, &str); 4] = [
    ("syn", "version 3 is young: some macros still have version 2, in the build only"),
    ("getrandom", "ring still has version 0.2"),
    ("windows-sys", "ring still has version 0.52, on Windows only"),
    ("embedded-io", "postcard asks for both, and needs neither here"),
];

#[test]
fn every_dependency_has_a_licence_that_fits() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tree = ["tree", "--workspace", "--offline", "--locked", "--prefix", "none", "--format", "{p}|{l}"];
    let output = Command::new(cargo).args(tree).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut complaints = Vec::new();
    let mut seen = 0;
    for (package, licence) in text.lines().filter_map(|line| line.split_once('|')) {
        seen += 1;
        if !fits(licence.trim_end_matches(" (*)")) {
            complaints.push(format!("Cargo.lock: {package} is under `{licence}`"));
        }
    }
    assert!(seen > 100, "the tree is read wrongly");
    crate::none(&complaints);
}

/// Whether one of the alternatives asks for nothing that is not on the list. Older manifests write a slash for OR.
fn fits(expression: &str) -> bool {
    let expression = expression.replace(['(', ')'], "").replace('/', " OR ");
    // In `(A OR B) AND C` the brackets bind first; so each part of an AND must have an alternative of its own.
    let all_parts = |expression: &str| {
        expression.split(" AND ").all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
    };
    all_parts(&expression)
}

#[test]
fn no_crate_is_there_twice_without_a_reason() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("there is a lock file");
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for name in lock.lines().filter_map(|line| line.strip_prefix("name = ")) {
        *versions.entry(name.trim_matches('"')).or_default() += 1;
    }
    assert!(versions.len() > 100, "the lock file is read wrongly");
    let known = |name: &str| TWICE.iter().any(|(known, _)| *known == name);
    let twice = versions.iter().filter(|(name, count)| **count > 1 && !known(name));
    crate::none(&twice.map(|(name, count)| format!("Cargo.lock: {name} is there {count} times")).collect::<Vec<_>>());
    let gone = TWICE.iter().filter(|(name, _)| versions.get(name).is_none_or(|count| *count < 2));
    crate::none(&gone.map(|(name, _)| format!("{name} is no longer there twice")).collect::<Vec<_>>());
}

#[test]
fn an_expression_of_licences_is_read_as_it_is_meant() {
    for good in ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(fits(good), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0"] {
        assert!(!fits(bad), "{bad}");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace")
}
