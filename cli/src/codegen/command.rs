//! The line that makes the same code again.

use bowline::Endpoint;

use crate::args::TypescriptArgs;

/// The command as it was given, without what says who we are: that is nothing for a file that is shown around.
pub(super) fn line(place: &Endpoint, args: &TypescriptArgs) -> String {
    let mut words = vec!["bowline".to_owned(), "codegen".to_owned(), "typescript".to_owned(), word(&public(place))];
    for service in &args.service {
        words.extend(["--service".to_owned(), word(service)]);
    }
    if let Some(types) = &args.types {
        words.extend(["--types".to_owned(), word(types)]);
    }
    words.join(" ")
}

/// `place` without its query: that is where tokens are.
fn public(place: &Endpoint) -> String {
    let mut text = place.to_string();
    if matches!(place, Endpoint::Ws(_) | Endpoint::Wss(_))
        && let Some(query) = text.find('?')
    {
        text.truncate(query);
    }
    text
}

/// `text` as one word for a shell.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "%+,-./:=@_".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_not_told() {
        for (place, told) in [
            ("wss://example.org/rpc?token=secret", "wss://example.org:443/rpc"),
            ("ws://127.0.0.1:80/a?b?c", "ws://127.0.0.1:80/a"),
            ("tcp://127.0.0.1:7400", "tcp://127.0.0.1:7400"),
            ("ipc:///tmp/what?", "ipc:///tmp/what?"),
        ] {
            assert_eq!(public(&place.parse().expect("an endpoint")), told);
        }
    }

    #[test]
    fn a_word_is_one_for_the_shell() {
        assert_eq!(word("./types.js"), "./types.js");
        assert_eq!(word("tcp://[::1]:1"), "'tcp://[::1]:1'");
        assert_eq!(word("it's"), "'it'\\''s'");
        assert_eq!(word(""), "''");
    }
}
