//! The socket's end of an outbox.
//!
//! Cost of one message: one copy of a small body (large ones by reference), no lock, no allocation once the batch has
//! grown, and a wake only if the connection task sleeps. Messages are framed here, under the lock that the socket holds
//! anyway; the connection task fetches all of them at once when it has nothing left to write, and takes that lock for
//! it: once for a batch instead of another lock for each message, which took a third of the time of a `send`.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Full, Outbox, Take, Wakes};
use crate::Message;
use crate::wire::batch::Batch;

/// Puts messages into an [`Outbox`].
#[derive(Debug)]
pub struct Writer {
    outbox: Arc<Outbox>,
    /// What the connection task has not fetched yet: newer than all that the outbox holds.
    staged: Batch,
    /// How many messages may be staged before the outbox is asked for room again.
    granted: usize,
    /// The connection task found nothing and sleeps.
    sleeps: bool,
}

impl Writer {
    /// Writes to `outbox`.
    pub fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, staged: Batch::new(), granted: 0, sleeps: false }
    }

    /// The outbox.
    pub const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// How many messages wait to be written.
    pub fn len(&self) -> usize {
        self.staged.messages() + self.outbox.len()
    }

    /// Whether nothing waits, not even a command.
    pub fn is_empty(&self) -> bool {
        self.staged.is_empty() && self.outbox.is_empty()
    }

    /// Adds a message.
    ///
    /// # Errors
    ///
    /// [`Full`] at the high-water mark, and when the pipe takes no more; at the mark the socket hears
    /// [`Signal::Writable`](super::Signal::Writable) when there is room again.
    #[inline]
    pub fn push(&mut self, message: &Message, wakes: &mut Wakes) -> Result<(), Full> {
        if self.outbox.conflates() {
            return self.outbox.push(message, wakes);
        }
        self.make_room()?;
        self.staged.push(message);
        self.rouse(wakes);
        Ok(())
    }

    /// Adds a subscription or its end. They are bounded by what the application asks for, so they know no high-water
    /// mark.
    pub fn push_subscription(&mut self, topic: &[u8], subscribe: bool, wakes: &mut Wakes) {
        self.staged.push_subscription(topic, subscribe);
        self.rouse(wakes);
    }

    /// Whether a message would be taken now; if not, the socket hears of it when it would.
    pub fn has_room(&mut self) -> bool {
        self.outbox.conflates() || self.make_room().is_ok()
    }

    #[inline]
    fn make_room(&mut self) -> Result<(), Full> {
        if self.staged.messages() < self.granted { Ok(()) } else { self.ask_for_room() }
    }

    /// All that was granted is used: hands it over and asks again.
    #[cold]
    fn ask_for_room(&mut self) -> Result<(), Full> {
        self.flush();
        self.granted = self.outbox.room()?;
        Ok(())
    }

    #[inline]
    fn rouse(&mut self, wakes: &mut Wakes) {
        if self.sleeps {
            self.sleeps = false;
            self.outbox.wake_reader(wakes);
        }
    }

    /// Takes no more messages; the connection closes when what waits is written.
    pub fn drain(&mut self, wakes: &mut Wakes) {
        self.flush();
        self.outbox.drain(wakes);
    }

    /// Drops what waits; the connection closes at once.
    pub fn close(&mut self, wakes: &mut Wakes) {
        self.flush();
        self.outbox.close(wakes);
    }

    /// Drops what waits, and what is being written if its connection does not get to its end; and goes on.
    pub fn discard(&mut self, wakes: &mut Wakes) {
        self.flush();
        self.outbox.discard(wakes);
    }

    /// Hands over what is staged. Nobody has to be woken: a connection task sleeps only when nothing is.
    fn flush(&mut self) {
        self.granted = 0;
        self.outbox.append(&mut self.staged);
    }

    /// Gives back the memory that no message needs.
    pub fn shed(&mut self) {
        if self.staged.is_empty() {
            self.staged = Batch::new();
        }
        self.outbox.shed();
    }

    /// For the connection task: as [`Outbox::poll_take`], of all that was ever pushed.
    pub fn poll_take(&mut self, cx: &mut Context<'_>, batch: &mut Batch, wakes: &mut Wakes) -> Poll<Take> {
        self.flush();
        let taken = self.outbox.poll_take_with(cx, batch, wakes);
        self.sleeps = taken.is_pending();
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::pipe::{Mailbox, PipeId};

    fn writer() -> Writer {
        Writer::new(Arc::new(Outbox::new(Arc::<Mailbox>::default(), PipeId { index: 0, serial: 0 }, 1000, false)))
    }

    fn push(writer: &mut Writer, messages: usize) {
        let mut wakes = Wakes::new();
        assert!((0..messages).all(|_| writer.push(&Message::from("x"), &mut wakes).is_ok()));
        wakes.wake();
    }

    fn take(writer: &mut Writer, batch: &mut Batch) -> Poll<Take> {
        let mut wakes = Wakes::new();
        let taken = writer.poll_take(&mut Context::from_waker(Waker::noop()), batch, &mut wakes);
        wakes.wake();
        taken
    }

    #[test]
    fn a_pipe_that_falls_quiet_gives_the_memory_of_what_was_written_back() {
        let (mut writer, mut batch) = (writer(), Batch::new());
        for _ in 0..3 {
            push(&mut writer, 100);
            assert_eq!(take(&mut writer, &mut batch), Poll::Ready(Take::Batch));
            batch.clear();
        }
        assert!(take(&mut writer, &mut batch).is_pending());
        assert!(writer.staged.capacity() + writer.outbox.capacity() > 0);
        writer.shed();
        assert_eq!((writer.staged.capacity(), writer.outbox.capacity()), (0, 0));
        push(&mut writer, 1);
        assert_eq!((take(&mut writer, &mut batch), batch.messages()), (Poll::Ready(Take::Batch), 1));
    }

    #[test]
    fn what_waits_to_be_written_when_a_pipe_falls_quiet_stays() {
        let (mut writer, mut batch) = (writer(), Batch::new());
        push(&mut writer, 2);
        writer.shed();
        writer.flush();
        push(&mut writer, 1);
        writer.shed();
        assert_eq!((take(&mut writer, &mut batch), batch.messages()), (Poll::Ready(Take::Batch), 3));
    }
}
