//! A socket whose type is chosen at run time.

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

/// A socket of any type, chosen at run time: for programs that take the type from their user.
///
/// It has every verb; one that its type does not have returns `Unsupported`. All else is as with the type's own struct.
///
/// ```
/// use bowline::{AnySocket, Options, RecvError, SocketType};
///
/// let push = AnySocket::new("push".parse().unwrap(), Options::default());
/// assert_eq!(push.try_recv(), Err(RecvError::Unsupported(SocketType::Push)));
/// ```
#[derive(Clone, Debug)]
pub struct AnySocket(Handle);

impl AnySocket {
    /// A socket of this type with these options.
    pub fn new(socket_type: SocketType, options: Options) -> Self {
        Self(Handle::new(socket_type, options, None))
    }

    /// A socket that ends as with [`stop`](Self::stop) when `parent` is cancelled.
    pub fn with_parent(socket_type: SocketType, options: Options, parent: &CancellationToken) -> Self {
        Self(Handle::new(socket_type, options, Some(parent)))
    }

    /// The type of the socket.
    pub fn socket_type(&self) -> SocketType {
        self.0.socket_type()
    }

    endpoint_verbs!();
    send_verbs!();
    recv_verbs!();

    /// Subscribes to messages whose first part begins with `topic`, as [`Sub::subscribe`](crate::Sub::subscribe).
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Unsupported`] unless the socket is a SUB or an XSUB.
    pub fn subscribe(&self, topic: impl AsRef<[u8]>) -> Result<(), SubscribeError> {
        self.0.subscribe(topic.as_ref())
    }

    /// Takes one subscription back.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::Unsupported`] unless the socket is a SUB or an XSUB.
    pub fn unsubscribe(&self, topic: impl AsRef<[u8]>) -> Result<(), SubscribeError> {
        self.0.unsubscribe(topic.as_ref())
    }

    /// Waits until some peer is subscribed to something, or the socket is closed. Only PUB and XPUB have subscribers:
    /// on others it waits until they are closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_for_subscriber(&self) {
        self.0.wait_for_subscriber().await;
    }
}
