//! The table of `docs/known-faults.md` names tests that exist.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_table_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let table = fs::read_to_string(root.join("docs/known-faults.md")).unwrap();
    let mut named = 0;
    for row in table.lines().filter(|line| line.starts_with('|')) {
        let mut quoted = row.split('`').skip(1).step_by(2).peekable();
        while let Some(file) = quoted.next() {
            assert!(file.contains('/'), "{file} is no file of tests");
            let source = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            let tests: Vec<_> = std::iter::from_fn(|| quoted.next_if(|name| !name.contains('/'))).collect();
            assert!(!tests.is_empty(), "{file}: which test?");
            for test in tests {
                assert!(source.contains(&format!("fn {test}(")), "{file} has no test {test}");
                named += 1;
            }
        }
    }
    assert!(named > 20, "the table is read wrongly");
}
