//! The built-in service that tells which services there are.
//!
//! Every server offers it, unless [`ServerBuilder::builtin`](super::ServerBuilder::builtin) says otherwise.
//!
//! ```
//! use bowline::rpc::reflection::ReflectionClient;
//! use bowline::rpc::{Client, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::builder().build()?;
//! let endpoint = server.bind("tcp://127.0.0.1:*").await?;
//!
//! let reflection = ReflectionClient::new(Client::connect(endpoint)?);
//! let names: Vec<_> = reflection.services().await?.into_iter().map(|service| service.name).collect();
//! assert_eq!(names, ["bowline.health", "bowline.reflection"]);
//! # Ok(())
//! # }
//! ```

use serde::{Deserialize, Serialize};

use super::schema::{Kind, Method, Schema};

/// Tells which services there are, and what they look like.
#[bowline_macros::service(name = "bowline.reflection", crate = crate)]
pub trait Reflection {
    /// All services of the server, in the order of their names.
    #[rpc(idempotent)]
    async fn services(&self) -> Vec<ServiceInfo>;

    /// The service of this name, if there is one.
    #[rpc(idempotent)]
    async fn service(&self, name: String) -> Option<ServiceInfo>;
}

/// A [`Schema`] that has travelled.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// Its name.
    pub name: String,
    /// Its documentation, empty if there is none.
    pub docs: String,
    /// Its methods, in the order of the trait.
    pub methods: Vec<MethodInfo>,
}

/// A [`Method`] that has travelled. Its id is that of the names, [`method_id`](super::method_id).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MethodInfo {
    /// Its name.
    pub name: String,
    /// What travels in which direction.
    pub kind: Kind,
    /// Whether a call may be executed twice without harm.
    pub idempotent: bool,
    /// Arguments and result, as the trait has them; empty if unknown.
    pub signature: String,
    /// Its documentation, empty if there is none.
    pub docs: String,
}

impl From<&Schema> for ServiceInfo {
    fn from(schema: &Schema) -> Self {
        let methods = schema.methods.iter().map(MethodInfo::from).collect();
        Self { name: schema.name.to_owned(), docs: schema.docs.to_owned(), methods }
    }
}

impl From<&Method> for MethodInfo {
    fn from(method: &Method) -> Self {
        Self {
            name: method.name.to_owned(),
            kind: method.kind,
            idempotent: method.idempotent,
            signature: method.signature.to_owned(),
            docs: method.docs.to_owned(),
        }
    }
}

/// The schemas of one server.
pub(super) struct Schemas(Vec<&'static Schema>);

impl Schemas {
    /// These, and that of the reflection itself.
    pub(super) fn new(others: impl Iterator<Item = &'static Schema>) -> Self {
        let mut schemas: Vec<_> = others.chain([ReflectionClient::SCHEMA]).collect();
        schemas.sort_by_key(|schema| schema.name);
        Self(schemas)
    }
}

impl Reflection for Schemas {
    async fn services(&self) -> Vec<ServiceInfo> {
        self.0.iter().copied().map(ServiceInfo::from).collect()
    }

    async fn service(&self, name: String) -> Option<ServiceInfo> {
        self.0.iter().copied().find(|schema| schema.name == name).map(ServiceInfo::from)
    }
}
