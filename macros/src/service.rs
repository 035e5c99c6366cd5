//! A trait, read as a service.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Ident, ItemTrait, LitStr, Path, Token, TraitItem, TypeParamBound, Visibility};

use crate::method::Method;
use crate::problems::Problems;

/// What stands in the brackets of the attribute.
pub(crate) struct Options {
    name: Option<LitStr>,
    bowline: Path,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self { name: None, bowline: syn::parse_quote!(::bowline) };
        while !input.is_empty() {
            let option = input.call(Ident::parse_any)?;
            input.parse::<Token![=]>()?;
            match option.to_string().as_str() {
                "name" => options.name = Some(input.parse()?),
                "crate" => options.bowline = input.call(Path::parse_mod_style)?,
                _ => return Err(Error::new_spanned(option, "the options are `name = \"...\"` and `crate = path`")),
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// A service: all that the code for it is made of.
pub(crate) struct Service {
    /// The crate `bowline`, seen from the trait.
    pub(crate) bowline: Path,
    /// On the wire.
    pub(crate) name: String,
    pub(crate) ident: Ident,
    pub(crate) visibility: Visibility,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) supertraits: Vec<TypeParamBound>,
    pub(crate) methods: Vec<Method>,
}

impl Service {
    pub(crate) fn new(options: Options, item: ItemTrait) -> syn::Result<Self> {
        let mut problems = Problems::default();
        if let Some(unsafety) = item.unsafety {
            problems.add(unsafety, "a service is not `unsafe`: its callers are elsewhere");
        }
        if !item.generics.params.is_empty() {
            problems.add(&item.generics, "a service has no generics: its id stands for one set of types");
        }
        if let Some(clause) = &item.generics.where_clause {
            problems.add(clause, "a service has no `where` clause");
        }
        if let Some(name) = &options.name
            && !is_name(&name.value())
        {
            problems.add(name, "the name of a service is made of letters, digits, `_`, `-` and `.`");
        }
        let mut methods: Vec<Method> = Vec::new();
        for item in item.items {
            match item {
                TraitItem::Fn(item) => methods.extend(problems.take(Method::new(item))),
                other => problems.add(other, "a service has methods only"),
            }
        }
        let name = options.name.map_or_else(|| item.ident.unraw().to_string(), |name| name.value());
        for (at, method) in methods.iter().enumerate() {
            if let Some(other) = methods[..at].iter().find(|other| other.id(&name) == method.id(&name)) {
                let message = format!("it has the same id on the wire as `{}`: rename one of them", other.ident);
                problems.add(&method.ident, message);
            }
        }
        problems.finish(Self {
            bowline: options.bowline,
            name,
            ident: item.ident,
            visibility: item.vis,
            attributes: item.attrs,
            supertraits: item.supertraits.into_iter().collect(),
            methods,
        })
    }
}

/// A slash would let two pairs of names have one id.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
