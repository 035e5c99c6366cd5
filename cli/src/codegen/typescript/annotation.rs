//! Types as they are written, and broken where they are too wide.

use std::collections::BTreeMap;

use super::layout::{Doc, all, broken, flat, group, indent, listed, separated, text};
use super::types::{NULL, Shape};

/// Where a type stands: prettier breaks a union accordingly.
#[derive(Clone, Copy)]
enum Place {
    /// Behind a colon.
    Annotation,
    /// Between `<` and `>`.
    Argument,
    /// Before `[]`.
    Element,
    /// In a tuple with others, or alone in one.
    Member { alone: bool },
}

/// Writes types, with the application's by the names that they have in the file.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) names: &'a BTreeMap<String, String>,
}

impl Writer<'_> {
    /// `shape` behind a colon.
    pub(super) fn annotation(self, shape: &Shape) -> Doc {
        self.doc(shape, Place::Annotation)
    }

    /// `generic<shape>`
    pub(super) fn generic(self, generic: &str, shape: &Shape) -> Doc {
        let argument = self.doc(shape, Place::Argument);
        if is_hugged(shape) {
            return all([text(generic), text("<"), argument, text(">")]);
        }
        all([text(generic), group([text("<"), indent([Doc::Soft, argument]), Doc::Soft, text(">")])])
    }

    /// `shape` on one line, however wide.
    pub(super) fn line(self, shape: &Shape) -> String {
        flat(&self.annotation(shape))
    }

    fn doc(self, shape: &Shape, place: Place) -> Doc {
        match shape {
            Shape::Plain(name) => text(*name),
            Shape::Wide(_) => text("number"),
            Shape::Named(name) => text(self.names.get(name).unwrap_or(name)),
            Shape::Array(item) => all([self.doc(item, Place::Element), text("[]")]),
            Shape::Tuple(items) => {
                let place = Place::Member { alone: items.len() == 1 };
                group([listed("[", items.iter().map(|item| self.doc(item, place)), "]")])
            }
            Shape::Record(value) => {
                let types = separated([text("string"), self.doc(value, Place::Argument)], ",");
                let inner = indent(std::iter::once(Doc::Soft).chain(types));
                all([text("Record"), group([text("<"), inner, Doc::Soft, text(">")])])
            }
            Shape::Object(fields) => {
                let fields = fields.iter().map(|(name, shape)| all([text(*name), text(": "), self.annotation(shape)]));
                let inner = indent(std::iter::once(Doc::Line).chain(separated(fields, ";")));
                group([text("{"), inner, broken([text(";")]), Doc::Line, text("}")])
            }
            Shape::Union(shapes) => self.union(shapes, place, is_hugged(shape)),
        }
    }

    fn union(self, shapes: &[Shape], place: Place, hugged: bool) -> Doc {
        let mut code = Vec::new();
        for (at, shape) in shapes.iter().enumerate() {
            let doc = self.doc(shape, Place::Annotation);
            match (at, hugged) {
                (0, true) => code.push(doc),
                (_, true) => code.extend([text(" | "), doc]),
                (0, false) => code.extend([broken([text("| ")]), indent([doc])]),
                (_, false) => code.extend([Doc::Line, text("| "), indent([doc])]),
            }
        }
        let code = if hugged { all(code) } else { group(code) };
        match place {
            Place::Element if hugged => all([text("("), code, text(")")]),
            Place::Element => all([text("("), group([indent([Doc::Soft, code]), Doc::Soft]), text(")")]),
            _ if hugged => code,
            Place::Annotation => group([indent([Doc::Soft, code])]),
            Place::Argument | Place::Member { alone: true } => code,
            Place::Member { alone: false } => {
                let open = broken([text("("), Doc::Soft]);
                group([indent([open, code]), Doc::Soft, broken([text(")")])])
            }
        }
    }
}

/// Whether prettier lets the brackets around it stand close, however wide it is.
fn is_hugged(shape: &Shape) -> bool {
    match shape {
        Shape::Plain(_) | Shape::Wide(_) | Shape::Named(_) | Shape::Object(_) => true,
        Shape::Union(shapes) => {
            matches!(&shapes[..], [Shape::Named(_) | Shape::Object(_) | Shape::Record(_), null] if *null == NULL)
        }
        _ => false,
    }
}
