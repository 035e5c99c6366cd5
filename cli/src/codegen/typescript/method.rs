//! A method of a service as one of a class.

use std::collections::{BTreeMap, BTreeSet};

use bowline::rpc::Kind;
use bowline::rpc::reflection::MethodInfo;

use super::annotation::Writer;
use super::docs;
use super::layout::{Doc, all, group, listed, print, text};
use super::names::{Names, is_identifier};
use super::types::{NULL, Shape, UNKNOWN};
use crate::codegen::signature::{Signature, Type};

/// What is known of a method.
pub(super) struct Method<'a> {
    info: &'a MethodInfo,
    /// Nothing if its signature can't be read, or is not one of its kind.
    types: Option<Types>,
}

struct Types {
    /// By their names in Rust.
    values: Vec<(String, Shape)>,
    items: Option<(String, Shape)>,
    /// The result, or an item of it.
    result: Shape,
    error: Option<Shape>,
}

/// The Rust names of the application's types.
#[derive(Default)]
pub(super) struct Named<'a> {
    pub(super) all: BTreeSet<&'a str>,
    /// Without those that only comments speak of.
    pub(super) in_code: BTreeSet<&'a str>,
}

impl<'a> Method<'a> {
    pub(super) fn new(info: &'a MethodInfo) -> Self {
        let types = Signature::parse(&info.signature).and_then(|signature| Types::new(info.kind, signature));
        Self { info, types }
    }

    /// What its code is typed with.
    fn shapes(&self) -> impl Iterator<Item = &Shape> {
        self.types.iter().flat_map(|types| {
            let arguments = types.values.iter().chain(&types.items).map(|(_, shape)| shape);
            arguments.chain([&types.result])
        })
    }

    /// Adds the application's types.
    pub(super) fn names<'b>(&'b self, named: &mut Named<'b>) {
        self.shapes().for_each(|shape| shape.names(&mut named.in_code));
        self.error().into_iter().for_each(|error| error.names(&mut named.all));
        named.all.extend(&named.in_code);
    }

    fn error(&self) -> Option<&Shape> {
        self.types.as_ref().and_then(|types| types.error.as_ref())
    }

    /// Whether it takes a stream.
    pub(super) fn takes_items(&self) -> bool {
        matches!(self.info.kind, Kind::ClientStream | Kind::Bidirectional)
    }

    /// The method of a class that calls it. `types` are the application's types by their names in Rust, `members` what the
    /// class has already.
    pub(super) fn code(&self, service: &str, types: &BTreeMap<String, String>, members: &mut Names) -> String {
        let writer = Writer { names: types };
        let member = members.add(&self.info.name);
        let member = if is_identifier(&member) { member } else { quoted(&member) };
        let arguments = Arguments::of(self);
        let result = self.types.as_ref().map_or(&UNKNOWN, |types| &types.result);
        let (verb, returned) = match self.info.kind {
            Kind::Unary => ("call", writer.generic("Promise", result)),
            Kind::ServerStream => ("stream", writer.generic("AsyncIterable", result)),
            Kind::ClientStream => ("upload", writer.generic("Promise", result)),
            Kind::Bidirectional => ("exchange", writer.generic("AsyncIterable", result)),
            Kind::OneWay => ("notify", text("Promise<void>")),
        };
        let head = all([
            text(member),
            group([listed("(", arguments.declared(writer), ")"), text(": "), returned.clone()]),
            text(" {"),
        ]);
        let path = quoted(&format!("{service}.{}", self.info.name));
        let call = group([listed("(", std::iter::once(text(path)).chain(arguments.passed()), ")")]);
        let mut call = vec![text("return this.caller."), text(verb), call];
        // What the caller promises already needs no word of ours.
        if self.info.kind != Kind::OneWay && *result != UNKNOWN {
            call.extend([text(" as "), returned]);
        }
        call.push(text(";"));
        let comment = docs::comment(&self.paragraphs(), &self.tags(writer), 1);
        format!("{comment}{}\n{}\n  }}\n", print(&head, 1), print(&all(call), 2))
    }

    fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = vec![self.info.docs.clone()];
        let mut wide = BTreeSet::new();
        self.shapes().chain(self.error()).for_each(|shape| shape.wide(&mut wide));
        if !wide.is_empty() {
            let names: Vec<_> = wide.into_iter().map(|name| format!("`{name}`")).collect();
            let (names, are) = (names.join(", "), if names.len() == 1 { "is a number" } else { "are numbers" });
            paragraphs
                .push(format!("{names} {are} here: beyond 2^53 precision is lost, since JSON.parse reads doubles."));
        }
        if self.types.is_none() {
            let signature = docs::closed(&self.info.signature);
            paragraphs.push(match signature.trim() {
                "" => "Its arguments are not known to reflection: `args` are all of them.".to_owned(),
                signature => format!("Its arguments are `{signature}` in Rust: `args` are all of them."),
            });
        }
        paragraphs
    }

    fn tags(&self, writer: Writer<'_>) -> Vec<String> {
        let thrown = |error| {
            format!("@throws {{CallError}} with `details` that are `{}`, if the method fails", writer.line(error))
        };
        self.error().map(thrown).into_iter().collect()
    }
}

impl Types {
    /// Those of a method of this kind, if that is what the signature is of.
    fn new(kind: Kind, signature: Signature) -> Option<Self> {
        let (mut values, mut items) = (Vec::new(), None);
        for argument in signature.arguments {
            match argument.ty {
                Type::Stream(item) if items.is_none() => items = Some((argument.name, Shape::of(&item))),
                Type::Stream(_) => return None,
                ty => values.push((argument.name, Shape::of(&ty))),
            }
        }
        let (output, error) = match signature.output {
            Type::Named(name, mut types) if name == "Result" && matches!(types.len(), 1 | 2) => {
                let error = if types.len() == 2 { types.pop() } else { None };
                (types.pop()?, error.as_ref().map(Shape::of))
            }
            output => (output, None),
        };
        let (streams, result) = match output {
            Type::Stream(item) => (true, Shape::of(&item)),
            output => (false, Shape::of(&output)),
        };
        let told = match (items.is_some(), streams) {
            (false, false) => kind == Kind::Unary || kind == Kind::OneWay && result == NULL,
            (false, true) => kind == Kind::ServerStream,
            (true, false) => kind == Kind::ClientStream,
            (true, true) => kind == Kind::Bidirectional,
        };
        told.then_some(Self { values, items, result, error })
    }
}

/// The arguments of a method, with the names that they have in the class.
struct Arguments<'a> {
    values: Values<'a>,
    items: Option<(String, &'a Shape)>,
    options: String,
}

enum Values<'a> {
    Each(Vec<(String, &'a Shape)>),
    /// One list of all of them, since nothing is known of them.
    All(String),
}

impl<'a> Arguments<'a> {
    fn of(method: &'a Method<'_>) -> Self {
        let mut names = Names::of_arguments();
        let (values, items) = if let Some(types) = &method.types {
            let values = types.values.iter().map(|(name, shape)| (names.add(name), shape)).collect();
            (Values::Each(values), types.items.as_ref().map(|(name, shape)| (names.add(name), shape)))
        } else {
            let values = Values::All(names.add("args"));
            (values, method.takes_items().then(|| (names.add("items"), &UNKNOWN)))
        };
        Self { values, items, options: names.add("options") }
    }

    fn declared(&self, writer: Writer<'_>) -> Vec<Doc> {
        let mut declared = match &self.values {
            Values::Each(values) => {
                values.iter().map(|(name, shape)| all([text(name), text(": "), writer.annotation(shape)])).collect()
            }
            Values::All(name) => vec![all([text(name), text(": unknown[]")])],
        };
        if let Some((name, shape)) = &self.items {
            declared.push(all([text(name), text(": "), writer.generic("Items", shape)]));
        }
        declared.push(all([text(&self.options), text("?: CallOptions")]));
        declared
    }

    fn passed(&self) -> Vec<Doc> {
        let values = match &self.values {
            Values::Each(values) => group([listed("[", values.iter().map(|(name, _)| text(name)), "]")]),
            Values::All(name) => text(name),
        };
        let items = self.items.iter().map(|(name, _)| text(name));
        std::iter::once(values).chain(items).chain([text(&self.options)]).collect()
    }
}

/// A string of JavaScript: one of JSON is one.
pub(super) fn quoted(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    // They end a line in a comment, and in old strings.
    quoted.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").replace('\u{7f}', "\\u007f")
}
