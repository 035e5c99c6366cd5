//! What a service looks like from outside: its methods, their ids and their shapes.

use serde::{Deserialize, Serialize};

/// A service: its name and its methods.
///
/// `#[bowline::service]` makes one of each trait; [`Schema::method`] finds a method by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schema {
    /// The name that clients call it by. It is part of every [`Method::id`], so to rename a service makes another one.
    pub name: &'static str,
    /// The documentation of the trait, empty if there is none.
    pub docs: &'static str,
    /// The methods, in the order of the trait.
    pub methods: &'static [Method],
}

impl Schema {
    /// The method of this name.
    pub fn method(&self, name: &str) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.name == name)
    }
}

/// One method of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    /// The name of its service.
    pub service: &'static str,
    /// Its own name.
    pub name: &'static str,
    /// [`method_id`] of both names: what stands for the method on the wire.
    pub id: u64,
    /// A fingerprint of its types, [`shape`]; 0 says that nothing is to be compared.
    pub shape: u64,
    /// What travels in which direction.
    pub kind: Kind,
    /// Whether a call may be executed twice without harm, so that one whose outcome is unknown is made
    /// [again](super::Retries).
    pub idempotent: bool,
    /// Arguments and result, as the trait has them; empty if unknown.
    pub signature: &'static str,
    /// The documentation of the method, empty if there is none.
    pub docs: &'static str,
}

impl Method {
    /// A method of which no more is known than its names and its kind: shapes are not compared.
    pub const fn new(service: &'static str, name: &'static str, kind: Kind) -> Self {
        let id = method_id(service, name);
        Self { service, name, id, shape: 0, kind, idempotent: false, signature: "", docs: "" }
    }
}

/// What travels in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Arguments there, a result back.
    Unary,
    /// Arguments there, items back.
    ServerStream,
    /// Arguments and items there, a result back.
    ClientStream,
    /// Arguments and items there, items back.
    Bidirectional,
    /// Arguments there, and nothing comes back: neither a result nor that there was none.
    OneWay,
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The id of a method on the wire: FNV-1a of 64 bits over `service/method`.
///
/// It is the same in every language and at compile time, and two methods of one service that share an id don't compile.
///
/// ```
/// assert_eq!(bowline::rpc::method_id("Store", "get"), 0x1d2b_078a_917f_967d);
/// ```
pub const fn method_id(service: &str, method: &str) -> u64 {
    fnv(fnv(fnv(OFFSET, service.as_bytes()), b"/"), method.as_bytes())
}

/// The fingerprint of a method's kind and types, as written and without the arguments' names; never 0.
///
/// Two sides with different fingerprints were built from different traits. The fields of a struct that is named in a
/// signature are not part of it.
pub const fn shape(kind: Kind, types: &str) -> u64 {
    match fnv(fnv(OFFSET, &[kind as u8]), types.as_bytes()) {
        0 => 1,
        hash => hash,
    }
}

const fn fnv(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(PRIME);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a_of_64_bits() {
        // From the reference tables of the algorithm's authors.
        assert_eq!(fnv(OFFSET, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv(OFFSET, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv(OFFSET, b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn an_id_is_the_hash_of_service_slash_method() {
        assert_eq!(method_id("Store", "get"), fnv(OFFSET, b"Store/get"));
        assert_ne!(method_id("Store", "get"), method_id("Store", "put"));
        assert_ne!(method_id("Store", "get"), method_id("Other", "get"));
    }

    #[test]
    fn twins_exist() {
        // Found by search; the macro refuses them in one service.
        assert_eq!(method_id("Twins", "mtem1tvqzslysh"), method_id("Twins", "mc1gsot5pigvvk"));
    }

    #[test]
    fn a_shape_tells_kinds_and_types_apart_and_is_never_the_one_that_means_unknown() {
        assert_ne!(shape(Kind::Unary, "(String)->u8"), shape(Kind::ServerStream, "(String)->u8"));
        assert_ne!(shape(Kind::Unary, "(String)->u8"), shape(Kind::Unary, "(String)->u16"));
        assert_ne!(shape(Kind::Unary, ""), 0);
    }

    #[test]
    fn a_method_is_found_by_its_name() {
        const METHODS: &[Method] =
            &[Method::new("Store", "get", Kind::Unary), Method::new("Store", "watch", Kind::ServerStream)];
        const SCHEMA: Schema = Schema { name: "Store", docs: "", methods: METHODS };
        assert_eq!(SCHEMA.method("watch"), Some(&METHODS[1]));
        assert_eq!(SCHEMA.method("put"), None);
    }
}
