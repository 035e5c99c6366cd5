//! The eleven socket types. Each has the verbs that its type allows, and no others.

use std::collections::VecDeque;

use bowline_proto::{
    ConnectionId, Endpoint, EndpointError, Message, Options, RecvError, SendError, SendErrorKind, Snapshot, SocketType,
    SubscribeError, TransportState,
};
use tokio_util::sync::CancellationToken;

use super::error::{BindError, ConnectError, UnknownEndpoint};
use super::handle::Handle;
use super::peer::{Peer, UnknownPeer};
use super::state::{NoRuntime, StateWatch};
use super::streams::{Messages, Outgoing};
use super::verbs::{Receiving, ReceivingMany, Sending, SendingMany};
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
