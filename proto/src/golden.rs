//! Golden tables: what a lifecycle does in every state with every input, reviewed like code.

use std::fmt::Write as _;
use std::path::Path;

/// Compares `actual` with `tests/golden/<name>`. With `UPDATE_GOLDEN=1` in the environment it writes the file
/// instead, so that a change of a lifecycle shows as a change of its table.
///
/// # Panics
///
/// If the two differ, with the first line that does.
pub(crate) fn check(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).expect("the golden file can be written");
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = golden.lines().zip(actual.lines()).enumerate();
    if let Some((at, (golden, actual))) = lines.find(|(_, (golden, actual))| golden != actual) {
        panic!("{name}, line {}:\n  golden {golden}\n  actual {actual}\nUPDATE_GOLDEN=1 accepts it", at + 1);
    }
    assert_eq!(golden.lines().count(), actual.lines().count(), "{name}: UPDATE_GOLDEN=1 accepts the change");
}

/// A table with columns of equal width, from its head and its rows.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in [&head].into_iter().chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$} | ");
        }
        out.push_str(line.trim_end_matches([' ', '|']));
        out.push('\n');
    }
    out
}

/// What a transition emits, as one cell of a table.
pub(crate) fn join(effects: &[impl std::fmt::Debug]) -> String {
    effects.iter().map(|effect| format!("{effect:?}")).collect::<Vec<_>>().join(" · ")
}
