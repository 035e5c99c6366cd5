//! The services that a peer may call, found by the ids of their methods.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::error::Clash;
use super::exchange::Exchange;
use super::schema::{Method, Schema};

/// What `#[bowline::service]` makes of a trait and its implementation.
pub trait Service: Send + Sync + 'static {
    /// What it looks like from outside.
    fn schema(&self) -> &'static Schema;

    /// Handles a call of the method that stands at this place in the schema.
    ///
    /// The future is polled at once, in the task that serves the connection; only if it is not done then it gets a task
    /// of its own. It is dropped when the call is cancelled, when its deadline passes, and when the connection is lost.
    fn call(&self, method: usize, exchange: Exchange) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// The method of this id, and what [`call`](Self::call) is to be told for it, where a service learns its methods only
    /// while it runs. Asked for what stands in no schema; by default it is nowhere.
    #[doc(hidden)]
    fn late(&self, id: u64) -> Option<(usize, &'static Method)> {
        let _ = id;
        None
    }
}

/// Puts something around a service.
pub(super) type Wrap = Box<dyn Fn(Arc<dyn Service>) -> Arc<dyn Service> + Send + Sync>;

/// The services of one server or client.
#[derive(Clone, Default)]
pub(super) struct Registry {
    services: Vec<Arc<dyn Service>>,
    /// Each id with the places of its service and of its method, in the order of ids: they are hashes already.
    methods: Vec<(u64, (usize, usize))>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.services.iter().map(|service| service.schema().name)).finish()
    }
}

impl Registry {
    /// Those of `services`.
    ///
    /// # Errors
    ///
    /// [`Clash`] names two methods with the same id.
    pub(super) fn new(services: Vec<Arc<dyn Service>>) -> Result<Self, Clash> {
        let mut methods = Vec::new();
        for (at, service) in services.iter().enumerate() {
            for (index, method) in service.schema().methods.iter().enumerate() {
                // Each to its place: they are few, and a page need not have an algorithm that sorts.
                let place = (method.id, (at, index));
                let behind = methods.partition_point(|other| *other < place);
                methods.insert(behind, place);
            }
        }
        let name = |(_, (at, index)): &(u64, (usize, usize))| name(&services[*at].schema().methods[*index]);
        let clashes = methods.iter().zip(methods.iter().skip(1)).filter(|(first, second)| first.0 == second.0);
        if let Some((first, second)) = clashes.min_by_key(|(first, _)| first.1) {
            return Err(Clash { first: name(first), second: name(second) });
        }
        Ok(Self { services, methods })
    }

    /// The service that has the method of this id, and where it stands in its schema.
    pub(super) fn find(&self, id: u64) -> Option<(&Arc<dyn Service>, usize, &'static Method)> {
        let Ok(found) = self.methods.binary_search_by_key(&id, |(id, _)| *id) else {
            return self.services.iter().find_map(|service| service.late(id).map(|(at, method)| (service, at, method)));
        };
        let (at, index) = self.methods[found].1;
        let service = self.services.get(at)?;
        Some((service, index, service.schema().methods.get(index)?))
    }
}

fn name(method: &Method) -> String {
    format!("{}/{}", method.service, method.name)
}
