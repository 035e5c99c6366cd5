//! The engine of a socket whose application deals with each connection by itself.

use std::sync::Arc;

use super::{BATCH_MOST, Engine};
use crate::error::{DisconnectReason, RecvError};
use crate::monitor::ConnectionId;
use crate::pattern::{self, Gone, Pipe};
use crate::peer::PeerInfo;
use crate::pipe::PipeId;
use crate::{Message, Options, SocketType};

/// How far a transmission came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transmitted {
    /// There was nothing more to send.
    All,
    /// The pipe takes no more for now; [`take_relieved`](Engine::take_relieved) names it when it does.
    Full,
    /// The connection has ended, and nothing was sent.
    Gone,
}

impl Engine {
    /// A socket that says `socket_type` to its peers, and keeps them apart: what is sent goes by the connection that the
    /// caller names, and by no later one of the same endpoint.
    pub fn apart(socket_type: SocketType, options: Arc<Options>) -> Self {
        Self { pattern: pattern::apart(), ..Self::new(socket_type, options) }
    }

    /// Appends the messages that are there to `messages`, up to `most` and up to [`BATCH_MOST`], each with the pipe that
    /// it came by, and returns how many. From each peer they come in order.
    ///
    /// # Errors
    ///
    /// [`RecvError::WouldBlock`] if there is none, [`RecvError::Closed`] if none will come.
    pub fn try_recv_apart(&mut self, messages: &mut Vec<(PipeId, Message)>, most: usize) -> Result<usize, RecvError> {
        if self.state.is_over() {
            return Err(RecvError::Closed);
        }
        self.process();
        match self.pattern.recv_apart(&mut self.pipes, messages, most.min(BATCH_MOST)) {
            0 => Err(RecvError::WouldBlock),
            received => Ok(received),
        }
    }

    /// Sends what `next` gives by this connection until it gives nothing, or about `most` bytes wait. `next` is asked
    /// only when there is room for what it gives.
    pub fn transmit(
        &mut self,
        id: PipeId,
        connection: ConnectionId,
        most: usize,
        mut next: impl FnMut() -> Option<Message>,
    ) -> Transmitted {
        loop {
            match self.pipes.has_room_below(id, connection, most) {
                Err(Gone) => return Transmitted::Gone,
                Ok(false) => return Transmitted::Full,
                Ok(true) => {}
            }
            let Some(message) = next() else { return Transmitted::All };
            if self.pipes.push(id, &message).is_err() {
                // In process the peer may go at any moment; then all that it was sent is gone.
                return Transmitted::Gone;
            }
        }
    }

    /// Appends all that came by this pipe to `messages`. Its peer is gone, so no more will come.
    pub fn recv_rest(&mut self, id: PipeId, messages: &mut Vec<(PipeId, Message)>) {
        let mut message = Message::new();
        while self.pipes.pop(id, &mut message) {
            messages.push((id, std::mem::take(&mut message)));
        }
    }

    /// The connection and the peer at the end of the pipe, if there is one.
    pub fn peer_of(&self, id: PipeId) -> Option<(ConnectionId, Arc<PeerInfo>)> {
        let (connection, peer, _) = self.pipes.get(id)?.report()?;
        Some((connection, peer))
    }

    /// Ends this connection for `reason`, unless it has ended.
    pub fn end(&mut self, id: PipeId, connection: ConnectionId, reason: DisconnectReason) {
        if self.pipes.get(id).and_then(Pipe::connection) == Some(connection) {
            self.pipes.kick(id, reason);
        }
    }

    /// Appends the pipes that have room again to `relieved`, as far as [`try_recv_apart`](Self::try_recv_apart) has seen
    /// it. It looks at no edge of its own: one that tells of messages would be used up by that.
    pub fn take_relieved(&mut self, relieved: &mut Vec<PipeId>) {
        self.pattern.take_relieved(relieved);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::engine::Halves;
    use crate::pipe::Take;
    use crate::wire::batch::Batch;

    const FIRST: ConnectionId = ConnectionId(1);
    const NEXT: ConnectionId = ConnectionId(2);

    fn socket() -> Engine {
        Engine::apart(SocketType::Dealer, Arc::new(Options::new()))
    }

    fn join(engine: &mut Engine, halves: &Halves, connection: ConnectionId) {
        engine.attach(halves.pipe, connection, PeerInfo::of_type(SocketType::Router)).unwrap();
    }

    /// What the connection task would write.
    fn taken(engine: &mut Engine, halves: &Halves) -> usize {
        let mut batch = Batch::new();
        let taken = engine.poll_take(halves, &mut Context::from_waker(Waker::noop()), &mut batch);
        engine.take_wakes().wake();
        if taken == Poll::Ready(Take::Batch) { batch.messages() } else { 0 }
    }

    fn transmit(engine: &mut Engine, halves: &Halves, by: ConnectionId, messages: usize, size: usize) -> Transmitted {
        let mut left = messages;
        engine.transmit(halves.pipe, by, 1000, || {
            left = left.checked_sub(1)?;
            Some(Message::from(vec![7; size]))
        })
    }

    fn deliver(halves: &Halves, bodies: &[&str]) {
        let mut messages: VecDeque<Message> = bodies.iter().map(|body| Message::from(*body)).collect();
        assert!(halves.inbox.poll_deliver(&mut Context::from_waker(Waker::noop()), &mut messages).is_ready());
    }

    fn received(engine: &mut Engine) -> Vec<(PipeId, Message)> {
        let mut messages = Vec::new();
        while engine.try_recv_apart(&mut messages, 100).is_ok() {}
        messages
    }

    #[test]
    fn nothing_is_sent_before_the_peer_is_there_nor_to_the_next_one() {
        let mut engine = socket();
        let halves = engine.dial().unwrap();
        assert_eq!(transmit(&mut engine, &halves, FIRST, 1, 10), Transmitted::Gone);
        join(&mut engine, &halves, FIRST);
        assert_eq!(transmit(&mut engine, &halves, FIRST, 3, 10), Transmitted::All);
        engine.detach(halves.pipe);
        join(&mut engine, &halves, NEXT);
        assert_eq!(taken(&mut engine, &halves), 0, "what the first peer did not get went with it");
        assert_eq!(transmit(&mut engine, &halves, FIRST, 1, 10), Transmitted::Gone);
        assert_eq!(transmit(&mut engine, &halves, NEXT, 2, 10), Transmitted::All);
        assert_eq!(taken(&mut engine, &halves), 2);
    }

    #[test]
    fn what_was_being_written_when_the_peer_went_does_not_come_back() {
        let mut engine = socket();
        let halves = engine.dial().unwrap();
        join(&mut engine, &halves, FIRST);
        transmit(&mut engine, &halves, FIRST, 3, 10);
        let mut batch = Batch::new();
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(engine.poll_take(&halves, &mut cx, &mut batch), Poll::Ready(Take::Batch));
        halves.outbox.restore(&mut batch);
        engine.detach(halves.pipe);
        join(&mut engine, &halves, NEXT);
        assert_eq!(taken(&mut engine, &halves), 0);
    }

    #[test]
    fn a_pipe_with_enough_bytes_is_full_until_they_are_taken_and_is_named_then() {
        let mut engine = socket();
        let halves = engine.dial().unwrap();
        join(&mut engine, &halves, FIRST);
        assert_eq!(transmit(&mut engine, &halves, FIRST, 100, 400), Transmitted::Full);
        assert_eq!(transmit(&mut engine, &halves, FIRST, 1, 1), Transmitted::Full);
        let mut relieved = Vec::new();
        engine.take_relieved(&mut relieved);
        assert_eq!(relieved, []);
        assert_eq!(taken(&mut engine, &halves), 3);
        assert_eq!(received(&mut engine), []);
        engine.take_relieved(&mut relieved);
        assert_eq!(relieved, [halves.pipe]);
        assert_eq!(transmit(&mut engine, &halves, FIRST, 1, 1), Transmitted::All);
    }

    #[test]
    fn a_pipe_that_was_full_when_its_peer_went_has_room_for_the_next_one() {
        let mut engine = socket();
        let halves = engine.dial().unwrap();
        join(&mut engine, &halves, FIRST);
        assert_eq!(transmit(&mut engine, &halves, FIRST, 100, 400), Transmitted::Full);
        engine.detach(halves.pipe);
        join(&mut engine, &halves, NEXT);
        assert_eq!(transmit(&mut engine, &halves, NEXT, 1, 1), Transmitted::All);
    }

    #[test]
    fn a_look_for_room_uses_up_no_edge_that_tells_of_messages() {
        let mut engine = socket();
        let halves = engine.dial().unwrap();
        join(&mut engine, &halves, FIRST);
        assert_eq!(received(&mut engine), []);
        deliver(&halves, &["a"]);
        engine.take_relieved(&mut Vec::new());
        let mut wait = engine.mailbox().wait(crate::pipe::Waiting::Recv);
        assert!(!wait.register(Waker::noop()), "there is something to be looked at");
    }

    #[test]
    fn messages_come_with_their_pipe_in_order_and_a_busy_peer_leaves_the_others_their_turn() {
        let mut engine = socket();
        let [busy, other] = [(); 2].map(|()| engine.dial().unwrap());
        join(&mut engine, &busy, FIRST);
        join(&mut engine, &other, NEXT);
        deliver(&busy, &["a"; 150]);
        deliver(&other, &["b", "c"]);
        let messages = received(&mut engine);
        assert_eq!(messages.len(), 152);
        let at = messages.iter().position(|(pipe, _)| *pipe == other.pipe).unwrap();
        assert_eq!(at, 64, "after the first turn of the busy one");
        assert_eq!(messages[at + 1], (other.pipe, Message::from("c")));
    }

    #[test]
    fn the_last_words_of_a_peer_that_is_gone_can_be_received() {
        let mut engine = socket();
        let dialed = engine.dial().unwrap();
        let accepted = engine.accept().unwrap();
        for halves in [&dialed, &accepted] {
            join(&mut engine, halves, FIRST);
            deliver(halves, &["last", "words"]);
            engine.detach(halves.pipe);
            let mut rest = Vec::new();
            engine.recv_rest(halves.pipe, &mut rest);
            assert_eq!(rest, [(halves.pipe, Message::from("last")), (halves.pipe, Message::from("words"))]);
        }
        assert_eq!(received(&mut engine), []);
        assert_eq!((engine.pipes().get(accepted.pipe).is_none(), engine.peer_of(dialed.pipe)), (true, None));
    }

    #[test]
    fn an_order_to_end_a_connection_does_not_reach_the_next_one() {
        let mut engine = socket();
        let halves = engine.dial().unwrap();
        join(&mut engine, &halves, NEXT);
        engine.end(halves.pipe, FIRST, DisconnectReason::Dismissed);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(engine.poll_take(&halves, &mut cx, &mut Batch::new()).is_pending());
        engine.end(halves.pipe, NEXT, DisconnectReason::Dismissed);
        let kicked = Poll::Ready(Take::Kicked(DisconnectReason::Dismissed));
        assert_eq!(engine.poll_take(&halves, &mut cx, &mut Batch::new()), kicked);
    }
}
