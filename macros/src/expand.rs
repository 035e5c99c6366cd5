//! The code that a service becomes.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Attribute, Expr, Ident, Index, Lit, Meta, Type};

use crate::method::{Kind, Method, Role};
use crate::service::Service;
use crate::text;

/// The trait, the client with the schema, and the server.
pub(crate) fn service(service: &Service) -> TokenStream {
    let parts = [interface(service), client(service), server(service)];
    parts.into_iter().collect()
}

/// The trait that servers implement.
fn interface(service: &Service) -> TokenStream {
    let Service { attributes, visibility, ident, supertraits, .. } = service;
    let methods = service.methods.iter().map(|method| {
        let Method { attributes, ident, .. } = method;
        let arguments = method.arguments.iter().map(|argument| {
            let (ident, ty) = (&argument.ident, &argument.ty);
            match &argument.role {
                Role::Value | Role::Context => quote!(#ident: #ty),
                Role::Stream(item) => {
                    let bowline = &service.bowline;
                    quote!(#ident: #bowline::rpc::Incoming<#item>)
                }
            }
        });
        let output = method.output.sendable();
        quote! {
            #(#attributes)*
            fn #ident(&self, #(#arguments),*) -> impl ::core::future::Future<Output = #output> + ::core::marker::Send;
        }
    });
    quote! {
        #(#attributes)*
        #visibility trait #ident: ::core::marker::Send + ::core::marker::Sync + 'static #(+ #supertraits)* {
            #(#methods)*
        }
    }
}

fn client(service: &Service) -> TokenStream {
    let Service { bowline, visibility, ident, .. } = service;
    let client = client_name(service);
    let docs = format!("Calls [`{ident}`] at a server; clones share the connection.");
    let schema = schema(service);
    let methods = service.methods.iter().enumerate().map(|(at, method)| call(service, method, at));
    quote! {
        #[doc = #docs]
        #[derive(Clone, Debug)]
        #[allow(dead_code, reason = "a program may only serve")]
        #visibility struct #client {
            client: #bowline::rpc::Client,
        }

        #[allow(dead_code, clippy::too_many_arguments, reason = "a program may call some of them; the trait has been told")]
        impl #client {
            /// What the service looks like from outside.
            #visibility const SCHEMA: &'static #bowline::rpc::Schema = {
                static SCHEMA: #bowline::rpc::Schema = #schema;
                &SCHEMA
            };

            /// Calls the service through `client`.
            #visibility fn new(client: #bowline::rpc::Client) -> Self {
                Self { client }
            }

            #(#methods)*
        }
    }
}

/// The method of the client that calls method `at`.
fn call(service: &Service, method: &Method, at: usize) -> TokenStream {
    let Service { bowline, visibility, .. } = service;
    let ident = &method.ident;
    let attributes = method.attributes.iter().filter(|attribute| is_for_callers(attribute));
    let arguments = method.arguments.iter().filter_map(|argument| {
        let (ident, ty) = (&argument.ident, &argument.ty);
        match &argument.role {
            Role::Value => Some(quote!(#ident: #ty)),
            Role::Stream(_) => Some(quote!(#ident: #ty + ::core::marker::Send + 'static)),
            Role::Context => None,
        }
    });
    let here = here(method);
    let values = tuple(here, method.values().map(|argument| argument.ident.to_token_stream()), &quote!([0_u8; 0]));
    let items = method.arguments.iter().find(|argument| matches!(argument.role, Role::Stream(_)));
    let items = items.map(|argument| &argument.ident).into_iter();
    let (ok, error) = (&method.output.ok, error(service, method));
    let (verb, output) = match method.kind() {
        Kind::Unary => ("unary", quote!(Call<#ok, #error>)),
        Kind::ServerStream => ("server_stream", quote!(Items<#ok, #error>)),
        Kind::ClientStream => ("client_stream", quote!(Call<#ok, #error>)),
        Kind::Bidirectional => ("bidirectional", quote!(Items<#ok, #error>)),
        Kind::OneWay => ("one_way", quote!(OneWay)),
    };
    let verb = format_ident!("{verb}");
    let at = Index::from(at);
    quote_spanned! {here=>
        #(#attributes)*
        #visibility fn #ident(&self, #(#arguments),*) -> #bowline::rpc::#output {
            self.client.#verb(&Self::SCHEMA.methods[#at], &#values #(, #items)*)
        }
    }
}

fn schema(service: &Service) -> TokenStream {
    let Service { bowline, name, .. } = service;
    let service_docs = docs(&service.attributes);
    let methods = service.methods.iter().map(|method| {
        let id = Literal::u64_suffixed(method.id(name));
        let (method_name, idempotent, docs) = (method.name(), method.idempotent, docs(&method.attributes));
        let kind = Ident::new(&format!("{:?}", method.kind()), Span::call_site());
        let (types, signature) = (types(method), signature(method));
        quote! {
            #bowline::rpc::Method {
                service: #name,
                name: #method_name,
                id: #id,
                shape: #bowline::rpc::shape(#bowline::rpc::Kind::#kind, #types),
                kind: #bowline::rpc::Kind::#kind,
                idempotent: #idempotent,
                signature: #signature,
                docs: #docs,
            }
        }
    });
    quote!(#bowline::rpc::Schema { name: #name, docs: #service_docs, methods: &[#(#methods),*] })
}

fn server(service: &Service) -> TokenStream {
    let Service { bowline, visibility, ident, .. } = service;
    let (client, server) = (client_name(service), format_ident!("{ident}Server"));
    let docs = format!("Serves whatever implements [`{ident}`].");
    let exchange = Ident::new("exchange", Span::mixed_site());
    let method = Ident::new("method", Span::mixed_site());
    let arms = service.methods.iter().enumerate().map(|(at, method)| {
        let handler = handler(service, method, &exchange);
        quote!(#at => ::std::boxed::Box::pin(async move { #handler }),)
    });
    quote! {
        #[doc = #docs]
        #[allow(dead_code, reason = "a program may only call")]
        #visibility struct #server<T> {
            service: ::std::sync::Arc<T>,
        }

        #[allow(dead_code, reason = "a program may only call")]
        impl<T: #ident> #server<T> {
            /// Serves `service`; to keep a hand on it, make the server [`from`](From::from) an `Arc` of it.
            #visibility fn new(service: T) -> Self {
                Self { service: ::std::sync::Arc::new(service) }
            }
        }

        impl<T: #ident> ::core::convert::From<::std::sync::Arc<T>> for #server<T> {
            fn from(service: ::std::sync::Arc<T>) -> Self {
                Self { service }
            }
        }

        impl<T> ::core::clone::Clone for #server<T> {
            fn clone(&self) -> Self {
                Self { service: ::std::sync::Arc::clone(&self.service) }
            }
        }

        // Not `T`: a type of the trait may be called so.
        impl<__T: #ident> #bowline::rpc::Service for #server<__T> {
            fn schema(&self) -> &'static #bowline::rpc::Schema {
                #client::SCHEMA
            }

            #[allow(deprecated, reason = "old callers are served as well")]
            fn call(
                &self,
                #method: usize,
                mut #exchange: #bowline::rpc::Exchange,
            ) -> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = ()> + ::core::marker::Send>> {
                let service = ::std::sync::Arc::clone(&self.service);
                match #method {
                    #(#arms)*
                    // The schema has no such method.
                    _ => ::std::boxed::Box::pin(async move { ::core::mem::drop((service, #exchange)) }),
                }
            }
        }
    }
}

/// What the server does for one call of `method`.
fn handler(service: &Service, method: &Method, exchange: &Ident) -> TokenStream {
    let Service { bowline, ident: interface, .. } = service;
    let ident = &method.ident;
    // Not the names of the trait: one of them may be the name of something here.
    let locals = (0..method.arguments.len()).map(|at| Ident::new(&format!("argument{at}"), Span::mixed_site()));
    let locals: Vec<Ident> = locals.collect();
    let named = || method.arguments.iter().zip(&locals);
    let values = named().filter(|(argument, _)| matches!(argument.role, Role::Value));
    let (types, values): (Vec<_>, Vec<_>) =
        values.map(|(argument, name)| (argument.ty.to_token_stream(), name.to_token_stream())).unzip();
    let here = here(method);
    let (pattern, types) = (tuple(here, values, &quote!([])), tuple(here, types, &quote!([u8; 0])));
    let prepared = named().filter_map(|(argument, name)| match &argument.role {
        Role::Value => None,
        Role::Context => Some(quote!(let #name = #exchange.context();)),
        Role::Stream(item) => Some(quote_spanned!(here=> let #name = #exchange.incoming::<#item>();)),
    });
    let passed = named().map(|(argument, name)| match argument.role {
        Role::Context => quote!(&#name),
        Role::Value | Role::Stream(_) => quote!(#name),
    });
    let output = quote!(<__T as #interface>::#ident(&service, #(#passed),*).await);
    let result = if method.output.error.is_some() {
        output.clone()
    } else {
        quote!(::core::result::Result::Ok::<_, #bowline::rpc::Never>(#output))
    };
    let reply = if method.one_way {
        quote!(#output; #exchange.done())
    } else if method.output.stream {
        quote_spanned!(here=> #exchange.reply_items(#result).await)
    } else {
        quote_spanned!(here=> #exchange.reply(#result).await)
    };
    quote_spanned! {here=>
        // The caller has heard of it.
        let ::core::result::Result::Ok(#pattern) = #exchange.args::<#types>() else { return };
        #(#prepared)*
        #reply
    }
}

/// A tuple; of no elements an empty list, since codecs have a form of its own for `()`.
fn tuple(here: Span, elements: impl IntoIterator<Item = TokenStream>, empty: &TokenStream) -> TokenStream {
    let mut elements = elements.into_iter().peekable();
    if elements.peek().is_none() { empty.clone() } else { quote_spanned!(here=> (#(#elements,)*)) }
}

/// Where the compiler says what it has to say about the code of a method: at its name in the trait.
fn here(method: &Method) -> Span {
    Span::call_site().located_at(method.ident.span())
}

fn client_name(service: &Service) -> Ident {
    format_ident!("{}Client", service.ident)
}

fn error(service: &Service, method: &Method) -> TokenStream {
    let bowline = &service.bowline;
    method.output.error.as_ref().map_or_else(|| quote!(#bowline::rpc::Never), ToTokens::to_token_stream)
}

/// What the fingerprint is made of: neither the names of arguments, nor by which path a stream was called one.
fn types(method: &Method) -> String {
    let mut types: Vec<String> = method.values().map(|argument| text::of(&argument.ty)).collect();
    types.extend(method.incoming().map(|item| format!("stream {}", text::of(item))));
    let ok = text::of(&method.output.ok);
    let ok = if method.output.stream { format!("stream {ok}") } else { ok };
    let error = method.output.error.as_ref().map(|error: &Type| format!(" or {}", text::of(error)));
    format!("({}) -> {ok}{}", types.join(", "), error.unwrap_or_default())
}

/// Arguments and result for people.
fn signature(method: &Method) -> String {
    let told = method.arguments.iter().filter(|argument| !matches!(argument.role, Role::Context));
    let told: Vec<_> = told.map(|argument| format!("{}: {}", argument.ident, text::of(&argument.ty))).collect();
    let output = match text::of(&method.output.written) {
        unit if unit == "()" => String::new(),
        output => format!(" -> {output}"),
    };
    format!("({}){output}", told.join(", "))
}

/// The text of the documentation, a line for each attribute.
fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

/// Whether an attribute of the trait's method is repeated at the client's.
fn is_for_callers(attribute: &Attribute) -> bool {
    ["doc", "deprecated"].iter().any(|name| attribute.path().is_ident(name))
}
