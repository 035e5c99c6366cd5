//! Who may import whom; DESIGN.md explains the table.

use std::collections::{HashMap, HashSet};

use crate::imports::{self, Import};
use crate::sources::{self, Source};

/// A layer: its name, the modules of the crate's root that make it up, and the layers it may import.
struct Layer {
    name: &'static str,
    modules: &'static [&'static str],
    may_import: &'static [&'static str],
}

const PROTO: &[Layer] = &[
    Layer {
        name: "values",
        modules: &[
            "auth",
            "endpoint",
            "error",
            "keys",
            "limits",
            "lock",
            "map",
            "message",
            "monitor",
            "options",
            "peer",
            "socket_type",
            "time",
        ],
        may_import: &[],
    },
    Layer { name: "wire", modules: &["wire"], may_import: &["values"] },
    Layer { name: "security", modules: &["security"], may_import: &["values", "wire"] },
    Layer { name: "link", modules: &["link"], may_import: &["values", "wire", "security"] },
    Layer { name: "pipe", modules: &["pipe"], may_import: &["values", "wire"] },
    Layer { name: "pattern", modules: &["pattern"], may_import: &["values", "wire", "pipe"] },
    Layer { name: "mux", modules: &["mux"], may_import: &["values"] },
    Layer { name: "engine", modules: &["engine"], may_import: &["values", "wire", "pipe", "pattern"] },
    Layer {
        name: "sim",
        modules: &["sim"],
        may_import: &["values", "wire", "security", "link", "pipe", "pattern", "engine", "mux"],
    },
];

const BOWLINE: &[Layer] = &[
    Layer { name: "rt", modules: &["rt"], may_import: &[] },
    Layer { name: "tls", modules: &["tls"], may_import: &[] },
    Layer { name: "transport", modules: &["transport"], may_import: &["rt", "tls"] },
    Layer { name: "observe", modules: &["observe"], may_import: &[] },
    Layer { name: "driver", modules: &["driver"], may_import: &["rt", "observe", "transport"] },
    Layer { name: "auth", modules: &["auth"], may_import: &["rt"] },
    Layer { name: "curve", modules: &["curve"], may_import: &["rt"] },
    Layer { name: "socket", modules: &["socket"], may_import: &["rt", "transport", "driver"] },
    Layer { name: "rpc", modules: &["rpc"], may_import: &["rt", "driver", "socket"] },
    Layer { name: "axum", modules: &["axum"], may_import: &["rt", "transport", "driver", "socket", "rpc"] },
];

/// What the lower layers of `bowline` may take from `bowline_proto`: values, no machinery; but a transport that is no stream
/// of bytes has to know what to make of them.
const MACHINERY: &[&str] = &["link", "pipe", "pattern", "engine", "mux", "security", "wire"];

#[test]
fn proto_keeps_to_the_import_table() {
    crate::none(&violations("proto/src", PROTO));
}

#[test]
fn bowline_keeps_to_the_import_table() {
    crate::none(&violations("bowline/src", BOWLINE));
}

#[test]
fn runtimes_transports_and_observers_know_no_protocol() {
    let mut complaints = Vec::new();
    for layer in ["rt", "tls", "transport", "observe"] {
        for source in sources::rust("bowline/src") {
            if module_of("bowline/src", &source.path).first().is_none_or(|top| top != layer) {
                continue;
            }
            for import in imports::of_crate(&shipped(&source), "bowline_proto") {
                let is_framing = layer == "transport" && import.path.starts_with(&["wire".into(), "zws".into()]);
                if MACHINERY.contains(&import.path[0].as_str()) && !is_framing {
                    complaints.push(format!(
                        "{}:{}: `{layer}` must not import bowline_proto::{}: the protocol is not its business",
                        source.path, import.line, import.path[0]
                    ));
                }
            }
        }
    }
    crate::none(&complaints);
}

fn violations(folder: &str, table: &[Layer]) -> Vec<String> {
    let sources = sources::rust(folder);
    let lib = sources.iter().find(|source| source.path == format!("{folder}/lib.rs"));
    let lib = lib.map(shipped).unwrap_or_default();
    let (declared, reexports) = (declared(&lib), reexports(&lib));
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| !is_test(&source.path)) {
        let module = module_of(folder, &source.path);
        // `lib.rs` re-exports from everywhere.
        let Some(own) = module.first() else { continue };
        if !declared.contains(own) {
            continue;
        }
        let Some(own) = layer_of(table, own) else {
            complaints.push(format!(
                "{}:1: the module `{own}` stands in no layer of the import table (xtask/tests/structure/layering.rs)",
                source.path
            ));
            continue;
        };
        let imports = imports::of(&shipped(source), &module);
        let wrong = imports.iter().filter_map(|import| wrong(import, own, table, &reexports));
        complaints.extend(wrong.map(|(line, layer)| {
            let rule = allowed(own);
            format!("{}:{line}: `{}` must not import `{layer}`; {rule}", source.path, own.name)
        }));
    }
    complaints
}

/// The line and the layer of an import that the table does not allow.
fn wrong(
    import: &Import,
    own: &Layer,
    table: &[Layer],
    reexports: &HashMap<String, String>,
) -> Option<(usize, &'static str)> {
    let first = import.path.first()?;
    let top = reexports.get(first).unwrap_or(first);
    let layer = layer_of(table, top)?;
    let fine = layer.name == own.name || own.may_import.contains(&layer.name);
    (!fine).then_some((import.line, layer.name))
}

fn allowed(layer: &Layer) -> String {
    match layer.may_import {
        [] => "it may import no other layer".to_owned(),
        layers => format!("it may import {}", layers.join(", ")),
    }
}

fn layer_of<'a>(table: &'a [Layer], module: &str) -> Option<&'a Layer> {
    table.iter().find(|layer| layer.modules.contains(&module))
}

/// The modules that `lib.rs` declares; one that only tests have is not among them.
fn declared(lib: &str) -> HashSet<String> {
    let declared = lib.lines().filter_map(|line| line.trim().strip_suffix(';')?.rsplit_once("mod "));
    declared.map(|(_, name)| name.to_owned()).collect()
}

/// The names that `lib.rs` lifts to the crate's root, with the module that each comes from.
fn reexports(code: &str) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for (at, _) in code.match_indices("pub use ") {
        for path in imports::expand(&code[at + "pub use ".len()..]) {
            let path: Vec<_> = path.into_iter().skip_while(|p| p == "crate" || p == "self").collect();
            if let [module, .., name] = path.as_slice() {
                names.insert(name.clone(), module.clone());
            }
        }
    }
    names
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn shipped(source: &Source) -> String {
    sources::without_tests(&sources::code_only(&source.text))
}

/// `proto/src/link/mod.rs` is `["link"]`, `proto/src/link/timers.rs` is `["link", "timers"]`.
fn module_of(folder: &str, path: &str) -> Vec<String> {
    let inner = path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/');
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
    let named_by_its_folder = |last: &String| last == "mod" || (last == "lib" && module.len() == 1);
    if module.last().is_some_and(named_by_its_folder) {
        module.pop();
    }
    module
}

#[test]
fn modules_that_only_tests_have_are_in_no_layer() {
    let lib = "mod a;\n#[cfg(test)]\nmod golden;\npub mod b;\npub(crate) mod c;";
    let declared = declared(&sources::without_tests(lib));
    assert_eq!(declared, ["a", "b", "c"].map(str::to_owned).into());
}

#[test]
fn modules_are_named_by_their_files() {
    assert_eq!(module_of("proto/src", "proto/src/lib.rs"), [""; 0]);
    assert_eq!(module_of("proto/src", "proto/src/link/mod.rs"), ["link"]);
    assert_eq!(module_of("proto/src", "proto/src/link/timers.rs"), ["link", "timers"]);
}

#[test]
fn a_forbidden_import_is_found_also_through_a_reexport() {
    let link = layer_of(PROTO, "link").expect("in the table");
    let reexports = HashMap::from([("Inbox".to_owned(), "pipe".to_owned())]);
    let judge = |code: &str| {
        let imports = imports::of(code, &["link".to_owned()]);
        wrong(&imports[0], link, PROTO, &reexports)
    };
    assert_eq!(judge("use crate::pipe::Inbox;"), Some((1, "pipe")));
    assert_eq!(judge("use crate::Inbox;"), Some((1, "pipe")));
    assert_eq!(judge("use crate::wire::frame;"), None);
    assert_eq!(judge("use crate::link::timers;"), None);
}
