use bowline::rpc::Kind;
use bowline::rpc::reflection::MethodInfo;
use proptest::prelude::*;

use super::*;
use crate::codegen::signature::Signature;
use annotation::Writer;

fn method(name: &str, kind: Kind, signature: &str, docs: &str) -> MethodInfo {
    let [name, signature, docs] = [name, signature, docs].map(str::to_owned);
    MethodInfo { name, kind, idempotent: false, signature, docs }
}

fn service(name: &str, methods: Vec<MethodInfo>) -> ServiceInfo {
    ServiceInfo { name: name.to_owned(), docs: String::new(), methods }
}

/// The type that JSON has for values of this Rust type.
fn mapped(rust: &str) -> String {
    let signature = Signature::parse(&format!("() -> {rust}")).unwrap_or_else(|| panic!("{rust} is a type"));
    Writer { names: &BTreeMap::new() }.line(&types::Shape::of(&signature.output))
}

/// The only method of a service `S`, without the class around it.
fn body(kind: Kind, signature: &str, docs: &str) -> String {
    let module = module(&[service("S", vec![method("m", kind, signature, docs)])], None, "");
    let (_, class) = module.split_once("caller: Caller) {}\n\n").expect("a class with a method");
    class.strip_suffix("}\n").expect("the end of the class").to_owned()
}

/// The lines of `module` from the first one that begins so.
fn from<'a>(module: &'a str, start: &str) -> &'a str {
    let at = module.find(start).unwrap_or_else(|| panic!("{start} in {module}"));
    &module[at..]
}

#[test]
fn a_type_is_what_its_values_are_in_json() {
    for (rust, expected) in [
        ("bool", "boolean"),
        ("String", "string"),
        ("&'static str", "string"),
        ("char", "string"),
        ("uuid::Uuid", "string"),
        ("DateTime<Utc>", "string"),
        ("std::net::SocketAddr", "string"),
        ("u8", "number"),
        ("i32", "number"),
        ("f64", "number"),
        ("usize", "number"),
        ("u64", "number"),
        ("NonZeroU32", "number"),
        ("i128", "number"),
        ("()", "null"),
        ("Option<u8>", "number | null"),
        ("Option<Option<u8>>", "number | null"),
        ("Option<()>", "null"),
        ("Vec<u8>", "number[]"),
        ("[[f32; 4]; 4]", "number[][]"),
        ("&[Option<String>]", "(string | null)[]"),
        ("HashSet<char>", "string[]"),
        ("VecDeque<Vec<bool>>", "boolean[][]"),
        ("(String, Option<Blob>)", "[string, number[] | null]"),
        ("(u8,)", "[number]"),
        ("HashMap<u32, Vec<String>>", "Record<string, string[]>"),
        ("BTreeMap<String, Option<u8>>", "Record<string, number | null>"),
        ("HashMap<String, u8, RandomState>", "Record<string, number>"),
        ("bowline::rpc::Blob", "number[]"),
        ("Bytes", "number[]"),
        ("Box<Arc<Rc<Cow<'static, str>>>>", "string"),
        ("Vec<Result<u8, String>>", "({ Ok: number } | { Err: string })[]"),
        ("Option<Result<(), E>>", "{ Ok: null } | { Err: E } | null"),
        ("Duration", "{ secs: number; nanos: number }"),
        ("Range<u32>", "{ start: number; end: number }"),
        ("Change", "Change"),
        ("app::model::Page<Change>", "Page"),
        ("Option", "Option"),
        ("Vec<impl Stream<Item = u8>>", "unknown[]"),
    ] {
        assert_eq!(mapped(rust), expected, "{rust}");
    }
}

#[test]
fn json_agrees_with_the_types() {
    // What the text of a type says, serde_json has the last word on.
    let json = |value: serde_json::Result<serde_json::Value>| value.expect("a value").to_string();
    assert_eq!(json(serde_json::to_value(bowline::rpc::Blob::from(vec![1_u8, 255]))), "[1,255]");
    assert_eq!(json(serde_json::to_value(std::time::Duration::from_millis(1500))), r#"{"secs":1,"nanos":500000000}"#);
    assert_eq!(json(serde_json::to_value(1_u8..3)), r#"{"start":1,"end":3}"#);
    assert_eq!(json(serde_json::to_value(Ok::<u8, String>(1))), r#"{"Ok":1}"#);
    assert_eq!(json(serde_json::to_value(BTreeMap::from([(1_u8, Some(Some(())))]))), r#"{"1":null}"#);
    assert_eq!(json(serde_json::to_value('x')), r#""x""#);
    assert_eq!(json(serde_json::to_value(std::num::Wrapping((7_u8,)))), "[7]");
}

#[test]
fn each_kind_of_method_is_called_in_its_own_way() {
    assert_eq!(
        body(Kind::Unary, "(key: String) -> Result<u8, StoreError>", "The value."),
        "  /**\n   * The value.\n   *\n   * @throws {CallError} with `details` that are `StoreError`, if the method fails\n   */\n  \
         m(key: string, options?: CallOptions): Promise<number> {\n    \
         return this.caller.call(\"S.m\", [key], options) as Promise<number>;\n  }\n"
    );
    assert_eq!(
        body(Kind::ServerStream, "() -> impl Stream<Item = u8>", ""),
        "  m(options?: CallOptions): AsyncIterable<number> {\n    \
         return this.caller.stream(\"S.m\", [], options) as AsyncIterable<number>;\n  }\n"
    );
    assert_eq!(
        body(Kind::ClientStream, "(a: u8, more: impl Stream<Item = (u8, u8)>)", ""),
        "  m(a: number, more: Items<[number, number]>, options?: CallOptions): Promise<null> {\n    \
         return this.caller.upload(\"S.m\", [a], more, options) as Promise<null>;\n  }\n"
    );
    assert_eq!(
        body(Kind::Bidirectional, "(more: impl Stream<Item = T>) -> Result<impl Stream<Item = T>, String>", ""),
        "  /** @throws {CallError} with `details` that are `string`, if the method fails */\n  \
         m(more: Items<T>, options?: CallOptions): AsyncIterable<T> {\n    \
         return this.caller.exchange(\"S.m\", [], more, options) as AsyncIterable<T>;\n  }\n"
    );
    assert_eq!(
        body(Kind::OneWay, "(a: u8)", ""),
        "  m(a: number, options?: CallOptions): Promise<void> {\n    \
         return this.caller.notify(\"S.m\", [a], options);\n  }\n"
    );
}

#[test]
fn a_method_whose_signature_says_nothing_takes_all_arguments_as_they_are() {
    assert_eq!(
        body(Kind::Unary, "", ""),
        "  /** Its arguments are not known to reflection: `args` are all of them. */\n  \
         m(args: unknown[], options?: CallOptions): Promise<unknown> {\n    \
         return this.caller.call(\"S.m\", args, options);\n  }\n"
    );
    // Of another kind, or of no kind at all.
    for signature in ["(a: u8) -> u8", "(a: impl Stream<Item = u8>, b: impl Stream<Item = u8>)", "(a: u8", "*/"] {
        let body = body(Kind::ClientStream, signature, "");
        let signature = signature.replace("*/", "*\\/");
        assert!(body.contains(&format!("`{signature}` in Rust")), "{body}");
        let head = "m(args: unknown[], items: Items<unknown>, options?: CallOptions): Promise<unknown> {";
        assert!(body.contains(head), "{body}");
    }
}

#[test]
fn numbers_that_may_be_too_large_are_told() {
    let body = body(Kind::Unary, "(at: Vec<i128>, of: u64, n: u32) -> u64", "");
    let told = "`i128`, `u64` are numbers here: beyond 2^53 precision is lost, since JSON.parse reads doubles.";
    assert!(body.contains(told), "{body}");
}

#[test]
fn names_that_are_taken_are_escaped() {
    let names = ["constructor", "then", "caller", "delete", "get-all", "größe", "caller_", ""];
    let methods = names.map(|name| method(name, Kind::Unary, "(delete: u8, options: u8, r#in: u8)", ""));
    let module = module(&[service("S", methods.into())], None, "");
    let heads: Vec<_> = module.lines().filter_map(|line| line.strip_suffix("): Promise<null> {")).collect();
    let arguments = "(delete_: number, options: number, in_: number, options_?: CallOptions";
    let members = ["constructor_", "then_", "caller_", "delete", "\"get-all\"", "größe", "caller__", "\"\""];
    assert_eq!(heads, members.map(|member| format!("  {member}{arguments}")));
    assert!(module.contains("call(\"S.caller\", [delete_, options, in_], options_)"), "{module}");
    assert!(module.contains("call(\"S.get-all\""), "{module}");
}

#[test]
fn what_is_not_known_is_declared_once_or_imported() {
    let methods = vec![
        method("b", Kind::Unary, "(a: Promise) -> Result<Change, E>", ""),
        method("c", Kind::Unary, "(a: model::Change) -> Vec<Change>", ""),
    ];
    let services = [service("S", methods)];
    let alone = module(&services, None, "");
    let aliases: Vec<_> = alone.lines().filter(|line| line.starts_with("export type")).collect();
    assert_eq!(aliases, ["Change", "E", "Promise_"].map(|name| format!("export type {name} = unknown;")));
    let import = "import type { CallOptions, Caller } from \"bowline\";\n";
    assert!(alone.contains(&format!("{import}\n/** Not known to reflection")), "{alone}");
    let with = module(&services, Some("./types.js"), "");
    // The error is nothing but named in a comment, so it is not imported, but can be had from here.
    let types = "import type { Change, Promise as Promise_ } from \"./types.js\";\n\
                 export type { Change, E, Promise as Promise_ } from \"./types.js\";\n\n/** The service";
    assert!(with.contains(&format!("{import}{types}")), "{with}");
    assert!(!with.contains("unknown;"), "{with}");
    assert!(with.contains("b(a: Promise_, options?: CallOptions): Promise<Change> {"), "{with}");
}

#[test]
fn the_order_in_which_a_server_tells_its_services_does_not_matter() {
    let store = |name| service(name, vec![method("m", Kind::Unary, "() -> Change", "")]);
    let one = module(&[store("b.Store"), store("a.Store"), store("c.Other")], None, "");
    assert_eq!(one, module(&[store("c.Other"), store("a.Store"), store("b.Store")], None, ""));
    let classes: Vec<_> = one.lines().filter_map(|line| line.strip_prefix("export class ")).collect();
    assert_eq!(classes, ["AStore {", "BStore {", "Other {"]);
}

#[test]
fn what_is_too_wide_is_broken_as_prettier_breaks_it() {
    let name = "ATypeWithALongNameThatFillsALineOfCode";
    let wide = module(
        &[service(
            "bowline.examples.of.services.with.long.names.Store",
            vec![method(
                "exchange_all",
                Kind::Bidirectional,
                &format!(
                    "(first: {name}, second: Option<{name}>, keys: impl Stream<Item = ({name}, {name}, {name})>) -> impl Stream<Item = ({name}, Option<{name}>, {name})>"
                ),
                "",
            )],
        )],
        None,
        "",
    );
    let expected = "  exchange_all(
    first: ATypeWithALongNameThatFillsALineOfCode,
    second: ATypeWithALongNameThatFillsALineOfCode | null,
    keys: Items<
      [
        ATypeWithALongNameThatFillsALineOfCode,
        ATypeWithALongNameThatFillsALineOfCode,
        ATypeWithALongNameThatFillsALineOfCode,
      ]
    >,
    options?: CallOptions,
  ): AsyncIterable<
    [
      ATypeWithALongNameThatFillsALineOfCode,
      ATypeWithALongNameThatFillsALineOfCode | null,
      ATypeWithALongNameThatFillsALineOfCode,
    ]
  > {
    return this.caller.exchange(
      \"bowline.examples.of.services.with.long.names.Store.exchange_all\",
      [first, second],
      keys,
      options,
    ) as AsyncIterable<
      [
        ATypeWithALongNameThatFillsALineOfCode,
        ATypeWithALongNameThatFillsALineOfCode | null,
        ATypeWithALongNameThatFillsALineOfCode,
      ]
    >;
  }
}
";
    assert_eq!(from(&wide, "  exchange_all("), expected);
}

fn kinds() -> impl Strategy<Value = Kind> {
    proptest::sample::select(vec![
        Kind::Unary,
        Kind::ServerStream,
        Kind::ClientStream,
        Kind::Bidirectional,
        Kind::OneWay,
    ])
}

proptest! {
    #[test]
    fn whatever_a_server_says_no_word_of_it_leaves_its_place(
        texts in proptest::array::uniform4("[*/@a`\"'\\\\ \n\r\u{2028}{}();é-]{0,12}"),
        kind in kinds(),
        types in proptest::option::of("[a\"\\\\\n]{0,4}"),
    ) {
        let [name, signature, docs, command] = texts;
        let mut service = service(&name, vec![method(&name, kind, &signature, &docs)]);
        service.docs = docs;
        let module = module(&[service], types.as_deref(), &command);
        // Comments and strings away, nothing is left but what is written here.
        let code = without_words(&module);
        let tokens = "importtype{CallOptions,Caller}from;exportclass";
        prop_assert!(code.replace(",Items", "").starts_with(tokens), "{}", module);
        let (open, close) = (code.matches(['{', '(']).count(), code.matches(['}', ')']).count());
        prop_assert_eq!(open, close, "{}", module);
        prop_assert_eq!(code.matches("this.caller.").count(), 1, "{}", module);
    }

    #[test]
    fn any_signature_gives_a_method(signature in any::<String>(), kind in kinds()) {
        prop_assert!(body(kind, &signature, "").contains("return this.caller."));
    }
}

/// The code without comments, strings and blanks, as a scanner of JavaScript reads it.
fn without_words(module: &str) -> String {
    let mut code = String::new();
    let mut rest = module;
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
        } else if rest.starts_with("//") {
            rest = rest.find(['\n', '\r', '\u{2028}']).map_or("", |end| &rest[end..]);
        } else if let Some(string) = rest.strip_prefix('"') {
            let mut escaped = false;
            let end = string.find(|c| {
                let end = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                end
            });
            rest = end.map_or("", |end| &string[end + 1..]);
        } else {
            if !first.is_whitespace() {
                code.push(first);
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    code
}
