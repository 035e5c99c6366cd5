//! Finds the integration tests of the workspace, so that each runs once, under the right heading.

use std::path::Path;

/// The integration tests by step; each entry is the name of a test target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Targets {
    pub(crate) code: Vec<String>,
    pub(crate) sim: Vec<String>,
    pub(crate) interop: Vec<String>,
}

impl Targets {
    /// Reads the `tests` folder of every member at `root`.
    pub(crate) fn find(root: &Path) -> Self {
        let mut found = Self::default();
        for member in names(root).into_iter().filter(|folder| is_member(&root.join(folder))) {
            for name in targets_in(&root.join(&member).join("tests")) {
                found.list(&member, &name).push(name);
            }
        }
        found
    }

    fn list(&mut self, member: &str, name: &str) -> &mut Vec<String> {
        if member == "interop" {
            &mut self.interop
        } else if ["sim", "world", "model", "herd"].iter().any(|kind| name.starts_with(kind)) {
            &mut self.sim
        } else {
            &mut self.code
        }
    }
}

/// Whether a folder belongs to the workspace, and is none of its own.
fn is_member(folder: &Path) -> bool {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml"));
    manifest.is_ok_and(|manifest| !manifest.lines().any(|line| line == "[workspace]"))
}

/// `tests/name.rs` and `tests/name/main.rs`, as cargo finds them.
fn targets_in(folder: &Path) -> Vec<String> {
    names(folder)
        .into_iter()
        .filter_map(|name| match name.strip_suffix(".rs") {
            Some(stem) => Some(stem.to_owned()),
            None => folder.join(&name).join("main.rs").is_file().then_some(name),
        })
        .collect()
}

/// The names in a folder, sorted; none if there is no such folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::Targets;

    #[test]
    fn each_kind_of_test_has_its_own_step() {
        let mut targets = Targets::default();
        targets.list("interop", "world").push("interop".into());
        targets.list("proto", "world").push("sim".into());
        targets.list("proto", "sim_pair").push("sim".into());
        targets.list("proto", "model").push("sim".into());
        targets.list("bowline", "reconnect").push("code".into());
        assert_eq!(targets.interop, ["interop"]);
        assert_eq!(targets.sim, ["sim", "sim", "sim"]);
        assert_eq!(targets.code, ["code"]);
    }

    #[test]
    fn the_structure_tests_of_this_crate_are_found() {
        let found = Targets::find(&crate::root());
        assert!(found.code.contains(&"structure".to_owned()), "{found:?}");
    }

    #[test]
    fn every_target_has_a_name_of_its_own() {
        // `--test NAME` takes the targets of that name in all packages: two of one name would run twice each.
        let Targets { code, sim, interop } = Targets::find(&crate::root());
        let mut names = [code, sim, interop].concat();
        names.sort();
        let mut once = names.clone();
        once.dedup();
        assert_eq!(names, once);
    }
}
