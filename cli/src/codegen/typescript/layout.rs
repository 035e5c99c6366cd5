//! Code that is broken into lines where it would be too wide, as prettier does it: a group is on one line if it fits there,
//! and else has a line for each of its parts.

/// Columns that a line may have.
pub(super) const WIDTH: usize = 120;

/// Columns of one step to the right.
const STEP: usize = 2;

#[derive(Clone, Debug)]
pub(super) enum Doc {
    Text(String),
    All(Vec<Doc>),
    /// On one line if that is wide enough; groups within are asked for themselves if not.
    Group(Box<Doc>),
    /// One step further to the right.
    Indent(Box<Doc>),
    /// A blank where the group is on one line, else a new line.
    Line,
    /// Nothing where the group is on one line, else a new line.
    Soft,
    /// Is there only where the group is not on one line.
    Broken(Box<Doc>),
}

pub(super) fn text(text: impl Into<String>) -> Doc {
    Doc::Text(text.into())
}

pub(super) fn all(docs: impl IntoIterator<Item = Doc>) -> Doc {
    Doc::All(docs.into_iter().collect())
}

pub(super) fn group(docs: impl IntoIterator<Item = Doc>) -> Doc {
    Doc::Group(Box::new(all(docs)))
}

pub(super) fn indent(docs: impl IntoIterator<Item = Doc>) -> Doc {
    Doc::Indent(Box::new(all(docs)))
}

pub(super) fn broken(docs: impl IntoIterator<Item = Doc>) -> Doc {
    Doc::Broken(Box::new(all(docs)))
}

/// `docs` with `sign` and the end of a line between two of them.
pub(super) fn separated(docs: impl IntoIterator<Item = Doc>, sign: &str) -> Vec<Doc> {
    let mut separated = Vec::new();
    for doc in docs {
        if !separated.is_empty() {
            separated.extend([text(sign), Doc::Line]);
        }
        separated.push(doc);
    }
    separated
}

/// `(a, b)`, or a line for each with a comma behind the last as well; in whatever group it stands.
pub(super) fn listed(open: &str, docs: impl IntoIterator<Item = Doc>, close: &str) -> Doc {
    let docs = separated(docs, ",");
    if docs.is_empty() {
        return text([open, close].concat());
    }
    let inner = indent(std::iter::once(Doc::Soft).chain(docs));
    all([text(open), inner, broken([text(",")]), Doc::Soft, text(close)])
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flat,
    Broken,
}

/// What is left to print: how far to the right, how, and what.
type Rest<'a> = Vec<(usize, Mode, &'a Doc)>;

/// The text of `doc` that begins so many `steps` to the right.
pub(super) fn print(doc: &Doc, steps: usize) -> String {
    let margin = " ".repeat(steps * STEP);
    margin.clone() + &write(doc, margin.len(), Mode::Broken)
}

/// The text of `doc` on one line, however wide.
pub(super) fn flat(doc: &Doc) -> String {
    write(doc, 0, Mode::Flat)
}

fn write(doc: &Doc, mut column: usize, mode: Mode) -> String {
    let mut out = String::new();
    let mut rest: Rest<'_> = vec![(column, mode, doc)];
    while let Some((margin, mode, doc)) = rest.pop() {
        match doc {
            Doc::Text(text) => {
                out.push_str(text);
                column += text.chars().count();
            }
            Doc::All(docs) => rest.extend(docs.iter().rev().map(|doc| (margin, mode, doc))),
            Doc::Indent(doc) => rest.push((margin + STEP, mode, doc)),
            Doc::Group(doc) => {
                let flat = mode == Mode::Flat || fits(doc, &rest, WIDTH.saturating_sub(column));
                rest.push((margin, if flat { Mode::Flat } else { Mode::Broken }, doc));
            }
            Doc::Broken(doc) if mode == Mode::Broken => rest.push((margin, mode, doc)),
            Doc::Line if mode == Mode::Flat => {
                out.push(' ');
                column += 1;
            }
            Doc::Line | Doc::Soft if mode == Mode::Broken => {
                // No line ends in a blank.
                out.truncate(out.trim_end_matches(' ').len());
                out.push('\n');
                out.push_str(&" ".repeat(margin));
                column = margin;
            }
            Doc::Broken(_) | Doc::Line | Doc::Soft => {}
        }
    }
    out
}

/// Whether `doc` on one line, and `rest` up to where it may be broken, has at most so many columns.
fn fits(doc: &Doc, rest: &Rest<'_>, mut columns: usize) -> bool {
    let mut rest = rest.iter().rev().map(|(_, mode, doc)| (*mode, *doc));
    let mut next = vec![(Mode::Flat, doc)];
    while let Some((mode, doc)) = next.pop().or_else(|| rest.next()) {
        let taken = match doc {
            Doc::Text(text) => text.chars().count(),
            Doc::All(docs) => {
                next.extend(docs.iter().rev().map(|doc| (mode, doc)));
                0
            }
            Doc::Line | Doc::Soft if mode == Mode::Broken => return true,
            Doc::Line => 1,
            Doc::Broken(_) if mode == Mode::Flat => 0,
            Doc::Indent(doc) | Doc::Group(doc) | Doc::Broken(doc) => {
                next.push((mode, doc));
                0
            }
            Doc::Soft => 0,
        };
        match columns.checked_sub(taken) {
            Some(left) => columns = left,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Doc {
        group([listed("(", words.iter().map(|word| text(*word)), ")")])
    }

    #[test]
    fn what_fits_stays_on_one_line() {
        assert_eq!(print(&list(&["a", "b"]), 1), "  (a, b)");
        assert_eq!(print(&list(&[]), 0), "()");
        let most = "x".repeat(WIDTH - 2);
        assert_eq!(print(&list(&[&most]), 0), format!("({most})"));
    }

    #[test]
    fn what_does_not_fit_has_a_line_for_each_part() {
        let wide = "x".repeat(WIDTH - 1);
        assert_eq!(print(&list(&[&wide, "b"]), 1), format!("  (\n    {wide},\n    b,\n  )"));
    }

    #[test]
    fn a_group_must_fit_with_what_stands_behind_it() {
        let behind = "x".repeat(WIDTH - 5);
        let doc = all([list(&["a", "b"]), text(&behind)]);
        assert_eq!(print(&doc, 0), format!("(\n  a,\n  b,\n){behind}"));
        let doc = all([list(&["a", "b"]), text(&behind[1..])]);
        assert_eq!(print(&doc, 0), format!("(a, b){}", &behind[1..]));
    }

    #[test]
    fn the_outer_group_breaks_first() {
        let inner = "x".repeat(WIDTH - 10);
        let doc = group([listed("(", [list(&[&inner]), text("second")], ")")]);
        assert_eq!(print(&doc, 0), format!("(\n  ({inner}),\n  second,\n)"));
    }
}
