use proptest::prelude::*;

use super::*;

fn ty(text: &str) -> Option<Type> {
    Signature::parse(&format!("() -> {text}")).map(|signature| signature.output)
}

/// The type in a form of its own, in which nothing is left out.
fn shown(text: &str) -> String {
    fn show(ty: &Type) -> String {
        let all = |types: &[Type]| types.iter().map(show).collect::<Vec<_>>().join(" ");
        match ty {
            Type::Named(name, types) if types.is_empty() => name.clone(),
            Type::Named(name, types) => format!("{name}<{}>", all(types)),
            Type::Tuple(types) => format!("({})", all(types)),
            Type::List(item) => format!("[{}]", show(item)),
            Type::Stream(item) => format!("stream {}", show(item)),
        }
    }
    show(&ty(text).unwrap_or_else(|| panic!("{text} is a type")))
}

#[test]
fn arguments_have_names_and_types() {
    let signature = Signature::parse("(key: String, r#type: u8, chunks: impl Stream<Item = Blob>)").unwrap();
    let names: Vec<_> = signature.arguments.iter().map(|argument| argument.name.as_str()).collect();
    assert_eq!(names, ["key", "type", "chunks"]);
    assert_eq!(signature.arguments[2].ty, Type::Stream(Box::new(Type::Named("Blob".to_owned(), Vec::new()))));
    assert_eq!(signature.output, Type::Tuple(Vec::new()));
    assert!(Signature::parse("()").unwrap().arguments.is_empty());
}

#[test]
fn types_are_read_by_their_last_name_and_what_they_are_made_of() {
    for (text, expected) in [
        ("u8", "u8"),
        ("()", "()"),
        ("(u8)", "u8"),
        ("(u8,)", "(u8)"),
        ("(A, (B, C))", "(A (B C))"),
        ("Vec<Option<String>>", "Vec<Option<String>>"),
        ("::std::collections::HashMap<String, [u8; 4]>", "HashMap<String [u8]>"),
        ("Vec::<u8>", "Vec<u8>"),
        ("Outer<A>::Inner<B>", "Inner<B>"),
        ("[[u8; 2]; { [0; N].len() }]", "[[u8]]"),
        ("&'static mut [u8]", "[u8]"),
        ("&&str", "str"),
        ("Cow<'a, str>", "Cow<str>"),
        ("Matrix<f32, 3, { N + 1 }, -1, 'x', '\\'', true>", "Matrix<f32 true>"),
        ("Result<impl Stream<Item = T> + Send + 'static, E>", "Result<stream T E>"),
        ("impl ?Sized + futures::Stream<Item = (A, B)>", "stream (A B)"),
        ("r#Größe", "Größe"),
        ("Box<Map<Key = u8>>", "Box<Map>"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_signature_gives_nothing() {
    for text in ["", "()->", "(", "(a)", "(a: )", "(a: u8", "(a: u8 b: u8)", "(,)", "(a: u8) u8", "() -> u8 u8", "x"] {
        assert_eq!(Signature::parse(text), None, "{text}");
    }
    for text in
        ["Vec<u8", "Vec<u8>>", "[u8; (]", "[u8", "dyn Error", "fn(u8) -> u8", "<A as B>::C", "impl Fn(u8)", "*const u8"]
    {
        assert_eq!(ty(text), None, "{text}");
    }
    for text in ["impl Display", "impl Stream", "impl Stream<Output = u8>", "A<,>", "A::", "'a", "&", "!", "Vec<'>"] {
        assert_eq!(ty(text), None, "{text}");
    }
}

#[test]
fn a_type_that_is_too_deep_for_the_stack_is_none() {
    let nested = |depth: usize| format!("{}u8{}", "Vec<".repeat(depth), ">".repeat(depth));
    assert!(ty(&nested(63)).is_some());
    assert_eq!(ty(&nested(64)), None);
    for open in ["Vec<", "(", "[", "&", "impl Stream<Item = ", "A<{", "[u8; (", "Result<A, "] {
        assert_eq!(ty(&open.repeat(100_000)), None, "{open}");
    }
}

proptest! {
    #[test]
    fn any_string_is_read_to_an_end(text in any::<String>()) {
        let _ = Signature::parse(&text);
        prop_assert!(Tokens::new(&text).count() <= text.chars().count());
    }

    #[test]
    fn any_heap_of_words_is_read_to_an_end(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "(", ")", "[", "]", "<", ">", "{", "}", ",", ";", ":", "::", "->", "=", "+", "-", "&", "?", "'", "'a",
                "\"", "\\", "r#", "impl", "Stream", "Item", "mut", "dyn", "x", "Vec", "1", "é", "ⅷ", " ",
            ]),
            0..40,
        ),
    ) {
        let text = words.concat();
        let _ = Signature::parse(&text);
        let _ = Signature::parse(&format!("(a: {text})"));
    }
}
