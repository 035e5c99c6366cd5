//! The shape of the source tree: who may import whom, sizes, names, and what must not be in it.

mod imports;
mod layering;
mod paths;
mod rules;
mod sources;

/// Fails with every complaint on a line of its own: `file:line: rule`.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} found:\n{}", complaints.len(), complaints.join("\n"));
}
