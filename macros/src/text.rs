//! Types as text.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

/// `tokens` on one line, with the spaces that people put.
///
/// Fingerprints are made of it, so it depends on the tokens alone: how the compiler would print them may change.
pub(crate) fn of(tokens: impl ToTokens) -> String {
    let mut text = String::new();
    write(&mut text, tokens.into_token_stream());
    text
}

fn write(text: &mut String, tokens: TokenStream) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(text, group.stream());
                drop_comma(text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                '>' if text.ends_with('-') => {
                    text.pop();
                    text.push_str(" -> ");
                }
                '>' => {
                    drop_comma(text);
                    text.push('>');
                }
                ',' => text.push_str(", "),
                ';' => text.push_str("; "),
                '=' => text.push_str(" = "),
                '+' => text.push_str(" + "),
                other => text.push(other),
            },
            word => {
                if text.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}

/// A comma in front of a closing bracket means nothing, except in a tuple of one.
fn drop_comma(text: &mut String) {
    let Some(inner) = text.strip_suffix(", ") else { return };
    let mut depth = 0;
    let opened = inner.rfind(|c: char| {
        depth += match c {
            ')' | ']' | '>' | '}' => 1,
            '(' | '[' | '<' | '{' => -1,
            _ => 0,
        };
        depth < 0
    });
    let inside = &inner[opened.map_or(0, |at| at + 1)..];
    let tuple_of_one = opened.is_some_and(|at| inner[at..].starts_with('(')) && !inside.contains(',');
    let len = inner.len() + usize::from(tuple_of_one);
    text.truncate(len);
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::of;

    #[test]
    fn types_look_as_people_write_them() {
        assert_eq!(of(quote!(Result<Option<Vec<u8>>, StoreError>)), "Result<Option<Vec<u8>>, StoreError>");
        assert_eq!(of(quote!(impl Stream<Item = Change> + Send)), "impl Stream<Item = Change> + Send");
        assert_eq!(
            of(quote!(std::collections::HashMap<String, [u8; 4]>)),
            "std::collections::HashMap<String, [u8; 4]>"
        );
        assert_eq!(of(quote!((A, ()))), "(A, ())");
        assert_eq!(of(quote!(Box<dyn Fn(u8) -> u8>)), "Box<dyn Fn(u8) -> u8>");
    }

    #[test]
    fn a_last_comma_and_the_spacing_do_not_count() {
        let tidy = of(quote!(Result<(A, B), C>));
        assert_eq!(tidy, of("Result < ( A , B , ) , C , >".parse::<proc_macro2::TokenStream>().unwrap()));
        assert_eq!(of(quote!((A,))), "(A,)");
        assert_eq!(of(quote!(((A, B),))), of(quote!(((A, B,),))));
        assert_ne!(of(quote!((A,))), of(quote!((A))));
    }
}
