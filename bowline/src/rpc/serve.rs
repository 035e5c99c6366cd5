//! How calls of a peer are begun: at once, in the task that serves the connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Waker};

use bowline_proto::mux::Code;

use super::codec::Codec;
use super::connection::{Connection, Opened};
use super::entry::Ending;
use super::exchange::Exchange;
use super::hub::Hub;
use crate::rt;

/// A handler at work in a task of its own.
struct Working(Arc<Hub>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.has_worked();
    }
}

/// The place of a handler that is at work here and now: the next one gets it if this one is done at once.
pub(super) struct Place<'a> {
    hub: &'a Arc<Hub>,
    is_taken: bool,
}

impl<'a> Place<'a> {
    pub(super) const fn new(hub: &'a Arc<Hub>) -> Self {
        Self { hub, is_taken: false }
    }

    /// Whether there is a place for one handler more.
    fn take(&mut self) -> bool {
        self.is_taken = self.is_taken || self.hub.works();
        self.is_taken
    }

    /// The handler goes on with it in a task of its own.
    fn give(&mut self) -> Working {
        self.is_taken = false;
        Working(Arc::clone(self.hub))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.is_taken {
            self.hub.has_worked();
        }
    }
}

/// Begins to handle what a peer asks for. No lock is held.
pub(super) fn begin(connection: &Arc<Connection>, opened: Opened, place: &mut Place<'_>) {
    let hub = &connection.hub;
    let Opened { stream, asked } = opened;
    let head = &asked.head;
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
    if !place.take() {
        return stream.reset(Code::REFUSED, "as many handlers are at work as may be");
    }
    let deadline = head.deadline.map(|left| rt::now() + left);
    let ticket = stream.ticket;
    if let Some(at) = deadline.filter(|_| !head.one_way) {
        connection.with(|state| state.arm(connection, ticket, at));
    }
    let exchange = Exchange::new(stream, asked, method, deadline, codec);
    // A handler's panic is the end of its call, and of nothing else.
    let pending = catch_unwind(AssertUnwindSafe(|| {
        let mut work = service.call(index, exchange);
        let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        polled.is_pending().then_some(work)
    }));
    let Ok(Some(work)) = pending else { return };
    let working = place.give();
    let task = hub.core.spawn_abortable(async move {
        let _working = working;
        work.await;
    });
    // What was cancelled meanwhile has no task to be ended by.
    let is_cancelled = connection.look(|state| match state.entry(ticket) {
        Some(entry) if !matches!(entry.end, Some(Ending::Fault(_))) => {
            entry.make_rare().work = Some(task.clone());
            false
        }
        Some(_) => true,
        None => false,
    });
    if is_cancelled {
        task.abort();
    }
}
