//! The one task of a socket that receives: feeds the sessions, begins handlers, ends what is late.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use bowline_proto::mux::Code;
use bowline_proto::time::Instant;
use tokio::time::Sleep;

use super::codec::Codec;
use super::connection::{Connection, Opened};
use super::context::Context as CallContext;
use super::entry::{Ending, Ticket};
use super::exchange::Exchange;
use super::hub::Hub;
use crate::driver::apart::Waits;
use crate::rt;

/// How many batches are taken before the other tasks of the thread have their turn.
const ROUNDS: usize = 4;

/// The task; it ends with the socket.
#[derive(Debug)]
pub(super) struct Receive {
    hub: Arc<Hub>,
    waits: Waits,
    opened: Vec<Opened>,
    late: Vec<(Arc<Connection>, Ticket)>,
    sleep: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Receive {
    pub(super) fn new(hub: Arc<Hub>) -> Self {
        let waits = hub.core.waits();
        Self { hub, waits, opened: Vec::new(), late: Vec::new(), sleep: None }
    }

    fn poll_deadlines(&mut self, cx: &mut Context<'_>) {
        loop {
            let now = rt::now();
            let next = self.hub.timers.take_passed(now, cx.waker(), &mut self.late);
            for (connection, ticket) in self.late.drain(..) {
                connection.expire(ticket);
            }
            let Some(next) = next else {
                self.sleep = None;
                return;
            };
            let (at, sleep) =
                self.sleep.get_or_insert_with(|| (next, Box::pin(tokio::time::sleep_until(rt::deadline(next)))));
            if *at != next {
                *at = next;
                sleep.as_mut().reset(rt::deadline(next));
            }
            if sleep.as_mut().poll(cx).is_pending() {
                return;
            }
            self.sleep = None;
        }
    }
}

impl Future for Receive {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        for _ in 0..ROUNDS {
            let received = this.hub.poll_pump(cx, &mut this.waits, &mut this.opened);
            for opened in this.opened.drain(..) {
                begin(&this.hub, opened);
            }
            this.poll_deadlines(cx);
            match received {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    this.hub.end();
                    return Poll::Ready(());
                }
            }
        }
        rt::poll_yield(cx)
    }
}

/// A handler at work.
struct Working(Arc<Hub>);

impl Working {
    fn begin(hub: &Arc<Hub>) -> Option<Self> {
        if hub.working.fetch_add(1, Ordering::AcqRel) < hub.limits.handlers {
            return Some(Self(Arc::clone(hub)));
        }
        hub.working.fetch_sub(1, Ordering::AcqRel);
        None
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::AcqRel);
        self.0.settled();
    }
}

/// Begins to handle what a peer asks for.
fn begin(hub: &Arc<Hub>, opened: Opened) {
    let Opened { stream, head, args } = opened;
    if stream.is_cancelled() && !head.one_way {
        return;
    }
    let Some(codec) = Codec::from_number(head.method.codec) else {
        return stream.reset(Code::UNSUPPORTED_CODEC, "no such codec");
    };
    let Some((service, index, method)) = hub.registry.find(head.method.id) else {
        return stream.reset(Code::UNKNOWN_METHOD, "no such method");
    };
    let (ours, theirs) = (method.shape, head.method.shape);
    if ours != 0 && theirs != 0 && ours != theirs && !codec.is_self_describing() {
        return stream.reset(Code::SHAPE_MISMATCH, method.signature);
    }
    let Some(working) = Working::begin(hub) else {
        return stream.reset(Code::REFUSED, "as many handlers are at work as may be");
    };
    let deadline = head.deadline.map(|left| rt::now() + left);
    let (connection, ticket) = (Arc::clone(&stream.connection), stream.ticket);
    if let Some(at) = deadline.filter(|_| !head.one_way) {
        connection.with(|state, after| state.arm(&connection, ticket, at, after));
    }
    let context = CallContext::new(Arc::clone(&connection), ticket, method, deadline, head.metadata, codec);
    let exchange = Exchange::new(stream, context, codec, args);
    let service = Arc::clone(service);
    // A handler's panic is the end of its call, and of nothing else.
    let pending = catch_unwind(AssertUnwindSafe(move || {
        let mut work = service.call(index, exchange);
        let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        polled.is_pending().then_some(work)
    }));
    if let Ok(Some(work)) = pending {
        let task = hub.core.spawn_abortable(async move {
            let _working = working;
            work.await;
        });
        // What was cancelled meanwhile has no task to be ended by.
        let is_cancelled = connection.look(|state| match state.entry(ticket) {
            Some(entry) if !matches!(entry.end, Some(Ending::Fault(_))) => {
                entry.work = Some(task.clone());
                false
            }
            Some(_) => true,
            None => false,
        });
        if is_cancelled {
            task.abort();
        }
    }
}
