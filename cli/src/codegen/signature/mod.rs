//! What a method takes and returns, read from the Rust text that reflection tells.
//!
//! The text comes from a server, which may be written in anything: what is no signature gives nothing, never a panic, and
//! types that go too deep for the stack are none.

mod tokens;

use std::iter::Peekable;

use tokens::{Token, Tokens};

/// `(key: String) -> Option<u8>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) arguments: Vec<Argument>,
    /// `()` if none is written.
    pub(super) output: Type,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) ty: Type,
}

/// A type, as far as it matters to whoever reads its values: without lifetimes and references, lengths and constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// `std::vec::Vec<T>`: the last name of the path, and the types behind it.
    Named(String, Vec<Type>),
    /// `()` and `(A, B)`
    Tuple(Vec<Type>),
    /// `[T]` and `[T; 4]`
    List(Box<Type>),
    /// `impl Stream<Item = T>`
    Stream(Box<Type>),
}

impl Signature {
    /// Reads `text`, if it is a signature.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser::new(text);
        parser.expect(Token::Sign('('))?;
        let (arguments, _) = parser.list(')', Parser::argument)?;
        let output = if parser.take(Token::Arrow) { parser.ty()? } else { Type::Tuple(Vec::new()) };
        parser.end().map(|()| Self { arguments, output })
    }
}

/// So deep a type may be: no reader of this program goes deeper into itself.
const DEPTH: u32 = 64;

struct Parser<'a> {
    tokens: Peekable<Tokens<'a>>,
    /// What is left of [`DEPTH`].
    depth: u32,
}

/// What stands between `<` and `>`.
#[derive(Default)]
struct Generics {
    types: Vec<Type>,
    /// That of `Item = T`.
    item: Option<Type>,
}

enum Generic {
    Type(Type),
    Item(Type),
    /// A lifetime, a constant, or another associated type.
    Other,
}

/// Each method takes what it is named for, or gives nothing where something else stands: then the whole text is given up.
impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { tokens: Tokens::new(text).peekable(), depth: DEPTH }
    }

    fn take(&mut self, token: Token<'_>) -> bool {
        self.tokens.next_if(|next| *next == token).is_some()
    }

    fn expect(&mut self, token: Token<'_>) -> Option<()> {
        self.take(token).then_some(())
    }

    fn name(&mut self) -> Option<&'a str> {
        match self.tokens.next()? {
            Token::Name(name) => Some(name),
            _ => None,
        }
    }

    fn end(&mut self) -> Option<()> {
        self.tokens.peek().is_none().then_some(())
    }

    /// What stands up to `close`, with commas between, and whether one stands behind the last as well.
    fn list<T>(&mut self, close: char, each: fn(&mut Self) -> Option<T>) -> Option<(Vec<T>, bool)> {
        let mut list = Vec::new();
        let mut comma = false;
        while !self.take(Token::Sign(close)) {
            if !list.is_empty() && !comma {
                return None;
            }
            list.push(each(self)?);
            comma = self.take(Token::Sign(','));
        }
        Some((list, comma))
    }

    fn argument(&mut self) -> Option<Argument> {
        let name = self.name()?.to_owned();
        self.expect(Token::Sign(':'))?;
        self.ty().map(|ty| Argument { name, ty })
    }

    fn ty(&mut self) -> Option<Type> {
        self.depth = self.depth.checked_sub(1)?;
        let ty = match self.tokens.next()? {
            Token::Sign('(') => self.tuple(),
            Token::Sign('[') => self.sequence(),
            Token::Sign('&') => self.reference(),
            Token::Name("impl") => self.stream(),
            // They begin types that have no values of their own to travel.
            Token::Name("dyn" | "extern" | "fn" | "for" | "unsafe") => None,
            Token::Name(first) => self.path(first).map(|(name, generics)| Type::Named(name, generics.types)),
            Token::Path => {
                let first = self.name()?;
                self.path(first).map(|(name, generics)| Type::Named(name, generics.types))
            }
            _ => None,
        };
        self.depth += 1;
        ty
    }

    /// Brackets around one type mean nothing, unless a comma stands behind it.
    fn tuple(&mut self) -> Option<Type> {
        let (mut types, comma) = self.list(')', Self::ty)?;
        if types.len() == 1 && !comma { types.pop() } else { Some(Type::Tuple(types)) }
    }

    fn sequence(&mut self) -> Option<Type> {
        let item = self.ty()?;
        if self.take(Token::Sign(';')) {
            self.skip_to(']')?;
        } else {
            self.expect(Token::Sign(']'))?;
        }
        Some(Type::List(Box::new(item)))
    }

    /// What is referred to: a reference travels as that.
    fn reference(&mut self) -> Option<Type> {
        self.take(Token::Lifetime);
        self.take(Token::Name("mut"));
        self.ty()
    }

    /// Of the `impl` types only streams can travel; what else is promised of one is for the server.
    fn stream(&mut self) -> Option<Type> {
        let mut item = None;
        loop {
            if !self.take(Token::Lifetime) {
                self.take(Token::Sign('?'));
                self.take(Token::Path);
                let first = self.name()?;
                let (name, generics) = self.path(first)?;
                item = item.or(generics.item.filter(|_| name == "Stream"));
            }
            if !self.take(Token::Sign('+')) {
                return item.map(|item| Type::Stream(Box::new(item)));
            }
        }
    }

    /// The last name of a path, and what stands behind it.
    fn path(&mut self, first: &'a str) -> Option<(String, Generics)> {
        let mut name = first;
        let mut generics = self.generics()?;
        while self.take(Token::Path) {
            // In `Vec::<u8>` no name follows.
            if self.tokens.peek() != Some(&Token::Sign('<')) {
                name = self.name()?;
            }
            generics = self.generics()?;
        }
        Some((name.to_owned(), generics))
    }

    fn generics(&mut self) -> Option<Generics> {
        let mut generics = Generics::default();
        if self.take(Token::Sign('<')) {
            for generic in self.list('>', Self::generic)?.0 {
                match generic {
                    Generic::Type(ty) => generics.types.push(ty),
                    Generic::Item(ty) => generics.item = Some(ty),
                    Generic::Other => {}
                }
            }
        }
        Some(generics)
    }

    fn generic(&mut self) -> Option<Generic> {
        match self.tokens.peek()? {
            Token::Lifetime | Token::Literal => {
                self.tokens.next();
                Some(Generic::Other)
            }
            Token::Sign('-') => {
                self.tokens.next();
                self.expect(Token::Literal).map(|()| Generic::Other)
            }
            Token::Sign('{') => {
                self.tokens.next();
                self.skip_to('}').map(|()| Generic::Other)
            }
            _ => {
                let ty = self.ty()?;
                if !self.take(Token::Sign('=')) {
                    return Some(Generic::Type(ty));
                }
                let bound = self.ty()?;
                let is_item = matches!(ty, Type::Named(name, types) if name == "Item" && types.is_empty());
                Some(if is_item { Generic::Item(bound) } else { Generic::Other })
            }
        }
    }

    /// Passes over an expression, up to the bracket that closes it.
    fn skip_to(&mut self, close: char) -> Option<()> {
        let mut open = vec![close];
        while let Some(wanted) = open.last() {
            match self.tokens.next()? {
                Token::Sign('(') => open.push(')'),
                Token::Sign('[') => open.push(']'),
                Token::Sign('{') => open.push('}'),
                Token::Sign(sign) if sign == *wanted => drop(open.pop()),
                Token::Sign(')' | ']' | '}') => return None,
                _ => {}
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
