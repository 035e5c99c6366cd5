//! Sizes, names and attributes that hold for every file.

use std::fs;

use crate::sources;

const LONGEST_FILE: usize = 500;

#[test]
fn no_source_file_is_longer_than_500_lines() {
    let too_long = sources::rust("").into_iter().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > LONGEST_FILE).then(|| {
            format!(
                "{}:{lines}: a source file has at most {LONGEST_FILE} lines; split it by what changes together",
                source.path
            )
        })
    });
    crate::none(&too_long.collect::<Vec<_>>());
}

#[test]
fn no_function_may_be_longer_than_80_lines() {
    let limit = fs::read_to_string(sources::root().join("clippy.toml")).unwrap_or_default();
    assert!(limit.contains("too-many-lines-threshold = 80"), "clippy.toml:1: clippy holds functions at 80 lines");
}

#[test]
fn no_file_or_folder_has_a_name_that_says_nothing() {
    let vague = ["util", "helper", "manager", "common", "misc"];
    let mut complaints = Vec::new();
    for source in sources::rust("") {
        let parts: Vec<&str> = source.path.split('/').collect();
        for (at, part) in parts.iter().enumerate() {
            let shared_by_tests = part.starts_with("common") && parts[..at].contains(&"tests");
            if !shared_by_tests && vague.iter().any(|vague| part.starts_with(vague)) {
                complaints.push(format!("{}:1: `{part}` does not say what is in it", source.path));
            }
        }
    }
    crate::none(&complaints);
}

#[test]
fn every_crate_root_forbids_unsafe_code() {
    let mut complaints = Vec::new();
    for source in sources::rust("") {
        let is_root = source.path.ends_with("src/lib.rs")
            || source.path.ends_with("src/main.rs")
            || source.path.contains("src/bin/");
        if is_root && !source.text.contains("#![forbid(unsafe_code)]") {
            complaints.push(format!("{}:1: a crate root begins with #![forbid(unsafe_code)]", source.path));
        }
    }
    crate::none(&complaints);
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let mut complaints = Vec::new();
    for source in sources::all("") {
        let is_crate = source.path.ends_with("Cargo.toml") && source.text.contains("[package]");
        if is_crate && !source.text.contains("[lints]\nworkspace = true") {
            complaints.push(format!("{}:1: a crate has `[lints] workspace = true`", source.path));
        }
    }
    crate::none(&complaints);
}

#[test]
fn the_target_is_asked_for_at_three_borders_only() {
    let borders = ["/rt/mod.rs", "/transport/mod.rs", "/lib.rs"];
    let word = ["target", "_arch"].concat();
    let mut complaints = Vec::new();
    for source in sources::rust("proto/src").iter().chain(&sources::rust("bowline/src")) {
        if borders.iter().any(|border| source.path.ends_with(border)) {
            continue;
        }
        for (at, line) in source.text.lines().enumerate() {
            if line.contains(&word) {
                complaints.push(format!(
                    "{}:{}: {word} stands only in rt/mod.rs, transport/mod.rs and lib.rs",
                    source.path,
                    at + 1
                ));
            }
        }
    }
    crate::none(&complaints);
}

#[test]
fn the_house_style_fits_on_200_lines() {
    let text = fs::read_to_string(sources::root().join("CONTRIBUTING.md")).unwrap_or_default();
    let lines = text.lines().count();
    assert!(lines <= 200, "CONTRIBUTING.md:{lines}: at most 200 lines");
}
