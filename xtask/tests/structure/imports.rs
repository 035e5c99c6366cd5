//! Finds every path into the own crate that a file names: in `use`, and in the middle of code.

/// A path as its segments, and the line that it stands in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
}

/// The paths in `code` that begin at the crate's root, `super` chains resolved.
///
/// `module` is where the file stands, e.g. `["link", "framing"]`.
pub(crate) fn of(code: &str, module: &[String]) -> Vec<Import> {
    let mut found = Vec::new();
    let mut read_until = 0;
    for (at, start) in starts(code, module) {
        // A `super` inside a use tree that was expanded already.
        if at < read_until {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let mut length = 0;
        for path in tree(&code.as_bytes()[at..], &mut length) {
            let (ups, rest) = split_supers(&path);
            let mut full = start.clone();
            full.truncate(full.len().saturating_sub(ups));
            full.extend_from_slice(rest);
            found.push(Import { line, path: full });
        }
        read_until = at + length;
    }
    found
}

/// The paths into the crate named `name` (`bowline_proto`), without that name.
pub(crate) fn of_crate(code: &str, name: &str) -> Vec<Import> {
    let found = words(code, name).flat_map(|at| {
        let line = code[..at].matches('\n').count() + 1;
        let paths = expand(code[at + name.len()..].trim_start_matches(':'));
        paths.into_iter().map(move |path| Import { line, path })
    });
    found.filter(|import| !import.path.is_empty()).collect()
}

/// Where a path begins: the byte behind `crate::`, or the first `super` of a chain.
fn starts(code: &str, module: &[String]) -> Vec<(usize, Vec<String>)> {
    let crates = words(code, "crate::").map(|at| (at + "crate::".len(), Vec::new()));
    let supers = words(code, "super::").filter(|&at| !code[..at].ends_with("::")).map(|at| (at, module.to_vec()));
    let mut starts: Vec<_> = crates.chain(supers).collect();
    starts.sort();
    starts
}

/// Where `word` stands in `code` with no name character before it.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(|&at| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$')
    })
}

fn split_supers(path: &[String]) -> (usize, &[String]) {
    let ups = path.iter().take_while(|part| *part == "super").count();
    (ups, &path[ups..])
}

/// The paths of the use tree that `text` begins with: `a::{b, c::d}` is `a::b` and `a::c::d`.
pub(crate) fn expand(text: &str) -> Vec<Vec<String>> {
    let mut at = 0;
    tree(text.as_bytes(), &mut at)
}

fn tree(text: &[u8], at: &mut usize) -> Vec<Vec<String>> {
    let mut prefix = Vec::new();
    loop {
        blanks(text, at);
        if text.get(*at) == Some(&b'{') {
            return group(text, at, &prefix);
        }
        match name(text, at) {
            Some(name) => prefix.push(name),
            None => return vec![prefix],
        }
        blanks(text, at);
        if !text[*at..].starts_with(b"::") {
            return vec![prefix];
        }
        *at += 2;
    }
}

fn group(text: &[u8], at: &mut usize, prefix: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    *at += 1;
    loop {
        blanks(text, at);
        match text.get(*at) {
            Some(b'}') => {
                *at += 1;
                return paths;
            }
            Some(b',') => *at += 1,
            Some(c) if c.is_ascii_alphabetic() || b"_*{".contains(c) => {
                for path in tree(text, at) {
                    paths.push([prefix, &path].concat());
                }
                renaming(text, at);
            }
            // The end of the text, or not a use tree after all.
            _ => return paths,
        }
    }
}

/// Steps over `as name`.
fn renaming(text: &[u8], at: &mut usize) {
    blanks(text, at);
    let before = *at;
    if name(text, at).as_deref() == Some("as") {
        blanks(text, at);
        name(text, at);
    } else {
        *at = before;
    }
}

fn name(text: &[u8], at: &mut usize) -> Option<String> {
    if text.get(*at) == Some(&b'*') {
        *at += 1;
        return Some("*".to_owned());
    }
    let start = *at;
    while text.get(*at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_') {
        *at += 1;
    }
    (*at > start).then(|| String::from_utf8_lossy(&text[start..*at]).into_owned())
}

fn blanks(text: &[u8], at: &mut usize) {
    while text.get(*at).is_some_and(u8::is_ascii_whitespace) {
        *at += 1;
    }
}

#[cfg(test)]
fn shown(imports: &[Import]) -> Vec<String> {
    let show = |i: &Import| format!("{}:{}", i.line, i.path.join("::"));
    imports.iter().map(show).collect()
}

#[test]
fn use_trees_are_expanded() {
    let code = "use std::fmt;\nuse crate::{wire::{frame, batch as b}, link::Link};\nuse crate::time::*;\n";
    assert_eq!(shown(&of(code, &[])), ["2:wire::frame", "2:wire::batch", "2:link::Link", "3:time::*"]);
}

#[test]
fn paths_in_the_middle_of_code_are_found() {
    let code = "fn f() -> crate::pipe::Inbox {\n  let _ = $crate::x::y; crate::engine::new()\n}";
    assert_eq!(shown(&of(code, &[])), ["1:pipe::Inbox", "2:engine::new"]);
}

#[test]
fn super_chains_are_resolved() {
    let module = ["link".to_owned(), "framing".to_owned()];
    let code = "use super::Link;\nuse super::super::pipe::Inbox;\nuse super::{super::engine::Engine, timers};";
    assert_eq!(shown(&of(code, &module)), ["1:link::Link", "2:pipe::Inbox", "3:engine::Engine", "3:link::timers"]);
}

#[test]
fn paths_into_another_crate_are_found() {
    let code = "use bowline_proto::{link::Link, Message};\nbowline_proto::time::Instant::ZERO";
    assert_eq!(shown(&of_crate(code, "bowline_proto")), ["1:link::Link", "1:Message", "2:time::Instant::ZERO"]);
}
