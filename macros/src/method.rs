//! A method of a trait, read as a method of a service.

use syn::ext::IdentExt;
use syn::{
    Attribute, Error, FnArg, Ident, Pat, PatType, Receiver, ReceiverKind, ReturnType, Safety, Signature, TraitItemFn,
    Type,
};

use crate::problems::Problems;
use crate::types::{self, Output};

/// serde has tuples up to here.
const MOST_ARGUMENTS: usize = 16;

pub(crate) struct Method {
    /// Without `#[rpc]`.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) ident: Ident,
    /// As they are written, without `&self`.
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Output,
    pub(crate) idempotent: bool,
    pub(crate) one_way: bool,
}

pub(crate) struct Argument {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) role: Role,
}

pub(crate) enum Role {
    /// It travels with the others.
    Value,
    /// The server's own.
    Context,
    /// Its items, of this type, travel one by one.
    Stream(Box<Type>),
}

/// What travels in which direction, by the names of `bowline::rpc::Kind`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Unary,
    ServerStream,
    ClientStream,
    Bidirectional,
    OneWay,
}

impl Method {
    pub(crate) fn new(item: TraitItemFn) -> syn::Result<Self> {
        let mut problems = Problems::default();
        if let Some(body) = &item.default {
            problems.add(body, "a method of a service has no body: the server implements it");
        }
        problems.take(unadorned(&item.sig));
        problems.take(unconditional(&item.attrs));
        // The struct of the client has it already.
        if item.sig.ident == "new" {
            problems.add(&item.sig.ident, "`new` makes the client: give the method another name");
        }
        let output = problems.take(match item.sig.output {
            ReturnType::Default => Output::new(syn::parse_quote!(())),
            ReturnType::Type(_, written) => Output::new(*written),
        });
        let arguments = problems.take(arguments(item.sig.inputs));
        let (rpc, attributes): (Vec<_>, Vec<_>) =
            item.attrs.into_iter().partition(|attribute| attribute.path().is_ident("rpc"));
        let mut flags = Flags::default();
        for attribute in &rpc {
            problems.take(flags.read(attribute));
        }
        if let (Some(output), Some(arguments)) = (&output, &arguments) {
            problems.take(flags.suit(arguments, output));
        }
        // What is missing left a problem behind.
        match (output, arguments) {
            (Some(output), Some(arguments)) => problems.finish(Self {
                attributes,
                ident: item.sig.ident,
                arguments,
                output,
                idempotent: flags.idempotent.is_some(),
                one_way: flags.one_way.is_some(),
            }),
            _ => Err(problems.finish(()).expect_err("an output or an argument was refused")),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match (self.incoming().is_some(), self.output.stream) {
            _ if self.one_way => Kind::OneWay,
            (false, false) => Kind::Unary,
            (false, true) => Kind::ServerStream,
            (true, false) => Kind::ClientStream,
            (true, true) => Kind::Bidirectional,
        }
    }

    /// The name on the wire.
    pub(crate) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// What stands for it on the wire: FNV-1a of `service/method`, as `bowline::rpc::method_id` says.
    pub(crate) fn id(&self, service: &str) -> u64 {
        let name = format!("{service}/{}", self.name());
        name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// The arguments that travel together.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Argument> {
        self.arguments.iter().filter(|argument| matches!(argument.role, Role::Value))
    }

    /// The type of the items that the caller sends.
    pub(crate) fn incoming(&self) -> Option<&Type> {
        self.arguments.iter().find_map(|argument| match &argument.role {
            Role::Stream(item) => Some(&**item),
            _ => None,
        })
    }
}

fn unadorned(signature: &Signature) -> syn::Result<()> {
    let mut problems = Problems::default();
    if signature.asyncness.is_none() {
        problems.add(signature.fn_token, "a method of a service is `async`: its caller waits for an answer");
    }
    if let Some(constness) = signature.constness {
        problems.add(constness, "a method of a service is not `const`");
    }
    if !matches!(signature.safety, Safety::Default) {
        problems
            .add(&signature.safety, "a method of a service is neither `safe` nor `unsafe`: its callers are elsewhere");
    }
    if let Some(abi) = &signature.abi {
        problems.add(abi, "a method of a service is called over the wire, not as `extern`");
    }
    if !signature.generics.params.is_empty() {
        problems.add(&signature.generics, "a method of a service has no generics: its id stands for one set of types");
    }
    if let Some(clause) = &signature.generics.where_clause {
        problems.add(clause, "a method of a service has no `where` clause");
    }
    if signature.receiver().is_none() {
        problems.add(&signature.ident, "a method of a service takes `&self`");
    }
    problems.finish(())
}

/// That nothing is left out under a condition: the client and the server would not know of it.
fn unconditional(attributes: &[Attribute]) -> syn::Result<()> {
    match attributes.iter().find(|attribute| ["cfg", "cfg_attr"].iter().any(|name| attribute.path().is_ident(name))) {
        Some(conditional) => Err(Error::new_spanned(
            conditional,
            "a condition covers the whole service: put it above `#[bowline::service]`",
        )),
        None => Ok(()),
    }
}

fn arguments(inputs: impl IntoIterator<Item = FnArg>) -> syn::Result<Vec<Argument>> {
    let mut problems = Problems::default();
    let mut arguments: Vec<Argument> = Vec::new();
    for input in inputs {
        match input {
            FnArg::Receiver(receiver) => {
                problems.take(shared(&receiver));
            }
            FnArg::Typed(input) => arguments.extend(problems.take(Argument::new(input))),
        }
    }
    let (mut contexts, mut streams) = (0, 0);
    for (at, argument) in arguments.iter().enumerate() {
        match argument.role {
            Role::Value => {}
            Role::Context => {
                contexts += 1;
                if contexts > 1 {
                    problems.add(&argument.ty, "a method has one context");
                }
            }
            Role::Stream(_) => {
                streams += 1;
                if streams > 1 {
                    problems.add(&argument.ty, "a method takes one stream at most: make the items an enum");
                } else if arguments[at + 1..].iter().any(|later| matches!(later.role, Role::Value)) {
                    problems.add(&argument.ty, "the stream is the last argument: its items follow the others");
                }
            }
        }
    }
    let mut values = arguments.iter().filter(|argument| matches!(argument.role, Role::Value));
    if let Some(argument) = values.nth(MOST_ARGUMENTS) {
        problems.add(&argument.ident, "a method takes at most 16 arguments: make them a struct");
    }
    problems.finish(arguments)
}

fn shared(receiver: &Receiver) -> syn::Result<()> {
    match receiver.kind {
        ReceiverKind::Reference(_, None, None) => Ok(()),
        _ => Err(Error::new_spanned(receiver, "a method of a service takes `&self`: many calls run at the same time")),
    }
}

impl Argument {
    fn new(input: PatType) -> syn::Result<Self> {
        if let Some(attribute) = input.attrs.first() {
            return Err(Error::new_spanned(attribute, "an argument of a service has no attributes"));
        }
        let ident = match *input.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none() => pat.ident,
            other => return Err(Error::new_spanned(other, "an argument of a service has a plain name")),
        };
        let ty = *input.ty;
        let role = match types::item(&ty)? {
            Some(item) => {
                types::owned(item, "an item")?;
                Role::Stream(Box::new(item.clone()))
            }
            None if types::is_context(&ty) => Role::Context,
            None => {
                types::owned(&ty, "an argument")?;
                Role::Value
            }
        };
        Ok(Self { ident, ty, role })
    }
}

/// What `#[rpc]` says, and where.
#[derive(Default)]
struct Flags {
    idempotent: Option<syn::Path>,
    one_way: Option<syn::Path>,
}

impl Flags {
    fn read(&mut self, attribute: &Attribute) -> syn::Result<()> {
        attribute.parse_nested_meta(|meta| {
            let flag = match meta.path.get_ident().map(ToString::to_string).as_deref() {
                Some("idempotent") => &mut self.idempotent,
                Some("oneway") => &mut self.one_way,
                _ => return Err(meta.error("the attributes of a method are `idempotent` and `oneway`")),
            };
            if flag.is_some() {
                return Err(meta.error("this was said before"));
            }
            *flag = Some(meta.path);
            Ok(())
        })
    }

    /// That they make sense for what the method takes and returns.
    fn suit(&self, arguments: &[Argument], output: &Output) -> syn::Result<()> {
        let mut problems = Problems::default();
        let stream = arguments.iter().find(|argument| matches!(argument.role, Role::Stream(_)));
        if self.one_way.is_some() {
            let unit = matches!(&output.written, Type::Tuple(tuple) if tuple.elems.is_empty());
            if !unit {
                problems.add(&output.written, "nothing comes back from a `oneway` method, so it has no result");
            }
            if let Some(stream) = stream {
                problems
                    .add(&stream.ty, "a `oneway` method takes no stream: nobody would say how much of it may be sent");
            }
            if let Some(idempotent) = &self.idempotent {
                problems.add(idempotent, "a `oneway` call is never tried again, since nobody learns what became of it");
            }
        } else if let (Some(idempotent), Some(_)) = (&self.idempotent, stream) {
            problems.add(idempotent, "a call with a stream of items can't be tried again: its items are gone");
        }
        problems.finish(())
    }
}
