//! `#[bowline::service]`: a client, a server and a schema from a trait. Use it through the crate `bowline`.

#![forbid(unsafe_code)]

mod expand;
mod method;
mod problems;
mod service;
mod text;
mod types;

use proc_macro::TokenStream;
use service::{Options, Service};

/// Makes a service of a trait: what a server implements, and what a client calls.
///
/// ```
/// use bowline::rpc::{Blob, Context, Stream};
/// # #[derive(Debug, serde::Serialize, serde::Deserialize)]
/// # pub struct Change;
/// # #[derive(Debug, serde::Serialize, serde::Deserialize)]
/// # pub struct StoreError;
///
/// #[bowline::service]
/// pub trait Store {
///     /// The value of `key`, if there is one.
///     #[rpc(idempotent)]
///     async fn get(&self, key: String) -> Option<Blob>;
///     async fn put(&self, cx: &Context, key: String, value: Blob) -> Result<(), StoreError>;
///     async fn watch(&self, prefix: String) -> impl Stream<Item = Change>;
///     async fn upload(&self, name: String, chunks: impl Stream<Item = Blob>) -> Result<u64, StoreError>;
///     #[rpc(oneway)]
///     async fn touch(&self, key: String);
/// }
/// ```
///
/// From this come:
///
/// - the trait `Store`, to be implemented with plain `async fn`s. A stream among the arguments is an
///   `Incoming<Item>` there; futures and returned streams are `Send`;
/// - `StoreServer<T>`, which makes a service of any `T: Store`: `StoreServer::new(store)`;
/// - `StoreClient`, with the same methods without the context: `StoreClient::new(client)`. They return a `Call`, `Items`
///   or a `OneWay`, and send nothing until that is polled;
/// - `StoreClient::SCHEMA`, with the names, kinds, documentation and ids of the methods.
///
/// # Methods
///
/// All are `async` and take `&self`. Arguments and results are owned and implement serde's `Serialize` and
/// `Deserialize`; they travel as a tuple. An argument `&Context`, by any path, is the server's only. A stream is written
/// `impl Stream<Item = T>`: as the last argument, as the result, or as the first type of a `Result<_, _>`. A method that
/// returns no `Result` has no errors of its own.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[rpc(idempotent)]` | a call may be executed twice without harm, so one of unknown outcome is made again |
/// | `#[rpc(oneway)]` | nothing comes back, not even that the call was executed |
///
/// # Options
///
/// `#[bowline::service(name = "kv.Store")]` sets the name of the service on the wire, which is else that of the trait.
/// `crate = path` says where `bowline` is found if not at `::bowline`.
///
/// # Compatibility
///
/// The id of a method is made of both names, so methods may be added, removed and reordered. A fingerprint of the types,
/// as they are written, goes with the first call: where the sides differ in them that is refused and not executed, unless the
/// codec says what it holds.
#[proc_macro_attribute]
pub fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    let made = syn::parse(options)
        .and_then(|options: Options| Service::new(options, syn::parse(item)?))
        .map(|service| expand::service(&service));
    made.unwrap_or_else(|problem| problem.to_compile_error()).into()
}
