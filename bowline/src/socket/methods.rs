//! The verbs, written once, as macros: for the typed sockets and for the untyped one. They take their names from where
//! they are used.

/// Bind, connect, watch, close.
macro_rules! endpoint_verbs {
    () => {
        /// What the types of sockets share.
        #[cfg(feature = "axum")]
        pub(crate) const fn handle(&self) -> &Handle {
            &self.0
        }

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

        /// Says whether there is a network, where the application hears of it, as a web page or a phone does: without one no
        /// endpoint is tried again, however long; when it is said that there is one, each is tried at once, and the delays
        /// begin anew. It is no promise: what is connected stays so, and attempts that are under way go on.
        ///
        /// To say it again, as when a page is shown after a while, has the endpoints tried at once as well. Default: there
        /// is one.
        pub fn set_network(&self, is_there: bool) {
            self.0.set_network(is_there);
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

        /// Sends all of `messages` in order, from the front; waits while no pipe has room for the next one. Each goes
        /// where [`send`](Self::send) would send it, but the socket is locked once for as many as there is room for, up
        /// to 512.
        ///
        /// It takes a queue of yours, so that what was sent and what was not can be told apart however it ends: what is
        /// still in it was not sent. `VecDeque::from` makes one of a `Vec` without a copy.
        ///
        /// ```
        /// use std::collections::VecDeque;
        ///
        /// use bowline::{Message, Pull, Push};
        ///
        /// # #[tokio::main(flavor = "current_thread")]
        /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// let (pull, push) = (Pull::new(), Push::new());
        /// push.connect(pull.bind("tcp://127.0.0.1:*").await?)?;
        ///
        /// let mut jobs: VecDeque<Message> = ["one", "two", "three"].map(Message::from).into();
        /// push.send_many(&mut jobs).await?;
        /// assert!(jobs.is_empty());
        ///
        /// let mut received = Vec::new();
        /// while received.len() < 3 {
        ///     pull.recv_many(&mut received, 100).await?; // what is there, and at least one
        /// }
        /// assert_eq!(received[2].parts(), ["three"]);
        /// # Ok(())
        /// # }
        /// ```
        ///
        /// # Errors
        ///
        /// [`SendErrorKind`] says why the first message that is left was not sent: the socket is closed, it is not its
        /// turn to send, or one of the reasons that a ROUTER has. Those before it were sent. An empty queue is no error.
        ///
        /// # Cancel safety
        ///
        /// However often the future is dropped, each message was either sent or is still in `messages`.
        pub fn send_many<'a>(&'a self, messages: &'a mut VecDeque<Message>) -> SendingMany<'a> {
            self.0.send_many(messages)
        }

        /// Sends as many of `messages` as is possible at once, in order, from the front, and returns how many; the rest
        /// stays in the queue.
        ///
        /// # Errors
        ///
        /// As [`send_many`](Self::send_many), and [`WouldBlock`](SendErrorKind::WouldBlock) where it would wait: but
        /// only if none was sent. An empty queue is no error.
        pub fn try_send_many(&self, messages: &mut VecDeque<Message>) -> Result<usize, SendErrorKind> {
            self.0.try_send_many(messages)
        }

        /// The socket as a `Sink` of messages.
        pub fn sink(&self) -> Outgoing {
            Outgoing::new(self.0.clone())
        }
    };
}

macro_rules! recv_verbs {
    () => {
        /// Receives a message; waits until there is one: asleep, unless [`busy_poll`](Options#structfield.busy_poll)
        /// says otherwise.
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

        /// Appends the messages that are there to `messages`, up to `most`, and returns how many; waits until there is
        /// at least one, and for no more. They come in the order in which [`recv`](Self::recv) would give them, but the
        /// socket is locked once for all of them.
        ///
        /// One call gives 512 at the most, however large `most` is, so that the lock stays short. With a `most` of 0 it
        /// returns 0 at once. [`send_many`](crate::Push::send_many) has an example.
        ///
        /// # Errors
        ///
        /// As [`recv`](Self::recv), if there is no message.
        ///
        /// # Cancel safety
        ///
        /// Dropping the future loses no message: nothing is appended before it is done.
        pub fn recv_many<'a>(&'a self, messages: &'a mut Vec<Message>, most: usize) -> ReceivingMany<'a> {
            self.0.recv_many(messages, most)
        }

        /// Appends the messages that are there to `messages`, up to `most` and up to 512, and returns how many.
        ///
        /// # Errors
        ///
        /// As [`recv_many`](Self::recv_many), and [`RecvError::WouldBlock`] where it would wait.
        pub fn try_recv_many(&self, messages: &mut Vec<Message>, most: usize) -> Result<usize, RecvError> {
            self.0.try_recv_many(messages, most)
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
