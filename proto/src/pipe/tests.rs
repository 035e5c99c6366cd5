//! The halves of a pipe and the mailbox, by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::{Full, Inbox, Mailbox, Outbox, PipeId, Reader, Signal, Take, Waiting, Wakes, Writer, lifecycle::State};
use crate::Message;
use crate::error::DisconnectReason;
use crate::message::Queue;
use crate::wire::batch::Batch;

const PIPE: PipeId = PipeId { index: 7, serial: 3 };

/// A task that counts how often it was woken.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (Arc::clone(&count), Waker::from(count))
    }

    /// How often it was woken since the last call.
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn signals(mailbox: &Mailbox) -> Vec<Signal> {
    let mut signals = Vec::new();
    mailbox.collect(&mut signals);
    signals
}

fn outbox(hwm: usize, conflate: bool) -> (Arc<Mailbox>, Outbox) {
    let mailbox: Arc<Mailbox> = Arc::default();
    (Arc::clone(&mailbox), Outbox::new(mailbox, PIPE, hwm, conflate))
}

/// Pushes and wakes; whether there was room.
fn push(outbox: &Outbox, message: &str) -> bool {
    let mut wakes = Wakes::new();
    let pushed = outbox.push(&message.into(), &mut wakes).is_ok();
    wakes.wake();
    pushed
}

fn take(outbox: &Outbox, batch: &mut Batch) -> Poll<Take> {
    outbox.poll_take(&mut Context::from_waker(Waker::noop()), batch)
}

fn bodies(batch: &Batch) -> Vec<String> {
    batch.frames().map(|frame| String::from_utf8_lossy(&frame.body).into_owned()).collect()
}

#[test]
fn an_outbox_holds_exactly_its_mark_and_tells_when_there_is_room_again() {
    let (mailbox, outbox) = outbox(2, false);
    assert!(push(&outbox, "a") && push(&outbox, "b"));
    assert!(!mailbox.has_signals());
    assert!(!push(&outbox, "c") && !outbox.has_room());
    let mut batch = Batch::new();
    assert_eq!(take(&outbox, &mut batch), Poll::Ready(Take::Batch));
    assert_eq!(bodies(&batch), ["a", "b"]);
    assert_eq!(signals(&mailbox), [Signal::Writable(PIPE)], "once");
    assert!(push(&outbox, "c"));
}

#[test]
fn an_outbox_without_a_mark_takes_everything() {
    let (_, outbox) = outbox(0, false);
    assert!((0..5000).all(|_| push(&outbox, "x")));
    assert_eq!(outbox.len(), 5000);
}

#[test]
fn the_connection_is_woken_by_the_first_message_and_not_by_the_next() {
    let (_, outbox) = outbox(0, false);
    let (count, waker) = Count::new();
    assert!(outbox.poll_take(&mut Context::from_waker(&waker), &mut Batch::new()).is_pending());
    push(&outbox, "a");
    push(&outbox, "b");
    assert_eq!(count.take(), 1);
}

#[test]
fn what_a_lost_connection_gives_back_goes_first() {
    let (_, outbox) = outbox(10, false);
    push(&outbox, "a");
    push(&outbox, "b");
    let mut batch = Batch::new();
    assert!(take(&outbox, &mut batch).is_ready());
    push(&outbox, "c");
    batch.advance(4);
    outbox.restore(&mut batch);
    assert!(batch.is_empty());
    assert!(take(&outbox, &mut batch).is_ready());
    assert_eq!(bodies(&batch), ["b", "c"], "a was written to its last byte, b was not");
}

#[test]
fn what_lost_connections_give_back_does_not_add_up() {
    let (mailbox, outbox) = outbox(2, false);
    let mut batch = Batch::new();
    for _ in 0..10 {
        while push(&outbox, "x") {}
        assert!(take(&outbox, &mut batch).is_ready());
        while push(&outbox, "x") {}
        outbox.restore(&mut batch);
        assert!(outbox.len() <= 4, "one mark that waits and one that was on its way");
    }
    assert!(take(&outbox, &mut batch).is_ready());
    assert!(!push(&outbox, "x"), "twice the mark is on its way");
    signals(&mailbox);
    batch.clear();
    assert!(take(&outbox, &mut batch).is_pending());
    assert_eq!(signals(&mailbox), [Signal::Writable(PIPE)], "now it is written");
    assert!(push(&outbox, "x"));
}

#[test]
fn a_socket_hears_of_room_also_when_a_lost_connection_made_it() {
    let (mailbox, outbox) = outbox(2, false);
    let mut batch = Batch::new();
    assert!(push(&outbox, "a") && push(&outbox, "b"));
    assert!(take(&outbox, &mut batch).is_ready());
    assert!(push(&outbox, "c") && push(&outbox, "d"));
    outbox.restore(&mut batch);
    assert!(take(&outbox, &mut batch).is_ready());
    assert!(!push(&outbox, "e"), "twice the mark is on its way");
    batch.advance(9);
    outbox.restore(&mut batch);
    assert_eq!((outbox.len(), signals(&mailbox)), (1, vec![Signal::Writable(PIPE)]), "three of four are written");
    assert!(push(&outbox, "e"));
}

#[test]
fn what_was_discarded_while_it_was_being_written_does_not_come_back() {
    let (_, outbox) = outbox(10, false);
    push(&outbox, "a");
    let mut batch = Batch::new();
    assert!(take(&outbox, &mut batch).is_ready());
    outbox.discard(&mut Wakes::new());
    push(&outbox, "b");
    outbox.restore(&mut batch);
    assert!(take(&outbox, &mut batch).is_ready());
    assert_eq!((bodies(&batch), outbox.discarded()), (vec!["b".into()], 1));
}

#[test]
fn a_draining_outbox_takes_no_more_and_finishes_when_it_is_empty() {
    let (_, outbox) = outbox(10, false);
    let (count, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    assert!(outbox.poll_finished(&mut cx).is_pending());
    push(&outbox, "a");
    let mut woken = Wakes::new();
    outbox.drain(&mut woken);
    woken.wake();
    assert!(!push(&outbox, "b") && !outbox.has_room());
    assert!(count.take() > 0 && outbox.poll_finished(&mut cx).is_pending(), "something waits");
    let mut batch = Batch::new();
    assert_eq!(take(&outbox, &mut batch), Poll::Ready(Take::Batch));
    batch.clear();
    assert_eq!(take(&outbox, &mut batch), Poll::Ready(Take::Finished));
    assert_eq!(outbox.state(), State::Closed);
    assert!(outbox.poll_finished(&mut cx).is_ready());
}

#[test]
fn a_closed_outbox_counts_what_it_drops_and_takes_nothing_back() {
    let (_, outbox) = outbox(10, false);
    push(&outbox, "a");
    let mut batch = Batch::new();
    assert!(take(&outbox, &mut batch).is_ready());
    push(&outbox, "b");
    outbox.close(&mut Wakes::new());
    outbox.restore(&mut batch);
    assert_eq!((outbox.len(), outbox.discarded()), (0, 2));
}

#[test]
fn an_order_to_end_the_connection_goes_before_messages_and_the_first_reason_wins() {
    let (_, outbox) = outbox(10, false);
    push(&outbox, "a");
    outbox.kick(DisconnectReason::Superseded, &mut Wakes::new());
    outbox.kick(DisconnectReason::LocalClose, &mut Wakes::new());
    let mut batch = Batch::new();
    assert_eq!(take(&outbox, &mut batch), Poll::Ready(Take::Kicked(DisconnectReason::Superseded)));
    assert_eq!(take(&outbox, &mut batch), Poll::Ready(Take::Batch), "the pipe goes on");
    outbox.kick(DisconnectReason::LocalClose, &mut Wakes::new());
    outbox.pardon();
    batch.clear();
    assert_eq!(take(&outbox, &mut batch), Poll::Pending, "a new connection is not to blame");
}

#[test]
fn an_order_reaches_a_task_that_waits_for_the_transport_and_a_message_does_not_wake_it() {
    let (_, outbox) = outbox(0, false);
    let (count, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    assert_eq!(outbox.poll_order(&mut cx), Poll::Pending);
    push(&outbox, "a");
    assert_eq!(count.take(), 0, "a message has to wait");

    let mut orders = Wakes::new();
    outbox.kick(DisconnectReason::Superseded, &mut orders);
    orders.take().wake();
    assert_eq!(count.take(), 1);
    assert_eq!(outbox.poll_order(&mut cx), Poll::Ready(Take::Kicked(DisconnectReason::Superseded)));

    assert_eq!(outbox.poll_order(&mut cx), Poll::Pending);
    outbox.drain(&mut orders);
    assert_eq!(outbox.poll_order(&mut cx), Poll::Pending, "what is being written still goes out");
    outbox.close(&mut orders);
    orders.wake();
    assert!(count.take() > 0);
    assert_eq!(outbox.poll_order(&mut cx), Poll::Ready(Take::Finished));
}

#[test]
fn a_conflating_outbox_keeps_the_newest() {
    let (_, outbox) = outbox(1, true);
    assert!(push(&outbox, "a") && push(&outbox, "b"));
    let mut batch = Batch::new();
    assert!(take(&outbox, &mut batch).is_ready());
    assert_eq!(bodies(&batch), ["b"]);
    push(&outbox, "c");
    outbox.restore(&mut batch);
    assert!(take(&outbox, &mut batch).is_ready());
    assert_eq!(bodies(&batch), ["c"], "what comes back is older than what has come since");
}

#[test]
fn commands_do_not_count_against_the_mark() {
    let (_, outbox) = outbox(1, false);
    for _ in 0..5 {
        outbox.push_subscription(b"a", true, &mut Wakes::new());
    }
    assert_eq!((outbox.len(), outbox.is_empty()), (0, false));
    assert!(push(&outbox, "a") && !push(&outbox, "b"));
}

fn deliver(inbox: &Inbox, waker: &Waker, messages: &mut Queue) -> bool {
    inbox.poll_deliver(&mut Context::from_waker(waker), messages).is_ready()
}

fn read(inbox: &Inbox, batch: &mut Queue) -> bool {
    let mut wakes = Wakes::new();
    let taken = inbox.take(batch, &mut wakes);
    wakes.wake();
    taken
}

#[test]
fn an_inbox_takes_exactly_its_mark_and_wakes_the_connection_when_there_is_room() {
    let inbox = Inbox::new(2, false);
    let (count, waker) = Count::new();
    let mut messages: Queue = ["a", "b", "c"].map(Message::from).into();
    assert!(!deliver(&inbox, &waker, &mut messages));
    assert_eq!((inbox.len(), messages.len()), (2, 1));
    let mut batch = Queue::new();
    assert!(read(&inbox, &mut batch));
    assert_eq!((inbox.len(), count.take()), (2, 0), "what the socket took and did not hand on counts");
    let mut woken = Wakes::new();
    inbox.handed_on(1, &mut woken);
    woken.wake();
    assert_eq!(count.take(), 1);
    assert!(deliver(&inbox, &waker, &mut messages));
}

#[test]
fn the_socket_hears_of_the_first_message_after_it_found_none() {
    let (mailbox, inbox) = (Arc::<Mailbox>::default(), Inbox::new(0, false));
    inbox.attach_reader(Arc::clone(&mailbox), PIPE, &mut Wakes::new());
    let mut batch = Queue::new();
    deliver(&inbox, Waker::noop(), &mut ["a".into()].into());
    deliver(&inbox, Waker::noop(), &mut ["b".into()].into());
    assert_eq!(signals(&mailbox), [Signal::Readable(PIPE)]);
    assert!(read(&inbox, &mut batch));
    batch.clear();
    deliver(&inbox, Waker::noop(), &mut ["c".into()].into());
    assert!(!mailbox.has_signals(), "it has not found it empty yet");
    assert!(read(&inbox, &mut batch));
    batch.clear();
    assert!(!read(&inbox, &mut batch));
    deliver(&inbox, Waker::noop(), &mut ["d".into()].into());
    assert_eq!(signals(&mailbox), [Signal::Readable(PIPE)]);
}

#[test]
fn a_reader_that_comes_late_hears_of_what_waits() {
    let (mailbox, inbox) = (Arc::<Mailbox>::default(), Inbox::new(0, false));
    deliver(&inbox, Waker::noop(), &mut ["a".into()].into());
    inbox.attach_reader(Arc::clone(&mailbox), PIPE, &mut Wakes::new());
    assert_eq!(signals(&mailbox), [Signal::Readable(PIPE)]);
}

#[test]
fn a_closed_inbox_swallows_what_comes_lets_what_is_there_be_read_and_wakes_the_writer() {
    let inbox = Inbox::new(1, false);
    let (count, waker) = Count::new();
    let mut messages: Queue = ["a", "b"].map(Message::from).into();
    assert!(!deliver(&inbox, &waker, &mut messages));
    let mut woken = Wakes::new();
    inbox.close(&mut woken);
    woken.wake();
    assert_eq!(count.take(), 1);
    assert!(deliver(&inbox, &waker, &mut messages) && messages.is_empty());
    let mut batch = Queue::new();
    assert!(!inbox.is_finished() && read(&inbox, &mut batch) && inbox.is_finished());
    assert!(batch.drain().eq([Message::from("a")]));
}

#[test]
fn a_writer_in_the_same_process_hears_of_room() {
    let (mailbox, inbox) = (Arc::<Mailbox>::default(), Inbox::new(1, false));
    let writer = (&mailbox, PIPE);
    assert_eq!(inbox.push(&"a".into(), 0, writer, &mut Wakes::new()), Ok(()));
    assert_eq!(inbox.push(&"b".into(), 0, writer, &mut Wakes::new()), Err(Full));
    let mut batch = Queue::new();
    assert!(read(&inbox, &mut batch));
    assert!(!mailbox.has_signals());
    inbox.handed_on(1, &mut Wakes::new());
    assert_eq!(signals(&mailbox), [Signal::Writable(PIPE)]);
}

#[test]
fn a_raised_mark_wakes_and_a_lowered_one_drops_nothing() {
    let inbox = Inbox::new(2, false);
    let (count, waker) = Count::new();
    let mut messages: Queue = ["a", "b", "c"].map(Message::from).into();
    assert!(!deliver(&inbox, &waker, &mut messages));
    let mut woken = Wakes::new();
    inbox.configure(1, false, &mut woken);
    assert!(woken.is_empty() && inbox.len() == 2);
    inbox.configure(3, false, &mut woken);
    woken.wake();
    assert_eq!(count.take(), 1);
    assert!(deliver(&inbox, &waker, &mut messages));
}

#[test]
fn a_task_does_not_go_to_wait_while_signals_are_to_be_looked_at() {
    let mailbox: Arc<Mailbox> = Arc::default();
    let mut wait = mailbox.wait(Waiting::Send);
    mailbox.post(Signal::Readable(PIPE)).wake();
    assert!(!wait.register(Waker::noop()));
    signals(&mailbox);
    assert!(wait.register(Waker::noop()));
}

#[test]
fn each_signal_wakes_all_that_wait_for_it_and_nobody_else() {
    let mailbox: Arc<Mailbox> = Arc::default();
    let mut tasks = Vec::new();
    for waiting in [Waiting::Recv, Waiting::Recv, Waiting::Send] {
        let (count, waker) = Count::new();
        let mut wait = mailbox.wait(waiting);
        assert!(wait.register(&waker) && wait.register(&waker), "again, at the same place");
        tasks.push((count, wait));
    }
    mailbox.post(Signal::Readable(PIPE)).wake();
    let woken: Vec<usize> = tasks.iter().map(|(count, _)| count.take()).collect();
    assert_eq!(woken, [1, 1, 0]);
    mailbox.waiters(Waiting::Send).wake();
    assert_eq!(tasks[2].0.take(), 1);
}

#[test]
fn a_place_that_is_dropped_is_free_and_nobody_is_woken_for_it() {
    let mailbox: Arc<Mailbox> = Arc::default();
    let (count, waker) = Count::new();
    let mut left = mailbox.wait(Waiting::Recv);
    assert!(left.register(&waker));
    drop(left);
    let (other, other_waker) = Count::new();
    let mut stays = mailbox.wait(Waiting::Recv);
    assert!(stays.register(&other_waker));
    // A place from before a wake-up is not ours any more: dropping it must not free somebody else's.
    let mut stale = mailbox.wait(Waiting::Recv);
    assert!(stale.register(&waker));
    mailbox.waiters(Waiting::Recv).wake();
    assert_eq!((count.take(), other.take()), (1, 1));
    assert!(stays.register(&other_waker));
    drop(stale);
    mailbox.waiters(Waiting::Recv).wake();
    assert_eq!((count.take(), other.take()), (0, 1));
}

#[test]
fn what_is_staged_goes_with_the_next_batch_and_counts_against_the_mark() {
    let (mailbox, outbox) = outbox(2, false);
    let mut writer = Writer::new(Arc::new(outbox));
    let (count, waker) = Count::new();
    let mut cx = Context::from_waker(&waker);
    let (mut batch, mut woken) = (Batch::new(), Wakes::new());
    assert!(writer.poll_take(&mut cx, &mut batch, &mut woken).is_pending());
    assert!(writer.push(&"a".into(), &mut woken).is_ok() && writer.push(&"b".into(), &mut woken).is_ok());
    woken.take().wake();
    assert_eq!((count.take(), writer.len()), (1, 2), "the first one woken the connection, and both are there");
    assert_eq!(writer.push(&"c".into(), &mut woken), Err(Full));
    assert!(writer.poll_take(&mut cx, &mut batch, &mut woken).is_ready());
    assert_eq!(
        (bodies(&batch), signals(&mailbox)),
        (vec!["a".to_owned(), "b".to_owned()], vec![Signal::Writable(PIPE)])
    );
    assert!(writer.push(&"c".into(), &mut woken).is_ok());
    woken.wake();
    assert_eq!(count.take(), 0, "a connection that writes is not woken");
}

#[test]
fn what_is_staged_comes_behind_what_a_lost_connection_gave_back() {
    let (_, outbox) = outbox(0, false);
    let mut writer = Writer::new(Arc::new(outbox));
    let mut cx = Context::from_waker(Waker::noop());
    let (mut batch, mut wakes) = (Batch::new(), Wakes::new());
    for body in ["a", "b"] {
        assert!(writer.push(&body.into(), &mut wakes).is_ok());
    }
    assert!(writer.poll_take(&mut cx, &mut batch, &mut wakes).is_ready());
    assert!(writer.push(&"c".into(), &mut wakes).is_ok());
    writer.outbox().restore(&mut batch);
    batch.clear();
    assert!(writer.poll_take(&mut cx, &mut batch, &mut wakes).is_ready());
    assert_eq!(bodies(&batch), ["a", "b", "c"]);
}

#[test]
fn a_pipe_that_is_closed_drops_what_is_staged_and_one_that_drains_sends_it() {
    for (drains, discarded) in [(true, 0), (false, 1)] {
        let (_, outbox) = outbox(0, false);
        let mut writer = Writer::new(Arc::new(outbox));
        let mut wakes = Wakes::new();
        assert!(writer.push(&"a".into(), &mut wakes).is_ok());
        if drains {
            writer.drain(&mut wakes);
        } else {
            writer.close(&mut wakes);
        }
        assert_eq!((writer.outbox().discarded(), writer.len() as u64), (discarded, 1 - discarded));
        let taken = writer.poll_take(&mut Context::from_waker(Waker::noop()), &mut Batch::new(), &mut wakes);
        assert_eq!(taken, Poll::Ready(if drains { Take::Batch } else { Take::Finished }));
    }
}

#[test]
fn a_reader_reports_in_steps_of_half_the_mark_and_reads_on_where_it_was() {
    let inbox = Arc::new(Inbox::new(4, false));
    let mut reader = Reader::new(Arc::clone(&inbox), 4);
    let (count, waker) = Count::new();
    let mut messages: Queue = ["a", "b", "c", "d", "e"].map(Message::from).into();
    assert!(!deliver(&inbox, &waker, &mut messages));
    let read = |reader: &mut Reader| {
        let (mut message, mut woken) = (Message::new(), Wakes::new());
        let is_read = reader.pop(&mut message, &mut woken);
        woken.wake();
        is_read.then_some(message)
    };
    assert_eq!((read(&mut reader), count.take()), (Some("a".into()), 0));
    assert_eq!((read(&mut reader), count.take()), (Some("b".into()), 1), "half the mark is free");
    assert!(deliver(&inbox, &waker, &mut messages));
    assert_eq!((reader.len(), reader.is_finished()), (3, false));
    inbox.close(&mut Wakes::new());
    assert_eq!(
        [(); 4].map(|()| read(&mut reader)),
        ["c", "d", "e"].map(|body| Some(body.into())).into_iter().chain([None]).collect::<Vec<_>>()[..]
    );
    assert!(reader.is_finished());
}
