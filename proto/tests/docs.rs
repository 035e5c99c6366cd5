//! `docs/lifecycles.md`: its drawings and tables are those of the golden tables, and its promises have tests.
//!
//! With `UPDATE_GOLDEN=1` the drawings and tables are written anew. The text around them is written by hand.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- from ";
const END: &str = "<!-- end -->\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn page() -> String {
    read("docs/lifecycles.md")
}

/// One row of a golden table that does something.
struct Row {
    from: String,
    input: String,
    to: String,
    effects: Vec<String>,
}

/// The rows that do something. What is illegal or changes nothing is left out.
fn rows(golden: &str) -> Vec<Row> {
    let cells = |line: &str| -> Vec<String> { line.split('|').map(|cell| cell.trim().to_owned()).collect() };
    golden
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = cells(line).into_iter();
            let mut next = || cells.next().unwrap_or_default();
            let (from, input, to, effects) = (next(), next(), next(), next());
            let effects = effects.split('·').map(|effect| effect.trim().to_owned()).filter(|it| !it.is_empty());
            Row { from, input, to, effects: effects.collect() }
        })
        .filter(|row| row.effects.first().is_none_or(|effect| effect != "InvalidTransition"))
        .filter(|row| row.from != row.to || !row.effects.is_empty())
        .collect()
}

/// The states with an arrow for each pair, from the first row's state to those without a way out.
fn drawing(rows: &[Row]) -> String {
    let mut arrows: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for Row { from, input, to, .. } in rows {
        match arrows.iter_mut().find(|(a, b, _)| a == from && b == to) {
            Some((.., inputs)) => inputs.push(input),
            None => arrows.push((from, to, vec![input])),
        }
    }
    let mut text = String::from("```mermaid\nstateDiagram-v2\n");
    if let Some(first) = rows.first() {
        let _ = writeln!(text, "    [*] --> {}", first.from);
    }
    let mut last: Vec<&str> = Vec::new();
    for (from, to, inputs) in &arrows {
        let _ = writeln!(text, "    {from} --> {to} : {}", inputs.join(", "));
        if !last.contains(to) && arrows.iter().all(|(other, ..)| other != to) {
            last.push(to);
        }
    }
    for state in last {
        let _ = writeln!(text, "    {state} --> [*]");
    }
    text + "```\n"
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from("| from | input | to | what is done, in this order |\n|---|---|---|---|\n");
    for Row { from, input, to, effects } in rows {
        let effects = if effects.is_empty() { "nothing".to_owned() } else { effects.join(", ") };
        let _ = writeln!(text, "| {from} | {input} | {to} | {effects} |");
    }
    text
}

/// `page` with what stands between its marks made anew.
fn generated(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(at) = rest.find(BEGIN) {
        let (before, marked) = rest.split_at(at);
        let (mark, behind) = marked.split_once('\n').expect("a mark has a line of its own");
        let file = mark.trim_start_matches(BEGIN).trim_end_matches(" -->");
        let rows = rows(&read(file));
        assert!(!rows.is_empty(), "{file} has no row that does something");
        let _ = write!(text, "{before}{mark}\n\n{}\n{}\n{END}", drawing(&rows), table(&rows));
        (_, rest) = behind.split_once(END).unwrap_or_else(|| panic!("{mark} has no end"));
    }
    text + rest
}

#[test]
fn the_drawings_and_tables_of_the_page_are_those_of_the_lifecycles() {
    let page = page();
    let generated = generated(&page);
    for file in ["link", "dialer", "socket", "pipe"] {
        assert!(page.contains(&format!("{BEGIN}proto/tests/golden/{file}.txt -->")), "{file} is drawn");
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(root().join("docs/lifecycles.md"), generated).expect("the page can be written");
        return;
    }
    let differs = page.lines().zip(generated.lines()).find(|(page, generated)| page != generated);
    assert!(page == generated, "docs/lifecycles.md: {differs:?}; UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn a_drawing_has_an_arrow_for_each_pair_of_states_and_names_plain_enough_to_be_drawn() {
    let rows =
        rows("from | input | to | effects\na | x | b | E · F\na | y | b\na | z | a\nb | x | b | InvalidTransition");
    assert_eq!(drawing(&rows), "```mermaid\nstateDiagram-v2\n    [*] --> a\n    a --> b : x, y\n    b --> [*]\n```\n");
    assert!(table(&rows).ends_with("| a | x | b | E, F |\n| a | y | b | nothing |\n"));
    for line in page().lines().filter(|line| line.contains(" --> ") && !line.contains("<!--")) {
        let plain = |c: char| c.is_ascii_alphanumeric() || " _-,>:[*]".contains(c);
        assert!(line.chars().all(plain) && line.matches(':').count() <= 1, "{line} can be drawn");
    }
}

/// The names of all functions in the sources under `folder`.
fn functions(folder: &Path, found: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
        let path = entry.path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source can be read");
            let names = text.split("fn ").skip(1);
            let end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            found.extend(names.filter_map(|name| name.split(end).next()).map(str::to_owned));
        }
    }
}

#[test]
fn every_promise_of_the_page_names_tests_that_exist() {
    let mut found = HashSet::new();
    for folder in ["proto/src", "proto/tests", "bowline/src", "bowline/tests", "interop/tests"] {
        functions(&root().join(folder), &mut found);
    }
    let page = page();
    let promises: Vec<&str> = page.split("\n- **").skip(1).collect();
    assert!(promises.len() > 20, "the page makes promises");
    for promise in promises {
        let promise = promise.split("\n\n").next().unwrap_or_default();
        let (text, held) = promise.split_once("Held by ").unwrap_or_else(|| panic!("nothing holds: {promise}"));
        let tests: Vec<&str> = held.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test holds: {text}");
        for test in tests {
            assert!(found.contains(test), "there is no test {test}, which is to hold: {text}");
        }
    }
}

#[test]
fn the_page_tells_of_every_monitor_event() {
    let source = read("proto/src/monitor/mod.rs");
    let (_, kinds) = source.split_once("pub enum MonitorKind {").expect("the events are an enum");
    let (kinds, _) = kinds.split_once("\n}").expect("which ends");
    let page = page();
    let names = kinds.lines().filter_map(|line| line.strip_prefix("    "));
    let names = names.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let mut events = 0;
    for name in names.map(|line| line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()) {
        events += 1;
        let tells = [format!("`{name}`"), format!("`{name}(")].iter().any(|told| page.contains(told));
        assert!(tells, "docs/lifecycles.md does not tell of {name}");
    }
    assert!(events > 10, "the events were found");
}
