//! The side that binds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bowline_proto::lock::Mutex;
use bowline_proto::mux::Side;
use bowline_proto::{ConnectionId, Endpoint, EndpointError, Options, Snapshot, SocketType};

use super::client::Client;
use super::codec::Codec;
use super::error::Clash;
use super::health::{HealthBoard, HealthClient, HealthServer};
use super::hub::Hub;
use super::limits::Limits;
use super::reflection::{ReflectionServer, Schemas};
use super::registry::{Registry, Service, Wrap};
use super::routes::Balance;
use super::timers;
use crate::driver::monitor::Monitor;
use crate::socket::{BindError, Handle, Peer, StateWatch, UnknownEndpoint, UnknownPeer};

/// Offers services to whoever connects.
///
/// A handle is cheap to clone, may be shared between threads, and its methods take `&self`. Dropping the last one closes
/// the server in the background.
#[derive(Clone)]
pub struct Server {
    handle: Handle,
    hub: Arc<Hub>,
    /// Where it is bound, until it drains.
    bound: Arc<Mutex<Bound>>,
    health: HealthBoard,
}

#[derive(Debug, Default)]
struct Bound {
    endpoints: Vec<Endpoint>,
    receives: bool,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("bound", &self.bound.lock().endpoints).finish_non_exhaustive()
    }
}

/// Starts what a server needs before its first connection, once.
fn begin(bound: &Mutex<Bound>, hub: &Arc<Hub>) {
    if !std::mem::replace(&mut bound.lock().receives, true) {
        hub.core.spawn(timers::run(Arc::clone(hub)));
    }
}

#[cfg(feature = "axum")]
impl Server {
    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What is to be done when the first connection comes by somebody else's listener.
    pub(crate) fn beginning(&self) -> impl Fn() + Send + Sync + use<> {
        let (bound, hub) = (Arc::clone(&self.bound), Arc::clone(&self.hub));
        move || begin(&bound, &hub)
    }
}

impl Server {
    /// A server with these services and more.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// Binds to `endpoint` and returns the one that it came to be: with the port that the system chose.
    ///
    /// # Errors
    ///
    /// [`BindError`] names the endpoint and the cause: no endpoint, in use, not allowed, server closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done leaves nothing bound.
    pub async fn bind<E>(&self, endpoint: E) -> Result<Endpoint, BindError>
    where
        E: TryInto<Endpoint>,
        E::Error: Into<EndpointError>,
    {
        let endpoint = self.handle.bind(endpoint).await?;
        self.bound.lock().endpoints.push(endpoint.clone());
        begin(&self.bound, &self.hub);
        Ok(endpoint)
    }

    /// Takes a `bind` back. Connections that were accepted stay.
    ///
    /// # Errors
    ///
    /// [`UnknownEndpoint`] if the server is not bound to it.
    pub async fn unbind<E>(&self, endpoint: E) -> Result<(), UnknownEndpoint>
    where
        E: TryInto<Endpoint>,
        E::Error: Into<EndpointError>,
    {
        self.handle.unbind(endpoint).await
    }

    /// What the built-in service `bowline.health` says of the others; it is for the application to set.
    pub const fn health(&self) -> &HealthBoard {
        &self.health
    }

    /// The peers that are connected.
    pub fn peers(&self) -> Vec<Peer> {
        self.handle.peers()
    }

    /// A client that calls a peer on the connection that it made, whether it has called or not; from the moment on at which a
    /// monitor hears that it is ready. Its calls are never made again by themselves.
    ///
    /// ```
    /// use bowline::MonitorKind;
    /// use bowline::rpc::{Client, Server};
    ///
    /// #[bowline::service]
    /// trait Screen {
    ///     async fn show(&self, line: String) -> usize;
    /// }
    ///
    /// struct Narrow;
    ///
    /// impl Screen for Narrow {
    ///     async fn show(&self, line: String) -> usize {
    ///         line.len().min(40)
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().build()?;
    /// let mut monitor = server.monitor();
    /// let endpoint = server.bind("tcp://127.0.0.1:*").await?;
    /// let _screen = Client::builder().endpoint(endpoint).service(ScreenServer::new(Narrow)).connect()?;
    ///
    /// while let Some(event) = monitor.next().await {
    ///     if let (MonitorKind::Ready, Some(connection)) = (event.kind, event.connection) {
    ///         let shown = ScreenClient::new(server.client(connection)?).show("welcome".into()).await?;
    ///         assert_eq!(shown, 7);
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnknownPeer`] if no peer that is ready has this connection.
    pub fn client(&self, connection: ConnectionId) -> Result<Client, UnknownPeer> {
        let found = self.hub.connection(connection).ok_or(UnknownPeer(connection))?;
        Ok(Client::of_peer(found, Codec::default()))
    }

    /// Ends the connection to a peer, as [`peers`](Self::peers), a monitor or [`Context`](super::Context) names it.
    ///
    /// # Errors
    ///
    /// [`UnknownPeer`] if no peer that is ready has this connection.
    pub fn disconnect_peer(&self, connection: ConnectionId) -> Result<(), UnknownPeer> {
        self.handle.disconnect_peer(connection)
    }

    /// The state of its socket: now, and to wait for changes.
    pub fn state(&self) -> StateWatch {
        self.handle.state()
    }

    /// The lifecycle events of its socket from now on.
    pub fn monitor(&self) -> Monitor {
        self.handle.monitor()
    }

    /// All endpoints and connections of its socket at this moment, and exactly the events after it, as
    /// [`Client::monitor_with_snapshot`](super::Client::monitor_with_snapshot).
    pub fn monitor_with_snapshot(&self) -> (Snapshot, Monitor) {
        self.handle.monitor_with_snapshot()
    }

    /// Accepts no more connections and no more calls, lets those that were begun come to their end, for at most `grace`,
    /// and closes. Whoever calls hears that it may try elsewhere.
    ///
    /// # Cancel safety
    ///
    /// From the first poll on nothing is begun any more; a future that is dropped does not close.
    pub async fn drain(&self, grace: Duration) {
        self.health.end();
        let endpoints = std::mem::take(&mut self.bound.lock().endpoints);
        for endpoint in endpoints {
            // One that was unbound is not here any more.
            let _ = self.handle.unbind(endpoint).await;
        }
        self.hub.drain_and_close(&self.handle, grace).await;
    }

    /// Ends the server at once, for all its handles: calls that are pending are lost.
    pub fn stop(&self) {
        self.handle.stop();
    }

    /// Closes the server for all its handles: answers that were given still go out, within the
    /// [`linger`](Options#structfield.linger) of its options, handlers that are at work are ended, and no task,
    /// connection or endpoint of it is left.
    ///
    /// # Cancel safety
    ///
    /// Nothing is begun from the first poll on; a future that is dropped may not have closed.
    pub async fn close(&self) {
        self.hub.flush_and_close(&self.handle).await;
    }
}

/// Makes a [`Server`].
#[must_use = "nothing happens before `build`"]
pub struct ServerBuilder {
    services: Vec<Arc<dyn Service>>,
    /// What is around them, the outermost first.
    wraps: Vec<Wrap>,
    builtin: bool,
    limits: Limits,
    options: Options,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            wraps: Vec::new(),
            builtin: true,
            limits: Limits::default(),
            options: Options::default(),
        }
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.services.iter().map(|service| service.schema().name).collect();
        f.debug_struct("ServerBuilder").field("services", &names).finish_non_exhaustive()
    }
}

impl ServerBuilder {
    /// Offers this service.
    pub fn service(mut self, service: impl Service) -> Self {
        self.services.push(Arc::new(service));
        self
    }

    /// Whether the built-in services are offered: [`reflection`](super::reflection) and [`health`](super::health).
    ///
    /// Default true: tools and balancers count on them. They tell every peer which services there are.
    pub const fn builtin(mut self, offered: bool) -> Self {
        self.builtin = offered;
        self
    }

    /// Puts a layer of tower around all services, the built-in ones among them; see [`middleware`](super::middleware). The
    /// first one is the outermost.
    ///
    /// The service that it makes is cloned for each call: what it limits has to be shared by the clones, as it is in
    /// tower's own.
    #[cfg(feature = "tower")]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: tower_layer::Layer<super::middleware::Dispatch>,
        L::Service: tower_service::Service<
                super::middleware::Request,
                Response = (),
                Error: Into<Box<dyn std::error::Error + Send + Sync>>,
                Future: Send,
            > + Clone
            + Send
            + Sync
            + 'static,
    {
        self.wraps.push(super::middleware::wrap(&layer));
        self
    }

    /// How much its peers may take.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The options of its socket, a ROUTER.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Makes the server.
    ///
    /// # Errors
    ///
    /// [`Clash`] if two methods of its services have the same id.
    pub fn build(mut self) -> Result<Server, Clash> {
        let schemas: Vec<_> = self.services.iter().map(|service| service.schema()).collect();
        let health = HealthBoard::new(schemas.iter().map(|schema| schema.name));
        if self.builtin {
            let schemas = Schemas::new(schemas.into_iter().chain([HealthClient::SCHEMA]));
            self.services.push(Arc::new(ReflectionServer::new(schemas)));
            self.services.push(Arc::new(HealthServer::new(health.clone())));
        }
        for wrap in self.wraps.iter().rev() {
            self.services = self.services.into_iter().map(wrap).collect();
        }
        let registry = Registry::new(self.services)?;
        let handle = Handle::apart(SocketType::Router, self.options, None);
        let hub = Hub::new(handle.core(), Side::Server, self.limits, registry, Balance::default());
        Ok(Server { handle, hub, bound: Arc::default(), health })
    }
}
