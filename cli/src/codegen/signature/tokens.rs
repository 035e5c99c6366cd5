//! The words of Rust that a signature is made of.

use unicode_ident::{is_xid_continue, is_xid_start};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name or a keyword, without the `r#` of a raw one.
    Name(&'a str),
    /// `'a`
    Lifetime,
    /// A number, a character or a text: what a constant among the arguments of a type may be.
    Literal,
    /// `->`
    Arrow,
    /// `::`
    Path,
    /// Any other character.
    Sign(char),
}

/// The words of `text`. Whatever it is, each of its characters is in one of them or between two.
pub(super) struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.0 = self.0.trim_start();
        let first = self.0.chars().next()?;
        if let Some(raw) = self.0.strip_prefix("r#")
            && let len @ 1.. = name(raw)
        {
            self.take("r#".len());
            return Some(Token::Name(self.take(len)));
        }
        for (sign, token) in [("->", Token::Arrow), ("::", Token::Path)] {
            if self.0.starts_with(sign) {
                self.take(sign.len());
                return Some(token);
            }
        }
        let (token, len) = match first {
            '0'..='9' => (Token::Literal, self.0.find(|c| !is_xid_continue(c)).unwrap_or(self.0.len())),
            '\'' => tick(self.0),
            '"' => (Token::Literal, 1 + quoted(&self.0[1..], '"').unwrap_or(0)),
            _ => match name(self.0) {
                0 => (Token::Sign(first), first.len_utf8()),
                len => (Token::Name(&self.0[..len]), len),
            },
        };
        self.take(len);
        Some(token)
    }
}

/// How much of the beginning of `text` is a name.
fn name(text: &str) -> usize {
    match text.chars().next() {
        Some(first) if first == '_' || is_xid_start(first) => text.find(|c| !is_xid_continue(c)).unwrap_or(text.len()),
        _ => 0,
    }
}

/// What begins with a `'`: a lifetime, unless another one stands behind the name.
fn tick(text: &str) -> (Token<'_>, usize) {
    let rest = &text[1..];
    match name(rest) {
        len @ 1.. if !rest[len..].starts_with('\'') => (Token::Lifetime, 1 + len),
        _ => match quoted(rest, '\'') {
            Some(len) => (Token::Literal, 1 + len),
            None => (Token::Sign('\''), 1),
        },
    }
}

/// How much of `text` there is up to `end` and with it; none if it does not come.
fn quoted(text: &str, end: char) -> Option<usize> {
    let mut escaped = false;
    let at = text.find(|c| {
        let found = c == end && !escaped;
        escaped = c == '\\' && !escaped;
        found
    })?;
    Some(at + end.len_utf8())
}
