//! The side that connects.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bowline_proto::mux::{End, Head, MethodRef, Side};
use bowline_proto::{Endpoint, EndpointError, Options, Snapshot, SocketType, TransportState};
use futures_core::Stream as ItemStream;
use serde::Serialize;

use super::call::{Call, Items, OneWay};
use super::codec::{Codec, EncodeError};
use super::connection::Connection;
use super::error::{Clash, ClientError, Unreachable};
use super::flight::{Flight, Request};
use super::hub::Hub;
use super::limits::Limits;
use super::outgoing::Outgoing;
use super::registry::{Registry, Service};
use super::retries::{Budget, Retries};
use super::routes::{Balance, Route, found};
use super::schema::Method;
use super::timers;
use crate::driver::monitor::Monitor;
use crate::rt;
use crate::socket::{ConnectError, Handle, NoRuntime, Peer, StateWatch};

/// Calls methods of services, over connections that are made again when they are lost.
///
/// A handle is cheap to clone, may be shared between threads, and its methods take `&self`. Dropping the last one closes
/// the client in the background, as [`close`](Self::close) does: a call is no handle, and one that is pending fails.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    /// Keeps the socket open; none where it calls back, by a connection of somebody else's.
    handle: Option<Handle>,
    route: Arc<Route>,
    codec: Codec,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.route {
            Route::Socket { hub, .. } => f.debug_tuple("Client").field(&hub.core.socket_type).finish(),
            Route::Peer(connection) => f.debug_tuple("Client").field(&connection.id).finish(),
        }
    }
}

impl Client {
    /// A client that is connected to `endpoint`, now and again whenever the connection is lost. It never waits for a
    /// server: that may come later, and calls wait for it.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if it is no endpoint that can be connected to, or there is no tokio runtime here.
    pub fn connect<E>(endpoint: E) -> Result<Self, ClientError>
    where
        E: TryInto<Endpoint>,
        E::Error: Into<EndpointError>,
    {
        Self::builder().endpoint(endpoint).connect()
    }

    /// A client with more than the defaults.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client that calls one peer by the connection that it has.
    pub(super) fn of_peer(connection: Arc<Connection>, codec: Codec) -> Self {
        Self(Arc::new(Inner { handle: None, route: Arc::new(Route::Peer(connection)), codec }))
    }

    /// The same client, whose calls are encoded otherwise.
    pub fn with_codec(&self, codec: Codec) -> Self {
        let Inner { handle, route, .. } = &*self.0;
        Self(Arc::new(Inner { handle: handle.clone(), route: Arc::clone(route), codec }))
    }

    /// Connects to another endpoint as well.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect). A client that calls back has one connection only, and is closed in that respect.
    pub fn add_endpoint<E>(&self, endpoint: E) -> Result<Endpoint, ConnectError>
    where
        E: TryInto<Endpoint>,
        E::Error: Into<EndpointError>,
    {
        let endpoint = endpoint.try_into().map_err(|error| ConnectError::from(error.into()))?;
        let Some(handle) = &self.0.handle else {
            return Err(ConnectError { endpoint: endpoint.to_string(), cause: crate::socket::ConnectCause::Closed });
        };
        // Counted first: in process the attempt may be over when this returns.
        self.hub().dials();
        handle.connect(endpoint).inspect_err(|_| self.hub().dials_less())
    }

    /// Whether there is a connection that takes calls.
    pub fn is_connected(&self) -> bool {
        self.0.route.any().is_ok_and(|any| any.is_some())
    }

    /// Waits until there is a connection that takes calls.
    ///
    /// # Errors
    ///
    /// [`Unreachable`] if none will come.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_ready(&self) -> Result<(), Unreachable> {
        found(&self.hub().changed, || self.0.route.any()).await.map(drop)
    }

    /// The peers that are connected.
    pub fn peers(&self) -> Vec<Peer> {
        crate::socket::peers(&self.hub().core)
    }

    /// Says whether there is a network, as [`Dealer::set_network`](crate::Dealer::set_network).
    pub fn set_network(&self, is_there: bool) {
        self.hub().core.set_network(is_there);
    }

    /// The state of its socket: now, and to wait for changes. When it says `Disconnected`, the calls that were lost with
    /// the connection have failed already.
    pub fn state(&self) -> StateWatch {
        StateWatch::new(&self.hub().core)
    }

    /// Calls `handler` with the state now, and with each other one, as
    /// [`Dealer::on_state_change`](crate::Dealer::on_state_change).
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] if there is none that it could run on.
    pub fn on_state_change<F>(&self, handler: F) -> Result<(), NoRuntime>
    where
        F: FnMut(TransportState) + Send + 'static,
    {
        crate::socket::on_state_change(&self.hub().core, handler)
    }

    /// The lifecycle events of its socket from now on.
    pub fn monitor(&self) -> Monitor {
        self.monitor_with_snapshot().1
    }

    /// All endpoints and connections of its socket at this moment, and exactly the events after it: who comes late
    /// misses nothing of what is there.
    ///
    /// ```
    /// use bowline::MonitorKind;
    /// use bowline::rpc::{Client, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().build()?;
    /// let client = Client::connect(server.bind("tcp://127.0.0.1:*").await?)?;
    /// client.wait_ready().await?;
    /// let (mut snapshot, mut monitor) = client.monitor_with_snapshot(); // it hears no `Ready` any more
    /// let (connection, _) = snapshot.connections().next().expect("one is there");
    ///
    /// server.close().await;
    /// while snapshot.connection(connection).is_some() {
    ///     let event = monitor.next().await.expect("the client is there");
    ///     if let MonitorKind::Disconnected(reason) = &event.kind {
    ///         println!("lost: {reason}"); // "lost: closed by the peer"
    ///     }
    ///     snapshot.apply(&event); // it follows the socket
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn monitor_with_snapshot(&self) -> (Snapshot, Monitor) {
        self.hub().core.monitors.add()
    }

    /// Begins no more calls, waits for those that are pending, for at most `grace`, and closes.
    ///
    /// A client that calls back does nothing: the connection is not its own.
    ///
    /// # Cancel safety
    ///
    /// No call is begun from the first poll on; a future that is dropped does not close.
    pub async fn drain(&self, grace: Duration) {
        if let Some(handle) = &self.0.handle {
            self.hub().drain_and_close(handle, grace).await;
        }
    }

    /// Closes the client for all its handles: what is queued still goes out, within the
    /// [`linger`](Options#structfield.linger) of its options, calls that are pending fail, and no task or connection of it
    /// is left.
    ///
    /// A client that calls back does nothing: the connection is not its own.
    ///
    /// # Cancel safety
    ///
    /// No call is begun from the first poll on; a future that is dropped may not have closed.
    pub async fn close(&self) {
        if let Some(handle) = &self.0.handle {
            self.hub().flush_and_close(handle).await;
        }
    }

    pub(super) fn hub(&self) -> &Arc<Hub> {
        self.0.route.hub()
    }

    fn flight<A: Serialize + ?Sized>(&self, method: &Method, args: &A, end: End) -> Flight {
        Flight::new(self.request(method, args, end, false), None)
    }

    fn request<A: Serialize + ?Sized>(
        &self,
        method: &Method,
        args: &A,
        end: End,
        one_way: bool,
    ) -> Result<Request, Box<EncodeError>> {
        let codec = self.0.codec;
        let args = codec.encode(args)?;
        let route = Arc::clone(&self.0.route);
        let is_kept = !one_way && route.retries().is_some();
        let is_idempotent = method.idempotent;
        let method = MethodRef { id: method.id, shape: method.shape, codec: codec.number() };
        let head = Head { one_way, ..Head::new(method) };
        Ok(Request { route, head, args, end, at: None, is_idempotent, is_kept })
    }
}

/// What `#[bowline::service]` makes its methods of.
#[doc(hidden)]
impl Client {
    pub fn unary<A: Serialize + ?Sized, T, E>(&self, method: &Method, args: &A) -> Call<T, E> {
        Call::new(self.flight(method, args, End::Finish), self.0.codec)
    }

    pub fn server_stream<A: Serialize + ?Sized, T, E>(&self, method: &Method, args: &A) -> Items<T, E> {
        Items::new(self.flight(method, args, End::Finish), self.0.codec)
    }

    pub fn client_stream<A, I, T, E>(&self, method: &Method, args: &A, items: I) -> Call<T, E>
    where
        A: Serialize + ?Sized,
        I: ItemStream<Item: Serialize> + Send + 'static,
    {
        let outgoing = Outgoing::new(items, self.0.codec);
        Call::new(Flight::new(self.request(method, args, End::Open, false), Some(outgoing)), self.0.codec)
    }

    pub fn bidirectional<A, I, T, E>(&self, method: &Method, args: &A, items: I) -> Items<T, E>
    where
        A: Serialize + ?Sized,
        I: ItemStream<Item: Serialize> + Send + 'static,
    {
        let outgoing = Outgoing::new(items, self.0.codec);
        Items::new(Flight::new(self.request(method, args, End::Open, false), Some(outgoing)), self.0.codec)
    }

    pub fn one_way<A: Serialize + ?Sized>(&self, method: &Method, args: &A) -> OneWay {
        OneWay::new(Flight::new(self.request(method, args, End::Finish, true), None))
    }
}

/// Makes a [`Client`] with more than the defaults.
#[derive(Default)]
#[must_use = "nothing happens before `connect`"]
pub struct ClientBuilder {
    endpoints: Vec<Result<Endpoint, EndpointError>>,
    options: Options,
    limits: Limits,
    balance: Balance,
    retries: Retries,
    codec: Codec,
    services: Vec<Arc<dyn Service>>,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Connects to this endpoint; to several, if it is called several times.
    pub fn endpoint<E>(mut self, endpoint: E) -> Self
    where
        E: TryInto<Endpoint>,
        E::Error: Into<EndpointError>,
    {
        self.endpoints.push(endpoint.try_into().map_err(Into::into));
        self
    }

    /// The options of its socket, a DEALER.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// How much its peers may take.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Which of its connections a call goes by.
    pub const fn balance(mut self, balance: Balance) -> Self {
        self.balance = balance;
        self
    }

    /// How many calls it makes again by itself. [`Retries::NONE`]: each call is made once, and its first failure is told.
    pub const fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// How arguments and items are encoded.
    pub const fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Lets the server call this service, on the connections that the client makes.
    pub fn service(mut self, service: impl Service) -> Self {
        self.services.push(Arc::new(service));
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    ///
    /// [`ClientError`] if one of the endpoints can't be connected to, there is no tokio runtime here, or two methods of
    /// its services have the same id.
    pub fn connect(mut self) -> Result<Client, ClientError> {
        let endpoints = std::mem::take(&mut self.endpoints);
        let client = self.unconnected()?;
        for endpoint in endpoints {
            client.add_endpoint(endpoint.map_err(ConnectError::from)?)?;
        }
        let hub = Arc::clone(client.hub());
        client.hub().core.spawn(timers::run(hub));
        Ok(client)
    }

    /// Makes the client without its endpoints and its task.
    pub(super) fn unconnected(self) -> Result<Client, Clash> {
        let registry = Registry::new(self.services)?;
        let handle = Handle::apart(SocketType::Dealer, self.options, None);
        let hub = Hub::new(handle.core(), Side::Client, self.limits, registry, self.balance);
        let budget = Arc::new(Budget::new(self.retries, rt::now()));
        let route = Arc::new(Route::Socket { hub, budget });
        Ok(Client(Arc::new(Inner { handle: Some(handle), route, codec: self.codec })))
    }
}
