//! What becomes of a Rust type: the type of what `JSON.parse` makes of its values.
//!
//! serde has the last word on how a value looks; what the standard library and a few well-known crates do is known here.

use std::collections::BTreeSet;

use crate::codegen::signature::Type;

/// A type of TypeScript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `string`, `null` and the like.
    Plain(&'static str),
    /// A number of this Rust type, which may be larger than JavaScript's are exact.
    Wide(String),
    /// Declared by the application: its name in Rust.
    Named(String),
    Array(Box<Shape>),
    Tuple(Vec<Shape>),
    Record(Box<Shape>),
    Object(Vec<(&'static str, Shape)>),
    Union(Vec<Shape>),
}

pub(super) const NULL: Shape = Shape::Plain("null");
const NUMBER: Shape = Shape::Plain("number");
pub(super) const UNKNOWN: Shape = Shape::Plain("unknown");

impl Shape {
    pub(super) fn of(ty: &Type) -> Self {
        match ty {
            Type::Named(name, types) => named(name, types),
            Type::Tuple(types) if types.is_empty() => NULL,
            Type::Tuple(types) => Self::Tuple(types.iter().map(Self::of).collect()),
            Type::List(item) => Self::array(item),
            // Inside of another type no stream can travel.
            Type::Stream(_) => UNKNOWN,
        }
    }

    fn array(item: &Type) -> Self {
        Self::Array(Box::new(Self::of(item)))
    }

    /// Calls `each` with this type and all that it is made of.
    pub(super) fn visit<'a>(&'a self, each: &mut impl FnMut(&'a Self)) {
        each(self);
        match self {
            Self::Plain(_) | Self::Wide(_) | Self::Named(_) => {}
            Self::Array(inner) | Self::Record(inner) => inner.visit(each),
            Self::Tuple(inner) | Self::Union(inner) => inner.iter().for_each(|shape| shape.visit(each)),
            Self::Object(fields) => fields.iter().for_each(|(_, shape)| shape.visit(each)),
        }
    }

    /// The Rust names of the application's types.
    pub(super) fn names<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        self.visit(&mut |shape| {
            if let Self::Named(name) = shape {
                names.insert(name);
            }
        });
    }

    /// The types of numbers that may be too large.
    pub(super) fn wide<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        self.visit(&mut |shape| {
            if let Self::Wide(name) = shape {
                names.insert(name);
            }
        });
    }
}

const NUMBERS: [&str; 25] = [
    "u8",
    "u16",
    "u32",
    "i8",
    "i16",
    "i32",
    "f32",
    "f64",
    "usize",
    "isize",
    "NonZeroU8",
    "NonZeroU16",
    "NonZeroU32",
    "NonZeroUsize",
    "NonZeroI8",
    "NonZeroI16",
    "NonZeroI32",
    "NonZeroIsize",
    "AtomicU8",
    "AtomicU16",
    "AtomicU32",
    "AtomicUsize",
    "AtomicI8",
    "AtomicI16",
    "AtomicI32",
];

const WIDE: [&str; 10] =
    ["u64", "u128", "i64", "i128", "NonZeroU64", "NonZeroU128", "NonZeroI64", "NonZeroI128", "AtomicU64", "AtomicI64"];

/// What has a text for its value.
const STRINGS: [&str; 17] = [
    "String",
    "str",
    "char",
    "Path",
    "PathBuf",
    "IpAddr",
    "Ipv4Addr",
    "Ipv6Addr",
    "SocketAddr",
    "SocketAddrV4",
    "SocketAddrV6",
    "Uuid",
    "Ulid",
    "Url",
    "NaiveDate",
    "NaiveTime",
    "NaiveDateTime",
];

/// Strings of bytes, as `Blob` is one: `serde_json` makes lists of numbers of them.
const BYTES: [&str; 4] = ["Blob", "Bytes", "BytesMut", "ByteBuf"];

/// What travels as that which is in it.
const TRANSPARENT: [&str; 12] =
    ["Box", "Arc", "Rc", "Cow", "Cell", "RefCell", "Mutex", "RwLock", "NonZero", "Wrapping", "Saturating", "Reverse"];

const LISTS: [&str; 7] = ["Vec", "VecDeque", "LinkedList", "BinaryHeap", "BTreeSet", "HashSet", "IndexSet"];

const MAPS: [&str; 3] = ["BTreeMap", "HashMap", "IndexMap"];

/// By the name alone, since a path says no more once a `use` has cut it; without the right number of types it is another
/// one of that name.
fn named(name: &str, types: &[Type]) -> Shape {
    let is = |names: &[&str]| names.contains(&name);
    match types {
        [] if is(&NUMBERS) => NUMBER,
        [] if is(&WIDE) => Shape::Wide(name.to_owned()),
        [] if is(&STRINGS) => Shape::Plain("string"),
        [] if is(&["bool", "AtomicBool"]) => Shape::Plain("boolean"),
        [] if is(&BYTES) => Shape::Array(Box::new(NUMBER)),
        [] if is(&["Duration"]) => Shape::Object(vec![("secs", NUMBER), ("nanos", NUMBER)]),
        [] if is(&["SystemTime"]) => Shape::Object(vec![("secs_since_epoch", NUMBER), ("nanos_since_epoch", NUMBER)]),
        // bowline's own: there is none.
        [] if is(&["Never"]) => Shape::Plain("never"),
        [inner] if is(&TRANSPARENT) => Shape::of(inner),
        [some] if is(&["Option"]) => optional(Shape::of(some)),
        // The last one says how they are hashed.
        [item] | [item, _] if is(&LISTS) => Shape::array(item),
        // Whatever the keys are, those of an object are strings.
        [_, value] | [_, value, _] if is(&MAPS) => Shape::Record(Box::new(Shape::of(value))),
        [ok, error] if is(&["Result"]) => Shape::Union(vec![
            Shape::Object(vec![("Ok", Shape::of(ok))]),
            Shape::Object(vec![("Err", Shape::of(error))]),
        ]),
        [end] if is(&["Range", "RangeInclusive"]) => {
            Shape::Object(vec![("start", Shape::of(end)), ("end", Shape::of(end))])
        }
        [_] if is(&["PhantomData"]) => NULL,
        [_] if is(&["DateTime"]) => Shape::Plain("string"),
        _ => Shape::Named(name.to_owned()),
    }
}

/// `T | null`; an option of an option is null in both cases.
fn optional(some: Shape) -> Shape {
    match some {
        NULL => NULL,
        Shape::Union(mut shapes) => {
            if !shapes.contains(&NULL) {
                shapes.push(NULL);
            }
            Shape::Union(shapes)
        }
        other => Shape::Union(vec![other, NULL]),
    }
}
