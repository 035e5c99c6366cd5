//! The engine: one socket, without its tasks.
//!
//! [`Engine`] is the synchronous core of a socket. It decides at once, under the caller's lock; what has to wait waits
//! outside, on the socket's [`Mailbox`].

pub mod backoff;
pub mod dialer;
pub mod lifecycle;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::{DisconnectReason, RecvError, SendErrorKind, SubscribeError};
use crate::monitor::ConnectionId;
use crate::pattern::{self, News, Pattern, Pipe, Pipes, Tally};
use crate::peer::PeerInfo;
use crate::pipe::{Inbox, Mailbox, Outbox, PipeId, Signal, Take, Waiting, Wakes};
use crate::wire::batch::Batch;
use crate::{Message, Options, SocketType};
use lifecycle::{Effect, Input, State};

/// How many messages are sent or received in one go at the most: the socket's lock is held for all of them.
///
/// 512 of them take some ten microseconds. By then the lock and the wakes cost next to nothing for each.
pub const BATCH_MOST: usize = 512;

/// The two halves of a pipe, for the connection task.
#[derive(Clone, Debug)]
pub struct Halves {
    /// The pipe.
    pub pipe: PipeId,
    /// What the socket sends.
    pub outbox: Arc<Outbox>,
    /// What the socket receives.
    pub inbox: Arc<Inbox>,
}

/// A socket: its lifecycle, its pattern and its pipes.
///
/// Its methods are of four kinds:
///
/// - *what it is*: [`socket_type`](Self::socket_type), [`options`](Self::options), [`state`](Self::state),
///   [`peers`](Self::peers), [`turns`](Self::turns), [`subscriptions`](Self::subscriptions);
/// - *from the application*: [`try_send`](Self::try_send), [`try_send_many`](Self::try_send_many),
///   [`try_recv`](Self::try_recv), [`try_recv_many`](Self::try_recv_many), [`subscribe`](Self::subscribe),
///   [`close`](Self::close), [`stop`](Self::stop);
/// - *from connections*: [`dial`](Self::dial), [`accept`](Self::accept), [`attach`](Self::attach),
///   [`detach`](Self::detach), [`shed`](Self::shed), [`close_pipe`](Self::close_pipe);
/// - *to the world*: [`take_news`](Self::take_news) and [`take_wakes`](Self::take_wakes), after every call; to be woken
///   without a lock held.
#[derive(Debug)]
pub struct Engine {
    options: Arc<Options>,
    state: State,
    pattern: Box<dyn Pattern>,
    pipes: Pipes,
    /// Edges that are being looked at.
    signals: Vec<Signal>,
    peers: usize,
    turns: Turns,
}

/// How often something came about that tasks wait for: one that looks too late still sees that it was so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// A peer came.
    pub arrivals: u64,
    /// The last peer went.
    pub idle: u64,
    /// A peer subscribed to something.
    pub subscriptions: u64,
}

impl Engine {
    /// A new socket.
    pub fn new(socket_type: SocketType, options: Arc<Options>) -> Self {
        Self {
            state: State::default(),
            pattern: pattern::for_type(socket_type, &options),
            pipes: Pipes::new(socket_type, options.recv_hwm),
            signals: Vec::new(),
            peers: 0,
            turns: Turns::default(),
            options,
        }
    }

    /// A socket that says `socket_type` to its peers and carries no message itself: whoever serves a connection deals with
    /// what it carries.
    pub fn apart(socket_type: SocketType, options: Arc<Options>) -> Self {
        Self { pattern: pattern::apart(), ..Self::new(socket_type, options) }
    }

    /// The type of the socket.
    pub const fn socket_type(&self) -> SocketType {
        self.pipes.socket_type()
    }

    /// The options of the socket.
    pub const fn options(&self) -> &Arc<Options> {
        &self.options
    }

    /// Where the socket is in its life.
    pub const fn state(&self) -> State {
        self.state
    }

    /// Where edges come in and tasks wait.
    pub const fn mailbox(&self) -> &Arc<Mailbox> {
        self.pipes.mailbox()
    }

    /// How many peers are attached.
    pub const fn peer_count(&self) -> usize {
        self.peers
    }

    /// The attached peers with their connections, with what has passed and what waits.
    pub fn peers(&self) -> impl Iterator<Item = (ConnectionId, Arc<PeerInfo>, Tally)> {
        self.pipes.iter().filter_map(|(_, pipe)| pipe.report())
    }

    /// How often peers came, went and subscribed, counting what has come in by now.
    pub fn turns(&mut self) -> Turns {
        self.process();
        self.turns
    }

    /// How many topics the peers are subscribed to, counting what has come in by now.
    pub fn subscriptions(&mut self) -> usize {
        self.process();
        self.pattern.subscriptions()
    }

    /// The pipes.
    pub const fn pipes(&self) -> &Pipes {
        &self.pipes
    }

    /// Whether the last calls want nobody woken and nothing told.
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.pipes.is_quiet()
    }

    /// What peers did that monitors hear of.
    pub fn take_news(&mut self) -> Vec<(ConnectionId, News)> {
        self.pipes.take_news()
    }

    /// The tasks that the last calls want woken. The caller wakes them when it holds no lock.
    #[inline]
    pub fn take_wakes(&mut self) -> Wakes {
        self.pipes.take_wakes()
    }

    /// Looks at the edges that pipes have posted.
    #[inline]
    pub fn process(&mut self) {
        if self.pipes.mailbox().has_signals() {
            self.process_signals();
        }
    }

    #[cold]
    fn process_signals(&mut self) {
        let subscriptions = self.pattern.subscriptions();
        let mut signals = std::mem::take(&mut self.signals);
        self.pipes.mailbox().collect(&mut signals);
        for signal in signals.drain(..) {
            match signal {
                Signal::Readable(id) => self.pattern.readable(&mut self.pipes, id),
                Signal::Writable(id) => self.pattern.writable(&mut self.pipes, id),
            }
        }
        self.signals = signals;
        if self.pattern.subscriptions() != subscriptions || self.turns.subscriptions != self.pipes.subscribed() {
            self.turns.subscriptions = self.pipes.subscribed();
            self.wake(Waiting::Peers);
        }
    }

    /// Sends `message`, or leaves it as it was.
    ///
    /// # Errors
    ///
    /// [`SendErrorKind::WouldBlock`] if it may be sent later; else why it may not.
    #[inline]
    pub fn try_send(&mut self, message: &mut Message) -> Result<(), SendErrorKind> {
        if self.state.is_over() {
            return Err(SendErrorKind::Closed);
        }
        self.process();
        self.pattern.send(&mut self.pipes, message)
    }

    /// Sends the first of `messages`, as many as there is room for, up to [`BATCH_MOST`], and returns how many. They
    /// are left in their places for the caller to drop, when it holds no lock.
    ///
    /// # Errors
    ///
    /// As [`try_send`](Self::try_send), of the first message; none is sent then.
    pub fn try_send_many(&mut self, messages: &mut VecDeque<Message>) -> Result<usize, SendErrorKind> {
        if self.state.is_over() {
            return Err(SendErrorKind::Closed);
        }
        self.process();
        self.pattern.send_many(&mut self.pipes, messages, BATCH_MOST)
    }

    /// Receives a message.
    ///
    /// # Errors
    ///
    /// [`RecvError::WouldBlock`] if one may come later; else why none will.
    pub fn try_recv(&mut self) -> Result<Message, RecvError> {
        let mut message = Message::new();
        self.try_recv_into(&mut message).map(|()| message)
    }

    /// As [`try_recv`](Self::try_recv), into the place of another message; after an error it is undefined what stands
    /// there.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv).
    #[inline]
    pub fn try_recv_into(&mut self, into: &mut Message) -> Result<(), RecvError> {
        if self.state.is_over() {
            return Err(RecvError::Closed);
        }
        self.process();
        self.pattern.recv(&mut self.pipes, into)
    }

    /// Appends the messages that are there to `messages`, up to `most` and up to [`BATCH_MOST`], and returns how many.
    ///
    /// # Errors
    ///
    /// As [`try_recv`](Self::try_recv), if there is none.
    pub fn try_recv_many(&mut self, messages: &mut Vec<Message>, most: usize) -> Result<usize, RecvError> {
        if self.state.is_over() {
            return Err(RecvError::Closed);
        }
        self.process();
        self.pattern.recv_many(&mut self.pipes, messages, most.min(BATCH_MOST))
    }

    /// For the connection task: swaps all that was sent by the pipe for the empty `batch`, or waits; as
    /// [`Outbox::poll_take`](crate::pipe::Outbox::poll_take), which it is over.
    pub fn poll_take(&mut self, halves: &Halves, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<Take> {
        self.pipes.poll_take(halves.pipe, &halves.outbox, cx, batch)
    }

    /// For the connection task: nothing passes by the pipe, so what no message needs is given back.
    pub fn shed(&mut self, id: PipeId) {
        self.pipes.shed(id);
    }

    /// Subscribes to messages that begin with `topic`.
    ///
    /// # Errors
    ///
    /// If the socket is closed, or its type has no subscriptions.
    pub fn subscribe(&mut self, topic: &[u8]) -> Result<(), SubscribeError> {
        if self.state.is_over() {
            return Err(SubscribeError::Closed);
        }
        self.pattern.subscribe(&mut self.pipes, topic)
    }

    /// Takes one subscription back.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe).
    pub fn unsubscribe(&mut self, topic: &[u8]) -> Result<(), SubscribeError> {
        if self.state.is_over() {
            return Err(SubscribeError::Closed);
        }
        self.pattern.unsubscribe(&mut self.pipes, topic)
    }

    /// Adds the pipe of a dialed endpoint, which survives its connections; `None` once the socket is closing.
    ///
    /// Unless the socket is `immediate`, messages may wait in it from now on.
    pub fn dial(&mut self) -> Option<Halves> {
        let halves = self.open(true)?;
        if !self.options.immediate {
            self.opened(halves.pipe);
        }
        Some(halves)
    }

    /// Adds the pipe of an accepted connection, which goes with it; `None` once the socket is closing.
    pub fn accept(&mut self) -> Option<Halves> {
        let inbox = self.inbox();
        self.accept_with(inbox)
    }

    /// As [`accept`](Self::accept), with the inbox that a peer in the same process writes to.
    pub fn accept_with(&mut self, inbox: Arc<Inbox>) -> Option<Halves> {
        let halves = self.open_with(false, inbox)?;
        self.opened(halves.pipe);
        Some(halves)
    }

    fn open(&mut self, dialed: bool) -> Option<Halves> {
        let inbox = self.inbox();
        self.open_with(dialed, inbox)
    }

    fn inbox(&mut self) -> Arc<Inbox> {
        // What a PUB receives are subscriptions, each of which counts.
        let conflate = self.options.conflate && self.socket_type().conflates() && self.socket_type() != SocketType::Pub;
        let inbox = Inbox::new(self.options.recv_hwm, conflate).with_most_bytes(self.options.limits.max_unread);
        if self.socket_type() == SocketType::Push {
            // A PUSH has no use for what its peers send; a closed inbox swallows it.
            inbox.close(&mut Wakes::new());
        }
        Arc::new(inbox)
    }

    fn open_with(&mut self, dialed: bool, inbox: Arc<Inbox>) -> Option<Halves> {
        if self.state.is_over() {
            return None;
        }
        self.state.step(Input::Open);
        let pipe = self.pipes.insert(dialed, &self.options, inbox);
        let halves = self.pipes.get(pipe).map(|added| (Arc::clone(added.outbox()), Arc::clone(added.inbox())));
        halves.map(|(outbox, inbox)| Halves { pipe, outbox, inbox })
    }

    fn opened(&mut self, id: PipeId) {
        self.pattern.opened(&mut self.pipes, id);
        self.wake(Waiting::Send);
    }

    /// In process: what is sent by the pipe goes straight into `inbox` from now on.
    pub fn direct(&mut self, id: PipeId, inbox: Arc<Inbox>) {
        if let Some(pipe) = self.pipes.get_mut(id) {
            pipe.direct(inbox);
            if pipe.peer().is_some() || !(pipe.dialed && self.options.immediate) {
                self.pattern.writable(&mut self.pipes, id);
                self.wake(Waiting::Send);
            }
        }
    }

    /// A peer stands at the other end of the pipe.
    ///
    /// # Errors
    ///
    /// The reason to refuse the peer. It is then not attached, and must not be detached.
    pub fn attach(
        &mut self,
        id: PipeId,
        connection: ConnectionId,
        peer: impl Into<Arc<PeerInfo>>,
    ) -> Result<(), DisconnectReason> {
        // What has come in is not looked at here: in process it may be of this very peer, who must be there first.
        let Some(pipe) = self.pipes.get_mut(id).filter(|pipe| pipe.takes_messages()) else {
            return Err(DisconnectReason::LocalClose);
        };
        pipe.join(connection, peer.into());
        if pipe.dialed && self.options.immediate {
            self.opened(id);
        }
        if let Err(reason) = self.pattern.attached(&mut self.pipes, id) {
            self.pipes.get_mut(id).map(Pipe::leave);
            if !self.pipes.get(id).is_some_and(|pipe| pipe.dialed) {
                // In process it may have sent something already.
                self.pipes.discard_unread(id);
            }
            self.rest(id);
            return Err(reason);
        }
        self.peers += 1;
        self.turns.arrivals += 1;
        self.wake(Waiting::Peers);
        // A PAIR sends to the endpoint where it found its peer, which may have room where the one before had none.
        self.wake(Waiting::Send);
        Ok(())
    }

    /// The peer of the pipe is gone. The pipe of an accepted connection goes with it, once all that came is read.
    pub fn detach(&mut self, id: PipeId) {
        self.process();
        if !self.pipes.get_mut(id).is_some_and(Pipe::leave) {
            return;
        }
        self.peers -= 1;
        self.turns.idle += u64::from(self.peers == 0);
        self.pattern.detached(&mut self.pipes, id);
        self.rest(id);
        self.wake(Waiting::Peers);
        self.wake_users();
    }

    /// What happens to a pipe that has no peer any more.
    fn rest(&mut self, id: PipeId) {
        // Closed before it is buried: what waits in a pipe that was draining goes, and is counted.
        if !self.pipes.get(id).is_some_and(|pipe| pipe.dialed) {
            self.close_pipe(id, false);
            return;
        }
        self.pipes.bury(id);
        if self.options.immediate {
            self.pattern.closed(&mut self.pipes, id);
        }
    }

    /// The pipe takes no more messages: with `drain`, what waits in it still goes out.
    pub fn close_pipe(&mut self, id: PipeId, drain: bool) {
        self.pattern.closed(&mut self.pipes, id);
        self.pipes.close(id, drain);
        self.wake_users();
    }

    /// Ends the connection to a peer; whether it was there. A dialed endpoint connects again.
    pub fn dismiss(&mut self, connection: ConnectionId) -> bool {
        let found = self.pipes.iter().find(|(_, pipe)| pipe.connection() == Some(connection)).map(|(id, _)| id);
        found.inspect(|&id| self.pipes.kick(id, DisconnectReason::Dismissed)).is_some()
    }

    /// Whoever waits for something of a peer that is gone must hear of it: a REQ for its reply, a ROUTER for room.
    fn wake_users(&mut self) {
        self.wake(Waiting::Recv);
        self.wake(Waiting::Send);
    }

    /// Sends and receives no more; what waits still goes out. Returns whether that is news.
    pub fn close(&mut self) -> bool {
        self.step(Input::Close)
    }

    /// Ends at once, with what waits. Returns whether that is news.
    pub fn stop(&mut self) -> bool {
        self.step(Input::Stop)
    }

    /// What waited is out, or linger is over. Returns whether that is news.
    pub fn finish(&mut self) -> bool {
        self.step(Input::Finish)
    }

    fn step(&mut self, input: Input) -> bool {
        let effects = self.state.step(input);
        for effect in effects {
            match effect {
                Effect::RefuseUse => {
                    for waiting in [Waiting::Recv, Waiting::Send, Waiting::Peers] {
                        self.wake(waiting);
                    }
                }
                Effect::DrainPipes => self.close_pipes(true),
                Effect::ClosePipes => self.close_pipes(false),
            }
        }
        !effects.is_empty()
    }

    fn close_pipes(&mut self, drain: bool) {
        let ids: Vec<PipeId> = self.pipes.iter().map(|(id, _)| id).collect();
        for id in ids {
            self.close_pipe(id, drain);
        }
    }

    fn wake(&mut self, waiting: Waiting) {
        let wakes = self.pipes.mailbox().waiters(waiting);
        self.pipes.wake(wakes);
    }
}
