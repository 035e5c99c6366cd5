//! What the types of a method say.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, GenericArgument, Path, PathArguments, PathSegment, Type, TypeParamBound};

/// What a method returns.
pub(crate) struct Output {
    /// As it is written; `()` if nothing is.
    pub(crate) written: Type,
    /// The result if all goes well, or the item of a stream.
    pub(crate) ok: Type,
    /// The method's own error, if it returns a `Result`.
    pub(crate) error: Option<Type>,
    /// Whether `ok` comes as a stream.
    pub(crate) stream: bool,
}

impl Output {
    pub(crate) fn new(written: Type) -> Result<Self, Error> {
        let (ok, error) = match result(&written)? {
            Some((ok, error)) => (ok, Some(error)),
            None => (&written, None),
        };
        let item = item(ok)?;
        for part in [Some(item.unwrap_or(ok)), error].into_iter().flatten() {
            owned(part, "a result")?;
        }
        let (ok, error) = (item.unwrap_or(ok).clone(), error.cloned());
        let stream = item.is_some();
        Ok(Self { written, ok, error, stream })
    }

    /// The type as the trait's futures yield it: streams are sent between threads.
    pub(crate) fn sendable(&self) -> Type {
        let mut ty = self.written.clone();
        if self.stream {
            let stream = match &mut ty {
                Type::Path(path) => path.path.segments.last_mut().and_then(first_type),
                other => Some(other),
            };
            if let Some(Type::ImplTrait(stream)) = stream {
                stream.bounds.push(syn::parse_quote!(::core::marker::Send));
            }
        }
        ty
    }
}

/// Whether `ty` is a reference to something called `Context`.
pub(crate) fn is_context(ty: &Type) -> bool {
    let Type::Reference(reference) = ty else { return false };
    let named = |path: &Path| path.segments.last().is_some_and(|last| last.ident == "Context");
    reference.mutability.is_none() && matches!(&*reference.elem, Type::Path(path) if named(&path.path))
}

/// The item of `impl Stream<Item = T>`; `None` if `ty` is no `impl` at all.
pub(crate) fn item(ty: &Type) -> Result<Option<&Type>, Error> {
    let Type::ImplTrait(opaque) = ty else { return Ok(None) };
    let mut streams = opaque.bounds.iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|last| last.ident == "Stream"),
        _ => None,
    });
    let item = streams.next().and_then(|stream| {
        let PathArguments::AngleBracketed(arguments) = &stream.arguments else { return None };
        arguments.args.iter().find_map(|argument| match argument {
            GenericArgument::AssocType(binding) if binding.ident == "Item" => Some(&binding.ty),
            _ => None,
        })
    });
    match item {
        Some(item) => Ok(Some(item)),
        None => Err(Error::new_spanned(ty, "of the `impl` types only `impl Stream<Item = T>` can travel")),
    }
}

/// The two types of a `Result`; `None` if `ty` is called otherwise.
fn result(ty: &Type) -> Result<Option<(&Type, &Type)>, Error> {
    let Type::Path(path) = ty else { return Ok(None) };
    let Some(last) = path.path.segments.last().filter(|last| last.ident == "Result") else { return Ok(None) };
    if let PathArguments::AngleBracketed(arguments) = &last.arguments {
        let mut types = arguments.args.iter().map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        });
        if let (Some(Some(ok)), Some(Some(error)), None) = (types.next(), types.next(), types.next()) {
            return Ok(Some((ok, error)));
        }
    }
    Err(Error::new_spanned(ty, "write both types of the result, `Result<T, E>`: the error travels as well"))
}

fn first_type(segment: &mut PathSegment) -> Option<&mut Type> {
    let PathArguments::AngleBracketed(arguments) = &mut segment.arguments else { return None };
    arguments.args.iter_mut().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// That `ty` can be made out of bytes: it borrows nothing and is known by its name.
pub(crate) fn owned(ty: &Type, what: &str) -> Result<(), Error> {
    let message = match foreign(ty.to_token_stream()) {
        None => return Ok(()),
        Some(Foreign::Reference) => {
            format!("{what} is made out of bytes, so it can't be a reference: use an owned type, as `String` or `Vec<u8>`")
        }
        Some(Foreign::Opaque) => {
            "a stream can be an argument, the result, or the first type of a `Result<_, _>`; nothing inside of another type"
                .to_owned()
        }
        Some(Foreign::Own) => {
            "`Self` is one type for the server and another for the client: write a type that both know".to_owned()
        }
    };
    Err(Error::new_spanned(ty, message))
}

enum Foreign {
    Reference,
    Opaque,
    Own,
}

fn foreign(tokens: TokenStream) -> Option<Foreign> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Group(group) => foreign(group.stream()),
        TokenTree::Punct(punct) if punct.as_char() == '&' => Some(Foreign::Reference),
        TokenTree::Ident(ident) if ident == "impl" => Some(Foreign::Opaque),
        TokenTree::Ident(ident) if ident == "Self" => Some(Foreign::Own),
        _ => None,
    })
}
