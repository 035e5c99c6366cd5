//! Names that TypeScript takes, each once where it stands.

use std::collections::{BTreeMap, BTreeSet};

use unicode_ident::{is_xid_continue, is_xid_start};

/// What the generated file calls by these names itself.
const OWN: [&str; 6] = ["AsyncIterable", "CallOptions", "Caller", "Items", "Promise", "Record"];

/// Words that no variable can be called by in a module.
const RESERVED: [&str; 49] = [
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Words that mean something else where a type stands.
const TYPES: [&str; 17] = [
    "abstract",
    "any",
    "asserts",
    "bigint",
    "boolean",
    "infer",
    "intrinsic",
    "keyof",
    "never",
    "number",
    "object",
    "readonly",
    "string",
    "symbol",
    "type",
    "unique",
    "unknown",
];

/// Members that the class has already, or that mean something for every object: what has a `then` is awaited.
const MEMBERS: [&str; 3] = ["caller", "constructor", "then"];

/// Names of one place. A name that is taken gets an underscore, and another one.
pub(super) struct Names(BTreeSet<String>);

impl Names {
    fn taken<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }

    /// Those of the arguments of a method.
    pub(super) fn of_arguments() -> Self {
        Self::taken(RESERVED)
    }

    /// Those of the methods of a class.
    pub(super) fn of_members() -> Self {
        Self::taken(MEMBERS)
    }

    /// Those of what a file declares.
    pub(super) fn of_module() -> Self {
        Self::taken(OWN.into_iter().chain(RESERVED).chain(TYPES))
    }

    fn is_taken(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// `name`, or what comes closest to it.
    pub(super) fn add(&mut self, name: &str) -> String {
        let mut name = name.to_owned();
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// The names of the application's types, by those that they have in Rust.
    pub(super) fn add_types(&mut self, names: &BTreeSet<&str>) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), self.add(name))).collect()
    }

    /// The names of the classes for these services: the last part of each service's name, or all of it if another thing
    /// is called by that.
    pub(super) fn add_classes(&mut self, services: &[&str]) -> Vec<String> {
        let short: Vec<String> = services.iter().map(|name| class(name.rsplit('.').next().unwrap_or(name))).collect();
        let is_shared = |name: &String| short.iter().filter(|other| *other == name).count() > 1;
        let wanted = short
            .iter()
            .zip(services)
            .map(|(short, whole)| if is_shared(short) || self.is_taken(short) { class(whole) } else { short.clone() });
        let wanted: Vec<String> = wanted.collect();
        wanted.iter().map(|name| self.add(name)).collect()
    }
}

/// `my-kv.store` as a class is called: `MyKvStore`.
fn class(name: &str) -> String {
    let mut class = String::new();
    for word in name.split(|c| !is_xid_continue(c)) {
        let mut letters = word.chars();
        class.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        class.push_str(letters.as_str());
    }
    if is_identifier(&class) { class } else { format!("Service{class}") }
}

pub(super) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| is_xid_start(first) || matches!(first, '_' | '$'))
        && letters.all(|c| is_xid_continue(c) || c == '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(services: &[&str]) -> Vec<String> {
        Names::of_module().add_classes(services)
    }

    #[test]
    fn a_class_has_the_last_part_of_the_services_name() {
        assert_eq!(classes(&["a.b.Store", "health", "my-own_kv"]), ["Store", "Health", "MyOwn_kv"]);
        assert_eq!(classes(&["größe.ändern", "", "1", "-", "a."]), ["Ändern", "Service", "Service1", "Service_", "A"]);
    }

    #[test]
    fn a_class_whose_name_is_not_its_own_has_the_whole_one() {
        assert_eq!(classes(&["a.Store", "b.Store", "c.Other"]), ["AStore", "BStore", "Other"]);
        assert_eq!(classes(&["a.Promise", "Record", "x.Caller"]), ["APromise", "Record_", "XCaller"]);
        assert_eq!(classes(&["A.B", "AB", "a.b"]), ["AB", "AB_", "AB__"]);
        let mut names = Names::of_module();
        names.add_types(&BTreeSet::from(["Store"]));
        assert_eq!(names.add_classes(&["kv.Store", "Store"]), ["KvStore", "Store_"]);
    }

    #[test]
    fn a_type_that_is_called_like_something_else_gets_an_underscore() {
        let mut names = Names::of_module();
        let names = names.add_types(&BTreeSet::from(["Change", "Items", "Promise", "Promise_", "string"]));
        let names: Vec<_> = names.values().map(String::as_str).collect();
        assert_eq!(names, ["Change", "Items_", "Promise_", "Promise__", "string_"]);
    }

    #[test]
    fn identifiers_are_told_apart() {
        for good in ["a", "_", "$a", "größe", "r2"] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in ["", "2r", "a-b", "a b", "a.b", "é!", "Ⓐ"] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }
}
