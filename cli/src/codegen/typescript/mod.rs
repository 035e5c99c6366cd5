//! Services as classes of TypeScript.
//!
//! The code is laid out as prettier would do it, and is the same for the same services, whatever the order in which a server
//! tells them; methods stand in the order of their trait.

mod annotation;
mod docs;
mod layout;
mod method;
mod names;
mod types;

use std::collections::{BTreeMap, BTreeSet};

use bowline::rpc::reflection::ServiceInfo;

use layout::{Doc, all, broken, group, indent, print, separated, text};
use method::{Method, Named, quoted};
use names::Names;

/// A module with a class for each of `services`. The application's own types come from the module `shapes`, if there is one.
/// `command` is the line that asked for all this.
pub(super) fn module(services: &[ServiceInfo], shapes: Option<&str>, command: &str) -> String {
    let mut services: Vec<(&ServiceInfo, Vec<Method<'_>>)> =
        services.iter().map(|service| (service, service.methods.iter().map(Method::new).collect())).collect();
    services.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    let mut own = Named::default();
    services.iter().flat_map(|(_, methods)| methods).for_each(|method| method.names(&mut own));

    let mut names = Names::of_module();
    let types = names.add_types(&own.all);
    let service_names: Vec<_> = services.iter().map(|(service, _)| service.name.as_str()).collect();
    let classes = names.add_classes(&service_names);

    let mut module = header(command);
    module += &imports(services.iter().flat_map(|(_, methods)| methods));
    module += &match shapes {
        Some(from) => imported(&types, &own.in_code, from),
        None => declared(&types),
    };
    for ((service, methods), name) in services.iter().zip(classes) {
        module += &class(service, methods, &name, &types);
    }
    module
}

fn header(command: &str) -> String {
    format!(
        "// Made by bowline, do not edit: run this again instead.\n//   {}\n// Of the npm package `bowline` it imports types \
         only.\n",
        docs::closed(command)
    )
}

/// What the package `bowline` has for these methods.
fn imports<'a>(methods: impl Iterator<Item = &'a Method<'a>>) -> String {
    let mut names = BTreeSet::from(["Caller"]);
    for method in methods {
        names.insert("CallOptions");
        if method.takes_items() {
            names.insert("Items");
        }
    }
    passed_on("import", names.into_iter().map(text).collect(), "bowline")
}

/// The application's types, from a module of its own. As those that are declared here they can be had from this one: who
/// uses it needs not know which they are.
fn imported(types: &BTreeMap<String, String>, in_code: &BTreeSet<&str>, from: &str) -> String {
    let name = |(rust, name): (&String, &String)| {
        all(if rust == name { vec![text(name)] } else { vec![text(rust), text(" as "), text(name)] })
    };
    let used = types.iter().filter(|(rust, _)| in_code.contains(rust.as_str()));
    passed_on("import", used.map(name).collect(), from) + &passed_on("export", types.iter().map(name).collect(), from)
}

/// `import type { A } from "module";`; nothing without names.
fn passed_on(verb: &str, names: Vec<Doc>, from: &str) -> String {
    if names.is_empty() {
        return String::new();
    }
    let one = names.len() == 1;
    let list = separated(names, ",");
    let list = if one {
        all([text("{ "), all(list), text(" }")])
    } else {
        let inner = indent(std::iter::once(Doc::Line).chain(list));
        group([text("{"), inner, broken([text(",")]), Doc::Line, text("}")])
    };
    print(&all([text(verb), text(" type "), list, text(" from "), text(quoted(from)), text(";")]), 0) + "\n"
}

/// The application's types, of which nothing more is known than what they are called.
fn declared(types: &BTreeMap<String, String>) -> String {
    let note = "Not known to reflection: declare its shape here, or in a module for `--types`.";
    types.values().fold(String::new(), |code, name| code + &format!("\n/** {note} */\nexport type {name} = unknown;\n"))
}

fn class(service: &ServiceInfo, methods: &[Method<'_>], name: &str, types: &BTreeMap<String, String>) -> String {
    let docs = if service.docs.trim().is_empty() {
        format!("The service `{}`.", docs::closed(&service.name))
    } else {
        service.docs.clone()
    };
    let mut members = Names::of_members();
    let methods = methods.iter().map(|method| "\n".to_owned() + &method.code(&service.name, types, &mut members));
    format!(
        "\n{}export class {name} {{\n  constructor(private readonly caller: Caller) {{}}\n{}}}\n",
        docs::comment(&[docs], &[], 0),
        methods.collect::<String>()
    )
}

#[cfg(test)]
mod tests;
