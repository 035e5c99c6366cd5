//! The eleven socket types. Each has the verbs that its type allows, and no others.

use bowline_proto::{
    ConnectionId, Endpoint, EndpointError, Message, Options, RecvError, SendError, Snapshot, SocketType,
    SubscribeError, TransportState,
};
use tokio_util::sync::CancellationToken;

use super::error::{BindError, ConnectError, UnknownEndpoint};
use super::handle::Handle;
use super::peer::{Peer, UnknownPeer};
use super::state::{NoRuntime, StateWatch};
use super::streams::{Messages, Outgoing};
use super::verbs::{Receiving, Sending};
use crate::driver::monitor::Monitor;

/// Declares a socket type with the verbs that all have, and those that it names.
macro_rules! socket_type {
    ($(#[$doc:meta])* $name:ident: $($verbs:ident)*) => {
        $(#[$doc])*
        ///
        /// A handle is cheap to clone, may be shared between threads, and its methods take `&self`. Dropping the last
        /// one closes the socket in the background, as [`close`](Self::close) does.
        #[derive(Clone, Debug)]
        pub struct $name(Handle);

        impl $name {
            /// A socket with the default options.
            pub fn new() -> Self {
                Self::with_options(Options::default())
            }

            /// A socket with these options.
            pub fn with_options(options: Options) -> Self {
                Self(Handle::new(SocketType::$name, options, None))
            }

            /// A socket that ends as with [`stop`](Self::stop) when `parent` is cancelled: so whatever owns the token
            /// owns the socket and all its tasks.
            pub fn with_parent(options: Options, parent: &CancellationToken) -> Self {
                Self(Handle::new(SocketType::$name, options, Some(parent)))
            }

            endpoint_verbs!();
            $(socket_type!(@ $verbs);)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
    (@ send) => { send_verbs!(); };
    (@ recv) => { recv_verbs!(); };
    (@ subscribe) => { subscribe_verbs!(); };
    (@ subscribers) => { subscriber_verbs!(); };
}

/// Bind, connect, watch, close.
macro_rules! endpoint_verbs {
    () => {
        /// The options that the socket was made with.
        pub fn options(&self) -> &Options {
            self.0.options()
        }

        /// Binds to `endpoint` and returns the one that it came to be: with the port that the system chose.
        ///
        /// # Errors
        ///
        /// [`BindError`] names the endpoint and the cause: no endpoint, in use, not allowed, socket closed.
        ///
        /// # Cancel safety
        ///
        /// Dropping the future before it is done leaves nothing bound.
        pub async fn bind<E>(&self, endpoint: E) -> Result<Endpoint, BindError>
        where
            E: TryInto<Endpoint>,
            E::Error: Into<EndpointError>,
        {
            self.0.bind(endpoint).await
        }

        /// Connects to `endpoint`, now and again whenever the connection is lost. Never waits for a peer: it may come
        /// later.
        ///
        /// # Errors
        ///
        /// [`ConnectError`] if it is no endpoint that can be connected to, the socket is closed, or there is no tokio
        /// runtime here.
        pub fn connect<E>(&self, endpoint: E) -> Result<Endpoint, ConnectError>
        where
            E: TryInto<Endpoint>,
            E::Error: Into<EndpointError>,
        {
            self.0.connect(endpoint)
        }

        /// Takes a `connect` back. What waits for that endpoint alone still has the socket's linger to go out.
        ///
        /// # Errors
        ///
        /// [`UnknownEndpoint`] if the socket is not connected to it.
        pub fn disconnect<E>(&self, endpoint: E) -> Result<(), UnknownEndpoint>
        where
            E: TryInto<Endpoint>,
            E::Error: Into<EndpointError>,
        {
            self.0.disconnect(endpoint)
        }

        /// Takes a `bind` back: no more connections are accepted, and the endpoint is free when this returns.
        /// Connections that were accepted stay.
        ///
        /// # Errors
        ///
        /// [`UnknownEndpoint`] if the socket is not bound to it; it wants the endpoint that `bind` returned.
        ///
        /// # Cancel safety
        ///
        /// The endpoint is given up even if the future is dropped after its first poll.
        pub async fn unbind<E>(&self, endpoint: E) -> Result<(), UnknownEndpoint>
        where
            E: TryInto<Endpoint>,
            E::Error: Into<EndpointError>,
        {
            self.0.unbind(endpoint).await
        }

        /// Whether a peer is connected and ready.
        pub fn is_connected(&self) -> bool {
            self.0.is_connected()
        }

        /// The peers that are connected and ready, oldest connection first.
        pub fn peers(&self) -> Vec<Peer> {
            self.0.peers()
        }

        /// Ends the connection to a peer, as [`peers`](Self::peers) or a monitor names it. What it has sent can still be
        /// received. An endpoint that we connected to is connected to again; `disconnect` is what gives it up.
        ///
        /// # Errors
        ///
        /// [`UnknownPeer`] if no peer that is ready has this connection.
        pub fn disconnect_peer(&self, connection: ConnectionId) -> Result<(), UnknownPeer> {
            self.0.disconnect_peer(connection)
        }

        /// Waits until a peer is connected and ready, or the socket is closed. One that comes and goes while we wait
        /// counts, too.
        ///
        /// # Cancel safety
        ///
        /// Dropping the future changes nothing.
        pub async fn wait_for_peer(&self) {
            self.0.wait_for_peer().await;
        }

        /// Waits until the last peer is gone, or the socket is closed; not at all if that was so already. A socket that
        /// never had a peer waits for one to come and go.
        ///
        /// # Cancel safety
        ///
        /// Dropping the future changes nothing.
        pub async fn wait_until_idle(&self) {
            self.0.wait_until_idle().await;
        }

        /// Whether there is somebody to talk to: now, and to wait for changes.
        pub fn state(&self) -> StateWatch {
            self.0.state()
        }

        /// Calls `handler` with the state now, also if that is the last one, and then with each other one.
        ///
        /// Every handler has a thread of the runtime's blocking pool for each of its calls, so a slow one delays nobody:
        /// not the socket, not `close`, no other handler. States that come and go during a call are skipped. It is
        /// dropped after the last state, or when it panics.
        ///
        /// # Errors
        ///
        /// [`NoRuntime`] outside of a tokio runtime, unless the socket was bound or connected in one.
        pub fn on_state_change<F>(&self, handler: F) -> Result<(), NoRuntime>
        where
            F: FnMut(TransportState) + Send + 'static,
        {
            self.0.on_state_change(handler)
        }

        /// The lifecycle events of the socket from now on.
        pub fn monitor(&self) -> Monitor {
            self.0.monitor()
        }

        /// All endpoints and connections of the socket at this moment, and exactly the events after it.
        ///
        /// ```
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// let pull = bowline::Pull::new();
        /// let endpoint = pull.bind("tcp://127.0.0.1:*").await?;
        /// let (mut snapshot, mut monitor) = pull.monitor_with_snapshot();
        /// assert_eq!(snapshot.listening(), [endpoint]);
        ///
        /// pull.close().await;
        /// while let Some(event) = monitor.next().await {
        ///     snapshot.apply(&event); // it follows the socket
        /// }
        /// assert!(snapshot.is_stopped() && snapshot.listening().is_empty());
        /// # Ok(())
        /// # }
        /// ```
        pub fn monitor_with_snapshot(&self) -> (Snapshot, Monitor) {
            self.0.monitor_with_snapshot()
        }

        /// Closes the socket for all its handles and waits until unsent messages are out or
        /// [`linger`](Options#structfield.linger) is over; then no task, connection or endpoint of it is left. A peer
        /// that has not closed in turn when all is sent is waited for up to 30 s, within linger: a connection that is
        /// cut while it still reads may lose what we have sent.
        ///
        /// Returns how many messages were dropped since linger was over: 0 if all went out.
        ///
        /// # Cancel safety
        ///
        /// The socket is closing from the first poll on; dropping the future only gives up the waiting.
        pub async fn close(&self) -> u64 {
            self.0.close().await
        }

        /// Ends the socket at once, for all its handles; unsent messages are dropped, and a monitor tells how many.
        pub fn stop(&self) {
            self.0.stop();
        }
    };
}

macro_rules! send_verbs {
    () => {
        /// Sends a message; waits while no pipe has room for it, or no peer is there yet.
        ///
        /// # Errors
        ///
        /// [`SendError`] returns the message with the reason: the socket is closed, or it is not its turn to send.
        ///
        /// # Cancel safety
        ///
        /// A future that is dropped before it is done has sent nothing; the message is dropped with it.
        #[inline]
        pub fn send<M: Into<Message>>(&self, message: M) -> Sending<'_, M> {
            self.0.send(message)
        }

        /// Sends a message if that is possible at once.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send), and [`WouldBlock`](bowline_proto::SendErrorKind::WouldBlock) where `send` would wait.
        pub fn try_send(&self, message: impl Into<Message>) -> Result<(), SendError> {
            self.0.try_send(message.into())
        }

        /// The socket as a `Sink` of messages.
        pub fn sink(&self) -> Outgoing {
            Outgoing::new(self.0.clone())
        }
    };
}

macro_rules! recv_verbs {
    () => {
        /// Receives a message; waits until there is one.
        ///
        /// # Errors
        ///
        /// [`RecvError`] says why none will come: the socket is closed, or it is not its turn to receive.
        ///
        /// # Cancel safety
        ///
        /// Dropping the future loses no message.
        #[inline]
        pub fn recv(&self) -> Receiving<'_> {
            self.0.recv()
        }

        /// Receives a message if there is one.
        ///
        /// # Errors
        ///
        /// As [`recv`](Self::recv), and [`RecvError::WouldBlock`] where `recv` would wait.
        pub fn try_recv(&self) -> Result<Message, RecvError> {
            self.0.try_recv()
        }

        /// The messages that the socket receives, as a `Stream`.
        pub fn stream(&self) -> Messages {
            Messages::new(self.0.clone())
        }
    };
}

macro_rules! subscribe_verbs {
    () => {
        /// Subscribes to messages whose first part begins with `topic`; to all with the empty topic.
        ///
        /// Subscriptions count: as many `unsubscribe`s take one back. They are told to every peer, also to those that
        /// come later or come back.
        ///
        /// # Errors
        ///
        /// [`SubscribeError::Closed`].
        pub fn subscribe(&self, topic: impl AsRef<[u8]>) -> Result<(), SubscribeError> {
            self.0.subscribe(topic.as_ref())
        }

        /// Takes one subscription back; nothing happens if there is none to this topic.
        ///
        /// # Errors
        ///
        /// [`SubscribeError::Closed`].
        pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> Result<(), SubscribeError> {
            self.0.unsubscribe(topic.as_ref())
        }
    };
}

macro_rules! subscriber_verbs {
    () => {
        /// Waits until some peer is subscribed to something, or the socket is closed.
        ///
        /// # Cancel safety
        ///
        /// Dropping the future changes nothing.
        pub async fn wait_for_subscriber(&self) {
            self.0.wait_for_subscriber().await;
        }
    };
}

socket_type! {
    /// PAIR (RFC 31): talks to one peer, both ways.
    ///
    /// A second peer is refused while the first is there, and its monitor tells why.
    Pair: send recv
}

socket_type! {
    /// PUB (RFC 29): fans messages out to the peers that subscribed to them.
    ///
    /// A message that a subscriber has no room for is dropped for that subscriber: `send` never waits, unless
    /// [`xpub_nodrop`](Options#structfield.xpub_nodrop) says so. So does one that nobody has subscribed to yet: whoever
    /// wants the first message to arrive waits for [`wait_for_subscriber`](Self::wait_for_subscriber).
    ///
    /// ```
    /// use bowline::{Pub, Sub};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let publisher = Pub::new();
    /// let endpoint = publisher.bind("tcp://127.0.0.1:*").await?;
    ///
    /// let subscriber = Sub::new();
    /// subscriber.subscribe("weather")?;
    /// subscriber.connect(&endpoint)?;
    ///
    /// publisher.wait_for_subscriber().await;
    /// publisher.send("sports 1:0").await?;
    /// publisher.send("weather sunny").await?;
    /// assert_eq!(subscriber.recv().await?.parts(), ["weather sunny"]);
    /// # Ok(())
    /// # }
    /// ```
    Pub: send subscribers
}

socket_type! {
    /// SUB (RFC 29): receives what it subscribed to; nothing before the first [`subscribe`](Self::subscribe).
    ///
    /// The publisher filters, so what nobody wants does not travel. [`Pub`] has an example.
    Sub: recv subscribe
}

socket_type! {
    /// REQ (RFC 28): sends a request, then receives its reply, in turn.
    ///
    /// If the peer that has the request goes away, `recv` says so
    /// ([`RecvError::PeerLost`](bowline_proto::RecvError::PeerLost)) and the socket may send again.
    ///
    /// ```
    /// use bowline::{Rep, Req};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let service = Rep::new();
    /// let endpoint = service.bind("tcp://127.0.0.1:*").await?;
    ///
    /// let client = Req::new();
    /// client.connect(&endpoint)?;
    /// client.send("what is the time?").await?;
    ///
    /// assert_eq!(service.recv().await?.parts(), ["what is the time?"]);
    /// service.send("noon").await?;
    ///
    /// assert_eq!(client.recv().await?.parts(), ["noon"]);
    /// # Ok(())
    /// # }
    /// ```
    Req: send recv
}

socket_type! {
    /// REP (RFC 28): receives a request, then sends its reply, in turn.
    ///
    /// The reply to a peer that is gone is dropped. [`Req`] has an example.
    Rep: send recv
}

socket_type! {
    /// DEALER (RFC 28): sends to its peers in turn and receives from all, without waiting for replies.
    ///
    /// What is meant for a REP begins with an empty part, and so does the reply. [`Router`] has an example.
    Dealer: send recv
}

socket_type! {
    /// ROUTER (RFC 28): addresses its peers by identity.
    ///
    /// The first part of each message is the identity of the peer that it came from, or goes to. A message to a peer that
    /// is not there is dropped, unless [`router_mandatory`](Options#structfield.router_mandatory) makes it an error.
    ///
    /// ```
    /// use bowline::{Dealer, Options, Router};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let router = Router::new();
    /// let endpoint = router.bind("tcp://127.0.0.1:*").await?;
    ///
    /// let worker = Dealer::with_options(Options::new().identity("worker-1".parse()?));
    /// worker.connect(&endpoint)?;
    /// worker.send("ready").await?;
    ///
    /// assert_eq!(router.recv().await?.parts(), ["worker-1", "ready"]);
    /// router.send(["worker-1", "a job"].into_iter().collect::<bowline::Message>()).await?;
    /// assert_eq!(worker.recv().await?.parts(), ["a job"]);
    /// # Ok(())
    /// # }
    /// ```
    Router: send recv
}

socket_type! {
    /// PULL (RFC 30): collects from its peers in turn. [`Push`] has an example.
    Pull: recv
}

socket_type! {
    /// PUSH (RFC 30): spreads over its peers in turn, past those that have no room.
    ///
    /// Each message goes to one peer. While none has room, `send` waits: nothing is dropped.
    ///
    /// ```
    /// use bowline::{Pull, Push};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let workers = [Pull::new(), Pull::new()];
    /// let source = Push::new();
    /// for worker in &workers {
    ///     source.connect(worker.bind("tcp://127.0.0.1:*").await?)?;
    /// }
    /// for job in ["one", "two"] {
    ///     source.send(job).await?;
    /// }
    /// assert_eq!(workers[0].recv().await?.parts(), ["one"]);
    /// assert_eq!(workers[1].recv().await?.parts(), ["two"]);
    /// # Ok(())
    /// # }
    /// ```
    Push: send
}

socket_type! {
    /// XPUB (RFC 29): a PUB that receives the subscriptions of its peers.
    ///
    /// A subscription arrives as a message of one part: `1` and the topic, or `0` and the topic when it ends.
    XPub: send recv subscribers
}

socket_type! {
    /// XSUB (RFC 29): a SUB that sends its subscriptions as messages.
    ///
    /// A message of one part that begins with the byte 1 subscribes, one that begins with 0 takes it back; others go to
    /// the publishers. What arrives is not filtered again.
    XSub: send recv subscribe
}
