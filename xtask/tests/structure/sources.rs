//! The files of the workspace, and Rust text without comments, strings and tests.

use std::fs;
use std::path::{Path, PathBuf};

/// One text file of the workspace.
pub(crate) struct Source {
    /// Relative to the root, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) fn root() -> PathBuf {
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().expect("xtask has a parent").to_owned()
}

/// Every text file below `folder` of the workspace (`""`: all of it), sorted by path.
pub(crate) fn all(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root().join(folder), &root(), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Every Rust file below `folder`.
pub(crate) fn rust(folder: &str) -> Vec<Source> {
    let mut found = all(folder);
    found.retain(|source| Path::new(&source.path).extension() == Some("rs".as_ref()));
    found
}

fn walk(folder: &Path, root: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let ignored = [".git", "target", "__pycache__", ".venv"];
        if ignored.iter().any(|ignored| name == *ignored) {
            continue;
        }
        if path.is_dir() {
            walk(&path, root, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let relative = path.strip_prefix(root).expect("below the root");
            found.push(Source { path: relative.to_string_lossy().replace('\\', "/"), text });
        }
    }
}

/// `text` with comments, string and character literals blanked; every line stays where it is.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped_until(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            let kept = |c: &&char| **c == '\n';
            out.push(' ');
            out.extend(chars[at..end].iter().filter(kept));
            at = end;
        }
    }
    out
}

/// Where a comment or literal that begins at `at` ends; `at` itself if none begins there.
fn skipped_until(chars: &[char], at: usize) -> usize {
    let next = |ahead: usize| chars.get(at + ahead).copied();
    let inside_a_name = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match (chars[at], next(1)) {
        ('/', Some('/')) => until(chars, at, &['\n']),
        ('/', Some('*')) => block_comment(chars, at),
        ('"', _) => quoted(chars, at + 1, '"'),
        ('r', Some('"' | '#')) if !inside_a_name => raw_string(chars, at).unwrap_or(at),
        ('\'', Some('\\')) => quoted(chars, at + 1, '\''),
        // A character literal; anything else behind a quote is a lifetime.
        ('\'', Some(_)) if next(2) == Some('\'') => at + 3,
        _ => at,
    }
}

fn until(chars: &[char], from: usize, end: &[char]) -> usize {
    (from..chars.len()).find(|&i| chars[i..].starts_with(end)).unwrap_or(chars.len())
}

fn block_comment(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < chars.len() {
        if chars[at..].starts_with(&['/', '*']) {
            (at, depth) = (at + 2, depth + 1);
        } else if chars[at..].starts_with(&['*', '/']) {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(chars: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn raw_string(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from + 1..].iter().take_while(|&&c| c == '#').count();
    let open = from + 1 + hashes;
    // Without the quote it is a raw identifier.
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let mut close = vec!['"'];
    close.extend(std::iter::repeat_n('#', hashes));
    Some((until(chars, open + 1, &close) + close.len()).min(chars.len()))
}

/// Blanks every item behind `#[cfg(test)]`, in text that has passed `code_only`.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        let end = start + MARK.len() + item_end(&rest[start + MARK.len()..]);
        out.push_str(&rest[..start]);
        out.extend(rest[start..end].chars().filter(|&c| c == '\n'));
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Where the item at the beginning of `text` ends: behind its `;`, or the brace that closes it.
fn item_end(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn comments_and_literals_are_blanked_and_lines_stay() {
    let text = "a // crate::x\n/* \n /* */ */ b \"crate::y\n\" 'c' '\\'' r#\"z\"z\"# &'a d r#type";
    let code = code_only(text);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "b", "&'a", "d", "r#type"]);
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn test_modules_are_blanked() {
    let code = "use a;\n#[cfg(test)]\nmod tests {\n  fn f() {}\n}\n#[cfg(test)]\nmod more;\nfn g() {}\n";
    let left = without_tests(code);
    assert_eq!(left.split_whitespace().collect::<Vec<_>>(), ["use", "a;", "fn", "g()", "{}"]);
    assert_eq!(left.lines().count(), code.lines().count());
}
