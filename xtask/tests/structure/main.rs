//! The shape of the source tree: who may import whom, sizes, names, what must not be in it, and what it depends on.

mod dependencies;
mod imports;
mod layering;
mod paths;
mod rules;
mod sources;

/// Fails with every complaint on a line of its own: `file:line: rule`.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} found:\n{}", complaints.len(), complaints.join("\n"));
}
