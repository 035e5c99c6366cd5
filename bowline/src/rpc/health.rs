//! The built-in service that tells whether the others are fit to be called.
//!
//! Every server offers it, unless [`ServerBuilder::builtin`](super::ServerBuilder::builtin) says otherwise. It says that
//! every service serves, until the application tells it otherwise by [`Server::health`](super::Server::health).
//!
//! ```
//! use bowline::rpc::health::{Condition, HealthClient};
//! use bowline::rpc::{Client, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::builder().build()?;
//! let endpoint = server.bind("tcp://127.0.0.1:*").await?;
//!
//! let health = HealthClient::new(Client::connect(endpoint)?);
//! let mut conditions = health.watch(String::new());
//! assert_eq!(conditions.next().await.unwrap()?, Condition::Serving);
//! server.health().set("", Condition::NotServing);
//! assert_eq!(conditions.next().await.unwrap()?, Condition::NotServing);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_core::Stream;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Tells whether services are fit to be called; the empty name stands for the server as a whole.
#[bowline_macros::service(name = "bowline.health", crate = crate)]
pub trait Health {
    /// The condition of `service` now.
    #[rpc(idempotent)]
    async fn check(&self, service: String) -> Condition;

    /// The condition of `service` now, and again whenever it is another; what came and went in between may be left out.
    async fn watch(&self, service: String) -> impl Stream<Item = Condition>;
}

/// Whether a service is fit to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Condition {
    /// It is.
    Serving,
    /// It is there, but calls should go elsewhere.
    NotServing,
    /// The server has no such service.
    Unknown,
}

/// What a server says of its services. A clone is of the same server.
#[derive(Clone, Debug)]
pub struct HealthBoard(Arc<watch::Sender<Conditions>>);

#[derive(Debug)]
struct Conditions {
    services: BTreeMap<String, Condition>,
    /// Whoever watches has heard all that it will.
    ended: bool,
}

impl Conditions {
    fn of(&self, service: &str) -> Condition {
        self.services.get(service).copied().unwrap_or(Condition::Unknown)
    }
}

impl HealthBoard {
    /// All of these services serve, and so does the server.
    pub(super) fn new<'a>(services: impl Iterator<Item = &'a str>) -> Self {
        let services = services.chain([""]).map(|name| (name.to_owned(), Condition::Serving)).collect();
        Self(Arc::new(watch::Sender::new(Conditions { services, ended: false })))
    }

    /// Says that `service` is in this condition, the empty name for the server as a whole. Calls are accepted all the
    /// same: it is for the callers to go elsewhere.
    pub fn set(&self, service: &str, condition: Condition) {
        self.0.send_if_modified(|conditions| {
            !conditions.ended && conditions.services.insert(service.to_owned(), condition) != Some(condition)
        });
    }

    /// What is said of `service`.
    pub fn get(&self, service: &str) -> Condition {
        self.0.borrow().of(service)
    }

    /// Nothing serves any more, and whoever watches hears it as the last: a server that drains does not wait for them.
    pub(super) fn end(&self) {
        self.0.send_modify(|conditions| {
            conditions.ended = true;
            conditions.services.values_mut().for_each(|condition| *condition = Condition::NotServing);
        });
    }
}

impl Health for HealthBoard {
    async fn check(&self, service: String) -> Condition {
        self.get(&service)
    }

    async fn watch(&self, service: String) -> impl Stream<Item = Condition> {
        let state = (self.0.subscribe(), None, false);
        stream::unfold((state, service), async |((mut conditions, told, ended), service)| {
            if ended {
                return None;
            }
            let changed = conditions.wait_for(|now| now.ended || Some(now.of(&service)) != told);
            let (now, ended) = changed.await.map(|now| (now.of(&service), now.ended)).ok()?;
            Some((now, ((conditions, Some(now), ended), service)))
        })
    }
}
